"""Splitting IP packets: IPv4 (RFC 791, 3.2) and IPv6 (RFC 8200, 4.5).

The packet itself becomes the first fragment; the others are made at free positions of the burst, before it is cut, so
that where there is no room nothing has happened to it.
"""

from __future__ import annotations

from wirebrick.packet.checksum import fold, sum_words
from wirebrick.packet.edit import copy_head, open_gap
from wirebrick.packet.frame import (
    D_DATA,
    D_LENGTH,
    D_WIRE,
    DESCRIPTOR,
    W_BURST,
    W_MADE,
    W_USED,
)
from wirebrick.packet.memory import (
    copy,
    fill,
    load8,
    load16,
    load16be,
    load32,
    load64,
    store8,
    store16,
    store16be,
    store32,
    store32be,
    store64,
)

G_MTU = 0  # largest IP packet, where metadata doesn't say
G_META = 8  # where the metadata says it (u16), in bytes; -1: it doesn't
G_NEXT = 16  # identification of the next IPv6 packet
G_SPLIT = 24  # packets that were split
G_PIECES = 32  # fragments they became
G_SIZE = 64

# Reasons, negative: in the order of Fragmenter.reasons.
CUT, FORBIDDEN, NO_ROOM, TOO_SMALL = -1, -2, -3, -4

DONT_FRAGMENT, MORE = 0x4000, 0x2000
OFFSET = 0x1FFF
COPIED = 0x80  # an option that every fragment has
FRAGMENT, HOP_BY_HOP, ROUTING, DESTINATION = 44, 0, 43, 60
IPV6 = 40
MOST_HEADERS = 16


def fragment(block: int, w: int, position: int, start: int, begin: int, meta: int, now: int) -> int:
    """Split the packet whose IP header starts at ``start`` where it is larger than the MTU."""
    descriptor = load64(w + W_BURST) + position * DESCRIPTOR
    ip = load64(descriptor + D_DATA) + start
    mtu = load64(block + G_MTU)
    if load64(block + G_META) >= 0:
        mtu = load16(meta + load64(block + G_META))
    is_v4 = load8(ip) >> 4 == 4
    length = load16be(ip + 2) if is_v4 else load16be(ip + 4) + IPV6
    if length <= mtu:
        return 0
    if start + length > load32(descriptor + D_LENGTH):
        return CUT
    first = load64(w + W_USED)
    made = (
        fragment_v4(w, descriptor, start, length, mtu)
        if is_v4
        else fragment_v6(block, w, descriptor, start, length, mtu)
    )
    if made < 0:
        store64(w + W_USED, first)
        return made
    store64(w + W_MADE, load64(w + W_MADE) + made)
    store64(block + G_SPLIT, load64(block + G_SPLIT) + 1)
    store64(block + G_PIECES, load64(block + G_PIECES) + made + 1)
    return made


def fragment_v4(w: int, descriptor: int, start: int, length: int, mtu: int) -> int:
    """Split an IPv4 packet: how many more there are, or a reason."""
    ip = load64(descriptor + D_DATA) + start
    header = (load8(ip) & 15) * 4
    if load16be(ip + 6) & DONT_FRAGMENT != 0:
        return FORBIDDEN
    room = mtu - header & -8
    if room <= 0:
        return TOO_SMALL
    flags = load16be(ip + 6)
    last = flags & MORE
    base = (flags & OFFSET) * 8
    done = room
    whole = length - header
    made = 0
    while done < whole:
        position = copy_head(w, descriptor, start + 20)
        if position < 0:
            return NO_ROOM
        other = load64(w + W_BURST) + position * DESCRIPTOR
        at = load64(other + D_DATA) + start
        size = 20 + copied_options(at + 20, ip + 20, header - 20)
        piece = min(mtu - size & -8, whole - done)
        store8(at, 0x40 | size >> 2)
        copy(at + size, ip + header + done, piece)
        more = last if done + piece == whole else MORE
        finish_v4(other, start, size, piece, base + done, more)
        done += piece
        made += 1
    finish_v4(descriptor, start, header, room, base, MORE)
    return made


def copied_options(to: int, options: int, size: int) -> int:
    """Copy the options that every fragment has, padded to whole words; their size."""
    at = 0
    put = 0
    while at < size:
        kind = load8(options + at)
        if kind == 0:
            at = size
        elif kind == 1:
            at += 1
        else:
            width = max(2, load8(options + at + 1)) if at + 1 < size else size
            width = min(width, size - at)
            if kind & COPIED != 0:
                copy(to + put, options + at, width)
                put += width
            at += width
    padded = put + 3 & -4
    fill(to + put, 0, padded - put)
    return padded


def finish_v4(descriptor: int, start: int, header: int, size: int, offset: int, more: int) -> int:
    """Put lengths, offset and checksum of an IPv4 fragment right."""
    ip = load64(descriptor + D_DATA) + start
    store16be(ip + 2, header + size)
    store16be(ip + 6, load16be(ip + 6) & 0x8000 | more | offset >> 3)
    store16(ip + 10, 0)
    store16(ip + 10, fold(sum_words(ip, header)) ^ 0xFFFF)
    store32(descriptor + D_LENGTH, start + header + size)
    store32(descriptor + D_WIRE, start + header + size)
    return 0


def unfragmentable(ip: int, length: int) -> int:
    """Bytes of the part that every fragment has: the header, and extension headers up to the last for routers.

    Where there is a fragment header already, up to that.
    """
    at = IPV6
    end = IPV6
    kind = load8(ip + 6)
    for _ in range(MOST_HEADERS):
        if kind == FRAGMENT:
            return at
        if kind != HOP_BY_HOP and kind != ROUTING and kind != DESTINATION:
            return end
        size = (load8(ip + at + 1) + 1) * 8 if at + 8 <= length else length
        if at + size > length:
            return end
        kind_here = kind
        kind = load8(ip + at)
        at += size
        if kind_here != DESTINATION:
            end = at
    return end


def link_at(ip: int, part: int) -> int:
    """Address of the byte that says what follows the first ``part`` bytes."""
    at = IPV6
    link = ip + 6
    for _ in range(MOST_HEADERS):
        if at >= part:
            return link
        link = ip + at
        at += (load8(ip + at + 1) + 1) * 8
    return link


def fragment_v6(block: int, w: int, descriptor: int, start: int, length: int, mtu: int) -> int:
    """Split an IPv6 packet: how many more there are, or a reason."""
    ip = load64(descriptor + D_DATA) + start
    part = unfragmentable(ip, length)
    kind = load8(link_at(ip, part))
    is_fragment = kind == FRAGMENT and part + 8 <= length
    room = mtu - part - 8 & -8
    if room <= 0:
        return TOO_SMALL
    last = 0
    base = 0
    begin = part
    if is_fragment:
        base = load16be(ip + part + 2) & -8
        last = load16be(ip + part + 2) & 1
        begin = part + 8
    elif open_gap(w, descriptor, start + part, 8) < 0:
        return NO_ROOM
    else:
        ip = load64(descriptor + D_DATA) + start
        store8(ip + part, kind)
        store8(ip + part + 1, 0)
        store8(link_at(ip, part), FRAGMENT)
        store32be(ip + part + 4, load64(block + G_NEXT))
        store64(block + G_NEXT, load64(block + G_NEXT) + 1 & 0xFFFFFFFF)
        begin = part + 8
        length += 8
    whole = length - begin
    done = room
    made = 0
    while done < whole:
        position = copy_head(w, descriptor, start + part + 8)
        if position < 0:
            return NO_ROOM
        other = load64(w + W_BURST) + position * DESCRIPTOR
        piece = min(room, whole - done)
        copy(load64(other + D_DATA) + start + part + 8, ip + begin + done, piece)
        more = last if done + piece == whole else 1
        finish_v6(other, start, part, piece, base + done | more)
        done += piece
        made += 1
    finish_v6(descriptor, start, part, min(room, whole), base | (1 if made > 0 else last))
    return made


def finish_v6(descriptor: int, start: int, part: int, size: int, offset: int) -> int:
    """Put lengths and offset of an IPv6 fragment right."""
    ip = load64(descriptor + D_DATA) + start
    store16be(ip + 4, part + 8 + size - IPV6)
    store16be(ip + part + 2, offset)
    store32(descriptor + D_LENGTH, start + part + 8 + size)
    store32(descriptor + D_WIRE, start + part + 8 + size)
    return 0
