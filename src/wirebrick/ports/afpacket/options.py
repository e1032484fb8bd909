"""Reading what stands behind `afpacket:`."""

from __future__ import annotations

from dataclasses import dataclass

from wirebrick.errors import PortError
from wirebrick.ports.options import between, on_off, one_of, split_options

_ALLOWED = {
    "promisc": (on_off, "on or off: frames for other stations too, or not"),
    "ring": (one_of("v2", "v3"), "v2 or v3: each frame at once, or blocks of them"),
    "qdisc": (on_off, "on or off: past the interface's queueing discipline, and past tcpdump"),
    "buffer": (between(1, 256), "megabytes of the ring of received packets, 1 to 256"),
}


@dataclass(frozen=True)
class Options:
    """An interface and how to use it; docs/ports.md says what each means."""

    name: str
    promisc: bool = True
    ring: str = "v2"
    qdisc: bool = True
    buffer: int = 2


def parse_options(spec: str) -> Options:
    """The options of ``afpacket:IF,key=value,...``. Raises PortError.

    >>> parse_options("afpacket:veth0,ring=v3").ring
    'v3'
    """
    name, given = split_options(spec, _ALLOWED)
    if not name:
        raise PortError(f"{spec}: which interface?", cure="write afpacket:IF; ip link shows which there are")
    return Options(name, **given)
