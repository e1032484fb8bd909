"""Taps: packets that pass a point are copied into byte rings, as records of a capture, for who watches it.

A worker's *tap table* has a word for each point: for every counter (the packets that it counts), and behind those for
each port twice (what is received, what is to be transmitted). The word is the address of a *link*: a ring, and the
next link; 0 where nobody watches. A ring has one producer, the worker, and one consumer. What it has no room for is
missed and counted: a slow consumer never holds a packet up.

Runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.frame import (
    D_DATA,
    D_INGRESS,
    D_LENGTH,
    D_TIME,
    D_WIRE,
    DESCRIPTOR,
    LIST_HEAD,
    W_BURST,
    W_COUNT,
    W_ENTRY,
    W_LISTS,
    W_TX_PORTS,
)
from wirebrick.packet.memory import (
    call3,
    copy,
    load16,
    load32,
    load64,
    load64_acquire,
    store32,
    store64,
    store64_release,
)
from wirebrick.ports.pcap.layout import BILLION, RECORD

# The tap table: two words, then one for each counter.
TAP_RX = 0  # address of the words of ports that receive, by number
TAP_TX = 8  # address of the words of ports that transmit
TAP_POINTS = 16

# A link.
LINK_NEXT = 0
LINK_RING = 8
LINK = 16  # bytes

# A ring. The indices count bytes up for ever; what each side writes lies in lines of its own.
T_BASE = 0  # address of its bytes
T_MASK = 8  # their number, a power of two, less 1
T_FILTER = 16  # address of matches(data, length, wire), or 0: all packets
T_SNAPLEN = 24  # bytes of a packet that are kept, at most
T_TAIL = 128  # bytes put, written by the producer
T_HEAD_SEEN = 256  # T_HEAD as the producer saw it last; this and what follows is the producer's own
T_LEFT = 264  # packets that it may still take
T_TAKEN = 272  # packets that it took
T_MISSED = 280  # packets that it had no room for
T_RECORD = 288  # room for a record's head
T_HEAD = 384  # bytes read, written by the consumer
TAP_RING = 512  # bytes


def tap(table: int, descriptor: int, number: int) -> int:
    """A packet passes the point of a counter; returns 0."""
    watch(load64(table + TAP_POINTS + 8 * number), descriptor)
    return 0


def tap_received(context: int, table: int) -> int:
    """The packets of a burst that a port brought; returns 0."""
    if load64(context + W_ENTRY) != 0:
        return 0
    points = load64(table + TAP_RX)
    watched = 0
    for port in range(load64(context + W_TX_PORTS)):
        watched |= load64(points + 8 * port)
    if watched == 0:
        return 0
    descriptor = load64(context + W_BURST)
    for _ in range(load64(context + W_COUNT)):
        watch(load64(points + 8 * load16(descriptor + D_INGRESS)), descriptor)
        descriptor += DESCRIPTOR
    return 0


def tap_listed(context: int, table: int) -> int:
    """The packets on the transmit lists; returns 0."""
    burst = load64(context + W_BURST)
    for port in range(load64(context + W_TX_PORTS)):
        link = load64(load64(table + TAP_TX) + 8 * port)
        if link != 0:
            listed = load64(load64(context + W_LISTS) + 8 * port)
            item = listed + LIST_HEAD
            for _ in range(load64(listed)):
                watch(link, burst + load32(item) * DESCRIPTOR)
                item += 4
    return 0


def watch(first: int, descriptor: int) -> int:
    """Put a packet into the ring of every link; returns 0."""
    link = first
    while link != 0:
        take(load64(link + LINK_RING), descriptor)
        link = load64(link + LINK_NEXT)
    return 0


def take(ring: int, descriptor: int) -> int:
    """Put a packet into a ring, if it matches the ring's filter; returns 0."""
    data = load64(descriptor + D_DATA)
    length = load32(descriptor + D_LENGTH)
    wire = load32(descriptor + D_WIRE)
    matches = load64(ring + T_FILTER)
    if load64(ring + T_LEFT) == 0 or (matches != 0 and call3(matches, data, length, wire) == 0):
        return 0
    kept = min(length, load64(ring + T_SNAPLEN))
    tail = load64(ring + T_TAIL)
    capacity = load64(ring + T_MASK) + 1
    after = tail + RECORD + kept
    if after - load64(ring + T_HEAD_SEEN) > capacity:
        store64(ring + T_HEAD_SEEN, load64_acquire(ring + T_HEAD))
        if after - load64(ring + T_HEAD_SEEN) > capacity:
            store64(ring + T_MISSED, load64(ring + T_MISSED) + 1)
            return 0
    time = load64(descriptor + D_TIME)
    seconds = time // BILLION
    record = ring + T_RECORD
    store32(record, seconds)
    store32(record + 4, time - seconds * BILLION)
    store32(record + 8, kept)
    store32(record + 12, max(length, wire))
    put(ring, tail, record, RECORD)
    put(ring, tail + RECORD, data, kept)
    store64(ring + T_TAKEN, load64(ring + T_TAKEN) + 1)
    store64(ring + T_LEFT, load64(ring + T_LEFT) - 1)
    store64_release(ring + T_TAIL, after)
    return 0


def put(ring: int, index: int, source: int, size: int) -> int:
    """Copy bytes to an index of a ring, round its end if need be; returns 0."""
    base = load64(ring + T_BASE)
    mask = load64(ring + T_MASK)
    at = index & mask
    before = min(size, mask + 1 - at)
    copy(base + at, source, before)
    copy(base, source + before, size - before)
    return 0


def drain(ring: int, to: int) -> int:
    """Move all that is in a ring to an address with room for it; how many bytes: whole records."""
    tail = load64_acquire(ring + T_TAIL)
    head = load64(ring + T_HEAD)
    base = load64(ring + T_BASE)
    mask = load64(ring + T_MASK)
    size = tail - head
    at = head & mask
    before = min(size, mask + 1 - at)
    copy(to, base + at, before)
    copy(to + before, base, size - before)
    store64_release(ring + T_HEAD, tail)
    return size
