"""Random: random numbers for user functions, the same in each run with the same seed."""

from __future__ import annotations

from fractions import Fraction

from wirebrick.errors import GraphError, caller_place
from wirebrick.state import random_native as native
from wirebrick.state.base import State
from wirebrick.state.operation import Operation


def odds(chance: Fraction | float) -> int:
    """What ``happens`` takes for a chance of 0 .. 1.

    >>> odds(1) == native.CERTAIN, odds(0), odds(0.5) == native.CERTAIN // 2
    (True, 0, True)
    """
    return round(Fraction(chance) * native.CERTAIN)


class Random(State):
    """A source of random numbers in each worker, begun with ``seed`` and the worker's number.

    In user functions: ``random.below(n)`` is a number from 0 to ``n`` - 1 (``n`` up to 2**31),
    ``random.happens(odds)`` is true in ``odds`` of 2**32 cases: ``odds(0.01)`` gives that for a chance. It is for
    sampling and simulation, not for secrets. Raises GraphError for a seed that is no whole number of 63 bits.

    >>> dice = Random(seed=7)
    >>> dice.allocate(workers=1)  # a run does this
    >>> [1 + dice.below(6) for _ in range(6)], dice.happens(odds(1))  # user functions do this
    ([3, 1, 1, 6, 4, 2], True)
    """

    operations = {
        "below": Operation(native.random_below, ("natural",), result="natural"),
        "happens": Operation(native.random_chance, ("natural",), result="bool"),
    }

    def __init__(self, seed: int = 1) -> None:
        if type(seed) is not int or not 0 <= seed < 1 << 63:
            raise GraphError(
                f"Random can't begin with {seed!r}",
                place=caller_place(),
                cure="give a whole number from 0 to 2**63 - 1",
            )
        super().__init__(f"Random(seed={seed})")
        self.seed = seed

    def block_size(self) -> int:
        """Bytes of a block."""
        return 16

    def _begin(self, block: int, number: int) -> None:
        native.random_seed(block, self.seed ^ number << 32)

    def below(self, n: int) -> int:
        """A random number from 0 to ``n`` - 1 (in user functions)."""
        return native.random_below(self.changing(), n)

    def happens(self, odds: int) -> bool:
        """True in ``odds`` of 2**32 cases (in user functions)."""
        return native.random_chance(self.changing(), odds) != 0
