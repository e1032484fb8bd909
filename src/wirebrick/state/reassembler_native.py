"""Joining IP fragments: IPv4 (RFC 791, 815) and IPv6 (RFC 8200, 4.5; RFC 5722: what overlaps is given up whole).

A slot holds one packet that is being put together: which of its blocks of 8 bytes are there (a byte each), the headers
of its first fragment, and its payload. A packet has one of the eight slots of its set; the oldest makes room.
"""

from __future__ import annotations

from wirebrick.packet.checksum import fold, sum_words
from wirebrick.packet.edit import close_gap, frame_start
from wirebrick.packet.frame import D_DATA, D_LENGTH, D_WIRE, DESCRIPTOR, HEADROOM, TAILROOM, W_BURST, W_FRAME
from wirebrick.packet.memory import (
    copy,
    fill,
    load8,
    load16be,
    load32,
    load32be,
    load64,
    load64be,
    shift_right,
    store8,
    store16,
    store16be,
    store32,
    store64,
    wrap64,
)
from wirebrick.state.fragmenter_native import FRAGMENT, IPV6, link_at, unfragmentable

R_SETS = 0  # how many, a power of two
R_LIFE = 8  # nanoseconds from the first fragment on
R_RANDOM = 16  # two words
R_WHOLE = 32  # packets put together
R_FRAGMENTS = 40  # fragments that came
R_TIMEOUT = 48  # packets given up because fragments were missing too long
R_OVERLAPPING = 56  # packets given up because fragments did not fit each other
R_OUSTED = 64  # packets that made room
R_TOO_LARGE = 72  # packets that no frame holds
R_BEGIN = 128

WAYS = 8
Q_STATE = 0
Q_TIME = 8
Q_KEY = 16  # five words
Q_TOTAL = 56  # bytes of payload; -1: not known yet
Q_HAVE = 64  # of them there
Q_TOP = 72  # end of the last that is there
Q_HEAD = 80  # bytes of headers; 0: the first fragment isn't there
Q_BLOCKS = 128
Q_BYTES = Q_BLOCKS + 8192
HEAD = 256
Q_DATA = Q_BYTES + HEAD
SLOT = Q_DATA + 65536

FREE, OPEN, SPOILT = 0, 1, 2
LARGEST = 65535

# Reasons, negative: in the order of Reassembler.steps.
KEPT, CUT, MALFORMED, OVERLAPPING, DUPLICATE, TOO_LARGE = -1, -2, -3, -4, -5, -6

MIX = -0x61C8864680B583EB


def reassemble(block: int, w: int, position: int, start: int, begin: int, meta: int, now: int) -> int:
    """Take in the packet whose IP header starts at ``start`` if it is a fragment; with the last it is the whole."""
    descriptor = load64(w + W_BURST) + position * DESCRIPTOR
    ip = load64(descriptor + D_DATA) + start
    if load8(ip) >> 4 == 4:
        flags = load16be(ip + 6)
        if flags & 0x3FFF == 0:
            return 0
        header = (load8(ip) & 15) * 4
        length = load16be(ip + 2)
        if start + length > load32(descriptor + D_LENGTH):
            return CUT
        what = load16be(ip + 4) | load8(ip + 9) << 32 | 4 << 40
        offset = (flags & 0x1FFF) * 8
        slot = reassembly_slot(block, 0, load32be(ip + 12), 0, load32be(ip + 16), what, now)
        return reassembly_take(
            block,
            w,
            descriptor,
            slot,
            start,
            header,
            ip + header,
            offset,
            length - header,
            flags & 0x2000,
            now,
        )
    length = load16be(ip + 4) + IPV6
    if start + length > load32(descriptor + D_LENGTH):
        return CUT if load8(ip + 6) == FRAGMENT else 0
    part = unfragmentable(ip, length)
    if load8(link_at(ip, part)) != FRAGMENT:
        return 0
    if part + 8 > length:
        return MALFORMED
    offset = load16be(ip + part + 2)
    if offset & -7 == 0:
        return reassembly_alone(w, descriptor, start, part)
    what = load32be(ip + part + 4) | 6 << 40
    slot = reassembly_slot(
        block, load64be(ip + 8), load64be(ip + 16), load64be(ip + 24), load64be(ip + 32), what, now
    )
    size = length - part - 8
    return reassembly_take(
        block, w, descriptor, slot, start, part, ip + part + 8, offset & -8, size, offset & 1, now
    )


def reassembly_alone(w: int, descriptor: int, start: int, part: int) -> int:
    """Take the fragment header out of an IPv6 packet that is whole with it (RFC 6946)."""
    ip = load64(descriptor + D_DATA) + start
    store8(link_at(ip, part), load8(ip + part))
    store16be(ip + 4, load16be(ip + 4) - 8)
    close_gap(w, descriptor, start + part, 8)
    return 0


def reassembly_has(slot: int, a: int, b: int, c: int, d: int, what: int) -> int:
    """1 where a slot has a packet's fragments."""
    if load64(slot + Q_KEY + 32) != what or load64(slot + Q_KEY) != a or load64(slot + Q_KEY + 8) != b:
        return 0
    return 1 if load64(slot + Q_KEY + 16) == c and load64(slot + Q_KEY + 24) == d else 0


def reassembly_slot(block: int, a: int, b: int, c: int, d: int, what: int, now: int) -> int:
    """The slot of a packet, found or begun."""
    mixed = wrap64((a ^ load64(block + R_RANDOM)) * MIX)
    mixed = wrap64(((mixed ^ shift_right(mixed, 32)) + b) * MIX)
    mixed = wrap64(((mixed ^ shift_right(mixed, 29)) + (c ^ load64(block + R_RANDOM + 8))) * MIX)
    mixed = wrap64(((mixed ^ shift_right(mixed, 31)) + d) * MIX)
    mixed = wrap64(((mixed ^ shift_right(mixed, 32)) + what) * MIX)
    chosen = shift_right(mixed, 32) & load64(block + R_SETS) - 1
    at = block + R_BEGIN + chosen * WAYS * SLOT
    life = load64(block + R_LIFE)
    free = 0
    oldest = at
    for _ in range(WAYS):
        state = load64(at + Q_STATE)
        if state != FREE and now - load64(at + Q_TIME) > life:
            if state == OPEN:
                store64(block + R_TIMEOUT, load64(block + R_TIMEOUT) + 1)
            store64(at + Q_STATE, FREE)
            state = FREE
        if state == FREE:
            free = at
        elif reassembly_has(at, a, b, c, d, what) != 0:
            return at
        if load64(at + Q_TIME) < load64(oldest + Q_TIME):
            oldest = at
        at += SLOT
    if free == 0:
        free = oldest
        store64(block + R_OUSTED, load64(block + R_OUSTED) + 1)
    store64(free + Q_STATE, OPEN)
    store64(free + Q_TIME, now)
    store64(free + Q_KEY, a)
    store64(free + Q_KEY + 8, b)
    store64(free + Q_KEY + 16, c)
    store64(free + Q_KEY + 24, d)
    store64(free + Q_KEY + 32, what)
    store64(free + Q_TOTAL, -1)
    store64(free + Q_HAVE, 0)
    store64(free + Q_TOP, 0)
    store64(free + Q_HEAD, 0)
    fill(free + Q_BLOCKS, 0, Q_BYTES - Q_BLOCKS)
    return free


def reassembly_take(
    block: int,
    w: int,
    descriptor: int,
    slot: int,
    start: int,
    header: int,
    body: int,
    offset: int,
    size: int,
    more: int,
    now: int,
) -> int:
    """Take a fragment into its slot: ``header`` bytes of IP header, ``size`` bytes at ``body``."""
    store64(block + R_FRAGMENTS, load64(block + R_FRAGMENTS) + 1)
    if (
        size <= 0
        or (more != 0 and size & 7 != 0)
        or header + offset + size > LARGEST
        or start + header > HEAD
    ):
        return MALFORMED
    if load64(slot + Q_STATE) == SPOILT:
        return OVERLAPPING
    blocks = slot + Q_BLOCKS + (offset >> 3)
    count = size + 7 >> 3
    there = 0
    for number in range(count):
        there += load8(blocks + number)
    end = offset + size
    total = load64(slot + Q_TOTAL)
    known = there == count and (more != 0 or total == end)
    if known and reassembly_same(slot + Q_DATA + offset, body, size) != 0:
        return DUPLICATE
    wrong = there != 0 or (total >= 0 and end > total)
    if more == 0:
        wrong = wrong or (total >= 0 and total != end) or load64(slot + Q_TOP) > end
    if wrong:
        store64(slot + Q_STATE, SPOILT)
        store64(block + R_OVERLAPPING, load64(block + R_OVERLAPPING) + 1)
        return OVERLAPPING
    if more == 0:
        store64(slot + Q_TOTAL, end)
        total = end
    copy(slot + Q_DATA + offset, body, size)
    fill(blocks, 1, count)
    have = load64(slot + Q_HAVE) + size
    store64(slot + Q_HAVE, have)
    store64(slot + Q_TOP, max(end, load64(slot + Q_TOP)))
    if offset == 0:
        copy(slot + Q_BYTES, load64(descriptor + D_DATA), start + header)
        store64(slot + Q_HEAD, start + header)
        ip = slot + Q_BYTES + start
        if load8(ip) >> 4 == 6:
            store8(link_at(ip, header), load8(body - 8))
    if have != total or load64(slot + Q_HEAD) == 0:
        return KEPT
    return reassembly_whole(block, w, descriptor, slot, start, total)


def reassembly_same(a: int, b: int, size: int) -> int:
    """1 where bytes are the same."""
    for number in range(size):
        if load8(a + number) != load8(b + number):
            return 0
    return 1


def reassembly_whole(block: int, w: int, descriptor: int, slot: int, start: int, total: int) -> int:
    """Make the packet at hand the whole one."""
    store64(slot + Q_STATE, FREE)
    head = load64(slot + Q_HEAD)
    if HEADROOM + head + total + TAILROOM > load64(w + W_FRAME):
        store64(block + R_TOO_LARGE, load64(block + R_TOO_LARGE) + 1)
        return TOO_LARGE
    data = frame_start(w, descriptor) + HEADROOM
    copy(data, slot + Q_BYTES, head)
    copy(data + head, slot + Q_DATA, total)
    store64(descriptor + D_DATA, data)
    store32(descriptor + D_LENGTH, head + total)
    store32(descriptor + D_WIRE, head + total)
    ip = data + start
    if load8(ip) >> 4 == 4:
        store16be(ip + 2, head - start + total)
        store16be(ip + 6, load16be(ip + 6) & 0x8000)
        store16(ip + 10, 0)
        store16(ip + 10, fold(sum_words(ip, head - start)) ^ 0xFFFF)
    else:
        store16be(ip + 4, head - start - IPV6 + total)
    store64(block + R_WHOLE, load64(block + R_WHOLE) + 1)
    return 0
