"""CountMin: about how much was added for each key, in memory that does not depend on how many keys there are."""

from __future__ import annotations

import math
from typing import Any, Generic, TypeVar

from wirebrick.packet.memory import load64
from wirebrick.state import count_min_native as native
from wirebrick.state.arguments import key_at, key_class, natural, whole
from wirebrick.state.base import State, worker
from wirebrick.state.consistency import PARTITIONED, Consistency
from wirebrick.state.operation import Operation
from wirebrick.state.record import Record
from wirebrick.state.saved import fields_of
from wirebrick.state.table import seed

K = TypeVar("K", bound=Record)
WIDEST = 1 << 30


class CountMin(State, Generic[K]):
    """A count-min sketch (G. Cormode and S. Muthukrishnan, J. Algorithms 55(1), 2005) for keys of class ``Key``.

    ``depth`` rows (1 to 16) of ``width`` counters (rounded up to a power of two). An estimate is never below
    what was added for a key. It is above it by more than 2.72 * T / ``width`` for at most one key in
    2.72 ** ``depth``, where T is all that was added (a worker's part counts for itself). Updates are
    conservative (C. Estan and G. Varghese, SIGCOMM 2002): a counter grows no further than the estimate needs,
    which makes errors smaller still.

    In user functions: ``sketch.add(key, n=1)`` adds ``n`` and gives the new estimate, ``sketch.estimate(key)``
    gives it; a negative ``n`` is a fault. From outside: ``estimate(key)``, the sum over all workers,
    ``total`` and ``error``, the bound as above. Estimates stay below 2**63.

    Memory of a worker: 8 bytes * ``width`` * ``depth``. Rows are hashed as the keys of a Table are (see
    there): so which keys get too high an estimate differs from process to process, unless WIREBRICK_SEED is
    set. Raises GraphError for wrong arguments.

    >>> from wirebrick import FlowKey
    >>> sketch = CountMin(FlowKey, width=1024, depth=4)
    >>> sketch.allocate(workers=1)  # a run does this
    >>> key = FlowKey(dst_port=53)
    >>> sketch.add(key), sketch.add(key, 10), sketch.estimate(FlowKey(dst_port=80)) <= 11  # user functions do this
    (1, 11, True)
    >>> sketch.estimate(key), sketch.total, round(sketch.error, 3)
    (11, 11, 0.029)
    """

    unites = True
    operations = {
        "add": Operation(
            native.count_min_add, ("key", "natural"), (1,), result="natural", constants=("key_size",)
        ),
        "estimate": Operation(
            native.count_min_estimate, ("key",), result="natural", writes=False, constants=("key_size",)
        ),
    }

    def __init__(
        self, Key: type[K], *, width: int, depth: int = 4, consistency: Consistency = PARTITIONED
    ) -> None:
        self.key = key_class("CountMin", Key)
        self.key_size = self.key.size
        whole("CountMin", "width", width, 1, WIDEST, "the counters of a row")
        self.width = 1 << (width - 1).bit_length()
        self.depth = whole("CountMin", "depth", depth, 1, native.DEEPEST, "the number of rows")
        super().__init__(f"CountMin({Key.__name__}, {self.width}, {depth})", consistency)

    def block_size(self) -> int:
        """Bytes of a worker's sketch."""
        return native.count_min_size(self.width, self.depth, self.key_size)

    def _initialise(self, block: int) -> None:
        native.count_min_init(block, self.width, self.depth, self.key_size, seed())

    def _layout(self) -> dict[str, Any]:
        return {"key": fields_of(self.key), "width": self.width, "depth": self.depth}

    def _merge(self, into: int, block: int) -> None:
        native.count_min_merge(into, block)

    def add(self, key: K, n: int = 1) -> int:
        """Add ``n`` for a key (in user functions); the new estimate. Raises ValueError for a negative ``n``."""
        at = key_at(self.name, self.key, key)
        number = natural(n)
        return native.count_min_add(self.changing(), self.key_size, at, number)

    def estimate(self, key: Any) -> int:
        """About how much was added for a key, and never less: of this worker, from outside of all together."""
        at = key_at(self.name, self.key, key)
        if worker.in_burst:
            return native.count_min_estimate(self.current(), self.key_size, at)
        with self._reading():
            return sum(native.count_min_estimate(block, self.key_size, at) for block in self.blocks)

    @property
    def total(self) -> int:
        """All that was added, by all workers."""
        return sum(load64(block + native.C_TOTAL) for block in self.blocks)

    @property
    def error(self) -> float:
        """What an estimate is above the truth at most, but for one key in 2.72 ** ``depth`` (of each worker)."""
        return math.e * self.total / self.width
