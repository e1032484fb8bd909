"""The Aho-Corasick automaton of Patterns, for streams: what one piece of data ends with, the next may complete.

Two tries in one: of the literals as they are, and of those where case doesn't matter, in small letters. Inside a piece
the windows of ``patterns_native`` find everything, faster; the automaton steps over its first bytes, as long as a
literal that began before may go on, and over its last ones. (Aho and Corasick, CACM 1975.)
"""

from __future__ import annotations

from wirebrick.packet.memory import load8, load32, load64, store64
from wirebrick.state.patterns_layout import (
    EXACT,
    F_COUNT,
    F_STATE,
    FOLDED,
    L_SAME,
    L_SIZE,
    LITERAL,
    MASK32,
    MULTIPLIER,
    P_EDGE_BITS,
    P_EDGES,
    P_FIRSTS,
    P_GENERATION,
    P_LITERALS,
    P_LONGEST,
    P_STATE_COUNT,
    P_STATES,
    S_DEPTH,
    S_ENDS,
    S_FAIL,
    S_LITERAL,
    STATE,
    STATE_BITS,
)
from wirebrick.state.patterns_native import patterns_add, patterns_begin
from wirebrick.state.patterns_scan_native import patterns_search_all

STATE_MASK = (1 << STATE_BITS) - 1


def patterns_scan_from(block: int, found: int, state: int, data: int, size: int) -> int:
    """As ``patterns_scan``, with literals that began before; ``state``: what the piece before left, at first 0."""
    patterns_begin(found)
    exact = EXACT
    folded = FOLDED
    generation = load64(block + P_GENERATION)
    if state >> 2 * STATE_BITS == generation:
        exact = state & STATE_MASK
        folded = state >> STATE_BITS & STATE_MASK
        if max(exact, folded) >= load64(block + P_STATE_COUNT):  # not a number that came from here
            exact = EXACT
            folded = FOLDED
    states = block + load64(block + P_STATES)
    at = 0
    while at < size and (
        load32(states + exact * STATE + S_DEPTH) > at or load32(states + folded * STATE + S_DEPTH) > at
    ):
        byte = load8(data + at)
        exact = automaton_step(block, states, EXACT, exact, byte)
        folded = automaton_step(block, states, FOLDED, folded, automaton_fold(byte))
        at += 1
        automaton_ends(block, states, found, exact, at)
        automaton_ends(block, states, found, folded, at)
    patterns_search_all(block, found, data, size)
    rest = size - load64(block + P_LONGEST)
    if rest > at:
        exact = EXACT
        folded = FOLDED
        at = rest
    while at < size:
        byte = load8(data + at)
        exact = automaton_step(block, states, EXACT, exact, byte)
        folded = automaton_step(block, states, FOLDED, folded, automaton_fold(byte))
        at += 1
    store64(found + F_STATE, generation << 2 * STATE_BITS | folded << STATE_BITS | exact)
    return load64(found + F_COUNT)


def automaton_fold(byte: int) -> int:
    """A byte as a small letter, if it is a letter."""
    return byte | 32 if byte >= 65 and byte <= 90 else byte


def automaton_step(block: int, states: int, root: int, state: int, byte: int) -> int:
    """The state behind one more byte."""
    while True:
        if state == root:
            firsts = block + P_FIRSTS + 32 * root
            if load8(firsts + (byte >> 3)) >> (byte & 7) & 1 == 0:
                return root
        after = automaton_edge(block, state, byte)
        if after != 0:
            return after
        state = load32(states + state * STATE + S_FAIL)


def automaton_edge(block: int, state: int, byte: int) -> int:
    """The state that a byte leads to, or 0: an edge is a word, the state it comes from, its byte, where it leads."""
    bits = load64(block + P_EDGE_BITS)
    edges = block + load64(block + P_EDGES)
    key = state << 8 | byte
    at = (key * MULTIPLIER & MASK32) >> (32 - bits)
    edge = load64(edges + 8 * at)
    while edge != 0:
        if edge >> STATE_BITS == key:
            return edge & STATE_MASK
        at = at + 1 & (1 << bits) - 1
        edge = load64(edges + 8 * at)
    return 0


def automaton_ends(block: int, states: int, found: int, state: int, at: int) -> int:
    """Add the literals that end here and began before this piece."""
    literals = block + load64(block + P_LITERALS)
    while state > FOLDED:
        literal = load32(states + state * STATE + S_LITERAL)
        while literal != 0:
            entry = literals + (literal - 1) * LITERAL
            if load32(entry + L_SIZE) > at:
                patterns_add(found, literal - 1, at)
            literal = load32(entry + L_SAME)
        state = load32(states + state * STATE + S_ENDS)
    return 0


def patterns_state(block: int, found: int) -> int:
    """The state that the last ``scan_from`` left."""
    return load64(found + F_STATE)
