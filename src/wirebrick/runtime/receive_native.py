"""The driver's part that receives: the next port or ring, in turn, that has packets; ports through the filter."""

from __future__ import annotations

from wirebrick.packet.frame import (
    D_DATA,
    D_FRAME,
    D_INGRESS,
    D_LENGTH,
    D_WIRE,
    DESCRIPTOR,
    RX_BYTES,
    RX_ENDED,
    RX_ENTRY,
    RX_LENGTH,
    RX_NEEDS,
    RX_NODE,
    RX_PACKETS,
    RX_PORT,
    RX_RECEIVE,
    RX_STATE,
    W_ASIDE,
    W_ASIDE_TABLE,
    W_ASIDES,
    W_BURST,
    W_BURST_SIZE,
    W_BYTES_IN,
    W_COUNT,
    W_ENTRY,
    W_FILTER,
    W_FRAMES,
    W_LENGTH,
    W_LIMIT,
    W_PACKETS_IN,
    W_POOL,
    W_ROOM,
    W_RX_NEXT,
    W_RX_PORTS,
    W_RX_TABLE,
    W_STAGE,
    W_STOP,
    W_STRIDE,
    W_USED,
)
from wirebrick.packet.memory import call3, copy, load32, load64, store16, store32, store64
from wirebrick.ports.base import ENDED, REFILL
from wirebrick.runtime.codes import DONE, GO_ON, IDLE, LIMITED, NEED_REFILL
from wirebrick.runtime.ring_native import ring_has_room, ring_held
from wirebrick.runtime.transmit_native import wire_bytes

_NONE_MATCHED = -3
_WAITS = -4


def receive_burst(context: int) -> int:
    """Receive from the next port or ring that has packets, W_COUNT of them (0: none passed the filter)."""
    entries = load64(context + W_RX_PORTS)
    table = load64(context + W_RX_TABLE)
    turn = load64(context + W_RX_NEXT)
    store64(context + W_COUNT, 0)
    nothing = DONE
    last = -1
    if load64(context + W_ASIDE) != 0:
        last = receive_aside(context)
        if last < 0:
            return GO_ON
        nothing = IDLE
    for _ in range(entries):
        entry = table + turn * RX_ENTRY
        after = turn + 1
        if after == entries:
            after = 0
        if load64(entry + RX_ENDED) == 0 and load64(entry + RX_NODE) > last:
            got = 0
            room = room_for(context, entry)
            if room > 0:
                got = receive_from(context, entry, room)
            elif room == ENDED:
                got = ENDED
            if got == REFILL:
                store64(context + W_RX_NEXT, turn)
                return NEED_REFILL + turn
            if got > 0:
                account(context, got, entry)
            if got > 0 or got == _NONE_MATCHED:
                store64(context + W_RX_NEXT, after)
                return GO_ON
            if got == ENDED:
                store64(entry + RX_ENDED, 1)
            elif nothing != LIMITED:
                nothing = LIMITED if room == 0 else IDLE
        turn = after
    store64(context + W_RX_NEXT, turn)
    return nothing


def receive_aside(context: int) -> int:
    """Receive of the packets that were set aside; -1, or the last node that nothing may be received for before them."""
    entry = load64(context + W_ASIDE_TABLE) + load64(context + W_ASIDES) * RX_ENTRY
    for _ in range(load64(context + W_ASIDES)):
        entry -= RX_ENTRY
        if ring_held(load64(entry + RX_STATE)) != 0:
            room = room_for(context, entry)
            if room == _WAITS:
                return load64(entry + RX_NODE)
            got = receive_from(context, entry, room)
            account(context, got, entry)
            store64(context + W_ASIDE, load64(context + W_ASIDE) - got)
            return -1
    return -1


def room_for(context: int, entry: int) -> int:
    """How many packets to ask for; 0: as many as allowed were received; ENDED; or that rings have no room."""
    room = load64(context + W_BURST_SIZE)
    if load64(entry + RX_NODE) == 0:
        if load64(context + W_STOP) != 0:
            return ENDED
        room = min(room, load64(context + W_LIMIT))
        if room <= 0:
            return 0
    needs = load64(entry + RX_NEEDS)
    if needs != 0:
        most = load64(context + W_ROOM)  # each position of the burst may go into the same ring
        for index in range(load64(needs)):
            if ring_has_room(load64(needs + 8 + 8 * index), most) == 0:
                return _WAITS
    return room


def account(context: int, count: int, entry: int) -> int:
    """Describe the burst; count what a port brought, and write where it came in (sources have written 0)."""
    length = load64(entry + RX_LENGTH)
    node = load64(entry + RX_NODE)
    store64(context + W_LENGTH, length)
    store64(context + W_COUNT, count)
    store64(context + W_USED, count)
    store64(context + W_ENTRY, node)
    if node != 0:
        return 0
    arrived = count * length if length != 0 else wire_bytes(context, count)
    store64(context + W_LIMIT, load64(context + W_LIMIT) - count)
    store64(context + W_PACKETS_IN, load64(context + W_PACKETS_IN) + count)
    store64(context + W_BYTES_IN, load64(context + W_BYTES_IN) + arrived)
    store64(entry + RX_PACKETS, load64(entry + RX_PACKETS) + count)
    store64(entry + RX_BYTES, load64(entry + RX_BYTES) + arrived)
    port = load64(entry + RX_PORT)
    if port != 0:
        descriptor = load64(context + W_BURST)
        for _ in range(count):
            store16(descriptor + D_INGRESS, port)
            descriptor += DESCRIPTOR
    return 0


def receive_from(context: int, entry: int, room: int) -> int:
    """Up to ``room`` packets of a port or ring; what its ``receive`` returns, or that none matched the filter."""
    receive = load64(entry + RX_RECEIVE)
    state = load64(entry + RX_STATE)
    if load64(context + W_FILTER) == 0 or load64(entry + RX_NODE) != 0:
        return call3(receive, state, context, room)
    # Packets are staged in frames of their own, behind those of the burst: the descriptors of those that
    # match close up, while copies made later still find the frames of their positions free.
    burst = load64(context + W_BURST)
    pool = load64(context + W_POOL)
    table = load64(context + W_FRAMES)
    positions = load64(context + W_ROOM)
    store64(context + W_BURST, load64(context + W_STAGE))
    if table == 0:
        store64(context + W_POOL, pool + positions * load64(context + W_STRIDE))
    else:
        store64(context + W_FRAMES, table + 4 * positions)
    got = call3(receive, state, context, room)
    store64(context + W_BURST, burst)
    store64(context + W_POOL, pool)
    store64(context + W_FRAMES, table)
    if got <= 0:
        return got
    return keep_matching(context, got, positions)


def keep_matching(context: int, count: int, positions: int) -> int:
    """Take the staged packets that match into the burst; how many."""
    matches = load64(context + W_FILTER)
    staged = load64(context + W_STAGE)
    descriptor = load64(context + W_BURST)
    table = load64(context + W_FRAMES)
    kept = 0
    for index in range(count):
        data = load64(staged + D_DATA)
        if call3(matches, data, load32(staged + D_LENGTH), load32(staged + D_WIRE)) != 0:
            copy(descriptor, staged, DESCRIPTOR)
            if table == 0:
                store32(descriptor + D_FRAME, load32(staged + D_FRAME) + positions)
            else:  # the position and the stage exchange their frames
                free = load32(table + 4 * kept)
                store32(table + 4 * kept, load32(staged + D_FRAME))
                store32(table + 4 * (positions + index), free)
            descriptor += DESCRIPTOR
            kept += 1
        staged += DESCRIPTOR
    return kept if kept > 0 else _NONE_MATCHED
