"""The tables of Patterns, made of the literals: windows by hash, and the texts that they are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from wirebrick.packet.memory import copy
from wirebrick.state import patterns_layout as layout

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Bytes that traffic is full of: a window of others is met more rarely.
_COMMON = {**dict.fromkeys(b"etaoinsr \0", 4), **dict.fromkeys(b"lcdupmh./-=:0123\r\n\xff", 3)}
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
WINDOWS = {4: layout.P_LONG, 2: layout.P_SHORT, 1: layout.P_SINGLE}


class Literal(NamedTuple):
    """Bytes to be found, and whether letters match in either case."""

    text: bytes
    nocase: bool


class Shape(NamedTuple):
    """What there is room for, and where it lies: offsets in the block."""

    slot_bits: int
    slots: tuple[int, ...]
    records: int
    texts: int
    literals: int
    states: int
    edge_bits: int
    edges: int
    size: int


def shape(capacity: int, room: int) -> Shape:
    """The layout for ``capacity`` literals of ``room`` bytes together."""
    slot_bits = min(18, max(8, capacity.bit_length()))
    slots = [layout.P_END]
    for _ in range(3):
        slots.append(slots[-1] + 4 * (1 << slot_bits) + 8)
    records = slots.pop()
    texts = records + capacity * layout.RECORD
    literals = texts + 2 * (room + 8 * capacity)
    states = literals + capacity * layout.LITERAL
    edge_bits = max(8, (2 * room).bit_length())
    edges = states + (room + 2) * layout.STATE
    return Shape(
        slot_bits, tuple(slots), records, texts, literals, states, edge_bits, edges, edges + (8 << edge_bits)
    )


def build(block: int, shape: Shape, literals: Sequence[Literal], generation: int) -> None:
    """Write the tables that ``patterns_native`` reads into a block; what was there is gone."""
    import numpy as np

    image = np.zeros(shape.literals, np.uint8)
    image[layout.P_GENERATION : layout.P_GENERATION + 8].view(np.uint64)[:] = generation
    at = shape.texts
    texts: list[int] = []
    for literal in literals:
        text, masks = compared(literal)
        padded = -(-len(text) // 8) * 8
        image[at : at + len(text)] = np.frombuffer(text, np.uint8)
        image[at + padded : at + padded + len(text)] = np.frombuffer(masks, np.uint8)
        texts.append(at)
        at += 2 * padded
    records = image[shape.records : shape.texts].view(np.uint32).reshape(-1, layout.RECORD // 4)
    first = 0
    for slots, (size, table) in zip(shape.slots, WINDOWS.items(), strict=True):
        numbers = [n for n, literal in enumerate(literals) if _window_size(literal) == size]
        keys, behind = _windows(literals, numbers, size)
        hashes = _multiplied(keys) >> np.uint64(32 - shape.slot_bits)
        order = np.argsort(hashes, kind="stable")
        starts = np.searchsorted(hashes[order], np.arange((1 << shape.slot_bits) + 1)) + first
        image[slots : slots + 4 * len(starts)].view(np.uint32)[:] = starts
        rows = records[first : first + len(numbers)]
        chosen = np.array(numbers, np.int64)[order]
        rows[:, 0] = keys[order]
        rows[:, 1] = chosen
        rows[:, 2] = [len(literals[n].text) for n in chosen]
        rows[:, 3] = behind[order]
        rows[:, 4] = [texts[n] for n in chosen]
        first += len(numbers)
        words = image[table : table + 32].view(np.uint64)
        words[:] = (len(numbers), slots, shape.records, 32 - shape.slot_bits)
        _mark(image, size, literals, numbers, keys, behind)
    copy(block, int(image.ctypes.data), len(image))


def compared(literal: Literal) -> tuple[bytes, bytes]:
    """The bytes a literal is compared with, and what is set in those of the data before.

    >>> compared(Literal(b"a[", True))
    (b'a[', b' \\x00')
    """
    if not literal.nocase:
        return literal.text, bytes(len(literal.text))
    return literal.text.lower(), bytes(32 if byte in _LETTERS else 0 for byte in literal.text)


def _window_size(literal: Literal) -> int:
    return next(size for size in WINDOWS if len(literal.text) >= size)


def _windows(
    literals: Sequence[Literal], numbers: Iterable[int], size: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Of each literal its window, folded, and how many bytes follow: one that is rare, and not yet another's."""
    import numpy as np

    used: dict[bytes, int] = {}
    keys, behind = [], []
    for number in numbers:
        text = bytes(byte | 0x20 for byte in literals[number].text)
        best = min(
            range(min(len(text) - size, 255) + 1),
            key=lambda at: (
                sum(_COMMON.get(b, 1) for b in text[at : at + size]) + 4 * used.get(text[at : at + size], 0)
            ),
        )
        window = text[best : best + size]
        used[window] = used.get(window, 0) + 1
        keys.append(int.from_bytes(window, "little"))
        behind.append(len(text) - size - best)
    return np.array(keys, np.uint64), np.array(behind, np.uint64)


def _multiplied(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """As compiled code hashes."""
    import numpy as np

    result: NDArray[np.uint64] = keys * np.uint64(layout.MULTIPLIER) & np.uint64(layout.MASK32)
    return result


def _mark(
    image: NDArray[np.uint8],
    size: int,
    literals: Sequence[Literal],
    numbers: list[int],
    keys: NDArray[np.uint64],
    behind: NDArray[np.uint64],
) -> None:
    """Set the bits of windows."""
    import numpy as np

    if size == 4:
        bits = [int(bit) for bit in _multiplied(keys) >> np.uint64(32 - layout.BITS4)]
        at = layout.P_BITMAP4
    else:
        at = layout.P_BITMAP2 if size == 2 else layout.P_BITMAP1
        bits = []
        for number, after in zip(numbers, behind, strict=True):
            text, nocase = literals[number]
            end = len(text) - int(after)
            for window in _cases(text[end - size : end]) if nocase else [text[end - size : end]]:
                bits.append(int.from_bytes(window, "little"))
    for bit in bits:
        image[at + (bit >> 3)] |= 1 << (bit & 7)


def _cases(text: bytes) -> list[bytes]:
    """All ways to write up to two bytes.

    >>> _cases(b"a")
    [b'A', b'a']
    """
    ways = {text.lower(), text.upper(), text.title(), text.title().swapcase()}
    return sorted(ways | {text[:1].lower() + text[1:].upper(), text[:1].upper() + text[1:].lower()})
