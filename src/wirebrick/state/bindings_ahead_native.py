"""Sessions fetched early: for a whole burst, before its packets are processed one by one.

With a million sessions every look-up would wait for memory; those of a burst can be under way together. Which session a
packet has is guessed from its bytes. A wrong guess costs a fetch and changes nothing. Run in CPython and compiled.
"""

from __future__ import annotations

from wirebrick.packet.frame import D_DATA, D_LENGTH, DESCRIPTOR, W_BURST, W_COUNT, W_ENTRY
from wirebrick.packet.memory import load8, load16be, load32, load32be, load64, prefetch, store64, wrap64
from wirebrick.state.bindings_layout import (
    B_COUNT,
    B_HIGHEST,
    B_IN,
    B_LOWEST,
    B_NOTES,
    B_OUT,
    B_SESSIONS,
    SESSION,
)
from wirebrick.state.bindings_sessions_native import session_head
from wirebrick.state.flow_prefetch_native import NOTES_MASK, NOTES_SHIFT

AHEAD = 16  # packets between asking for a chain's head and asking for the session it leads to
SMALL = 1 << 12  # sessions: fewer stay in a core's own caches


def prefetch_sessions(context: int, block: int) -> int:
    """Fetch the sessions of a burst's packets; the address of the notes, or 0: nothing was fetched.

    The note on a packet, at NOTES_SHIFT of its descriptor's address, is the offset of the head of its chain.
    """
    if load64(block + B_COUNT) < SMALL or load64(context + W_ENTRY) != 0:
        return 0
    count = load64(context + W_COUNT)
    descriptor = load64(context + W_BURST)
    notes = block + B_NOTES
    sessions = block + load64(block + B_SESSIONS)
    lowest = load64(block + B_LOWEST)
    highest = load64(block + B_HIGHEST)
    for position in range(count + AHEAD):
        if position >= AHEAD:
            head = load64(notes + (descriptor - AHEAD * DESCRIPTOR >> NOTES_SHIFT & NOTES_MASK))
            prefetch(sessions + load32(block + head) * SESSION)
        if position < count:
            data = load64(descriptor + D_DATA)
            head = session_guess(block, data, data + load32(descriptor + D_LENGTH), lowest, highest)
            prefetch(head)
            store64(notes + (descriptor >> NOTES_SHIFT & NOTES_MASK), head - block)
        descriptor += DESCRIPTOR
    return notes


def session_guess(block: int, data: int, end: int, lowest: int, highest: int) -> int:
    """Where the chain of a frame's session starts; of one that can't have any, some chain."""
    ip = data + 14
    kind = load16be(data + 12)
    for _ in range(2):
        if kind == 0x8100 or kind == 0x88A8 or kind == 0x9100:
            kind = load16be(ip + 2)
            ip += 4
    at = ip + (load8(ip) & 15) * 4
    if kind != 0x0800 or at + 8 > end:
        return block + load64(block + B_OUT)
    protocol = load8(ip + 9)
    src = load32be(ip + 12)
    dst = load32be(ip + 16)
    inward = lowest <= dst <= highest
    near = load16be(at + 2) if inward else load16be(at)
    far = load16be(at) if inward else load16be(at + 2)
    number = 0 if protocol == 6 else 1
    if protocol == 1:
        number = 2
        near = load16be(at + 4)
        far = 0
    ports = wrap64(near << 48 | far << 32 | number)
    if inward:
        return session_head(block, B_IN, 16, wrap64(dst << 32 | src), ports)
    return session_head(block, B_OUT, 0, wrap64(src << 32 | dst), ports)


def session_noted(block: int, notes: int, descriptor: int) -> int:
    """Where the chain of a packet's session starts, if that was found out ahead; else 0."""
    if notes == 0:
        return 0
    return block + load64(notes + (descriptor >> NOTES_SHIFT & NOTES_MASK))
