"""Segments and datagrams as frames, for tests of windows."""

from __future__ import annotations

from typing import Any

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

_ETHER = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01")


def segment(
    seq: int, data: bytes = b"", flags: str = "A", port: int = 4000, back: bool = False, ack: int = 1
) -> bytes:
    """A frame with one TCP segment, its checksums by scapy; ``back``: from the server."""
    hosts, ports = ("192.0.2.1", "192.0.2.2"), (port, 80)
    if back:
        hosts, ports = hosts[::-1], ports[::-1]
    tcp = TCP(sport=ports[0], dport=ports[1], seq=seq % (1 << 32), ack=ack, flags=flags, window=65535)
    return bytes(_ETHER / IP(src=hosts[0], dst=hosts[1]) / tcp / Raw(data))


def datagram(data: bytes, port: int = 4000) -> bytes:
    """A frame with a UDP datagram."""
    return bytes(_ETHER / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=port, dport=53) / Raw(data))


def at(seconds: float, frame: bytes) -> tuple[int, bytes]:
    """The frame with a time, as ``rx=`` takes it."""
    return round(seconds * 1e9), frame


def rolling(data: Any, number: int = 0) -> int:
    """A number that tells byte strings apart: what user functions can compute too."""
    for byte in data:
        number = (number * 31 + byte + 1) % (1 << 64)
    return number
