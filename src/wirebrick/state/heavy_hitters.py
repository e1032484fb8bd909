"""HeavyHitters: the keys for which most was added, with a bound for what is wrong about them."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

from wirebrick.packet.memory import load64
from wirebrick.state import heavy_hitters_native as native
from wirebrick.state.arguments import key_at, key_class, natural, whole
from wirebrick.state.base import State, worker
from wirebrick.state.consistency import PARTITIONED, Consistency
from wirebrick.state.operation import Operation
from wirebrick.state.record import Record
from wirebrick.state.saved import fields_of
from wirebrick.state.table import seed
from wirebrick.state.table_layout import table_stride

K = TypeVar("K", bound=Record)
MOST = 1 << 24
_SIZES = ("key_size", "stride")


class Hitter(NamedTuple):
    """A key, the amount that was counted for it, and by how much that may be too high."""

    key: Any
    amount: int
    error: int


class HeavyHitters(State, Generic[K]):
    """The keys of class ``Key`` for which most was added, found with ``capacity`` counters: space-saving.

    Every key for which more than T / ``capacity`` was added has a counter, where T is all that was added (by
    a worker). Its count is never too low, and too high by at most its ``error``, which is at most
    T / ``capacity``. (A. Metwally, D. Agrawal and A. El Abbadi, ICDT 2005; with a heap, as numbers of any
    size can be added: G. Cormode and M. Hadjieleftheriou, VLDB 2008.)

    In user functions: ``top.add(key, n=1)`` adds ``n`` and gives the key's count, ``top.estimate(key)`` gives
    it; a negative ``n`` is a fault. An update takes at most log2(``capacity``) steps, whatever the packets
    are, most of them one or two. From outside: ``top.items()``, ``top.total``.

    Memory of a worker: for FlowKey up to 240 bytes for each counter. Raises GraphError for wrong arguments.

    >>> from wirebrick import FlowKey
    >>> top = HeavyHitters(FlowKey, capacity=2)
    >>> top.allocate(workers=1)  # a run does this
    >>> for port in (53, 53, 53, 80, 443):
    ...     _ = top.add(FlowKey(dst_port=port))  # user functions do this
    >>> [(key.dst_port, amount, error) for key, amount, error in top.items()]
    [(53, 3, 0), (443, 2, 1)]
    """

    operations = {
        "add": Operation(native.hitters_add, ("key", "natural"), (1,), result="natural", constants=_SIZES),
        "estimate": Operation(
            native.hitters_estimate, ("key",), result="natural", writes=False, constants=_SIZES
        ),
    }

    def __init__(self, Key: type[K], capacity: int, *, consistency: Consistency = PARTITIONED) -> None:
        self.key = key_class("HeavyHitters", Key)
        self.key_size = self.key.size
        self.stride = table_stride(self.key_size, native.NUMBER)
        self.capacity = whole("HeavyHitters", "capacity", capacity, 1, MOST, "how many keys have a counter")
        super().__init__(f"HeavyHitters({Key.__name__}, {capacity})", consistency)

    def block_size(self) -> int:
        """Bytes of a worker's counters."""
        return native.hitters_size(self.capacity, self.key_size)

    def _initialise(self, block: int) -> None:
        native.hitters_init(block, self.capacity, self.key_size, seed())

    def _layout(self) -> dict[str, Any]:
        return {"key": fields_of(self.key), "capacity": self.capacity}

    def add(self, key: K, n: int = 1) -> int:
        """Add ``n`` for a key (in user functions); its count. Raises ValueError for a negative ``n``."""
        at = key_at(self.name, self.key, key)
        number = natural(n)
        return native.hitters_add(self.changing(), self.key_size, self.stride, at, number)

    def estimate(self, key: Any) -> int:
        """What was added for a key, or more: of this worker, from outside of all together."""
        at = key_at(self.name, self.key, key)
        if worker.in_burst:
            return native.hitters_estimate(self.current(), self.key_size, self.stride, at)
        with self._reading():
            return sum(native.hitters_estimate(b, self.key_size, self.stride, at) for b in self.blocks)

    def items(self) -> list[Hitter]:
        """The keys that have a counter in any worker, the largest counts first.

        Counts and errors of several workers are summed; a key that one of them has no counter for may have
        had as much there as its least counter, which is counted to both.
        """
        with self._reading():
            parts = [
                (self._counters(block), native.hitters_least(block, self.key_size)) for block in self.blocks
            ]
        united: dict[Any, tuple[int, int]] = {key: (0, 0) for counters, _ in parts for key in counters}
        for key, (count, error) in united.items():
            for counters, least in parts:
                more, wrong = counters.get(key, (least, least))
                count, error = count + more, error + wrong
            united[key] = (count, error)
        hitters = [Hitter(key, count, error) for key, (count, error) in united.items()]
        return sorted(hitters, key=lambda hitter: (-hitter.amount, hitter.error, bytes(hitter.key)))

    def _counters(self, block: int) -> dict[Any, tuple[int, int]]:
        """Count and error of the keys of a block."""
        found = {}
        for number in range(1, load64(block + native.H_USED) + 1):
            at = native.hitters_counter(block, self.key_size, number)
            count, error = load64(at + native.N_COUNT), load64(at + native.N_ERROR)
            found[self.key.at(at + native.N_KEY).copy()] = (count, error)
        return found

    @property
    def total(self) -> int:
        """All that was added, by all workers."""
        return sum(load64(block + native.H_TOTAL) for block in self.blocks)
