"""State that workers share: what generated code does so that the consistency of each object holds.

A name that a function needs from its caller says what that must see to (``emit/sharing.py``): ``tN`` is the address of
the block of state N; ``lockN``: it is Strict, and its lock is held around the call; ``ownN``: it is Bounded, 1 for the
worker that may write it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.packet.faults import OWNER
from wirebrick.state.base import State
from wirebrick.state.consistency import Bounded, Strict

if TYPE_CHECKING:
    from wirebrick.compiler.front.emitter import Emitter


def block_of(f: Emitter, state: State, *, writes: bool = False, atomic: bool = False) -> str:
    """The name of the address of a state object's block, to be read, or written (else a fault where it may not be).

    ``atomic``: what is done there needs no lock.
    """
    name = f.unit.state(f, state)
    if isinstance(state.consistency, Strict) and not atomic:
        f.need("lock" + name.removeprefix("t"))
    if writes:
        own_or_fault(f, state)
    return name


def own_or_fault(f: Emitter, state: State | None) -> None:
    """Lose the packet unless its worker may write the object, if there is one."""
    if state is not None and isinstance(state.consistency, Bounded):
        f.fault_if(f"{owned(f, state)} == 0", OWNER)


def owned(f: Emitter, state: State) -> str:
    """The name of what says whether the worker may write a Bounded object."""
    return f.need("own" + f.unit.state(f, state).removeprefix("t"))


def seen_from(state: State) -> State | None:
    """What a record of the object is marked with: the object, where not every worker may write it."""
    return state if isinstance(state.consistency, Bounded) else None
