"""A network interface of Linux, as far as ports need to know it: netdevice(7), and what becomes of it.

>>> Interface("lo").mtu > 0, Interface("lo").ethernet
(True, False)
>>> Interface("wlan-interface-7")
Traceback (most recent call last):
wirebrick.errors.PortError: 'wlan-interface-7' can't be an interface: names have at most 15 characters
  help: ip link shows which there are
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
from pathlib import Path

from wirebrick.errors import PortError
from wirebrick.ports.suggest import did_you_mean

_LONGEST = 15  # bytes of a name
_SIOCGIFFLAGS, _SIOCGIFADDR, _SIOCGIFMTU, _SIOCGIFHWADDR, _SIOCGIFINDEX, _SIOCETHTOOL = (
    0x8913,
    0x8915,
    0x8921,
    0x8927,
    0x8933,
    0x8946,
)
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_ARPHRD_ETHER = 1
_ETHTOOL_GDRVINFO, _ETHTOOL_GLINK, _ETHTOOL_GCHANNELS = 0x03, 0x0A, 0x3C
_CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_BPF": 39}

GONE, DOWN, NO_CARRIER, UP = "is gone", "is down", "has no carrier", "is up"

_claims: dict[tuple[int, str], str] = {}  # ports by network namespace and interface


class Interface:
    """The interface called ``name`` in the network namespace of the thread that makes this.

    It need not exist: ``index`` is 0 then. Raises PortError for what can't be a name.
    """

    def __init__(self, name: str) -> None:
        if not name or "/" in name or any(character.isspace() for character in name) or name in (".", ".."):
            raise PortError(f"{name!r} can't be an interface", cure="ip link shows which there are")
        if len(name.encode()) > _LONGEST:
            raise PortError(
                f"{name!r} can't be an interface: names have at most {_LONGEST} characters",
                cure="ip link shows which there are",
            )
        self.name = name
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._place = os.stat("/proc/thread-self/ns/net").st_ino, name
        self._seen = self.state
        self._claimed = False

    @property
    def index(self) -> int:
        """Its number, a new one each time that it is made; 0 where there is none."""
        return self._integer(_SIOCGIFINDEX)

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return self.index != 0

    @property
    def mtu(self) -> int:
        """Bytes of the largest packet behind the Ethernet header; 0 where there is none."""
        return self._integer(_SIOCGIFMTU)

    @property
    def up(self) -> bool:
        """Whether packets can go: it is up and has a carrier."""
        return self.state == UP

    @property
    def ethernet(self) -> bool:
        """Whether its frames begin with an Ethernet header of its own (not on loopback, tun or raw IP)."""
        found = self._ask(_SIOCGIFHWADDR)
        return found is not None and struct.unpack_from("=H", found, 16)[0] == _ARPHRD_ETHER

    @property
    def addressed(self) -> bool:
        """Whether the host has an IPv4 address on it: it is not only in the wire."""
        try:
            return self._ask(_SIOCGIFADDR) is not None
        except OSError:  # EADDRNOTAVAIL
            return False

    @property
    def queues(self) -> int:
        """How many receive queues it has, as ``ethtool -l`` says; 1 where it doesn't."""
        channels = self._ethtool(struct.pack("=9I", _ETHTOOL_GCHANNELS, *[0] * 8))
        if channels is None:
            return 1
        counts: tuple[int, int] = struct.unpack_from("=I8xI", channels, 20)  # rx_count, combined_count
        return max(1, sum(counts))

    @property
    def driver(self) -> str:
        """The name of its driver (``veth``, ``ixgbe``), as ``ethtool -i`` says; empty where it doesn't."""
        information = self._ethtool(struct.pack("=I192x", _ETHTOOL_GDRVINFO))
        return "" if information is None else information[4:36].partition(b"\0")[0].decode(errors="replace")

    @property
    def state(self) -> str:
        """One of GONE, DOWN, NO_CARRIER, UP: words that follow its name."""
        # The flag follows the carrier after a while (and is all that some drivers tell); this asks for it as it is.
        link = self._ethtool(struct.pack("=2I", _ETHTOOL_GLINK, 0))
        found = self._ask(_SIOCGIFFLAGS)
        if found is None:
            return GONE
        flags = struct.unpack_from("=H", found, 16)[0]
        if not flags & _IFF_UP:
            return DOWN
        carrier = struct.unpack_from("=I", link, 4)[0] if link is not None else flags & _IFF_RUNNING
        return UP if carrier else NO_CARRIER

    @property
    def send_drops(self) -> int:
        """Packets that it was to send and dropped, as it counts itself; 0 where there is none."""
        for line in Path("/proc/thread-self/net/dev").read_text().splitlines():
            name, colon, counts = line.strip().partition(":")
            if colon and name == self.name:
                return int(counts.split()[11])
        return 0

    def changes(self) -> list[str]:
        """What happened to its state since the last call, to tell the user: ``veth0 is down``; mostly nothing."""
        before, self._seen = self._seen, self.state
        if before == self._seen:
            return []
        told = [f"{self.name} is back"] if before == GONE else []
        if self._seen == UP:
            return told or [f"{self.name} is up again"]
        return [*told, f"{self.name} {self._seen}"]

    def require(self, spec: str) -> None:
        """Raise PortError where ``spec`` names no interface, or none of Ethernet."""
        if not self.exists:
            raise PortError(
                f"{spec}: there is no interface {self.name!r}", cure=did_you_mean(self.name, names())
            )
        if not self.ethernet:
            raise PortError(
                f"{spec}: its frames have no Ethernet header of their own (loopback, tun, raw IP)",
                cure="use an Ethernet interface: a card, a veth pair, a bridge, or tap:NAME",
            )

    def claim(self, spec: str) -> None:
        """Have it for the port ``spec`` alone, in this process, until ``close``. Raises PortError."""
        holder = _claims.get(self._place)
        if holder is not None:
            raise PortError(
                f"{spec}: {self.name} is in use already, by {holder}",
                cure="name an interface once: packets go back out of it, or between it and another",
            )
        _claims[self._place] = spec
        self._claimed = True

    def close(self) -> None:
        """Give back what it holds."""
        if self._claimed:
            del _claims[self._place]
            self._claimed = False
        self._socket.close()

    def _ethtool(self, question: bytes) -> bytes | None:
        """What its driver answers (linux/ethtool.h); None where it doesn't."""
        answer = ctypes.create_string_buffer(question, len(question))
        request = struct.pack("=16sQ16x", self.name.encode(), ctypes.addressof(answer))
        try:
            fcntl.ioctl(self._socket, _SIOCETHTOOL, request)
        except OSError:
            return None
        return answer.raw

    def _integer(self, request: int) -> int:
        found = self._ask(request)
        return 0 if found is None else int(struct.unpack_from("=i", found, 16)[0])

    def _ask(self, request: int) -> bytes | None:
        """The answer to a question about it (struct ifreq); None where there is no such interface."""
        try:
            return bytes(fcntl.ioctl(self._socket, request, struct.pack("=16s24x", self.name.encode())))
        except OSError as error:
            if error.errno in (errno.ENODEV, errno.ENXIO):
                return None
            raise


def names() -> list[str]:
    """The interfaces there are.

    >>> "lo" in names()
    True
    """
    return [name for _, name in socket.if_nameindex()]


def require_capability(spec: str, *wanted: str) -> None:
    """Raise PortError where the process lacks one of the capabilities (capabilities(7)) that a port needs."""
    status = Path("/proc/thread-self/status").read_text()
    effective = int(status.partition("CapEff:")[2].split()[0], 16)
    missing = [name for name in wanted if not effective >> _CAPABILITIES[name] & 1]
    if missing:
        raise PortError(
            f"{spec}: {' and '.join(missing)} missing: interfaces are for root",
            cure="run it with sudo; captures (pcap:) and made traffic (memory:) work without",
        )


def system_error(spec: str, what: str, error: OSError, cure: str = "") -> PortError:
    """What the system said, as an error of a port."""
    return PortError(f"{spec}: {what}: {os.strerror(error.errno or 0).lower()}", cure=cure)
