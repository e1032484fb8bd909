"""What is done around bursts and user functions so that the consistency of state objects holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

from wirebrick.state.base import State, worker
from wirebrick.state.saving import Pausing
from wirebrick.state.sharing import Sharing


def locking(function: Callable[..., Any], states: Sequence[State]) -> Callable[..., Any]:
    """A user function for the interpreter that runs with the locks of Strict objects held, in their order."""

    def run(*arguments: Any) -> Any:
        with ExitStack() as locks:
            for state in states:
                locks.enter_context(state.shared().inside())
            return function(*arguments)

    return run


@contextmanager
def viewing(states: Sequence[State], context: int) -> Iterator[None]:
    """Around an interpreted burst of the worker that this thread is: its views of shared objects are taken."""
    taken: list[Sharing] = []
    try:
        for state in states:
            state.shared().begin(worker.index, context)
            taken.append(state.shared())
        worker.in_burst = True
        yield
    finally:
        worker.in_burst = False
        for sharing in taken:
            sharing.end(worker.index)


@contextmanager
def pausing(states: Iterable[State], paused: Pausing) -> Iterator[None]:
    """Around a run: ``paused`` makes its workers stand still, for those who save state meanwhile."""
    known = list(states)
    for state in known:
        state.pausing = paused
    try:
        yield
    finally:
        for state in known:
            state.pausing = nullcontext
