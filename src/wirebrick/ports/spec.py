"""Opening a port by what the user wrote: ``kind:details``, or a capture's path alone.

>>> open_port("memory:size=64,count=10").spec
'memory:size=64,count=10'
>>> open_port("mem:")
Traceback (most recent call last):
wirebrick.errors.PortError: 'mem:': there is no kind of port called 'mem'
  help: did you mean 'memory'? There are: afpacket, dpdk, memory, null, pcap, tap, xdp
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import cast

from wirebrick.errors import PortError
from wirebrick.ports.base import Port
from wirebrick.ports.suggest import did_you_mean

# Imported when one is opened: start-up pays only for the kinds that are used.
KINDS = {
    "afpacket": "wirebrick.ports.afpacket.port:AfPacketPort",
    "dpdk": "wirebrick.ports.dpdk.port:DpdkPort",
    "memory": "wirebrick.ports.memory.port:MemoryPort",
    "null": "wirebrick.ports.null:NullPort",
    "pcap": "wirebrick.ports.pcap.port:PcapPort",
    "tap": "wirebrick.ports.tap.port:TapPort",
    "xdp": "wirebrick.ports.xdp.port:XdpPort",
}

_CAPTURE = re.compile(r"\.(pcap|pcapng|cap)(\.gz)?$", re.IGNORECASE)
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9_.@-]{0,14}")  # Linux: at most 15 characters


def open_port(spec: str) -> Port:
    """The port that ``spec`` names.

    ``memory:...``, ``null:`` and ``pcap:...`` by their prefix; a path that ends in .pcap, .pcapng or .cap
    (also with .gz behind it) and ``-`` (standard input or output) are captures without one. Nothing is opened
    yet: that happens when sources and sinks are asked for. Raises PortError where the kind is unknown or its
    options are wrong.

    >>> open_port("null:").can_transmit
    True
    """
    return _class_of(kind_of(spec))(spec)


def kind_of(spec: str) -> str:
    """The kind of port that ``spec`` names, one of KINDS. Raises PortError where there is none.

    >>> kind_of("traces/web.pcapng"), kind_of("-"), kind_of("memory:imix")
    ('pcap', 'pcap', 'memory')
    """
    kind, colon, _ = spec.partition(":")
    if colon and kind in KINDS:
        return kind
    # A word before a colon is meant as a kind, unless the whole is a file that is there.
    if colon and _KIND.fullmatch(kind) and not Path(spec).exists():
        raise PortError(f"{spec!r}: there is no kind of port called {kind!r}", cure=did_you_mean(kind, KINDS))
    if spec == "-" or _CAPTURE.search(spec):
        return "pcap"
    raise PortError(f"{spec!r} is not a port", cure=_cure(spec))


def _cure(spec: str) -> str:
    """What to write in place of a spec without a kind."""
    if spec in KINDS:
        return f"write {spec}: with the colon"
    if spec and Path(spec).is_file():
        return f"to read this file as a capture, write pcap:{spec}"
    kinds = ", ".join(f"{kind}:" for kind in KINDS)
    if _INTERFACE.fullmatch(spec):
        return f"ports are: {kinds}; for a network interface write afpacket:{spec}, or xdp:{spec} where its driver can"
    return f"ports are: {kinds}; a bare path is a capture where it ends in .pcap, .pcapng or .cap"


def _class_of(kind: str) -> type[Port]:
    """The class of a kind of port."""
    module, _, name = KINDS[kind].partition(":")
    return cast("type[Port]", getattr(import_module(module), name))
