"""What the user functions of a NAT share: its state, and its two questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wirebrick.packet.packet import Packet
from wirebrick.seldom import seldom
from wirebrick.state.bindings import Bindings
from wirebrick.state.static_mappings import StaticMappings

NOT_UNICAST = -8
MULTICAST = 0xE0000000  # the first address that is none of a host

Ask = Callable[[int, int, int, int, int, int], int]
Onward = Callable[[Packet, bool], None]


@dataclass(frozen=True)
class Tables:
    """The state, and user functions on it.

    What a packet asks first is ``bindings.leave`` or ``bindings.arrive``; where there is no session, ``begin`` or
    ``enter`` with the same: protocol, source address and port, destination address and port, and TCP flags. They give
    the endpoint that takes the place of the source, or of the destination; what is negative is a reason.
    ``onward`` has a packet from inside leave, back inside or outside. ``inside``: the name of the port.
    """

    bindings: Bindings
    forwards: StaticMappings
    begin: Ask
    enter: Ask
    onward: Onward
    inside: str


def make_tables(
    bindings: Bindings, forwards: StaticMappings, hand_on: Callable[[], None], inside: str, outside: str
) -> Tables:
    """The user functions that ask both state objects. ``hand_on``: what is called when there may be news."""

    @seldom
    def begin(protocol: int, src: int, src_port: int, dst: int, dst_port: int, flags: int) -> int:
        if dst >= MULTICAST or src == 0 or src >= MULTICAST or dst == 0:
            return NOT_UNICAST
        static = forwards.external(protocol, src, src_port)
        hairpin = 1 if forwards.owns(dst) else 0
        found = bindings.create(protocol, src, src_port, dst, dst_port, flags, static, hairpin)
        hand_on()
        return found

    @seldom
    def enter(protocol: int, src: int, src_port: int, dst: int, dst_port: int, flags: int) -> int:
        found = forwards.inside(protocol, dst, dst_port)
        if found == 0:
            found = bindings.admit(protocol, src, src_port, dst, dst_port, flags)
        hand_on()
        return found

    @seldom
    def turn_back(packet: Packet) -> None:
        packet.egress = inside

    def onward(packet: Packet, back: bool) -> None:
        packet.egress = outside
        if back:
            turn_back(packet)

    return Tables(bindings, forwards, begin, enter, onward, inside)
