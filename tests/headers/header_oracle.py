"""What the tests of the headers share: random field values, scapy as oracle, and bytes of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from scapy.packet import Packet as Layer

from wirebrick.headers import Header
from wirebrick.headers.field import Computed


def random_values(header: type[Header], **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A value for each field, as the header reads it; ``fixed`` gives strategies of its own to some."""
    choices = {}
    for name, field in header.fields.items():
        number = st.integers(0, field.mask)
        choices[name] = number.map(field.address) if field.address else number
    return st.fixed_dictionaries({**choices, **fixed})


def compare(header: type[Header], values: dict[str, Any], layer: Layer, names: Mapping[str, str]) -> None:
    """Ours and scapy's make the same bytes of the values, and each reads the other's."""
    theirs = bytes(layer)
    ours = bytes(header(**values))
    assert ours == theirs
    read = header.from_bytes(theirs)
    for name, value in values.items():
        assert getattr(read, name) == value, name
    again = type(layer)(ours)
    for name, their_name in names.items():
        field = header.fields[name]
        assert field.number(again.getfieldval(their_name)) == values[name], name


def inspect(data: bytes, header: type[Header]) -> None:
    """Everything a header computes from any bytes ends, and raises nothing but IndexError (truncated)."""
    view = header.from_bytes(data)
    assert header.size <= len(bytes(view)) <= len(data)
    assert repr(view).startswith(header.__name__)
    if header.octets_name:
        assert header.size + len(getattr(view, header.octets_name)) == len(bytes(view))
    questions = [view.header_length, view.valid]
    questions += [view.claimed_payload] if hasattr(view, "claimed_payload") else []
    for name in dir(header):
        if isinstance(getattr(header, name), Computed):
            questions.append(lambda name=name: getattr(view, name))
    for question in questions:
        try:
            assert isinstance(question(), int)
        except IndexError:
            assert header.octets_name, "a header of fixed size is never truncated"


def any_bytes(header: type[Header]) -> st.SearchStrategy[bytes]:
    """Random bytes, at least the fixed fields."""
    return st.binary(min_size=header.size, max_size=header.size + 96)
