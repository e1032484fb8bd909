"""Putting what the kernel gives into frames: tags put back, checksums completed, joined segments cut.

``data`` is where a frame begins; the kernel's metadata (struct virtio_net_hdr) lies before it.
"""

from __future__ import annotations

from wirebrick.packet.edit import position_frame
from wirebrick.packet.frame import (
    DESCRIPTOR,
    HEADROOM,
    NO_PORT,
    TAILROOM,
    W_BURST,
    W_FRAME,
    W_POOL,
    W_STRIDE,
)
from wirebrick.packet.memory import copy, load8, load16, load64, store32be, store64, store64x4
from wirebrick.ports.afpacket.layout import (
    NEEDS_CHECKSUM,
    S_COPIED,
    S_CUT,
    S_DATA,
    S_DONE,
    S_HEADERS,
    S_JOINED,
    S_LENGTH,
    S_SIZE,
    S_TAG,
    S_TIME,
    S_TOO_LONG,
    VNET,
    VNET_FLAGS,
    VNET_GSO,
    VNET_GSO_SIZE,
    VNET_OFFSET,
    VNET_START,
)
from wirebrick.ports.offload_native import complete_checksum
from wirebrick.ports.segment_native import GSO_NONE, headers_length, write_segment

_MACS = 12  # a tag goes behind the addresses
_TAG = 4


def deliver(state: int, context: int, index: int, data: int, length: int, tag: int, time: int) -> int:
    """Put a frame at position ``index``, or begin to cut it; how many packets it is so far: 1 or 0."""
    vnet = data - VNET
    if load8(vnet + VNET_GSO) != GSO_NONE:
        return begin_cut(state, data, length, tag, time)
    to = place_at(context, index, tag)
    if length > room_of(context) - _TAG:
        store64(state + S_TOO_LONG, load64(state + S_TOO_LONG) + 1)
        return 0
    copy(to, data, length)
    store64(state + S_COPIED, load64(state + S_COPIED) + length)
    if load8(vnet + VNET_FLAGS) & NEEDS_CHECKSUM != 0:
        complete_checksum(to, length, load16(vnet + VNET_START), load16(vnet + VNET_OFFSET))
    return describe(context, index, to, length, tag, time)


def begin_cut(state: int, data: int, length: int, tag: int, time: int) -> int:
    """Note a joined frame, to be cut by ``cut``; 0: no packet yet."""
    vnet = data - VNET
    headers = headers_length(data, length, load8(vnet + VNET_GSO))
    size = load16(vnet + VNET_GSO_SIZE)
    if headers == 0 or size == 0:
        store64(state + S_JOINED, load64(state + S_JOINED) + 1)
        return 0
    store64(state + S_DATA, data)
    store64(state + S_LENGTH, length)
    store64(state + S_HEADERS, headers)
    store64(state + S_SIZE, size)
    store64(state + S_DONE, 0)
    store64(state + S_TAG, tag)
    store64(state + S_TIME, time)
    store64(state + S_CUT, load64(state + S_CUT) + 1)
    return 0


def cut(state: int, context: int, index: int) -> int:
    """Put the next segment at position ``index``; S_DATA is 0 after the last. 1: a packet, 0: none (too long)."""
    data = load64(state + S_DATA)
    length = load64(state + S_LENGTH)
    headers = load64(state + S_HEADERS)
    size = load64(state + S_SIZE)
    done = load64(state + S_DONE)
    tag = load64(state + S_TAG)
    if headers + size > room_of(context) - _TAG:
        store64(state + S_TOO_LONG, load64(state + S_TOO_LONG) + 1)
        store64(state + S_DATA, 0)
        return 0
    to = place_at(context, index, tag)
    written = write_segment(to, data, length, headers, size, done)
    store64(state + S_COPIED, load64(state + S_COPIED) + written)
    store64(state + S_DONE, done + size)
    if written < headers + size or headers + done + size >= length:
        store64(state + S_DATA, 0)
    return describe(context, index, to, written, tag, load64(state + S_TIME))


def room_of(context: int) -> int:
    """Bytes of the largest packet that a frame may bring."""
    return load64(context + W_FRAME) - HEADROOM - TAILROOM


def place_at(context: int, index: int, tag: int) -> int:
    """Where the frame of position ``index`` takes an untagged frame: behind the room for its tag, if it has one."""
    frame = position_frame(context, index)
    to = load64(context + W_POOL) + frame * load64(context + W_STRIDE) + HEADROOM
    return to + _TAG if tag != 0 else to


def describe(context: int, index: int, to: int, length: int, tag: int, time: int) -> int:
    """Put the tag back, and write the descriptor; 1: a packet."""
    if tag != 0:
        to -= _TAG
        copy(to, to + _TAG, _MACS)
        store32be(to + _MACS, tag)
        length += _TAG
    frame = position_frame(context, index)
    descriptor = load64(context + W_BURST) + index * DESCRIPTOR
    store64x4(descriptor, to, length | (length << 32), time, NO_PORT << 16 | (frame << 32))
    return 1
