"""Consistency: how the workers of a run share a state object."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Partitioned:
    """Each worker has a partition of its own, which only it reads and writes, without locks.

    A flow is exact where all its packets come to one worker; from outside, partitions are summed or united.

    >>> Partitioned() == Partitioned()
    True
    """


PARTITIONED = Partitioned()  # the default of every state object
