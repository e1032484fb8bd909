"""Numbering: numbers of entries that stay the same when a list is read again, so that counts stay theirs."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Numbering(Generic[K]):
    """Numbers below ``capacity`` for entries, from 1 on; 0 stands for all for which none is left.

    >>> numbers = Numbering(4)
    >>> numbers.assign(["a", "b"]), numbers.assign(["b", "c", "d", "a"])
    ([1, 2], [2, 3, 0, 1])
    >>> numbers.top([5, 0, 3, 1], 3)
    [('others', 5), ('b', 3), ('c', 1)]
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._numbers: dict[K, int] = {}
        self._entries: list[K | None] = [None]

    def assign(self, entries: Iterable[K]) -> list[int]:
        """The number of each entry, for good."""
        numbers = self._numbers
        found = []
        for entry in entries:
            number = numbers.get(entry)
            if number is None:
                number = len(self._entries) if len(self._entries) < self.capacity else 0
                if number:
                    self._entries.append(entry)
                    numbers[entry] = number
            found.append(number)
        return found

    def top(self, counts: Sequence[int], most: int) -> list[tuple[Any, int]]:
        """The ``most`` entries that have the highest counts, those without left out."""
        some = [(count, -number) for number, count in enumerate(counts) if count]
        some.sort(reverse=True)
        return [("others" if number == 0 else self._entries[-number], count) for count, number in some[:most]]
