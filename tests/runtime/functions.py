"""Network functions and packets that the tests of runs use."""

from __future__ import annotations

from typing import Any

from wirebrick import Counter, Stream, at_end, network_function
from wirebrick.headers import Ethernet
from wirebrick.runtime.report import Report


def packet(number: int, size: int = 60) -> bytes:
    """A packet that begins with its number."""
    return number.to_bytes(4, "big") + bytes(8) + b"\x88\xb5" + bytes(size - 14)


def number_of(data: bytes) -> int:
    """The number of a packet."""
    return int.from_bytes(data[:4], "big")


@network_function
def forward(packets: Stream) -> Stream:
    """Everything, unchanged."""
    return packets


@network_function
def short(packets: Stream, *, longest: int = 100) -> Stream:
    """Short packets only."""
    return packets.filter(lambda packet: packet.length <= longest, reason="too_long")


@network_function
def touchy(packets: Stream) -> Stream:
    """Fails for packets whose first byte is not 0."""

    def check(packet: Any) -> None:
        packet.payload[100 if packet.payload[0] else 0]

    return packets.map(check)


@network_function
def mirror(packets: Stream) -> Stream:
    """A copy of each packet to ``tap``."""

    def copy(packet: Any) -> None:
        packet.copy().send("tap")

    return packets.transform(copy)


@network_function
def twins(packets: Stream) -> Stream:
    """A copy of each packet behind it; the copy is marked in its destination."""

    def double(packet: Any) -> None:
        twin = packet.copy()
        twin.header.dst = 0xFFFFFFFFFFFF
        twin.send("out")

    return packets.parse(Ethernet).transform(double)


@network_function
def counted(packets: Stream, *, title: str = "Seen") -> Stream:
    """Counts packets, and reports."""
    seen = Counter("seen")
    at_end(lambda: Report(title, ["packets"], [[seen.value]]))

    def count(packet: Any) -> None:
        seen.add()

    return packets.map(count)


@network_function
def outer(packets: Stream) -> Stream:
    """An NF inside an NF."""
    return counted(short(packets))
