"""The driver's part that transmits: rings are published, and every port takes its list."""

from __future__ import annotations

from wirebrick.packet.frame import (
    D_WIRE,
    DESCRIPTOR,
    LIST_HEAD,
    TX_BYTES,
    TX_ENTRY,
    TX_START,
    TX_STATE,
    TX_TAKEN,
    TX_TRANSMIT,
    W_BURST,
    W_BYTES_OUT,
    W_LENGTH,
    W_LISTS,
    W_PHASE,
    W_RINGS,
    W_SHUFFLES,
    W_TX_PORTS,
    W_TX_TABLE,
    W_USED,
    W_WORKERS,
)
from wirebrick.packet.memory import call4, load32, load64, store64
from wirebrick.runtime.codes import GO_ON, NEED_FLUSH, RECEIVING
from wirebrick.runtime.ring_native import ring_publish


def publish_rings(context: int) -> int:
    """Let the other workers see what was put into the rings to them; returns 0."""
    at = load64(context + W_RINGS)
    for _ in range(load64(context + W_SHUFFLES) * load64(context + W_WORKERS)):
        ring = load64(at)
        if ring != 0:
            ring_publish(ring)
        at += 8
    return 0


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
                size = listed_bytes(context, listed)
                store64(context + W_BYTES_OUT, load64(context + W_BYTES_OUT) + size)
                store64(entry + TX_BYTES, load64(entry + TX_BYTES) + size)
            store64(entry + TX_START, 0)
            store64(listed, 0)
        entry += TX_ENTRY
    store64(context + W_PHASE, RECEIVING)
    return GO_ON


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
