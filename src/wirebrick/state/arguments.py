"""What state objects check: of the arguments they are made with, and of those that user functions give."""

from __future__ import annotations

import ctypes
import operator
from typing import Any

from wirebrick.errors import CheckError, GraphError, caller_place
from wirebrick.packet.octets import Octets
from wirebrick.state.base import is_record
from wirebrick.state.record import Record


def whole(name: str, what: str, value: Any, least: int, most: int, cure: str) -> int:
    """A whole number in a range. Raises GraphError: the ``what`` of a ``name`` can't be that.

    >>> whole("Table", "capacity", 5, 1, 10, "")
    5
    """
    if type(value) is not int or not least <= value <= most:
        raise GraphError(
            f"the {what} of a {name} can't be {value!r}",
            place=caller_place(),
            cure=f"give a whole number from {least} to {most}: {cure}",
        )
    return value


def key_class(name: str, Key: Any) -> type[Record]:
    """A class of keys: a Record class with fields. Raises GraphError."""
    if not is_record(Key) or not Key.size:
        raise GraphError(
            f"the keys of a {name} can't be {Key!r}",
            place=caller_place(),
            cure="give FlowKey, or a class derived from wirebrick.Record with fields that tell keys apart",
        )
    return Key  # type: ignore[no-any-return]


def key_at(name: str, Key: type[Record], key: Any) -> int:
    """Address of a key. Raises CheckError for what isn't of the class."""
    if type(key) is not Key:
        raise CheckError(
            f"{key!r} is no key of {name}",
            place=caller_place(),
            cure=f"build one: {Key.__name__}({', '.join(field + '=' for field in Key.fields)})",
        )
    return int(key._at)


def natural(value: Any) -> int:
    """A number that isn't negative and fits 63 bits. Raises ValueError, OverflowError (both are faults)."""
    number = operator.index(value)
    if number < 0:
        raise ValueError(f"{number} is negative")
    if number >= 1 << 63:
        raise OverflowError(f"{number} does not fit 63 bits")
    return number


def octets(data: Any) -> Octets:
    """Bytes that an operation reads: those of a packet or a window as they are, others (in tests) copied.

    Raises TypeError for what isn't bytes.
    """
    if isinstance(data, Octets):
        return data
    if not isinstance(data, bytes):
        raise TypeError(f"{data!r} is not bytes")
    kept = ctypes.create_string_buffer(data, max(1, len(data)))
    view = Octets(ctypes.addressof(kept), len(data))
    view.__dict__["_kept"] = kept
    return view
