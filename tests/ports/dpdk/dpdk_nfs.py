"""Network functions for the tests of dpdk:, and what must hold after each run."""

from __future__ import annotations

from typing import Any

from wirebrick import Stream, network_function
from wirebrick.headers import VLAN, Ethernet, IPv4
from wirebrick.runtime.result import Result


def balanced(result: Result) -> bool:
    """Whether each packet has one fate."""
    there = result.packets_in + result.packets_copied + result.packets_made
    return there == result.packets_out + result.packets_dropped + result.packets_held


@network_function
def forward(packets: Stream) -> Stream:
    """Everything, unchanged."""
    return packets


@network_function
def drop_all(packets: Stream) -> None:
    """Nothing."""
    packets.drop("unwanted")


@network_function
def double(packets: Stream) -> Stream:
    """Each packet, and a copy of it."""

    def copy(packet: Any) -> None:
        packet.copy().send("in")

    return packets.transform(copy)


@network_function
def tag(packets: Stream) -> Stream:
    """A VLAN tag in each packet."""

    def fill(packet: Any) -> None:
        packet.header.vid = 7

    return packets.parse(Ethernet).push(VLAN, fill)


@network_function
def untag(packets: Stream) -> Stream:
    """The tag taken out."""
    return packets.parse(Ethernet).parse(VLAN).pop()


@network_function
def spread(packets: Stream) -> Stream:
    """Packets of each flow to one worker."""
    return packets.parse(Ethernet).parse(IPv4).shuffle("flow", workers=2)
