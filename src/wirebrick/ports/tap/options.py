"""Reading what stands behind `tap:`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from wirebrick.errors import PortError
from wirebrick.ports.options import between, on_off, split_options

Address = IPv4Interface | IPv6Interface

_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")


def _addresses(text: str) -> tuple[Address, ...]:
    """Addresses with the lengths of their prefixes, at most one of each version."""
    found = tuple(ip_interface(part) for part in text.split("+"))
    if "/" not in text or len({one.version for one in found}) < len(found):
        raise ValueError(text)
    return found


def _mac(text: str) -> bytes:
    octets = bytes.fromhex(text.replace(":", "")) if _MAC.fullmatch(text) else b"\x01"
    if octets[0] & 1 or not any(octets):  # an interface can't be a group
        raise ValueError(text)
    return octets


_ALLOWED = {
    "mtu": (between(68, 65521), "bytes, 68 to 65521"),
    "queue": (between(1, 65536), "packets that wait for a worker, 1 to 65536"),
    "mac": (_mac, "an address of one station, as 02:00:00:00:00:01"),
    "up": (on_off, "on or off"),
    "address": (_addresses, "192.0.2.1/24, fd00::1/64, or both with a + between"),
}


@dataclass(frozen=True)
class Options:
    """An interface to make; docs/ports.md says what each means. What isn't given is the kernel's choice."""

    name: str
    mtu: int | None = None
    queue: int = 4096  # the kernel's 1,000 are less than TCP has under way
    mac: bytes | None = None
    up: bool = True
    address: tuple[Address, ...] = ()


def parse_options(spec: str) -> Options:
    """The options of ``tap:NAME,key=value,...``. Raises PortError.

    >>> parse_options("tap:wb0,address=192.0.2.1/24").address
    (IPv4Interface('192.0.2.1/24'),)
    """
    name, given = split_options(spec, _ALLOWED)
    if not name or "%" in name:
        raise PortError(f"{spec}: what is the interface to be called?", cure="write tap:wb0, say")
    return Options(name, **given)
