"""The worker's loop: receive a burst, process it, transmit; compiled for runs, and runs as it is in CPython.

``drive`` goes round the worker's receiving ports and returns to Python only where that has to do something;
the code it returns says what. Called again it goes on from where it was (``W_PHASE``), so nothing is lost
between.

>>> import ctypes
>>> words = (ctypes.c_int64 * (CONTEXT // 8))()
>>> words[W_BUDGET // 8] = words[W_LIMIT // 8] = 1
>>> drive(ctypes.addressof(words)) == DONE  # no port to receive from
True
>>> words[W_STOP // 8] = 1
>>> drive(ctypes.addressof(words)) == STOPPED
True
"""

from __future__ import annotations

from wirebrick.packet.frame import (
    CONTEXT,
    D_DATA,
    D_FRAME,
    D_INGRESS,
    D_LENGTH,
    D_WIRE,
    DESCRIPTOR,
    LIST_HEAD,
    RX_ENDED,
    RX_ENTRY,
    RX_LENGTH,
    RX_PORT,
    RX_RECEIVE,
    RX_STATE,
    TX_ENTRY,
    TX_START,
    TX_STATE,
    TX_TAKEN,
    TX_TRANSMIT,
    W_BUDGET,
    W_BURST,
    W_BURST_SIZE,
    W_BYTES_IN,
    W_BYTES_OUT,
    W_COUNT,
    W_FILTER,
    W_LENGTH,
    W_LIMIT,
    W_LISTS,
    W_PACKETS_IN,
    W_PHASE,
    W_POOL,
    W_PROCESS,
    W_ROOM,
    W_RX_NEXT,
    W_RX_PORTS,
    W_RX_TABLE,
    W_STAGE,
    W_STOP,
    W_STRIDE,
    W_TX_PORTS,
    W_TX_TABLE,
    W_USED,
)
from wirebrick.packet.memory import call1, call3, call4, copy, load32, load64, store16, store32, store64
from wirebrick.ports.base import ENDED, REFILL

__all__ = ["CONTEXT", "drive"]

# What drive returns.
STOPPED = 1  # W_STOP was set
DONE = 2  # every source has ended
LIMITED = 3  # W_LIMIT packets were received
IDLE = 4  # no port had a packet
BUDGET = 5  # W_BUDGET bursts were run
PROCESS = 6  # there is no native process function: process the burst, then call again
NEED_REFILL = 1 << 16  # + entry of the source: refill it
NEED_FLUSH = 1 << 17  # + number of the port: flush its sink

# Where drive goes on (W_PHASE).
RECEIVING = 0
TRANSMITTING = 1

_GO_ON = 0
_NONE_MATCHED = -3


def drive(context: int) -> int:
    """Run bursts until Python is needed; a code that says what for."""
    code = _GO_ON
    if load64(context + W_PHASE) == TRANSMITTING:
        code = transmit_lists(context)
    budget = load64(context + W_BUDGET)
    while code == _GO_ON:
        if load64(context + W_STOP) != 0:
            return STOPPED
        if budget <= 0:
            return BUDGET
        budget -= 1
        code = receive_burst(context)
        if code == _GO_ON and load64(context + W_COUNT) > 0:
            store64(context + W_PHASE, TRANSMITTING)
            process = load64(context + W_PROCESS)
            if process == 0:
                return PROCESS
            call1(process, context)
            code = transmit_lists(context)
    return code


def receive_burst(context: int) -> int:
    """Receive from the next port that has packets, W_COUNT of them (0: none passed the filter)."""
    limit = load64(context + W_LIMIT)
    if limit <= 0:
        return LIMITED
    room = min(load64(context + W_BURST_SIZE), limit)
    ports = load64(context + W_RX_PORTS)
    table = load64(context + W_RX_TABLE)
    turn = load64(context + W_RX_NEXT)
    store64(context + W_COUNT, 0)
    live = 0
    for _ in range(ports):
        entry = table + turn * RX_ENTRY
        after = turn + 1
        if after == ports:
            after = 0
        if load64(entry + RX_ENDED) == 0:
            got = receive_from(context, entry, room)
            if got == REFILL:
                store64(context + W_RX_NEXT, turn)
                return NEED_REFILL + turn
            if got > 0:
                account(context, got, entry)
            if got > 0 or got == _NONE_MATCHED:
                store64(context + W_RX_NEXT, after)
                return _GO_ON
            if got == ENDED:
                store64(entry + RX_ENDED, 1)
            else:
                live = 1
        turn = after
    store64(context + W_RX_NEXT, turn)
    if live == 0:
        return DONE
    return IDLE


def account(context: int, count: int, entry: int) -> int:
    """Count the burst, and write where it came in (sources have written 0)."""
    length = load64(entry + RX_LENGTH)
    arrived = count * length if length != 0 else wire_bytes(context, count)
    store64(context + W_LENGTH, length)
    store64(context + W_COUNT, count)
    store64(context + W_USED, count)
    store64(context + W_LIMIT, load64(context + W_LIMIT) - count)
    store64(context + W_PACKETS_IN, load64(context + W_PACKETS_IN) + count)
    store64(context + W_BYTES_IN, load64(context + W_BYTES_IN) + arrived)
    port = load64(entry + RX_PORT)
    if port != 0:
        descriptor = load64(context + W_BURST)
        for _ in range(count):
            store16(descriptor + D_INGRESS, port)
            descriptor += DESCRIPTOR
    return 0


def receive_from(context: int, entry: int, room: int) -> int:
    """Up to ``room`` packets of a port; what ``receive`` returns, or that none matched the filter."""
    receive = load64(entry + RX_RECEIVE)
    state = load64(entry + RX_STATE)
    if load64(context + W_FILTER) == 0:
        return call3(receive, state, context, room)
    # Packets are staged in frames of their own, behind those of the burst: the descriptors of those that
    # match close up, while copies made later still find the frames of their positions free.
    burst = load64(context + W_BURST)
    pool = load64(context + W_POOL)
    frames = load64(context + W_ROOM)
    store64(context + W_BURST, load64(context + W_STAGE))
    store64(context + W_POOL, pool + frames * load64(context + W_STRIDE))
    got = call3(receive, state, context, room)
    store64(context + W_BURST, burst)
    store64(context + W_POOL, pool)
    if got <= 0:
        return got
    return keep_matching(context, got, frames)


def keep_matching(context: int, count: int, frames: int) -> int:
    """Take the staged packets that match into the burst; how many."""
    matches = load64(context + W_FILTER)
    staged = load64(context + W_STAGE)
    descriptor = load64(context + W_BURST)
    kept = 0
    for _ in range(count):
        data = load64(staged + D_DATA)
        if call3(matches, data, load32(staged + D_LENGTH), load32(staged + D_WIRE)) != 0:
            copy(descriptor, staged, DESCRIPTOR)
            store32(descriptor + D_FRAME, load32(staged + D_FRAME) + frames)
            descriptor += DESCRIPTOR
            kept += 1
        staged += DESCRIPTOR
    return kept if kept > 0 else _NONE_MATCHED


def transmit_lists(context: int) -> int:
    """Hand every transmit list to its port, from where it was left; then the lists are empty."""
    lists = load64(context + W_LISTS)
    entry = load64(context + W_TX_TABLE)
    for port in range(load64(context + W_TX_PORTS)):
        listed = load64(lists + 8 * port)
        count = load64(listed)
        if count > 0:
            start = load64(entry + TX_START)
            transmit = load64(entry + TX_TRANSMIT)
            took = count - start
            if transmit != 0:
                took = call4(transmit, load64(entry + TX_STATE), context, listed, start)
            store64(entry + TX_TAKEN, load64(entry + TX_TAKEN) + took)
            if start + took < count:
                store64(entry + TX_START, start + took)
                return NEED_FLUSH + port
            if transmit != 0:
                store64(context + W_BYTES_OUT, load64(context + W_BYTES_OUT) + listed_bytes(context, listed))
            store64(entry + TX_START, 0)
            store64(listed, 0)
        entry += TX_ENTRY
    store64(context + W_PHASE, RECEIVING)
    return _GO_ON


def wire_bytes(context: int, count: int) -> int:
    """Bytes on the wire of the burst's first ``count`` packets."""
    at = load64(context + W_BURST) + D_WIRE
    total = 0
    for _ in range(count):
        total += load32(at)
        at += DESCRIPTOR
    return total


def listed_bytes(context: int, listed: int) -> int:
    """Bytes on the wire of a list's packets."""
    count = load64(listed)
    length = load64(context + W_LENGTH)
    if length != 0:
        return count * length
    if count == load64(context + W_USED):  # all packets there are, each once: in whatever order
        return wire_bytes(context, count)
    at = load64(context + W_BURST) + D_WIRE
    item = listed + LIST_HEAD
    total = 0
    for _ in range(count):
        total += load32(at + load32(item) * DESCRIPTOR)
        item += 4
    return total
