"""Classes of packets that NFs keep something for each of: all alike, or by flow, address, port or DSCP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from wirebrick.fields import U64
from wirebrick.packet.flow import FlowKey
from wirebrick.packet.packet import Packet
from wirebrick.state.consistency import PARTITIONED, Consistency, Strict
from wirebrick.state.record import Record

Per = Literal["all", "flow", "src", "dst", "dst_port", "dscp"]


class Class(Record):
    """A class: an IPv6 address, or a number in ``low``."""

    high: U64
    low: U64


@dataclass(frozen=True)
class Classes:
    """The record class of keys, and the functions that give an IPv4 and an IPv6 packet's key."""

    key: type[Record]
    v4: Callable[[Packet], Any]
    v6: Callable[[Packet], Any]
    consistency: Consistency  # of what is kept: a flow's packets are all in one worker


def whole(packet: Packet) -> Class:
    """All packets are one class."""
    return Class(high=0, low=0)


def _flow(packet: Packet) -> FlowKey:
    return packet.flow()


def _src4(packet: Packet) -> Class:
    return Class(high=0, low=packet.header.src)


def _src6(packet: Packet) -> Class:
    return Class(high=packet.header.src >> 64, low=packet.header.src & 0xFFFF_FFFF_FFFF_FFFF)


def _dst4(packet: Packet) -> Class:
    return Class(high=0, low=packet.header.dst)


def _dst6(packet: Packet) -> Class:
    return Class(high=packet.header.dst >> 64, low=packet.header.dst & 0xFFFF_FFFF_FFFF_FFFF)


def _port(packet: Packet) -> Class:
    flow = packet.flow()
    return Class(high=flow.protocol, low=flow.dst_port)


def _dscp4(packet: Packet) -> Class:
    return Class(high=0, low=packet.header.dscp)


def _dscp6(packet: Packet) -> Class:
    return Class(high=0, low=packet.header.traffic_class >> 2)


_FUNCTIONS: dict[Per, tuple[Callable[[Packet], Any], Callable[[Packet], Any]]] = {
    "all": (whole, whole),
    "src": (_src4, _src6),
    "dst": (_dst4, _dst6),
    "dst_port": (_port, _port),
    "dscp": (_dscp4, _dscp6),
}


def classes(per: Per) -> Classes:
    """What makes a class.

    >>> classes("src").key.__name__, classes("flow").key.__name__
    ('Class', 'FlowKey')
    """
    if per == "flow":
        return Classes(FlowKey, _flow, _flow, PARTITIONED)
    return Classes(Class, *_FUNCTIONS[per], Strict())
