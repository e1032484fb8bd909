"""Classifier: the first of many rows that covers a key."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Generic, TypeVar

from wirebrick.errors import GraphError, caller_place
from wirebrick.state import classifier_native as native
from wirebrick.state.arguments import key_at, key_class, whole
from wirebrick.state.base import State, worker
from wirebrick.state.classifier_rows import HIGHEST, Rows, check_key
from wirebrick.state.operation import Operation
from wirebrick.state.record import Record
from wirebrick.state.sharing import Sharing, Viewed, zeros

K = TypeVar("K", bound=Record)
MOST = 1 << 24  # rows: their copies must have numbers of 31 bits
Row = tuple[K, K, int]


class Classifier(State, Generic[K]):
    """Rows in order, each for a set of keys, with a value: the first row that covers a key counts.

    ``rows``: (lowest key, highest key, value) each. A row covers a key where every field of the key is from the
    lowest key's to the highest key's, both included; values are 0 to 4,294,967,295. ``capacity``: rows there
    is room for (as a rule twice as many as there are, at least 256).

    ``Key``: a Record of whole 16 bytes, of fields of 16 bits or more. Of fields of more than 16 bits, rows take
    prefixes, such as all addresses of a network: whatever is a range in each 16 bits alone. ``rare``: the name of a
    field, at whole 16 bytes. It and those behind it are compared only with rows that restrict them, and need only be
    filled in while ``asks()`` is true.

    In user functions: ``classifier.find(key)``, the value of the first row that covers the key, or -1;
    ``classifier.asks()``. From outside, at any time: ``replace(rows)``. All workers read one set of rows; a new one
    becomes visible as a whole, to each worker from its next burst on.

    The rows are kept in cut trees, made when they are given (of 10,000 rows in a tenth of a second); of few rows, or
    with ``scan=True``, in one list, which is looked through from its first row on. Finding is the same, and never
    takes more than a look at every row. Memory: for each row of ``capacity``, 13 times the size of its key
    (without the rare part), and 72 bytes; twice, for the copy that is made when rows are replaced.

    Raises GraphError for wrong arguments, and where there is no room.

    >>> from wirebrick.fields import U16, U32
    >>> class Pair(Record):
    ...     src: U32
    ...     dst: U32
    ...     port: U16
    ...     protocol: U16
    ...     length: U32
    >>> any_pair = Pair(src=2**32 - 1, dst=2**32 - 1, port=65535, protocol=65535, length=2**32 - 1)
    >>> web = any_pair.copy()
    >>> web.port = 443
    >>> classifier = Classifier(Pair, [(Pair(port=80), web, 7), (Pair(), any_pair, 1)])
    >>> classifier.allocate(workers=1)  # a run does this
    >>> classifier.find(Pair(src=5, port=100)), classifier.find(Pair(src=5, port=8080))
    (7, 1)
    """

    operations = {
        "find": Operation(
            native.classifier_find,
            ("key",),
            result="number",
            writes=False,
            constants=("chunks", "rare_chunks"),
        ),
        "asks": Operation(native.classifier_asks, result="bool", writes=False),
    }
    viewed = True

    def __init__(
        self,
        Key: type[K],
        rows: Iterable[Row[K]] = (),
        *,
        capacity: int | None = None,
        rare: str | None = None,
        scan: bool = False,
    ) -> None:
        self.key = key_class("Classifier", Key)
        self.chunks, self.rare_chunks = check_key(self.key, rare)
        self.scan = scan
        self._changing = threading.Lock()
        self.rows = Rows(self.key, self.chunks, rows)
        if capacity is None:
            capacity = max(256, 2 * len(self.rows))
        self.capacity = whole("Classifier", "capacity", capacity, 1, MOST, "how many rows there is room for")
        self._check_room(self.rows)
        super().__init__(f"Classifier({Key.__name__}, {capacity})")

    def block_size(self) -> int:
        """Bytes of a copy."""
        return self.rows.block_size(self.capacity)

    def _initialise(self, block: int) -> None:
        self.rows.build(block, self.capacity, scan=self.scan)

    def _share(self, size: int, workers: int) -> Sharing:
        return Viewed(size, workers, zeros, self._begin, -1, 0)

    def find(self, key: K) -> int:
        """The value of the first row that covers a key, or -1."""
        at = key_at(self.name, self.key, key)
        return native.classifier_find(self._newest(), self.chunks, self.rare_chunks, at)

    def asks(self) -> bool:
        """Whether a row looks at the rare part of keys."""
        return native.classifier_asks(self._newest()) != 0

    def _newest(self) -> int:
        """The copy to look at: that of the burst, or outside of one the newest."""
        return self.current() if worker.in_burst else self.shared().blocks[0]

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def replace(self, rows: Iterable[Row[K]]) -> None:
        """Put other rows in the place of all there are, in one step (from outside).

        Raises GraphError where they are wrong or there is no room: nothing is changed then. Raises StateError where a
        worker keeps the second copy for seconds.
        """
        new = Rows(self.key, self.chunks, rows)
        self._check_room(new)
        with self._changing:
            self.rows = new
            if isinstance(self.sharing, Viewed):
                self.sharing.show(self.name, self._initialise)

    def _check_room(self, rows: Rows) -> None:
        if len(rows) > self.capacity:
            raise GraphError(
                f"{len(rows):,} rows don't fit a Classifier with room for {self.capacity:,}",
                place=caller_place(),
                cure="give it a larger capacity=",
            )


__all__ = ["HIGHEST", "Classifier"]
