"""review: which rows of a classifier are never reached, and which overlap others that contradict them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from wirebrick.packet.memory import load64, store64
from wirebrick.state import classifier_review_native as native
from wirebrick.state.natives import compiled

if TYPE_CHECKING:
    from wirebrick.state.classifier import Classifier

MOST_PAIRS = 1 << 16  # that are given


class Review(NamedTuple):
    """What there is about rows: ``covered[row]`` is the first row that covers it whole, or -1.

    ``pairs``: (earlier row, later row) that overlap in part, are of different kinds, and neither holds the other;
    ``count``: how many such pairs there are, of which at most 65,536 are given.
    """

    covered: list[int]
    pairs: list[tuple[int, int]]
    count: int


def review(classifier: Classifier[Any], groups: Sequence[int], kinds: Sequence[int]) -> Review:
    """Look at every two rows of a classifier: of 10,000 rows this takes a tenth of a second.

    ``groups``: rows of the same group are not compared. ``kinds``, 0 to 255: rows of one kind don't contradict each
    other. A row that is covered whole is in no pair with what stands behind the one that covers it.

    >>> from wirebrick import Record
    >>> from wirebrick.fields import U64
    >>> from wirebrick.state.classifier import Classifier
    >>> class Port(Record):
    ...     number: U64
    ...     spare: U64
    >>> def row(low, high):
    ...     return Port(number=low), Port(number=high, spare=(1 << 64) - 1), 0
    >>> review(Classifier(Port, [row(5, 9), row(6, 8), row(8, 12)]), [0, 1, 2], [0, 0, 1])
    Review(covered=[-1, 0, -1], pairs=[(0, 2), (1, 2)], count=2)
    """
    import numpy as np

    rows = classifier.rows
    count = len(rows)
    covered = np.zeros(count, np.uint32)
    pairs = np.zeros((MOST_PAIRS, 2), np.uint32)
    bounds = np.array([0] * 8 + [0xFFFF] * 8, np.uint16)
    group, kind = np.array(groups, np.uint32), np.array(kinds, np.uint8)
    job = np.zeros(native.JOB // 8, np.int64)
    at = int(job.ctypes.data)
    for offset, word in (
        (native.V_COUNT, count),
        (native.V_CHUNKS, classifier.chunks),
        (native.V_RARE_CHUNKS, classifier.rare_chunks),
        (native.V_BOXES, rows.boxes.ctypes.data),
        (native.V_RARE, rows.rare.ctypes.data),
        (native.V_ASKS, rows.asks.ctypes.data),
        (native.V_GROUPS, group.ctypes.data),
        (native.V_KINDS, kind.ctypes.data),
        (native.V_COVERED, covered.ctypes.data),
        (native.V_PAIRS, pairs.ctypes.data),
        (native.V_MOST, MOST_PAIRS),
        (native.V_BOUNDS, bounds.ctypes.data),
    ):
        store64(at + offset, int(word))
    compiled("wirebrick.state.classifier_review_native", "review", 1)(at)
    found = load64(at + native.V_FOUND)
    given = [(int(one), int(other)) for one, other in pairs[: min(found, MOST_PAIRS)]]
    return Review([int(row) - 1 for row in covered], given, found)
