"""Look-ups of flows begun early: for a whole burst, before its packets are processed one by one.

A table of millions of flows lies in main memory. Each look-up would wait for it, about 100 ns; those of a burst can
be under way together. The flow of each packet is guessed from its bytes, as ``packet.flow()`` will give it for
packets with plain headers. A wrong guess costs a fetch and changes nothing.

Integers alone, and the memory primitives; runs as it is in CPython, and compiled.
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
    store32,
    store64,
    wrap64,
)
from wirebrick.packet.words import same_words
from wirebrick.state.table_layout import (
    LINK,
    NOTES,
    S_KEY,
    S_LAST,
    S_NEXT,
    T_COUNT,
    T_NOTES,
    T_SHIFT,
    T_SLOTS,
    TAKEN,
)
from wirebrick.state.table_native import table_pair, table_place, table_use

NOTES_SHIFT = 2  # a descriptor has four times as many bytes as a note
NOTES_MASK = 8 * (NOTES - 1)
SMALL = 1 << 14  # flows: tables of fewer stay in a core's own caches, where looking ahead only costs time
IPV4 = 0x0008  # its ethertype, as a little-endian word


@apart
def prefetch_flows(context: int, block: int, stride: int, small: int) -> int:
    """Fetch what a table of flows has of the packets that came in with this burst; the address of the notes.

    The note on a packet, at NOTES_SHIFT of its descriptor's address, is the offset of its flow's home. 0: nothing is
    fetched, as the table has fewer than ``small`` flows, or the burst is none of a port's.
    """
    if load64(block + T_COUNT) < small or load64(context + W_ENTRY) != 0:
        return 0
    first = load64(context + W_BURST)
    end = first + load64(context + W_COUNT) * DESCRIPTOR
    notes = block + load64(block + T_NOTES)
    slots = load64(block + T_SLOTS)
    descriptor = first
    while descriptor < end:
        home = slots + flow_home(block, load64(descriptor + D_DATA), load32(descriptor + D_LENGTH)) * stride
        prefetch(block + home)
        store64(notes + (descriptor >> NOTES_SHIFT & NOTES_MASK), home)
        descriptor += DESCRIPTOR
    # By now most homes are there. The next slot of each chain is fetched too, in case the flow is in that one;
    # without a branch, for one that waits for memory and is guessed wrong would hold up all the others.
    descriptor = first
    while descriptor < end:
        home = load64(notes + (descriptor >> NOTES_SHIFT & NOTES_MASK))
        prefetch(block + slots + (load32(block + home + S_NEXT) & LINK) * stride)
        descriptor += DESCRIPTOR
    return notes


def use_flow(notes: int, descriptor: int, block: int, key: int, now: int, size: int, stride: int) -> int:
    """As ``table_use``, for a packet's flow: what was found out ahead (``notes``, or 0) is not done again.

    A note that is old, or of another packet, is the offset of some slot, or 0. Whatever it says: where its slot has
    the key, that is the key's slot.
    """
    if notes != 0:
        offset = load64(notes + (descriptor >> NOTES_SHIFT & NOTES_MASK))
        slot = block + offset
        if offset != 0 and load32(slot + S_NEXT) >= TAKEN and same_words(slot + S_KEY, key, size) != 0:
            store32(slot + S_LAST, now >> load64(block + T_SHIFT))
            return slot + S_KEY + size
    return table_use(block, key, now, size, stride)


def flow_home(block: int, data: int, length: int) -> int:
    """The number of the home of a frame's FlowKey; some number where it has no plain IP header."""
    ip = data + 14
    if length >= 38 and load16(data + 12) == IPV4 and load8(ip) == 0x45 and load16be(ip + 6) & 0x1FFF == 0:
        protocol = load8(ip + 9)
        if protocol != 17 and protocol != 6:
            return other_home(block, data, data + length)
        # Short for what most packets are: UDP and TCP over IPv4 without options.
        last = load16be(ip + 20) | load16be(ip + 22) << 16 | protocol << 32 | 4 << 40
        addresses = table_pair(block, 0, 0, load32be(ip + 12)) + table_pair(block, 16, 0, load32be(ip + 16))
        return table_place(block, wrap64(addresses + table_pair(block, 32, last, 0)))
    return other_home(block, data, data + length)


@apart
def other_home(block: int, data: int, end: int) -> int:
    """The same of other frames: behind up to two VLAN tags; IPv6 without extension headers."""
    if data + 34 > end:
        return 0
    ip, kind = behind_tags(data)
    if kind == 0x0800 and ip + 20 <= end:
        at = ip + (load8(ip) & 15) * 4
        if load16be(ip + 6) & 0x1FFF != 0:
            at = end
        last = last_word(load8(ip + 9), at, end) | 4 << 40
        addresses = table_pair(block, 0, 0, load32be(ip + 12)) + table_pair(block, 16, 0, load32be(ip + 16))
    elif kind == 0x86DD and ip + 40 <= end:
        last = last_word(load8(ip + 6), ip + 40, end) | 6 << 40
        addresses = table_pair(block, 0, load64be(ip + 8), load64be(ip + 16))
        addresses += table_pair(block, 16, load64be(ip + 24), load64be(ip + 32))
    else:
        return 0
    return table_place(block, wrap64(addresses + table_pair(block, 32, last, 0)))


def behind_tags(data: int) -> tuple[int, int]:
    """Where what lies behind Ethernet and up to two VLAN tags begins, and its ethertype; all of it must be there."""
    kind = load16be(data + 12)
    at = data + 14
    for _ in range(2):
        if kind == 0x8100 or kind == 0x88A8 or kind == 0x9100:
            kind = load16be(at + 2)
            at += 4
    return at, kind


def last_word(protocol: int, at: int, end: int) -> int:
    """The ports at ``at``, where the protocol has them, and the protocol, as in a FlowKey."""
    ports = 0
    if (protocol == 6 or protocol == 17 or protocol == 132) and at + 4 <= end:
        ports = load16be(at) | load16be(at + 2) << 16
    return ports | protocol << 32
