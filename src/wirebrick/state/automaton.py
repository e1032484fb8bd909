"""The Aho-Corasick automaton of Patterns, made of the literals."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wirebrick.packet.memory import copy, load64, store64
from wirebrick.state import patterns_layout as layout
from wirebrick.state.patterns_tables import Literal, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def build_automaton(block: int, shape: Shape, literals: Sequence[Literal]) -> None:
    """Write the states, edges and literals that ``automaton_native`` reads into a block."""
    import numpy as np

    children: list[dict[int, int]] = [{}, {}]  # of EXACT and FOLDED
    last: dict[int, int] = {}  # the literal, plus one, that a state is
    rows = np.zeros((len(literals), 2), np.uint32)
    depths = [0, 0]
    for number, (text, nocase) in enumerate(literals):
        state = layout.FOLDED if nocase else layout.EXACT
        for byte in text.lower() if nocase else text:
            after = children[state].get(byte)
            if after is None:
                after = children[state][byte] = len(children)
                children.append({})
                depths.append(depths[state] + 1)
            state = after
        rows[number] = len(text), last.get(state, 0)
        last[state] = number + 1
    states = np.zeros((len(children), 4), np.uint32)
    states[:, 1] = depths
    for state, literal in last.items():
        states[state, 2] = literal
    for root in (layout.EXACT, layout.FOLDED):
        _suffixes(states, children, root)
        for byte in children[root]:
            at = block + layout.P_FIRSTS + 32 * root + (byte >> 6) * 8
            _set_bit(at, byte & 63)
    edges = _edges(children, shape.edge_bits)
    for offset, array in ((shape.literals, rows), (shape.states, states), (shape.edges, edges)):
        copy(block + offset, int(array.ctypes.data), array.nbytes)
    for word, value in (
        (layout.P_STATES, shape.states),
        (layout.P_EDGES, shape.edges),
        (layout.P_EDGE_BITS, shape.edge_bits),
        (layout.P_LITERALS, shape.literals),
        (layout.P_LONGEST, max((len(text) for text, _ in literals), default=0)),
        (layout.P_STATE_COUNT, len(children)),
    ):
        store64(block + word, value)


def _set_bit(at: int, bit: int) -> None:
    store64(at, load64(at) | 1 << bit)


def _suffixes(states: NDArray[np.uint32], children: list[dict[int, int]], root: int) -> None:
    """Lead each state of a trie to its longest proper suffix, and to the nearest one that is a literal."""
    states[root, 0] = root
    waiting: deque[int] = deque()
    for child in children[root].values():
        states[child, 0] = root
        waiting.append(child)
    while waiting:
        state = waiting.popleft()
        suffix = int(states[state, 0])
        states[state, 3] = suffix if states[suffix, 2] else states[suffix, 3]
        for byte, child in children[state].items():
            at = suffix
            while at != root and byte not in children[at]:
                at = int(states[at, 0])
            states[child, 0] = children[at].get(byte, root)
            waiting.append(child)


def _edges(children: list[dict[int, int]], bits: int) -> NDArray[np.uint64]:
    """The hash table of edges."""
    import numpy as np

    table = [0] * (1 << bits)
    for state, after in enumerate(children):
        for byte, child in after.items():
            key = state << 8 | byte
            at = (key * layout.MULTIPLIER & layout.MASK32) >> (32 - bits)
            while table[at]:
                at = at + 1 & (1 << bits) - 1
            table[at] = key << layout.STATE_BITS | child
    return np.array(table, np.uint64)
