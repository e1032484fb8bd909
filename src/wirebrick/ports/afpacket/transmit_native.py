"""Transmitting by a packet socket's ring: frames copied into slots, and one system call for a burst of them."""

from __future__ import annotations

from wirebrick.packet.frame import D_DATA, D_LENGTH, D_WIRE, DESCRIPTOR, LIST_HEAD, W_BURST
from wirebrick.packet.memory import (
    call4,
    copy,
    load16be,
    load32,
    load32_acquire,
    load64,
    store32,
    store32_release,
    store64,
)
from wirebrick.ports.afpacket.layout import (
    AVAILABLE,
    CUT_BY_CAPTURE,
    MSG_DONTWAIT,
    NO_ROOM,
    SEND_REQUEST,
    T_COPIED,
    T_DROPS,
    T_END,
    T_FD,
    T_FIRST,
    T_LARGEST,
    T_NEXT,
    T_SEND,
    T_STEP,
    T_UNSENT,
    T_WAITING,
    TOO_LONG,
    TOO_SHORT,
    V2_HEADER,
    V2_LENGTH,
    V2_STATUS,
)
from wirebrick.ports.drop_native import drop

_SHORTEST = 14  # bytes of an Ethernet header
_TAG = 4  # a frame with a tag may be so much longer


def transmit(state: int, context: int, list: int, start: int) -> int:
    """Put the packets from position ``start`` of the list into the ring and send them (see ``ports.base``)."""
    burst = load64(context + W_BURST)
    count = load64(list)
    slot = load64(state + T_NEXT)
    step = load64(state + T_STEP)
    end = load64(state + T_END)
    largest = load64(state + T_LARGEST)
    copied = 0
    put = 0
    item = list + LIST_HEAD + 4 * start
    for _ in range(count - start):
        descriptor = burst + load32(item) * DESCRIPTOR
        item += 4
        length = load32(descriptor + D_LENGTH)
        data = load64(descriptor + D_DATA)
        wire = load32(descriptor + D_WIRE)
        if length != wire:
            drop(state + T_DROPS + CUT_BY_CAPTURE, wire)
        elif length < _SHORTEST:
            drop(state + T_DROPS + TOO_SHORT, wire)
        elif length > largest and (length > largest + _TAG or load16be(data + 12) != 0x8100):
            drop(state + T_DROPS + TOO_LONG, wire)
        elif load32_acquire(slot + V2_STATUS) != AVAILABLE:
            drop(state + T_DROPS + NO_ROOM, wire)
        else:
            copy(slot + V2_HEADER, data, length)
            store32(slot + V2_LENGTH, length)
            store32_release(slot + V2_STATUS, SEND_REQUEST)
            copied += length
            put += 1
            slot += step
            if slot == end:
                slot = load64(state + T_FIRST)
    store64(state + T_NEXT, slot)
    store64(state + T_COPIED, load64(state + T_COPIED) + copied)
    store64(state + T_WAITING, load64(state + T_WAITING) + put)
    send(state)
    return count - start


def send(state: int) -> int:
    """Have the kernel send what waits in the ring; how many slots still wait."""
    waiting = load64(state + T_WAITING)
    if waiting == 0:
        return 0
    call4(load64(state + T_SEND), load64(state + T_FD), 0, 0, MSG_DONTWAIT)
    slot = load64(state + T_UNSENT)
    step = load64(state + T_STEP)
    end = load64(state + T_END)
    while waiting > 0 and load32_acquire(slot + V2_STATUS) != SEND_REQUEST:
        slot += step
        if slot == end:
            slot = load64(state + T_FIRST)
        waiting -= 1
    store64(state + T_UNSENT, slot)
    store64(state + T_WAITING, waiting)
    return waiting
