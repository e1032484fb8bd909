"""Layer: where a parsed header lies in a packet; and how the next one is found behind it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace

from wirebrick.headers.field import Condition, Field
from wirebrick.headers.header import Header, announcements

ABSENT, TRUNCATED, MALFORMED = "absent", "truncated", "malformed"


@dataclass
class Layer:
    """A parsed header: offsets from the packet's first byte, in bytes.

    Its bytes are ``start`` .. ``begin``, its payload ``begin`` .. ``end``, and on the wire, where a capture
    may have been cut, ``begin`` .. ``wire``.
    """

    header: type[Header]
    start: int
    begin: int
    end: int
    wire: int

    def view(self, data: int) -> Header:
        """The header in the packet that starts at address ``data``: for reading."""
        return self.header.view(data + self.start, data + self.end)

    def checksum_at(self, data: int) -> int:
        """Address of its checksum, for a header with a ``checksum_rule``."""
        rule = self.header.checksum_rule
        assert rule is not None
        return data + self.start + self.header.fields[rule.field].first

    def set(self, data: int, field: Field, value: int) -> None:
        """Store the low bits of ``value`` in a field; no checksum follows."""
        at = data + self.start
        spliced = field.spliced(at, value)
        ctypes.memmove(at + field.first, spliced, len(spliced))

    def grow_length(self, data: int, delta: int) -> None:
        """Add ``delta`` to its length field, if it has one; no checksum follows."""
        if self.header.length_field is not None:
            field = self.header.fields[self.header.length_field]
            self.set(data, field, field.read(data + self.start) + delta)

    def copy(self) -> Layer:
        """One of its own with the same offsets."""
        return replace(self)


def link_field(header: type[Header]) -> Field | None:
    """The field that says, by a number of a registry, what follows the header; None where it has none.

    >>> from wirebrick.headers import IPv4, UDP
    >>> link_field(IPv4), link_field(UDP)
    (<field IPv4.protocol: 8 bits at 72>, None)
    """
    return next((field for field in header.fields.values() if field.space is not None), None)


def _holds(condition: Condition, view: Header) -> bool:
    return all(getattr(view, term.name) == term.value for term in condition.terms)


def find_layer(header: type[Header], parent: Layer | None, data: int, length: int, wire: int) -> Layer | str:
    """Parse ``header`` behind ``parent``, or at the start of a packet of ``length`` bytes (``wire`` once).

    Gives the layer, or why there is none: ``absent`` (not announced), ``truncated`` (bytes are missing) or
    ``malformed`` (version or length fields make no sense). Never raises.
    """
    try:
        return _find(header, parent, data, length, wire)
    except IndexError:
        return TRUNCATED
    except Exception:
        return MALFORMED


def _find(header: type[Header], parent: Layer | None, data: int, length: int, wire: int) -> Layer | str:
    start, end = 0, length
    if parent is not None:
        start, end, wire = parent.begin, parent.end, parent.wire
        conditions = announcements(header, parent.header)
        if conditions:
            above = parent.view(data)
            if not any(_holds(condition, above) for condition in conditions):
                return ABSENT
    if start + header.size > end:
        return TRUNCATED
    view = header.view(data + start, data + end)
    size = view.header_length()
    if size < header.size:
        return MALFORMED
    begin = start + size
    if begin > end:
        return TRUNCATED
    if not view.valid():
        return MALFORMED
    claim = getattr(view, "claimed_payload", None)
    if claim is not None:
        claimed = claim()
        if claimed < 0 or begin + claimed > wire:
            return MALFORMED
        wire = begin + claimed
        end = min(end, wire)
    return Layer(header, start, begin, end, wire)
