"""Blocks of state in the fused function: taken for a burst, given back behind it, locked around user functions."""

from __future__ import annotations

from collections.abc import Iterable

from wirebrick.compiler.front.shared import Shared
from wirebrick.packet import frame
from wirebrick.state.base import LINES
from wirebrick.state.consistency import Bounded, Strict


def take_blocks(shared: Shared, depth: int = 1) -> list[str]:
    """Lines that give the names ``tN``, ``lockN`` and ``ownN`` their values; ``blocks`` is the worker's table."""
    lines = []
    for number, state in enumerate(shared.states):
        word = f"load64(blocks + {8 * number})"
        if state.viewed:
            lines.append(f"t{number} = view_take({word}, load64(w + {frame.W_WORKER}), w)")
        else:
            lines.append(f"t{number} = {word}")
        if isinstance(state.consistency, Bounded):
            lines.append(f"own{number} = view_owner({word}, load64(w + {frame.W_WORKER}))")
        if isinstance(state.consistency, Strict):
            lines.append(f"lock{number} = t{number} - {LINES}")
    return ["    " * depth + line for line in lines]


def return_blocks(shared: Shared, depth: int = 1) -> list[str]:
    """Lines that end what ``take_blocks`` began."""
    return [
        "    " * depth + f"view_return(load64(blocks + {8 * number}), load64(w + {frame.W_WORKER}))"
        for number, state in enumerate(shared.states)
        if state.viewed
    ]


def locks_of(needs: Iterable[str]) -> list[int]:
    """The numbers of the states that are locked around a function that needs these names, in order.

    >>> locks_of(["d", "lock10", "lock2", "t2", "t10"])
    [2, 10]
    """
    return sorted(int(name[4:]) for name in needs if name.startswith("lock") and name[4:].isdigit())
