"""TokenBucket: whether packets keep to a rate, all together or by key."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from wirebrick.errors import GraphError, caller_place
from wirebrick.packet.memory import load64
from wirebrick.state import token_bucket_native as native
from wirebrick.state.arguments import key_at, key_class, natural, whole
from wirebrick.state.base import State, worker
from wirebrick.state.consistency import PARTITIONED, Consistency
from wirebrick.state.operation import Operation
from wirebrick.state.record import Record
from wirebrick.state.saved import fields_of
from wirebrick.state.table import seed
from wirebrick.state.table_layout import MOST, T_EVICTED, table_init, table_size, table_stride

_LIMIT = 1 << 62  # units of a full bucket


class TokenBucket(State):
    """A bucket of ``burst`` tokens into which ``rate`` tokens a second come back: RFC 2697 with one color.

    ``rate``: a number, of packets, bytes or whatever is taken. ``burst``: a whole number, the most that can
    be taken at once; the bucket begins full. With ``Key``, a Record class, each key has a bucket of its own.

    In user functions: ``bucket.take(n=1)``, with ``Key`` ``bucket.take(key, n=1)``: True, and ``n`` tokens
    are gone, if there are as many; else False, and none are gone. A negative ``n`` is a fault.

    Time is that of packets, to the nanosecond, and nothing is rounded: in the long run exactly ``rate`` comes
    back. A clock that goes back brings no tokens; one that is set back by more than a second goes on from
    there. There are ``capacity`` buckets with ``Key``, in each worker; a new key takes the place of one whose
    bucket is full again, which loses nothing, else of the least recently used of 32, which begins full when
    it comes again: ``evicted`` counts them. From outside: ``conformed`` and ``exceeded``, how often there
    were tokens and how often not.

    Each worker has buckets of its own: of packets that are spread over workers each lets ``rate`` through,
    unless ``consistency`` is ``Strict()``. Memory of a worker: that of a Table with 16 bytes of value. Raises
    GraphError for wrong arguments.

    >>> bucket = TokenBucket(rate=1000, burst=2)
    >>> bucket.allocate(workers=1)  # a run does this
    >>> bucket.take(), bucket.take(), bucket.take()  # user functions do this
    (True, True, False)
    >>> bucket.conformed, bucket.exceeded
    (2, 1)
    """

    def __init__(
        self,
        *,
        rate: float,
        burst: int,
        Key: type[Record] | None = None,
        capacity: int = 65536,
        consistency: Consistency = PARTITIONED,
    ) -> None:
        self.rate = _rate_of(rate)
        self.burst = whole("TokenBucket", "burst", burst, 1, _LIMIT, "the most that is taken at once")
        fill = self.rate / 10**9
        self._units, self._fill = fill.denominator, fill.numerator
        if self._units * burst >= _LIMIT or self._fill >= _LIMIT:
            raise GraphError(
                f"a TokenBucket with a rate of {rate} and a burst of {burst} can't be counted without rounding",
                place=caller_place(),
                cure="give a smaller burst, or a rate with fewer digits",
            )
        self.key = None if Key is None else key_class("TokenBucket", Key)
        self.capacity = whole("TokenBucket", "capacity", capacity, 1, MOST, "how many keys have a bucket")
        self.key_size = self.key.size if self.key else 0
        self.stride = table_stride(self.key_size, native.BUCKET)
        if self.key is None:
            take = Operation(native.bucket_take, ("natural",), (1,), result="bool", clock=True)
        else:
            sizes = ("key_size", "stride")
            take = Operation(
                native.bucket_take_key, ("key", "natural"), (1,), result="bool", clock=True, constants=sizes
            )
        self.operations = {"take": take}
        of = f" of {self.key.__name__}" if self.key else ""
        super().__init__(f"TokenBucket({rate}, {burst}){of}", consistency)

    def block_size(self) -> int:
        """Bytes of a worker's buckets."""
        table = table_size(self.capacity, self.key_size, native.BUCKET) if self.key else 0
        return native.B_TABLE + table

    def _initialise(self, block: int) -> None:
        native.bucket_init(block, self._units, self._fill, self.burst)
        if self.key:
            full_again = load64(block + native.B_REFILL)
            table = block + native.B_TABLE
            table_init(table, self.capacity, self.key_size, native.BUCKET, full_again, 0, seed())

    def _layout(self) -> dict[str, Any]:
        capacity = self.capacity if self.key else 1
        rate = str(self.rate)
        return {"key": fields_of(self.key), "rate": rate, "burst": self.burst, "capacity": capacity}

    def take(self, *arguments: Any) -> bool:
        """``take(n=1)``, or ``take(key, n=1)``: take tokens if there are enough (in user functions).

        Raises ValueError for a negative ``n``, TypeError for other arguments.
        """
        given = list(arguments)
        at = key_at(self.name, self.key, given.pop(0) if given else None) if self.key else 0
        number = natural(given.pop(0)) if given else 1
        if given:
            raise TypeError(f"take() of {self.name} got {len(arguments)} arguments")
        block = self.changing()
        if self.key is None:
            return bool(native.bucket_take(block, worker.now, number))
        return bool(native.bucket_take_key(block, worker.now, self.key_size, self.stride, at, number))

    def _sum(self, word: int) -> int:
        return sum(load64(block + word) for block in self.blocks)

    @property
    def conformed(self) -> int:
        """How often there were tokens, in all workers."""
        return self._sum(native.B_CONFORMED)

    @property
    def exceeded(self) -> int:
        """How often there were too few."""
        return self._sum(native.B_EXCEEDED)

    @property
    def evicted(self) -> int:
        """Keys that made room for others while their bucket wasn't full."""
        return self._sum(native.B_TABLE + T_EVICTED) if self.key else 0


def _rate_of(rate: Any) -> Fraction:
    """Tokens a second, exactly as written. Raises GraphError."""
    number = isinstance(rate, int | float | Fraction) and not isinstance(rate, bool)
    if not number or not 0 < rate < _LIMIT:
        raise GraphError(
            f"the rate of a TokenBucket can't be {rate!r}",
            place=caller_place(),
            cure="give a number of tokens a second, more than 0",
        )
    return Fraction(str(rate)) if isinstance(rate, float) else Fraction(rate)
