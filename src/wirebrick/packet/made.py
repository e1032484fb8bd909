"""The packets that an operator made, waiting until the one that they follow has gone its way.

A small stack: a count, then entries of a fixed size, each a range of burst positions, the number under which they
go on, and what their maker wrote down behind that. Run as they are in CPython, and compiled.

>>> import ctypes
>>> memory = (ctypes.c_int64 * 16)()
>>> stack = ctypes.addressof(memory)
>>> made_next(stack, 24)
0
>>> entry = made_push(stack, 24, 5, 7, 99)
>>> [memory[1] for _ in range(3) if made_next(stack, 24)]  # one more than the position
[6, 7]
"""

from __future__ import annotations

from wirebrick.packet.memory import load64, store64

# An entry: 64-bit words, by byte offset.
MADE_NEXT = 0  # position whose turn is next
MADE_END = 8  # behind the last one
MADE_LABEL = 16  # where they go on
MADE_SPILL = 24  # what is known of them


def made_push(stack: int, size: int, first: int, end: int, label: int) -> int:
    """Let positions ``first`` .. ``end`` - 1 wait, on top; the address of their entry, of ``size`` bytes."""
    depth = load64(stack)
    entry = stack + 8 + depth * size
    store64(entry + MADE_NEXT, first)
    store64(entry + MADE_END, end)
    store64(entry + MADE_LABEL, label)
    store64(stack, depth + 1)
    return entry


def made_next(stack: int, size: int) -> int:
    """The entry whose next packet has its turn, its position one less than MADE_NEXT says now; 0: none waits."""
    depth = load64(stack)
    while depth > 0:
        entry = stack + 8 + (depth - 1) * size
        position = load64(entry + MADE_NEXT)
        if position < load64(entry + MADE_END):
            store64(entry + MADE_NEXT, position + 1)
            return entry
        depth -= 1
        store64(stack, depth)
    return 0
