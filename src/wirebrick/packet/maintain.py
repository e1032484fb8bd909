"""Checksum maintenance: how checksums follow a store of a few bytes (RFC 1624), so that right stays right.

A store changes the sum of the words that hold it. Whatever checksum covers them takes up the change, and with
that the packet outside of the covering header looks unchanged, so nothing further out has to follow. The
pseudo-header (RFC 768, RFC 9293, RFC 8200 8.1) is covered twice: by its IP header and by the transport header
behind it.
"""

from __future__ import annotations

import ctypes

from wirebrick.headers.field import Field
from wirebrick.headers.header import Header
from wirebrick.packet.checksum import adjust, adjust_optional, fold, sum_words, swap, transport_checksum
from wirebrick.packet.layer import Layer

UDP_PROTOCOL = 17
Change = tuple[int, int]  # folded sums of the words around stored bytes, before and after


class Maintainer:
    """Stores into the packet at address ``data``; headers in ``own`` mind their checksums themselves."""

    def __init__(self, data: int, layers: list[Layer], own: frozenset[type[Header]]) -> None:
        self.data = data
        self.layers = layers
        self.own = own

    def store(self, index: int, offset: int, data: bytes, field: Field | None = None) -> None:
        """Store ``data`` at ``offset`` of the packet: into header ``index``, or (len(layers)) the payload."""
        old = self._words(offset, len(data))
        ctypes.memmove(self.data + offset, data, len(data))
        change = old, self._words(offset, len(data))
        if index == len(self.layers):
            self._outward(index, change)
            return
        layer = self.layers[index]
        rule = layer.header.checksum_rule
        covered = False
        if rule is not None and (field is None or field.name != rule.field):
            covered = self._adjust(layer, change) is not None
            if covered and rule.own_length and field is not None and field.name == layer.header.length_field:
                again = self._adjust(layer, change)  # as the pseudo-header's length
                assert again is not None
                self._outward(index, again)
        if field is not None and field.name in layer.header.pseudo_header:
            below = self._pseudo(index, field, change)
            if below is not None:
                if covered:
                    self._outward(index, below)
                return  # else header and transport checksum changed by opposite sums
        if not covered:
            self._outward(index, change)

    def _words(self, offset: int, size: int) -> int:
        first = offset & ~1
        return fold(sum_words(self.data + first, (offset + size + 1 & ~1) - first))

    def _outward(self, index: int, change: Change) -> None:
        """Let the innermost header before ``index`` that covers its payload follow."""
        for layer in reversed(self.layers[:index]):
            rule = layer.header.checksum_rule
            if rule is not None and rule.payload and self._adjust(layer, change) is not None:
                return

    def _adjust(self, layer: Layer, change: Change) -> Change | None:
        """Let the checksum of ``layer`` follow; gives how its words changed, None if it covers nothing."""
        odd = layer.start & 1
        return self._follow(layer, *(swap(word) if odd else word for word in change))

    def _follow(self, layer: Layer, old: int, new: int) -> Change | None:
        rule = layer.header.checksum_rule
        if rule is None or layer.header in self.own:
            return None
        return self._follow_at(layer.checksum_at(self.data), old, new, rule.optional)

    def _follow_at(self, at: int, old: int, new: int, optional: bool) -> Change | None:
        before = self._words(at - self.data, 2)
        if not optional:
            adjust(at, old, new)
        elif not adjust_optional(at, old, new):
            return None
        return before, self._words(at - self.data, 2)

    def _pseudo(self, index: int, field: Field, change: Change) -> Change | None:
        """Let the transport checksum behind an IP header follow; gives how its words changed, or None."""
        layer = self.layers[index]
        old, new = (swap(word) if layer.start & 1 else word for word in change)
        is_length = field.name == layer.header.length_field
        if index + 1 < len(self.layers):
            below = self.layers[index + 1]
            rule = below.header.checksum_rule
            if rule is None or not rule.pseudo or (is_length and rule.own_length):
                return None
            return self._follow(below, old, new)
        view = layer.view(self.data)
        protocol: int = getattr(view, "protocol", -1)
        if getattr(view, "fragment_offset", 0) or (is_length and protocol == UDP_PROTOCOL):
            return None
        at = transport_checksum(self.data + layer.begin, self.data + layer.end, protocol)
        return self._follow_at(at, old, new, protocol == UDP_PROTOCOL) if at else None
