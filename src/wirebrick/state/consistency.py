"""Consistency: how the workers of a run share a state object; the three modes of the NetBricks paper (III.A)."""

from __future__ import annotations

from dataclasses import dataclass

from wirebrick.errors import GraphError, caller_place

LONGEST_STALENESS = 3600.0  # seconds


@dataclass(frozen=True)
class Partitioned:
    """Each worker has a partition of its own, which only it reads and writes, without locks.

    A flow is exact where all its packets come to one worker; from outside, partitions are summed or united.
    Costs nothing.

    >>> Partitioned() == Partitioned()
    True
    """


@dataclass(frozen=True, init=False)
class Bounded:
    """One worker, number ``writer``, writes; the others read a copy at most ``staleness`` seconds old.

    A reader keeps one copy for a whole burst, and never sees an older one after a newer one. A copy is what
    the writer had between two of its bursts. Its age is counted when the reader's burst begins, and one burst
    of the writer may add to it: copies are renewed at half of ``staleness``, so the bound holds as long as
    bursts take less than the other half. A write by another worker is that packet's fault (``fault_owner``).

    Costs three times the memory, and a copy of the object's memory for each half of ``staleness`` in which
    the writer had packets. Raises GraphError for wrong arguments.

    >>> Bounded(staleness=0.01)
    Bounded(staleness=0.01, writer=0)
    """

    staleness: float
    writer: int = 0

    def __init__(self, staleness: float, writer: int = 0) -> None:
        number = isinstance(staleness, int | float) and not isinstance(staleness, bool)
        if not number or not 1e-6 <= staleness <= LONGEST_STALENESS:
            raise GraphError(
                f"the staleness of Bounded can't be {staleness!r}",
                place=caller_place(),
                cure=f"give seconds, from 0.000001 to {LONGEST_STALENESS:.0f}, as in Bounded(staleness=0.01)",
            )
        if type(writer) is not int or writer < 0:
            raise GraphError(
                f"the writer of Bounded can't be {writer!r}",
                place=caller_place(),
                cure="give the number of the worker that writes: 0 is the first",
            )
        object.__setattr__(self, "staleness", staleness)
        object.__setattr__(self, "writer", writer)


@dataclass(frozen=True)
class Strict:
    """Every worker reads and writes the one copy; no update is lost, and no record is seen half changed.

    A user function that uses Strict objects runs with them locked: what it reads and writes of them is one
    step to all other workers and to readers outside. Only ``Counter.add`` takes no lock: it is one atomic
    addition. Locks are taken in the same order everywhere, so workers can't wait for each other in a circle.

    Costs a lock and its release for each packet and object, and workers that meet wait for each other.

    >>> Strict()
    Strict()
    """


Consistency = Partitioned | Bounded | Strict
PARTITIONED = Partitioned()  # the default of every state object
