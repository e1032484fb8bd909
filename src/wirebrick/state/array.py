"""Array: numbers, addresses or records by index."""

from __future__ import annotations

import ctypes
import numbers
import operator
from collections.abc import Iterable
from typing import Any, cast

from wirebrick.errors import CheckError, GraphError, HeaderError, caller_place
from wirebrick.packet.memory import copy
from wirebrick.state.base import State, add_numbers, is_record
from wirebrick.state.consistency import PARTITIONED, Consistency
from wirebrick.state.record import Record, RecordField
from wirebrick.state.saved import fields_of


class Array(State):
    """``length`` elements of a field type or a Record class, all zero; or those that ``values`` gives.

    A field type is one of U1 .. U64, F64 or an address type.

    In user functions: ``a[i]``, ``a[i] = v``, ``a[i] += v``, ``len(a)``; an element of a Record class is the
    record itself, so ``a[i].hits += 1`` works. Negative indexes count from the end; an index out of range is
    a fault (in Python: IndexError). A number that does not fit keeps its low bits.

    As a rule each worker has an array of its own, and ``values`` are the first contents of each; another
    ``consistency`` (``Bounded``, ``Strict``) lets workers share one. From outside: ``total(i)``, ``totals()``
    and ``partition(worker)``. Raises GraphError for wrong arguments.

    >>> from wirebrick.fields import U64
    >>> sizes = Array(U64, 4)
    >>> sizes.allocate(workers=2)  # a run does this
    >>> sizes[1] += 10; sizes[-1] = 7  # user functions do this
    >>> sizes.totals()
    [0, 10, 0, 7]
    """

    def __init__(
        self,
        Value: Any,
        length: int | None = None,
        *,
        values: Iterable[Any] | None = None,
        consistency: Consistency = PARTITIONED,
    ) -> None:
        self._cell = _cell_of(Value)
        self.record: type[Record] | None = Value if is_record(Value) else None
        self.field: RecordField | None = None if self.record else self._cell.fields["value"]
        self.element_size = self.field.size if self.field else self._cell.size
        first = None if values is None else list(values)
        self.length = _length_of(length, first)
        # Elements lie back to back; a worker's block begins as a copy of these bytes.
        self.initial: bytes | None = None
        if first is not None:
            self.initial = b"".join(self._packed(position, value) for position, value in enumerate(first))
        kind = self.field.kind_name if self.field else Value.__name__
        super().__init__(f"Array({kind}, {self.length})", consistency)

    def _packed(self, position: int, value: Any) -> bytes:
        """The bytes of an initial value."""
        if self.record and type(value) is self.record:
            return bytes(value)
        if self.field and isinstance(value, numbers.Real if self.field.is_float else numbers.Integral):
            return bytes(self._cell(value=value))[: self.element_size]
        raise GraphError(
            f"values[{position}] can't be {value!r}",
            place=caller_place(),
            cure=f"give a {self.record.__name__ if self.record else 'number'} for each element",
        )

    def block_size(self) -> int:
        """Bytes of a worker's elements."""
        return self.length * self.element_size

    def _initialise(self, block: int) -> None:
        if self.initial:
            ctypes.memmove(block, self.initial, len(self.initial))

    @property
    def unites(self) -> bool:  # type: ignore[override]
        """Whether its elements have a sum."""
        return self.initial is None and not any(field.address for field in self._cell.fields.values())

    def _layout(self) -> dict[str, Any]:
        return {"length": self.length, "elements": fields_of(self._cell)}

    def _merge(self, into: int, block: int) -> None:
        for offset in range(0, self.length * self.element_size, self.element_size):
            if self.field:
                self.field.write(
                    into + offset, self.field.read(into + offset) + self.field.read(block + offset)
                )
            else:
                add_numbers(self._cell.at(into + offset), self._cell.at(block + offset))

    def _offset(self, index: int) -> int:
        """Where the element lies in a block. Raises IndexError."""
        position = operator.index(index)
        if position < 0:
            position += self.length
        if not 0 <= position < self.length:
            raise IndexError(f"index {index} of an Array of {self.length}")
        return position * self.element_size

    def __len__(self) -> int:
        """Number of elements."""
        return self.length

    def __getitem__(self, index: int) -> Any:
        """The element: a number, an address, or the record in its place. Raises IndexError."""
        offset = self._offset(index)
        if not self.blocks:
            return self.partition(0)[index]
        if self.field:
            return self.field.read(self.current() + offset)
        return self._view(self._cell, self.current() + offset)

    def __setitem__(self, index: int, value: Any) -> None:
        """Store the low bits of a number or address, or copy a record. Raises IndexError."""
        offset = self._offset(index)
        at = self.changing() + offset
        if self.field:
            self.field.write(at, value)
        elif type(value) is self.record:
            copy(at, value._at, self.element_size)
        else:
            raise CheckError(
                f"an element of {self.name} can't be {value!r}",
                place=caller_place(),
                cure=f"assign a {self._cell.__name__}, or the fields of the element one by one",
            )

    def partition(self, worker: int) -> list[Any]:
        """A copy of the elements of one worker (before a run: what each begins with). Raises IndexError.

        Elements that workers share are those of worker 0.
        """
        if self.blocks:
            with self._reading():
                raw = ctypes.string_at(self.blocks[worker], self.block_size())
        else:
            raw = self.initial or bytes(self.block_size())
        memory = ctypes.create_string_buffer(raw, max(1, len(raw)))
        begin = ctypes.addressof(memory)
        places = range(begin, begin + self.length * self.element_size, self.element_size or 1)
        if self.field:
            return [self.field.read(at) for at in places]
        return [self._cell.at(at).copy() for at in places]

    def total(self, index: int) -> Any:
        """An element summed over all workers, zero before a run. Raises IndexError; GraphError for addresses.

        Of records, numbers are summed (and keep the low bits that fit), addresses are the first worker's.
        First contents (``values``) count once for each worker.
        """
        offset = self._offset(index)
        with self._reading():
            return self._sum([block + offset for block in self.blocks])

    def totals(self) -> list[Any]:
        """Every element as ``total`` gives it, all of the same moment where workers share them."""
        size = self.element_size
        with self._reading():
            return [self._sum([b + n * size for b in self.blocks]) for n in range(self.length)]

    def _sum(self, places: list[int]) -> Any:
        if self.field and self.field.address:
            raise GraphError(
                f"{self.name} holds addresses, which have no sum",
                place=caller_place(),
                cure="use partition(worker)",
            )
        if self.field:
            return sum((self.field.read(at) for at in places), 0.0 if self.field.is_float else 0)
        result = self._cell.at(places[0]).copy() if places else self._cell()
        for at in places[1:]:
            add_numbers(result, self._cell.at(at))
        return result


def _cell_of(Value: Any) -> type[Record]:
    """The record class that an element is kept as: a plain value is its only field, called ``value``."""
    if is_record(Value) and Value.size:
        return cast(type[Record], Value)
    try:
        return type("Cell", (Record,), {"__annotations__": {"value": Value}})
    except (HeaderError, NameError, SyntaxError, TypeError):
        raise GraphError(
            f"{Value!r} can't be the element of an Array",
            place=caller_place(),
            cure="use U1 .. U64, F64 or an address type of wirebrick.fields, or a Record class with fields",
        ) from None


def _length_of(length: Any, values: list[Any] | None) -> int:
    """The number of elements. Raises GraphError."""
    if length is None and values is not None:
        return len(values)
    if type(length) is not int or length < 0:
        raise GraphError(
            f"the length of an Array can't be {length!r}",
            place=caller_place(),
            cure="give a whole number, as in Array(U64, 256), or the first contents as values=",
        )
    if values is not None and len(values) != length:
        raise GraphError(
            f"an Array of {length} can't begin with {len(values)} values",
            place=caller_place(),
            cure="leave the length away: it is that of values",
        )
    return length
