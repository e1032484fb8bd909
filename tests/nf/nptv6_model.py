"""RFC 6296 in plain Python, by bytes of addresses: what the NF ``nptv6`` is compared with."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6
from scapy.packet import Packet

Pair = tuple[str, str]  # inside, outside


class Refused(Exception):
    """A packet that is dropped, and why."""


class Model:
    """A translator with pairs of prefixes, which the tests keep apart."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.pairs = [tuple(map(ipaddress.IPv6Network, pair)) for pair in pairs]

    def address(self, text: str, *, out: bool) -> str:
        """An inside address as it is outside, or the other way round."""
        address = ipaddress.IPv6Address(text)
        for pair in self.pairs:
            old, new = pair if out else pair[::-1]
            if address not in old:
                continue
            length = max(old.prefixlen, new.prefixlen)
            if address not in ipaddress.IPv6Network((old.network_address, length)):
                raise Refused("untranslatable")
            words = list(_words(address))
            candidates = [3] if length <= 48 else [4, 5, 6, 7]
            chosen = next((one for one in candidates if words[one] != 0xFFFF), None)
            if chosen is None:
                raise Refused("untranslatable")
            bits = format(int(address), "0128b")
            bits = format(int(new.network_address), "0128b")[:length] + bits[length:]
            moved = list(_words(ipaddress.IPv6Address(int(bits, 2))))
            difference = _sum(_words(old.network_address)) + (0xFFFF ^ _sum(_words(new.network_address)))
            word = _sum([words[chosen], difference & 0xFFFF, difference >> 16])
            moved[chosen] = 0 if word == 0xFFFF else word
            return str(ipaddress.IPv6Address(b"".join(one.to_bytes(2, "big") for one in moved)))
        return text

    def owns(self, text: str) -> bool:
        """Whether it is an outside address of a pair."""
        return any(ipaddress.IPv6Address(text) in outside for _, outside in self.pairs)

    def packet(self, side: str, packet: Packet) -> tuple[str, Packet]:
        """Where a packet leaves, and as what. Checksums must be in it: they are not made anew. Raises Refused."""
        packet = packet.copy()
        back = side == "in" and self.owns(packet.dst)
        inward = side == "out" or back
        if side == "in":
            packet.src = self.address(packet.src, out=True)
        if inward:
            packet.dst = self.address(packet.dst, out=False)
        if ICMPv6DestUnreach in packet:
            quoted = packet[ICMPv6DestUnreach].payload
            try:
                if inward:
                    quoted.src = self.address(quoted.src, out=False)
                if side == "in":
                    quoted.dst = self.address(quoted.dst, out=True)
            except Refused:
                raise Refused("icmp_quote") from None
        return ("in" if inward else "out"), packet


def _words(address: ipaddress.IPv6Address) -> list[int]:
    return [int.from_bytes(address.packed[at : at + 2], "big") for at in range(0, 16, 2)]


def _sum(words: Sequence[int]) -> int:
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def frozen(packet: Packet) -> Packet:
    """A packet whose checksums and lengths are filled in."""
    return IPv6(bytes(packet))
