"""Log's native part: a ring of records that one worker writes and one thread outside reads, without a lock.

A block begins with the head, a line for what the worker writes and a line for what the reader writes; the slots are
behind it. The indices count up for ever (64 bits).
"""

from __future__ import annotations

from wirebrick.packet.memory import copy, load64, load64_acquire, store64, store64_release

# The head: 64-bit words, by byte offset.
L_TAIL = 0  # records written, by the worker
L_LOST = 8  # records that found no room
L_SIZE = 16  # bytes of a record
L_MASK = 24  # slots - 1; their number is a power of two
L_HEAD = 128  # records read, by the reader
L_WAITS = (
    136  # 1: the worker waits while the ring is full, as long as it is read; 0: what finds it full is lost
)
LOG = 256  # bytes of the head


def log_add(block: int, size: int, mask: int, record: int) -> int:
    """Write a record of ``size`` bytes into a ring of ``mask`` + 1 slots; 1, or 0 where it is lost."""
    tail = load64(block + L_TAIL)
    while tail - load64_acquire(block + L_HEAD) > mask:
        if load64_acquire(block + L_WAITS) == 0:
            store64(block + L_LOST, load64(block + L_LOST) + 1)
            return 0
    copy(block + LOG + (tail & mask) * size, record, size)
    store64_release(block + L_TAIL, tail + 1)
    return 1


def log_note(block: int, record: int) -> int:
    """The same for callers that don't know the sizes."""
    return log_add(block, load64(block + L_SIZE), load64(block + L_MASK), record)


def log_written(block: int) -> int:
    """How many records can be read up to."""
    return load64_acquire(block + L_TAIL)


def log_read(block: int, count: int) -> int:
    """So many records have been read in all: their slots may be written again. Returns 0."""
    store64_release(block + L_HEAD, count)
    return 0
