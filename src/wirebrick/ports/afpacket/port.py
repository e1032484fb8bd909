"""The `afpacket:` port: any Ethernet interface of Linux, by packet sockets.

``afpacket:IF,promisc=on,ring=v2,qdisc=on,buffer=2`` (every option may be left out). The kernel goes on to see all
frames too: an interface in the wire should have no addresses.

>>> AfPacketPort("afpacket:veth0").two_way
True
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from wirebrick.errors import PortError
from wirebrick.ports.afpacket.options import parse_options
from wirebrick.ports.afpacket.packet_socket import PacketSocket, join, receiving, sending
from wirebrick.ports.afpacket.sink import PacketSink
from wirebrick.ports.afpacket.source import PacketSource
from wirebrick.ports.base import Paused, Port, Sink, Source
from wirebrick.ports.interface import Interface, require_capability

_HEADERS = 14 + 8  # bytes before the MTU: Ethernet, two VLAN tags


class AfPacketPort(Port):
    """``afpacket:IF`` with its options. Raises PortError where they are wrong."""

    two_way = True
    burst = 128  # a system call sends one

    def __init__(self, spec: str) -> None:
        super().__init__(spec)
        self.options = parse_options(spec)
        self._opened: Interface | None = None
        self._sources: list[PacketSource] = []
        self._sinks: list[PacketSink] = []
        self._made: list[PacketSocket] = []
        self._mtu = 0
        self._index = 0
        self._advised = False

    @property
    def frame_size(self) -> int:
        """Its MTU, with headers and two VLAN tags."""
        return self._mtu + _HEADERS

    def splits(self, workers: int) -> bool:
        """Always: PACKET_FANOUT shares out the flows, both directions of one to the same worker."""
        return True

    def source(self, worker: int, workers: int) -> Source:
        """A ring of worker ``worker``'s own. Raises PortError."""
        packets = receiving(self.spec, self._interface(), self.options)
        self._made.append(packets)
        if worker == workers - 1 and workers > 1:
            join(self._made)
        source = PacketSource(packets, self.options)
        self._sources.append(source)
        return source

    def sink(self, worker: int, workers: int) -> Sink:
        """A transmit ring of the worker's own. Raises PortError."""
        interface = self._interface()
        sink = PacketSink(sending(self.spec, interface, self.options), self._mtu)
        self._sinks.append(sink)
        return sink

    @property
    def statistics(self) -> Mapping[str, int]:
        """Frames that the kernel counted and dropped, and those that could not be received."""
        total: Counter[str] = Counter()
        for source in self._sources:
            total.update(source.counts)
        return dict(total)

    def look(self, paused: Paused) -> list[str]:
        """What became of the interface; one that was made anew is opened again."""
        interface = self._interface()
        told = interface.changes()
        index, mtu = interface.index, interface.mtu
        if index not in (0, self._index):
            told += self._reopen(paused, interface)
        elif index and mtu != self._mtu:
            told += self._resize(mtu)
        if told:
            for end in self._ends:
                end.packets.forget_error()
        return told + self._advice()

    def close(self) -> None:
        """Sources and sinks have closed their sockets."""
        if self._opened is not None:
            self._opened.close()

    @property
    def _ends(self) -> list[PacketSource | PacketSink]:
        return [*self._sources, *self._sinks]

    def _interface(self) -> Interface:
        if self._opened is None:
            interface = Interface(self.options.name)
            interface.require(self.spec)
            require_capability(self.spec, "CAP_NET_RAW")
            interface.claim(self.spec)
            self._opened = interface
            self._index, self._mtu = interface.index, interface.mtu
        return self._opened

    def _reopen(self, paused: Paused, interface: Interface) -> list[str]:
        """Exchange all sockets for those of the new device; where that fails, the next look tries again."""
        made: list[PacketSocket] = []
        try:
            for _ in self._sources:
                made.append(receiving(self.spec, interface, self.options))
            if len(made) > 1:
                join(made)
            for _ in self._sinks:
                made.append(sending(self.spec, interface, self.options))
        except (PortError, OSError) as error:
            for packets in made:
                packets.close()
            return [str(error)] if interface.exists else []
        with paused() as hanging:
            if hanging:
                for packets in made:
                    packets.close()
                return []
            for end, newer in zip(self._ends, made, strict=True):
                end.replace(newer)
            self._index = interface.index
        return [f"{interface.name} was opened again", *self._resize(interface.mtu)]

    def _resize(self, mtu: int) -> list[str]:
        larger = mtu > self._mtu
        for sink in self._sinks:
            sink.set_mtu(mtu)
        self._mtu = mtu
        if not larger:
            return []
        return [
            f"{self.options.name} has an MTU of {mtu} now: frames longer than before are dropped, start again"
        ]

    def _advice(self) -> list[str]:
        """What to do, once, where joined frames can't be cut."""
        if self._advised or not self.statistics.get("joined_dropped"):
            return []
        self._advised = True
        name = self.options.name
        return [
            f"{name}: joined segments can't be cut and are dropped: ethtool -K {name} gro off tso off gso off"
        ]
