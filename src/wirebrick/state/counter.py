"""Counter: a number that user functions add to."""

from __future__ import annotations

from typing import Any

from wirebrick.errors import GraphError, caller_place
from wirebrick.packet.memory import load64
from wirebrick.state import counter_native as native
from wirebrick.state.base import State
from wirebrick.state.consistency import PARTITIONED, Consistency, Strict
from wirebrick.state.natives import compiled
from wirebrick.state.operation import Operation

_MASK64 = (1 << 64) - 1


class Counter(State):
    """A number of 64 bits, named for reports, that starts at zero. It wraps at 2**64.

    In user functions: ``counter.add(n)``. From outside: ``counter.value``. Raises GraphError for a bad name.

    >>> large = Counter("large packets")
    >>> large.value
    0
    >>> large.allocate(workers=2)  # a run does this
    >>> large.add(); large.add(5)  # user functions do this
    >>> large.value
    6
    """

    unites = spreads = True
    operations = {
        "add": Operation(native.counter_add, ("number",), (1,), atomic=native.counter_add_atomic),
    }

    def __init__(self, name: str, *, consistency: Consistency = PARTITIONED) -> None:
        if not isinstance(name, str) or not name:
            raise GraphError(
                f"{name!r} can't be the name of a Counter",
                place=caller_place(),
                cure='say what it counts, as in Counter("large packets")',
            )
        super().__init__(name, consistency)

    def block_size(self) -> int:
        """Bytes of a block: one u64."""
        return 8

    def add(self, n: int = 1) -> None:
        """Add ``n`` (in user functions)."""
        block = self.changing()
        if isinstance(self.consistency, Strict):
            compiled(native.__name__, "counter_add_atomic", 2)(block, n)
        else:
            native.counter_add(block, n)

    def _layout(self) -> dict[str, Any]:
        return {"name": self.name}

    def _merge(self, into: int, block: int) -> None:
        native.counter_add(into, load64(block))

    @property
    def value(self) -> int:
        """The sum over all workers, modulo 2**64."""
        return sum(load64(block) for block in self.blocks) & _MASK64
