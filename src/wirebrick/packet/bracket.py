"""Bracketing: how checksums follow edits that move bytes. What each covers is summed before and after."""

from __future__ import annotations

from wirebrick.headers.header import Header
from wirebrick.packet.checksum import adjust, adjust_optional, fold, sum_words, swap
from wirebrick.packet.layer import Layer
from wirebrick.packet.memory import load16, store16


def length_sum(value: int) -> int:
    """The folded sum of a pseudo-header's length, as host-order words.

    >>> hex(length_sum(0x1234))
    '0x3412'
    """
    return swap(fold(value & 0xFFFFFFFF))


def pseudo_sum(data: int, layers: list[Layer], index: int) -> int:
    """The sum of the pseudo-header of layer ``index``: its length, and the addresses before it."""
    layer = layers[index]
    rule = layer.header.checksum_rule
    assert rule is not None
    own = layer.header.length_field
    if rule.own_length and own is not None:
        total = length_sum(layer.header.fields[own].read(data + layer.start))
    else:
        total = length_sum(layer.wire - layer.start)
    above = layers[index - 1] if index else None
    if above is not None and above.begin == layer.start:
        for name in above.header.pseudo_header:
            field = above.header.fields[name]
            if name != above.header.length_field:
                total += sum_words(data + above.start + field.first, field.bytes)
    return total


def covered_sum(data: int, layers: list[Layer], index: int) -> int:
    """The folded sum of all that the checksum of layer ``index`` covers, itself included."""
    layer = layers[index]
    rule = layer.header.checksum_rule
    assert rule is not None
    total = sum_words(data + layer.start, (layer.end if rule.payload else layer.begin) - layer.start)
    if rule.pseudo:
        total += pseudo_sum(data, layers, index)
    return fold(total)


class Bracket:
    """Sums of what the checksums of ``layers`` cover; ``close`` lets them follow what happened in between.

    Headers in ``own`` are left alone, and so are, in a packet that was cut, those that cover the payload.
    """

    def __init__(self, data: int, layers: list[Layer], own: frozenset[type[Header]], cut: bool) -> None:
        self.sums: dict[int, int] = {}
        for index, layer in enumerate(layers):
            rule = layer.header.checksum_rule
            if rule is not None and layer.header not in own and not (cut and rule.payload):
                self.sums[index] = covered_sum(data, layers, index)

    def close(self, data: int, layers: list[Layer]) -> None:
        """Update the checksums, the innermost first: those around it cover it."""
        for index in sorted(self.sums, reverse=True):
            layer = layers[index]
            rule = layer.header.checksum_rule
            assert rule is not None
            follow = adjust_optional if rule.optional else adjust
            follow(layer.checksum_at(data), self.sums[index], covered_sum(data, layers, index))


def full_checksum(data: int, layers: list[Layer], index: int, cut: bool) -> None:
    """Compute the checksum of layer ``index`` anew (RFC 1071).

    It is left as it is where that can't be done: the payload was cut, or there is no IP header right before
    it for the pseudo-header it needs.
    """
    layer = layers[index]
    rule = layer.header.checksum_rule
    if rule is None or (cut and rule.payload):
        return
    protocol = 0
    if rule.pseudo:
        above = layers[index - 1] if index else None
        if above is None or above.begin != layer.start or not above.header.pseudo_header:
            return
        protocol = getattr(above.view(data), "protocol", 0)
    at = layer.checksum_at(data)
    store16(at, 0)
    total = ~fold(covered_sum(data, layers, index) + length_sum(protocol)) & 0xFFFF
    store16(at, 0xFFFF if rule.optional and total == 0 else total)
    assert not rule.optional or load16(at)
