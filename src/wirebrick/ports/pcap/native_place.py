"""Putting a packet of a capture into its frame, with an Ethernet header where its link had another.

Link types: https://www.tcpdump.org/linktypes.html.

>>> import ctypes
>>> field32(ctypes.addressof(ctypes.c_uint32(0x2A000000)), 1)
42
"""

from __future__ import annotations

from wirebrick.packet.edit import position_frame
from wirebrick.packet.frame import (
    D_DATA,
    D_EGRESS,
    D_FRAME,
    D_INGRESS,
    D_LENGTH,
    D_TIME,
    D_WIRE,
    DESCRIPTOR,
    HEADROOM,
    NO_PORT,
    TAILROOM,
    W_BURST,
    W_FRAME,
    W_POOL,
    W_STRIDE,
)
from wirebrick.packet.memory import (
    copy,
    fill,
    load8,
    load16be,
    load32,
    load32be,
    load64,
    store16,
    store16be,
    store32,
    store64,
)
from wirebrick.ports.pcap.layout import (
    ETHERNET,
    LINK_COOKED,
    LINK_COOKED2,
    LINK_ETHERNET,
    LINK_FAMILY,
    LINK_IPV4,
    LINK_IPV6,
    S_CLAIM,
    S_COPIED,
    S_CUT,
    S_STATUS,
    UNKNOWN_TYPE,
)


def place(state: int, context: int, index: int, data: int, size: int, wire: int, time: int, link: int) -> int:
    """Copy a packet into the frame of position ``index``, write its descriptor; 1, as it is one packet more."""
    stride = load64(context + W_STRIDE)
    room = load64(context + W_FRAME) - HEADROOM - TAILROOM
    frame = position_frame(context, index)
    to = load64(context + W_POOL) + frame * stride + HEADROOM
    wire = max(wire, size)
    push = 0
    if link != LINK_ETHERNET:
        strip = min(size, put_ethernet(to, data, size, wire, link))
        push = ETHERNET
        data += strip
        size -= strip
        wire = min(wire - strip + push, 0xFFFFFFFF)
    if size + push > room:
        size = room - push
        store64(state + S_CUT, load64(state + S_CUT) + 1)
    copy(to + push, data, size)
    store64(state + S_COPIED, load64(state + S_COPIED) + size)
    descriptor = load64(context + W_BURST) + index * DESCRIPTOR
    store64(descriptor + D_DATA, to)
    store32(descriptor + D_LENGTH, size + push)
    store32(descriptor + D_WIRE, wire)
    store64(descriptor + D_TIME, time)
    store16(descriptor + D_INGRESS, 0)
    store16(descriptor + D_EGRESS, NO_PORT)
    store32(descriptor + D_FRAME, frame)
    return 1


def put_ethernet(to: int, data: int, captured: int, wire: int, link: int) -> int:
    """Write the Ethernet header that stands for another link's header; the bytes of that one."""
    fill(to, 0, ETHERNET)
    store16be(to + 12, UNKNOWN_TYPE)
    if link in (LINK_COOKED, LINK_COOKED2):
        return cooked(to, data, captured, wire, link)
    strip = 4 if link == LINK_FAMILY else 0
    if captured < strip or captured == 0:
        return strip
    version = load8(data) >> 4
    if link == LINK_FAMILY:
        family = min(load32(data), load32be(data))  # the right order of a small number gives the smaller one
        version = 4 if family == 2 else 0
        if family in (10, 24, 28, 30):  # Linux, NetBSD, FreeBSD, Darwin
            version = 6
    if link == LINK_IPV4 or (link != LINK_IPV6 and version == 4):
        store16be(to + 12, 0x0800)
    elif link == LINK_IPV6 or version == 6:
        store16be(to + 12, 0x86DD)
    return strip


def cooked(to: int, data: int, captured: int, wire: int, link: int) -> int:
    """Write the Ethernet header of a Linux cooked packet: its source address and protocol; see SLL, SLL2."""
    strip, protocol, length, address = 16, 14, 5, 6
    if link == LINK_COOKED2:
        strip, protocol, length, address = 20, 0, 11, 12
    if captured < strip:
        return strip
    if load8(data + length) == 6:
        copy(to + 6, data + address, 6)
    number = load16be(data + protocol)
    if number >= 0x0600:
        store16be(to + 12, number)
    elif number in (1, 4) and wire - strip < 0x0600:  # 802.3: a length in place of an ethertype
        store16be(to + 12, wire - strip)
    return strip


def field32(address: int, swap: int) -> int:
    """Four bytes in the byte order of the file."""
    return load32(address) if swap == 0 else load32be(address)


def bad(state: int, status: int, claim: int) -> int:
    """Note what is wrong with the record at hand; 0: it gives no packet."""
    store64(state + S_STATUS, status)
    store64(state + S_CLAIM, claim)
    return 0
