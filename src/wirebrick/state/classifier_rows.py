"""Rows: the rows of a Classifier as arrays, and how its memory is made of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from wirebrick.errors import GraphError, caller_place
from wirebrick.packet.memory import load64, store64
from wirebrick.state import classifier_build_native as build
from wirebrick.state.classifier_native import (
    C_ASKS,
    C_DATA,
    C_RARE,
    C_ROOTS,
    C_ROWS,
    C_TREES,
    C_VALUES,
    CHUNK,
    MOST_TREES,
    R_ENTRY,
    R_LEAST,
    ROOT,
)
from wirebrick.state.natives import compiled
from wirebrick.state.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

NATIVE = "wirebrick.state.classifier_build_native"
HIGHEST = (1 << 32) - 1  # value
COPIES = 6  # of a row in leaves, as far as there is room for them
TABLES = 64  # bytes for tables of nodes, for each row
LEAST = 1 << 16  # bytes for trees, whatever the rows
MOST_SCANNED = 12  # rows that are looked through as fast as a tree


def check_key(key: type[Record], rare: str | None) -> tuple[int, int]:
    """Chunks of the key that are compared always, and of the rare part. Raises GraphError."""
    if key.size % CHUNK:
        raise GraphError(
            f"the keys of a Classifier can't be {key.__name__}: it has {key.size} bytes",
            place=caller_place(),
            cure=f"give it as many fields as fill whole {CHUNK} bytes: one more U64, say",
        )
    narrow = [field.name for field in key.fields.values() if field.size < 2 or field.is_float]
    if narrow:
        raise GraphError(
            f"the keys of a Classifier can't be {key.__name__}: {narrow[0]} is a {key.fields[narrow[0]].kind_name}",
            place=caller_place(),
            cure="declare it as U16: fields are compared by 16 bits",
        )
    if rare is None:
        return _base(key, key.size), 0
    if rare not in key.fields or key.fields[rare].offset % CHUNK:
        raise GraphError(
            f"the rare part of a Classifier's keys can't begin with {rare!r}",
            place=caller_place(),
            cure=f"name a field of {key.__name__} that lies at a multiple of {CHUNK} bytes",
        )
    offset = key.fields[rare].offset
    return _base(key, offset), (key.size - offset) // CHUNK


def _base(key: type[Record], size: int) -> int:
    if not 0 < size <= 64:
        raise GraphError(
            f"the keys of a Classifier can't be {key.__name__}: {size} bytes are compared with each row",
            place=caller_place(),
            cure="16 to 64 are possible; put what few rows look at behind, and name it as rare=",
        )
    return size // CHUNK


class Rows:
    """The rows of a classifier: boxes and values, checked."""

    def __init__(self, key: type[Record], chunks: int, rows: Iterable[tuple[Record, Record, int]]) -> None:
        import numpy as np

        given = list(rows)
        for number, (low, high, value) in enumerate(given):
            if type(low) is not key or type(high) is not key:
                raise _wrong(number, f"its ends are no {key.__name__}", f"give two records of {key.__name__}")
            if type(value) is not int or not 0 <= value <= HIGHEST:
                raise _wrong(
                    number, f"its value can't be {value!r}", f"give a whole number from 0 to {HIGHEST}"
                )
        self.chunks = chunks
        self._values = np.array([value for _, _, value in given], np.uint32)
        raw = b"".join(bytes(low) + bytes(high) for low, high, _ in given)
        lanes = np.frombuffer(raw, np.uint16).reshape(len(given), 2, key.size // 2)
        _check_boxes(key, lanes)
        base = chunks * CHUNK // 2
        self.boxes = np.ascontiguousarray(lanes[:, :, :base])
        self.rare = np.ascontiguousarray(lanes[:, :, base:])
        highest = np.frombuffer(
            bytes(key(**{name: field.mask for name, field in key.fields.items()})), np.uint16
        )
        narrowed = (self.rare[:, 0] != 0) | (self.rare[:, 1] < highest[base:])
        self.asks = np.ascontiguousarray(narrowed.any(axis=1).astype(np.uint8))

    def __len__(self) -> int:
        return len(self._values)

    def block_size(self, capacity: int) -> int:
        """Bytes of a block for so many rows."""
        row = 2 * CHUNK * self.chunks + 4
        return self._trees(capacity) + capacity * (COPIES * row + TABLES) + LEAST

    def _trees(self, capacity: int) -> int:
        """Offset of the trees: values and rare boxes come before."""
        return C_DATA + 8 * capacity + self.rare[:1].nbytes * capacity

    def build(self, block: int, capacity: int, *, scan: bool) -> None:
        """Make what a block is to be."""
        import ctypes

        import numpy as np

        count = len(self)
        values, rare = C_DATA, C_DATA + 8 * capacity
        for at, word in ((C_ASKS, int(self.asks.any())), (C_VALUES, values), (C_RARE, rare), (C_ROWS, count)):
            store64(block + at, word)
        ctypes.memmove(block + values, self._values.ctypes.data, self._values.nbytes)
        for number in np.flatnonzero(self.asks):
            box = self.rare[number]
            ctypes.memmove(block + rare + int(number) * box.nbytes, box.ctypes.data, box.nbytes)
        job = _Job(self, block, self._trees(capacity), self.block_size(capacity))
        roots = job.scan() if scan or count <= MOST_SCANNED else job.trees()
        store64(block + C_TREES, len(roots))
        for number, (least, entry) in enumerate(sorted(roots)):
            store64(block + C_ROOTS + number * ROOT + R_ENTRY, entry)
            store64(block + C_ROOTS + number * ROOT + R_LEAST, least)


class _Job:
    """The memory that ``build_tree`` works in."""

    def __init__(self, rows: Rows, block: int, begin: int, end: int) -> None:
        import numpy as np

        self._count = count = len(rows)
        words = rows.boxes.shape[2] // 4 if count else 1
        room = COPIES * count + 64
        self._fixed = _fixed_bits(rows.boxes)
        self._later = np.zeros(count + 1, np.uint8)
        logs = np.round(build.BIT * np.log2(np.maximum(np.arange(count + 1), 1))).astype(np.uint32)
        counts = np.zeros(build.COUNTS, np.uint64)
        self._ids = np.zeros(room, np.uint32)
        pending = 1 << 16
        stack = np.zeros(pending * build.PENDING, np.uint8)
        self._words = np.zeros(build.JOB // 8, np.int64)
        self.at = int(self._words.ctypes.data)
        self._keeps: list[Any] = [rows, logs, counts, stack]
        for at, word in (
            (build.J_BLOCK, block),
            (build.J_OUT, begin),
            (build.J_END, end),
            (build.J_CHUNKS, rows.chunks),
            (build.J_WORDS, words),
            (build.J_ROWS, rows.boxes.ctypes.data),
            (build.J_FIXED, self._fixed.ctypes.data),
            (build.J_RARE, rows.asks.ctypes.data),
            (build.J_LATER, self._later.ctypes.data),
            (build.J_LOGS, logs.ctypes.data),
            (build.J_COUNTS, counts.ctypes.data),
            (build.J_IDS, self._ids.ctypes.data),
            (build.J_IDS_END, room),
            (build.J_STACK, stack.ctypes.data),
            (build.J_STACK_END, pending),
        ):
            store64(self.at + at, int(word))

    def scan(self) -> list[tuple[int, int]]:
        """One leaf."""
        import numpy as np

        self._ids[: self._count] = np.arange(self._count)
        return [(0, compiled(NATIVE, "make_leaf", 3)(self.at, 0, self._count))]

    def trees(self) -> list[tuple[int, int]]:
        """Trees, each of the rows that the one before left: the first row of each, and its entry."""
        import numpy as np

        roots = []
        waiting = np.arange(self._count, dtype=np.uint32)
        while len(waiting):
            self._ids[: len(waiting)] = waiting
            store64(self.at + build.J_DEFER, int(len(roots) < MOST_TREES - 1))
            compiled(NATIVE, "build_tree", 3)(self.at, len(waiting), self.at + build.J_ROOT)
            later = np.flatnonzero(self._later).astype(np.uint32)
            self._later[:] = 0
            least = int(np.setdiff1d(waiting, later, assume_unique=True)[0])
            roots.append((least, load64(self.at + build.J_ROOT)))
            waiting = later
        return roots


def _fixed_bits(boxes: NDArray[Any]) -> NDArray[Any]:
    """For each row the words of its values, where they are fixed, and the words that say where."""
    import numpy as np

    free = boxes[:, 0] ^ boxes[:, 1]
    for shift in (1, 2, 4, 8):
        free |= free >> np.uint16(shift)
    return np.ascontiguousarray(np.stack([boxes[:, 0] & ~free, ~free], axis=1))


def _check_boxes(key: type[Record], lanes: NDArray[Any]) -> None:
    """Refuse rows that cover nothing, or what is no range in each 16 bits alone. Raises GraphError."""
    import numpy as np

    empty = np.flatnonzero((lanes[:, 0] > lanes[:, 1]).any(axis=1))
    if len(empty):
        raise _wrong(int(empty[0]), "it covers nothing", "give the lowest key first, then the highest")
    for name, field in key.fields.items():
        order = [field.offset // 2 + lane for lane in range(min(field.size, 8) // 2 - 1, -1, -1)]
        if field.size == 16:
            order += [lane + 4 for lane in order]
        for upper, lower in pairwise(order):
            open_ = (lanes[:, 0, lower] == 0) & (lanes[:, 1, lower] == 0xFFFF)
            bad = np.flatnonzero((lanes[:, 0, upper] != lanes[:, 1, upper]) & ~open_)
            if len(bad):
                raise _wrong(
                    int(bad[0]), f"its {name} is no prefix", "make several rows of it, one for each prefix"
                )


def _wrong(number: int, what: str, cure: str) -> GraphError:
    return GraphError(f"row {number} of a Classifier is wrong: {what}", place=caller_place(), cure=cure)
