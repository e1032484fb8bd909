"""Receiving from and transmitting to captures: functions over addresses, run compiled or as they are.

``receive`` walks the records of a chunk of the file, held in a buffer, and copies each packet into its frame.
What is rare is left to Python: where it meets the end of the chunk, a block that describes (a section, an
interface) or damage, it says so in S_STATUS and asks for a refill. Whatever the file says, nothing outside
``S_BASE .. S_BASE + S_FILL`` is read and nothing outside the frame is written.

Classic records (draft-ietf-opsawg-pcap) are walked here, pcapng in ``native_blocks``.

>>> import ctypes
>>> from wirebrick.ports.pcap.layout import SOURCE_STATE
>>> words = (ctypes.c_int64 * (SOURCE_STATE // 8))()
>>> words[S_FINISHED // 8] = 1
>>> receive(ctypes.addressof(words), 0, 32) == ENDED
True
"""

from __future__ import annotations

from wirebrick.packet.memory import load64, store64
from wirebrick.ports.base import ENDED, REFILL
from wirebrick.ports.pcap.layout import (
    BAD_CAPTURED,
    BILLION,
    I_LINK,
    I_MULTIPLY,
    MAX_CAPTURED,
    NEED_MORE,
    S_BASE,
    S_BLOCKS,
    S_FILL,
    S_FINISHED,
    S_HEAD,
    S_INTERFACES,
    S_PACKETS,
    S_POSITION,
    S_RECORDS,
    S_STATUS,
    S_SWAP,
)
from wirebrick.ports.pcap.native_blocks import walk_blocks
from wirebrick.ports.pcap.native_place import bad, field32, place
from wirebrick.ports.pcap.native_transmit import transmit

__all__ = ["receive", "transmit"]


def receive(state: int, context: int, room: int) -> int:
    """Put up to ``room`` packets into frames; their number, REFILL or ENDED (see ``ports.base``)."""
    if load64(state + S_FINISHED) != 0:
        return ENDED
    store64(state + S_STATUS, NEED_MORE)
    blocks = load64(state + S_BLOCKS) != 0
    got = walk_blocks(state, context, room) if blocks else walk_records(state, context, room)
    store64(state + S_PACKETS, load64(state + S_PACKETS) + got)
    if got == 0 and room > 0:
        return REFILL
    return got


def walk_records(state: int, context: int, room: int) -> int:
    """Classic records: how many packets were put into frames."""
    base = load64(state + S_BASE)
    end = load64(state + S_FILL)
    position = load64(state + S_POSITION)
    head = load64(state + S_HEAD)
    swap = load64(state + S_SWAP)
    interface = load64(state + S_INTERFACES)
    link = load64(interface + I_LINK)
    multiply = load64(interface + I_MULTIPLY)
    got = 0
    while got < room and end - position >= head:
        record = base + position
        captured = field32(record + 8, swap)
        if captured > MAX_CAPTURED:
            bad(state, BAD_CAPTURED, captured)
            break
        if end - position - head < captured:
            break
        time = field32(record, swap) * BILLION + field32(record + 4, swap) * multiply
        got += place(state, context, got, record + head, captured, field32(record + 12, swap), time, link)
        position += head + captured
    store64(state + S_POSITION, position)
    store64(state + S_RECORDS, load64(state + S_RECORDS) + got)
    return got
