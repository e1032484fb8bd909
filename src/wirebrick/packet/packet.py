"""Packet: what an interpreted user function sees of a packet."""

from __future__ import annotations

import ctypes
from typing import Any, TypeVar

from wirebrick.headers.header import Header
from wirebrick.packet.body import Body, Fate
from wirebrick.packet.edit import copy_packet
from wirebrick.packet.faults import ROOM, VALUE, Fault
from wirebrick.packet.flow import FlowKey
from wirebrick.packet.flow_key import flow_key
from wirebrick.packet.frame import NO_PORT
from wirebrick.packet.payload import Payload

H = TypeVar("H", bound=Header)


class Packet(Body):
    """A packet in a user function: its headers, payload, metadata, and what is known about it.

    ``packet.header`` is the last parsed header, ``packet[IPv4]`` the innermost IPv4 header, ``packet[IPv4,
    0]`` the outermost. After ``send`` or ``drop`` any use is a fault.

    >>> from wirebrick.headers import Ethernet, VLAN
    >>> from wirebrick.packet.alone import alone
    >>> packet = alone(bytes(12) + bytes.fromhex("8100 2005 0800") + b"abc", Ethernet, VLAN)
    >>> packet.header.vid, hex(packet[Ethernet].ethertype), packet.payload, packet.length
    (5, '0x8100', Octets(b'abc'), 21)
    """

    __slots__ = ()

    # What a user function reads.

    @property
    def header(self) -> Any:
        """The last parsed header."""
        self._use()
        if not self._layers:
            raise TypeError("no header is parsed")
        return self._view(len(self._layers) - 1)

    def __getitem__(self, which: type[H] | tuple[type[H], int]) -> H:
        """A parsed header by its class, the innermost one; or (class, n), the n-th from the outside."""
        self._use()
        header, number = which if isinstance(which, tuple) else (which, -1)
        found = [index for index, layer in enumerate(self._layers) if layer.header is header]
        if not -1 <= number < len(found) or not found:
            raise TypeError(f"{header.__name__} is not parsed")
        return self._view(found[number])  # type: ignore[return-value]

    @property
    def payload(self) -> Payload:
        """The bytes behind the last parsed header."""
        self._use()
        if self._payload is None:
            self._payload = Payload(self)
        return self._payload

    @property
    def metadata(self) -> Any:
        """The record that the operator ``metadata`` attached."""
        self._use()
        if self._metadata is None:
            raise TypeError("this packet has no metadata")
        return self._metadata

    @property
    def length(self) -> int:
        """Its bytes on the wire: more than there are where a capture was cut."""
        self._use()
        return self._descriptor.wire

    @property
    def timestamp(self) -> int:
        """When it came in: nanoseconds since 1970."""
        self._use()
        return self._descriptor.time

    @property
    def ingress(self) -> str:
        """Name of the port it came from."""
        self._use()
        return self._ports[self._descriptor.ingress]

    @property
    def egress(self) -> str | None:
        """Name of the port it is to leave by, None for the default one; can be set to a port's name."""
        self._use()
        number = self._descriptor.egress
        return None if number == NO_PORT else self._ports[number]

    @egress.setter
    def egress(self, port: str | None) -> None:
        self._write()
        self._descriptor.egress = NO_PORT if port is None else self._port(port)

    def flow(self) -> FlowKey:
        """The 5-tuple of the innermost IPv4 or IPv6 header."""
        self._use()
        return flow_key(self._descriptor.data, self._layers)

    def __bytes__(self) -> bytes:
        """A copy of its captured bytes (for interactive use and tests; not in compiled user functions)."""
        return ctypes.string_at(self._descriptor.data, self._descriptor.length)

    def __repr__(self) -> str:
        names = "/".join(layer.header.__name__ for layer in self._layers)
        return f"<packet of {self._descriptor.wire} bytes: {names or 'frame'}>"

    # What a user function does.

    def send(self, port: str | None) -> None:
        """Send it out of a port, past the rest of the graph (when the function has ended; copies at once).

        ``port``: a name, or what ``ingress`` and ``egress`` give; None, an egress never set, is a fault.
        """
        self._write()
        if port is None:
            raise Fault(VALUE)
        self._port(port)
        self._end(("send", port))

    def drop(self, reason: str) -> None:
        """Drop it, counted under ``reason`` (when the function has ended; copies at once)."""
        self._write()
        self._end(("drop", reason))

    def copy(self) -> Packet:
        """A second packet with the same bytes, headers and metadata, which must be sent or dropped."""
        self._write()
        position = copy_packet(self._context, self._descriptor.at)
        if position < 0:
            raise Fault(ROOM)
        copy = Packet(self._context, position, self._ports, self._ender)
        copy._memory, copy._copied = self._memory, True
        copy._layers = [layer.copy() for layer in self._layers]
        copy._pending = dict(self._pending)
        copy._metadata = self._metadata and self._metadata.copy()
        copy._checksums, copy._own, copy._copies = self._checksums, self._own, self._copies
        self._copies.append(copy)
        return copy

    def _view(self, index: int) -> Header:
        layer = self._layers[index]
        data = self._descriptor.data
        return layer.header.view(data + layer.start, data + layer.end, self, index)

    def _end(self, fate: Fate) -> None:
        self._fate = fate
        if self._copied and self._ender is not None:
            self._ender.end_copy(self, fate)
