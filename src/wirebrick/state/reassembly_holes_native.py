"""What follows from what a stream has and lacks: when it ends, which hole is skipped, whether it waits. Native."""

from __future__ import annotations

from wirebrick.packet.memory import load64, store64
from wirebrick.state.reassembly_buffer_native import FITS, stream_advance, stream_count
from wirebrick.state.reassembly_flows_native import stream_drop_packet
from wirebrick.state.reassembly_index_native import list_append, list_remove
from wirebrick.state.reassembly_layout import (
    C_DISCARDED,
    C_GAP_BYTES,
    C_GAPS,
    CLOSING,
    F_BASE,
    F_BUFFERED,
    F_COUNT,
    F_FIN,
    F_FLUSH,
    F_PACKET_OFFSET,
    F_PACKET_SIZE,
    F_PACKET_WHOLE,
    F_REACHED,
    F_RUNS,
    F_SEEN,
    F_SKIPPED,
    F_STATE,
    F_WAIT,
    OPEN,
    R_HOLES,
    R_SIZE,
    R_TIMEOUT,
    R_WAITING,
)


def stream_beyond(block: int, flow: int, stuck: int) -> int:
    """Where the bytes go on behind the hole that must be skipped now; F_REACHED where there is none."""
    reached = load64(flow + F_REACHED)
    if load64(block + R_HOLES) == 0:
        return reached
    some = load64(flow + F_COUNT) != 0
    if load64(flow + F_STATE) == CLOSING:
        return load64(flow + F_RUNS) if some else reached
    offset = load64(flow + F_PACKET_OFFSET)
    whole = load64(flow + F_PACKET_WHOLE)
    target = reached
    if stuck != FITS:
        target = max(reached, offset)
    elif whole > reached and offset <= reached and load64(flow + F_PACKET_SIZE) == 0:
        target = whole  # bytes that the capture cut off won't come
    elif load64(flow + F_FLUSH) != 0:
        target = load64(flow + F_RUNS) if some else max(reached, load64(flow + F_FIN))
    return min(target, load64(flow + F_RUNS)) if some else target


def stream_skip(block: int, flow: int, target: int) -> int:
    """Go over a hole: the bytes before ``target`` are given up, those before the hole were given."""
    gap = target - load64(flow + F_REACHED)
    store64(flow + F_SKIPPED, load64(flow + F_SKIPPED) + gap)
    stream_count(block, C_GAPS, 1)
    stream_count(block, C_GAP_BYTES, gap)
    stream_advance(block, flow, target)
    store64(flow + F_SEEN, target)
    return 0


def stream_settle(block: int, flow: int) -> int:
    """Nothing is ready: note whether the stream waits for the timeout, and what it keeps."""
    flushed = load64(flow + F_FLUSH)
    store64(flow + F_FLUSH, 0)
    stream_drop_packet(flow)
    base = load64(flow + F_BASE)
    reached = load64(flow + F_REACHED)
    held = reached - base
    waits = reached > (base if load64(block + R_SIZE) == 0 else load64(flow + F_SEEN))
    number = load64(flow + F_COUNT)
    if load64(block + R_HOLES) != 0 and (number != 0 or load64(flow + F_FIN) > reached):
        waits = True
    list_remove(block, flow + F_WAIT)
    if waits and flushed == 0 and load64(block + R_TIMEOUT) != 0:
        list_append(block, R_WAITING, flow + F_WAIT)
    for run in range(number):
        held += load64(flow + F_RUNS + 16 * run + 8) - load64(flow + F_RUNS + 16 * run)
    store64(flow + F_BUFFERED, held)
    return 0


def stream_end(block: int, flow: int) -> int:
    """Close a stream whose bytes are complete; of one that closes, what lies behind holes may be lost."""
    fin = load64(flow + F_FIN)
    if load64(flow + F_STATE) == OPEN and fin >= 0 and load64(flow + F_REACHED) >= fin:
        store64(flow + F_STATE, CLOSING)
    if load64(flow + F_STATE) == CLOSING and load64(block + R_HOLES) == 0:
        for run in range(load64(flow + F_COUNT)):
            at = flow + F_RUNS + 16 * run
            stream_count(block, C_DISCARDED, load64(at + 8) - load64(at))
        store64(flow + F_COUNT, 0)
    return 0
