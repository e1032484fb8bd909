"""Endpoints: the ports of a run by name and number, which way each is used, and where packets go by default.

>>> found = endpoints("memory:count=10", None, {})
>>> [(end.name, end.receives, end.transmits) for end in found.ends], found.default_egress
([('in', True, False), ('out', False, True)], [1, 1])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wirebrick.errors import ParameterError, PortError
from wirebrick.ports.base import Port
from wirebrick.ports.null import NullPort
from wirebrick.ports.pcap.port import PcapPort
from wirebrick.ports.spec import open_port
from wirebrick.runtime.packet_lists import PacketsPort

Received = str | Path | Iterable[Any]
Transmitted = str | Path | list[bytes]

NOWHERE = "nowhere"  # the egress of packets that have none: they are dropped
_FORMS = "give rx= (--in): a capture, memory:, an interface, or a list of packets"


@dataclass
class Endpoint:
    """A port and its part in the run. NOWHERE has no port."""

    name: str
    port: Port | None
    receives: bool
    transmits: bool


@dataclass
class Endpoints:
    """All of them, by number; ``collected`` is the list that takes what leaves, where nothing else does."""

    ends: list[Endpoint]
    default_egress: list[int] = field(default_factory=list)
    collected: list[bytes] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Names by number."""
        return [end.name for end in self.ends]

    def split(self, workers: int) -> bool:
        """Whether each of ``workers`` can receive a part of the flows from every port that receives."""
        return all(end.port.splits(workers) for end in self.ends if end.receives and end.port is not None)


def endpoints(rx: Received | None, tx: Transmitted | None, ports: Mapping[str, str | Path]) -> Endpoints:
    """The ports of a run: ``rx`` is number 0, ``in``; ``tx`` number 1, ``out``; then ``ports``.

    ``in`` and ``out`` may stand among ``ports`` instead. Nothing is opened yet. Raises PortError for a spec
    that is wrong or can't be used that way, ParameterError for a name.
    """
    named = dict(ports)
    for name in named:
        if not isinstance(name, str) or not name or name == NOWHERE:
            raise ParameterError(f"{name!r} can't be the name of a port", cure="name it dmz, say")
    rx = _either("in", rx, named)
    tx = _either("out", tx, named)
    if rx is None and not named:
        raise PortError("there is no port to receive from", cure=_FORMS)
    found = Endpoints([])
    if rx is not None:
        found.ends.append(_receiving(rx))
    if tx is None and rx is not None and not found.ends[0].transmits:
        tx = found.collected if isinstance(found.ends[0].port, PacketsPort) else "null:"
    if tx is not None:
        found.ends.append(_transmitting(tx))
    found.ends += [_named(name, spec) for name, spec in named.items()]
    if not any(end.receives for end in found.ends):
        raise PortError("none of the ports receives", cure=_FORMS)
    _set_default_egress(found)
    return found


def _either(name: str, given: Any, named: dict[str, str | Path]) -> Any:
    if given is None:
        return named.pop(name, None)
    if name in named:
        raise ParameterError(f"the port {name!r} is given twice", cure="name the other one differently")
    return given


def _receiving(rx: Received) -> Endpoint:
    if isinstance(rx, str | Path):
        port = _port(rx)
        if not port.can_receive:
            raise PortError(f"{port.spec}: packets can't be received from it", cure=_FORMS)
        return Endpoint("in", port, True, _two_way(port))
    if isinstance(rx, bytes | bytearray | memoryview) or not isinstance(rx, Iterable):
        raise PortError(
            f"packets can't be received from a {type(rx).__name__}", cure="give a list: rx=[packet]"
        )
    return Endpoint("in", PacketsPort(received=rx), True, False)


def _transmitting(tx: Transmitted) -> Endpoint:
    if isinstance(tx, list):
        return Endpoint("out", PacketsPort(transmitted=tx), False, True)
    if not isinstance(tx, str | Path):
        raise PortError(
            f"packets can't be transmitted to a {type(tx).__name__}", cure="give a list or a port"
        )
    port = _port(tx)
    if not port.can_transmit:
        raise PortError(f"{port.spec}: it can't take packets", cure="use null: to throw them away")
    return Endpoint("out", port, _two_way(port), True)


def _named(name: str, spec: str | Path) -> Endpoint:
    port = _port(spec)
    if isinstance(port, PcapPort) and port.can_receive and port.can_transmit and not _two_way(port):
        raise PortError(
            f"{name}={spec}: is this capture read or written?",
            cure=f"write pcap:{port.paths[0]}, to read it, pcap:,{port.paths[0]} to write it",
        )
    receives = port.can_receive and not isinstance(port, NullPort)
    return Endpoint(name, port, receives, port.can_transmit)


def _port(spec: str | Path) -> Port:
    return PcapPort(str(spec)) if isinstance(spec, Path) else open_port(spec)


def _two_way(port: Port) -> bool:
    """Whether a port named once both receives and transmits: interfaces, and captures given as IN,OUT."""
    if isinstance(port, PcapPort):
        return all(port.paths) and port.spec.startswith("pcap:") and "," in port.spec
    return port.two_way


def _set_default_egress(found: Endpoints) -> None:
    """One port: back out of it; two: out of the other; more: out of ``out`` (from there: of ``in``, where it can).

    That is where the NF doesn't choose.
    """
    ends = found.ends
    transmitters = [number for number, end in enumerate(ends) if end.transmits]
    fallback = next((number for number in transmitters if ends[number].name == "out"), -1)
    for number in range(len(ends)):
        others = [other for other in transmitters if other != number]
        if len(ends) <= 2 and transmitters:
            found.default_egress.append(others[0] if others else number)
        elif number == fallback and (back := _named_in(ends, transmitters)) is not None:
            found.default_egress.append(back)
        else:
            found.default_egress.append(fallback)
    if -1 in found.default_egress:
        found.default_egress = [len(ends) if port < 0 else port for port in found.default_egress]
        ends.append(Endpoint(NOWHERE, None, False, False))
        found.default_egress.append(len(ends) - 1)


def _named_in(ends: list[Endpoint], transmitters: list[int]) -> int | None:
    """The number of the port ``in``, if it can transmit."""
    return next((number for number in transmitters if ends[number].name == "in"), None)
