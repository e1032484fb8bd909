"""Sessions fetched early: for a whole burst, before its packets are processed one by one.

With a million sessions every look-up would wait for memory; those of a burst can be under way together. Which session a
packet has is guessed from its bytes. A wrong guess costs a fetch and changes nothing. Run in CPython and compiled.
"""

from __future__ import annotations

from wirebrick.packet.frame import D_DATA, D_LENGTH, DESCRIPTOR, W_BURST, W_COUNT, W_ENTRY
from wirebrick.packet.memory import (
    apart,
    load8,
    load16,
    load16be,
    load32,
    load32be,
    load64,
    load64be,
    prefetch,
    store64,
    wrap64,
)
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
from wirebrick.state.flow_prefetch_native import IPV4, NOTES_MASK, NOTES_SHIFT, behind_tags
from wirebrick.state.table_layout import LOW

SMALL = 64  # sessions: of fewer each look-up takes no longer than looking ahead


@apart
def prefetch_sessions(context: int, block: int) -> int:
    """Fetch the sessions of a burst's packets; the address of the notes.

    The note on a packet, at NOTES_SHIFT of its descriptor's address, is the offset of the first session of its chain.
    """
    notes = block + B_NOTES
    if load64(block + B_COUNT) < SMALL or load64(context + W_ENTRY) != 0:
        return notes
    first = load64(context + W_BURST)
    end = first + load64(context + W_COUNT) * DESCRIPTOR
    sessions = load64(block + B_SESSIONS)
    descriptor = first
    while descriptor < end:
        head = session_guess(block, load64(descriptor + D_DATA), load32(descriptor + D_LENGTH))
        prefetch(head)
        store64(notes + (descriptor >> NOTES_SHIFT & NOTES_MASK), head)
        descriptor += DESCRIPTOR
    descriptor = first
    while descriptor < end:
        note = notes + (descriptor >> NOTES_SHIFT & NOTES_MASK)
        session = sessions + load32(load64(note)) * SESSION
        prefetch(block + session)
        store64(note, session)
        descriptor += DESCRIPTOR
    return notes


def session_guess(block: int, data: int, length: int) -> int:
    """Where the chain of a frame's session starts; of one that can't have any, some chain."""
    ip = data + 14
    if load16(data + 12) != IPV4:
        ip = session_tagged(data)
    at = ip + (load8(ip) & 15) * 4
    if at + 8 > data + length:
        return block + load64(block + B_OUT)
    protocol = load8(ip + 9)
    ends = load64be(ip + 12)
    dst = ends & LOW
    inward = dst >= load64(block + B_LOWEST) and dst <= load64(block + B_HIGHEST)
    ports = wrap64(load32be(at) << 32 | (protocol != 6))
    if protocol == 1:
        ports = wrap64(load16be(at + 4) << (32 if inward else 48) | 2)
    if inward:
        return session_head(block, B_IN, 16, ends, ports)
    return session_head(block, B_OUT, 0, ends, ports)


@apart
def session_tagged(data: int) -> int:
    """Where the IPv4 header of a frame with one or two VLAN tags begins; of another one, where bytes are."""
    at, kind = behind_tags(data)
    return at if kind == 0x0800 else data


def session_noted(block: int, notes: int, descriptor: int) -> int:
    """The session that was found out ahead for a packet.

    A note that is old, or of another packet, is some session, or 0. Whatever it says: its keys are compared.
    """
    return block + load64(notes + (descriptor >> NOTES_SHIFT & NOTES_MASK))
