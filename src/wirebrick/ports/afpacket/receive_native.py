"""Receiving from a packet socket's ring: blocks of TPACKET_V3, or slots of TPACKET_V2; see packet_mmap in Linux."""

from __future__ import annotations

from wirebrick.packet.memory import (
    call4,
    load16,
    load32,
    load32_acquire,
    load64,
    store32_release,
    store64,
)
from wirebrick.ports.afpacket.deliver_native import cut, deliver
from wirebrick.ports.afpacket.layout import (
    BLOCK_FIRST,
    BLOCK_PACKETS,
    BLOCK_STATUS,
    COPY,
    KERNEL,
    LARGEST,
    MSG_DONTWAIT,
    S_BLOCK,
    S_DATA,
    S_END,
    S_FD,
    S_FIRST,
    S_HEADER,
    S_LEFT,
    S_RECV,
    S_STAGE,
    S_STEP,
    S_TRUNCATED,
    TAGGED,
    TPID_VALID,
    USER,
    V2_CAPTURED,
    V2_LENGTH,
    V2_MAC,
    V2_NANOSECONDS,
    V2_SECONDS,
    V2_STATUS,
    V2_TCI,
    V2_TPID,
    V3_CAPTURED,
    V3_LENGTH,
    V3_MAC,
    V3_NANOSECONDS,
    V3_NEXT,
    V3_SECONDS,
    V3_STATUS,
    V3_TCI,
    V3_TPID,
    VNET,
)

_BILLION = 1_000_000_000
_LOOKS = (
    2  # frames looked at for each packet asked for: a flood of those that are dropped must come to an end
)
_VLAN = 0x8100  # where the kernel doesn't say which tag it was


def receive_blocks(state: int, context: int, room: int) -> int:
    """Take up to ``room`` packets out of retired blocks (see ``ports.base``)."""
    got = 0
    for _ in range(_LOOKS * room):
        if got == room:
            break
        if load64(state + S_DATA) != 0:
            got += cut(state, context, got)
            if load64(state + S_DATA) == 0:
                next_in_block(state)
            continue
        if load64(state + S_LEFT) == 0 and open_block(state) == 0:
            break
        header = load64(state + S_HEADER)
        captured = load32(header + V3_CAPTURED)
        if captured < load32(header + V3_LENGTH):
            store64(state + S_TRUNCATED, load64(state + S_TRUNCATED) + 1)
        else:
            tag = tag_of(load32(header + V3_STATUS), load16(header + V3_TCI), load16(header + V3_TPID))
            time = load32(header + V3_SECONDS) * _BILLION + load32(header + V3_NANOSECONDS)
            got += deliver(state, context, got, header + load16(header + V3_MAC), captured, tag, time)
        if load64(state + S_DATA) == 0:
            next_in_block(state)
    return got


def open_block(state: int) -> int:
    """Go to the first frame of the next block; 0 where the kernel still has it."""
    block = load64(state + S_BLOCK)
    if load32_acquire(block + BLOCK_STATUS) & USER == 0:
        return 0
    packets = load32(block + BLOCK_PACKETS)
    if packets == 0:
        return close_block(state)
    store64(state + S_LEFT, packets)
    store64(state + S_HEADER, block + load32(block + BLOCK_FIRST))
    return 1


def next_in_block(state: int) -> int:
    """Go on behind a frame; the kernel gets the block back after the last. Returns 0."""
    left = load64(state + S_LEFT) - 1
    store64(state + S_LEFT, left)
    if left == 0:
        return close_block(state)
    header = load64(state + S_HEADER)
    store64(state + S_HEADER, header + load32(header + V3_NEXT))
    return 0


def close_block(state: int) -> int:
    """Give the block back to the kernel and go to the next one; returns 0."""
    block = load64(state + S_BLOCK)
    store32_release(block + BLOCK_STATUS, KERNEL)
    block += load64(state + S_STEP)
    if block == load64(state + S_END):
        block = load64(state + S_FIRST)
    store64(state + S_BLOCK, block)
    return 0


def receive_slots(state: int, context: int, room: int) -> int:
    """Take up to ``room`` packets out of slots (see ``ports.base``)."""
    got = 0
    for _ in range(_LOOKS * room):
        if got == room:
            break
        if load64(state + S_DATA) != 0:
            got += cut(state, context, got)
            continue
        slot = load64(state + S_HEADER)
        status = load32_acquire(slot + V2_STATUS)
        if status & USER == 0:
            break
        data = slot + load16(slot + V2_MAC)
        length = load32(slot + V2_LENGTH)
        if status & COPY != 0:
            data = staged(state, length)
        elif load32(slot + V2_CAPTURED) < length:
            data = 0
        if data == 0:
            store64(state + S_TRUNCATED, load64(state + S_TRUNCATED) + 1)
        else:
            tag = tag_of(status, load16(slot + V2_TCI), load16(slot + V2_TPID))
            time = load32(slot + V2_SECONDS) * _BILLION + load32(slot + V2_NANOSECONDS)
            got += deliver(state, context, got, data, length, tag, time)
        store32_release(slot + V2_STATUS, KERNEL)
        slot += load64(state + S_STEP)
        if slot == load64(state + S_END):
            slot = load64(state + S_FIRST)
        store64(state + S_HEADER, slot)
    return got


def staged(state: int, length: int) -> int:
    """Take a frame that was larger than a slot from the socket's queue; its address, or 0 where it isn't whole."""
    stage = load64(state + S_STAGE)
    got = call4(load64(state + S_RECV), load64(state + S_FD), stage, VNET + LARGEST, MSG_DONTWAIT)
    return stage + VNET if got == VNET + length else 0


def tag_of(status: int, tci: int, tpid: int) -> int:
    """The VLAN tag that the kernel took off, as it was on the wire; 0 where there was none."""
    if status & TAGGED == 0:
        return 0
    if status & TPID_VALID == 0:
        tpid = _VLAN
    return tpid << 16 | tci
