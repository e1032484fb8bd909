"""A laboratory for real TCP: a client and a server, two network namespaces, and a third one between them.

    client eth0 ------ client [ box ] server ------ eth0 server
    10.83.0.1                                       10.83.0.2
    fd83::1                                         fd83::2

Nothing forwards in the box: a `tcp_trunk.Trunk` carries the frames, through network functions. No device has
offloads, so frames are as on a wire: no longer than the MTU, with finished checksums. Neighbours are static:
no ARP, no neighbour discovery (whose hop limit of 255 a router must not change).

Namespaces are named after the process and numbered; `TcpLab` removes its own, and what runs in them, however
it ends. Those of processes that were killed are removed by the next lab.
"""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tcp_space import (
    PREFIX,
    LabError,
    LabUnavailable,
    call_inside,
    execute,
    remove_leftovers,
    remove_space,
    switch_offloads_off,
)

SIDES = ("client", "server")
MACS = {"client": "00:00:5e:00:53:01", "server": "00:00:5e:00:53:02"}  # RFC 9542, 2.1.4
ADDRESSES = {4: {"client": "10.83.0.1", "server": "10.83.0.2"}, 6: {"client": "fd83::1", "server": "fd83::2"}}
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}

# <net/tcp_states.h>, numbered from 1; "NEW" is a connection request (NEW_SYN_RECV)
STATES = (
    *(
        "",
        "ESTABLISHED",
        "SYN_SENT",
        "SYN_RECV",
        "FIN_WAIT1",
        "FIN_WAIT2",
        "TIME_WAIT",
        "CLOSE",
        "CLOSE_WAIT",
    ),
    *("LAST_ACK", "LISTEN", "CLOSING", "NEW"),
)

_serial = itertools.count()
_Result = TypeVar("_Result")


class TcpLab:
    """The namespaces ``client``, ``server`` and ``box``; a context manager. Files are put in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._name = f"{PREFIX}-{os.getpid()}-{next(_serial)}"
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Build it. Raises LabUnavailable without root, iproute2, namespaces or veth; LabError else."""
        if os.geteuid() != 0:
            raise LabUnavailable("network namespaces need root")
        if shutil.which("ip") is None:
            raise LabUnavailable("network namespaces need iproute2 (the command ip)")
        remove_leftovers()
        try:
            self._build()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def space(self, name: str) -> str:
        """The full name of the namespace ``name``, for ``ip netns exec``."""
        return f"{self._name}-{name}"

    def ip(self, name: str, *arguments: str) -> None:
        """Run ``ip`` for the namespace ``name``. Raises LabError with what it said."""
        execute("ip", "-n", self.space(name), *arguments)

    def inside(self, name: str, function: Callable[[], _Result]) -> _Result:
        """Call ``function`` in the namespace ``name`` and return what it returns (`tcp_space.call_inside`)."""
        return call_inside(self.space(name), function)

    def start(self, name: str, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a program in the namespace ``name``; it is killed with the lab at the latest."""
        return subprocess.Popen(["ip", "netns", "exec", self.space(name), *command], **options)

    def connect(self, port: int, *, family: int = 4, seconds: float = 10.0) -> socket.socket:
        """A connection from the client to ``port`` of the server; ``seconds``: its timeout, for each call."""

        def open_and_connect() -> socket.socket:
            made = socket.socket(FAMILIES[family], socket.SOCK_STREAM)
            made.settimeout(seconds)
            try:
                made.connect((ADDRESSES[family]["server"], port))
            except BaseException:
                made.close()
                raise
            return made

        return self.inside("client", open_and_connect)

    def listen(self, port: int, *, family: int = 4, seconds: float = 10.0) -> socket.socket:
        """A socket that listens at ``port`` of the server; ``seconds``: the timeout of accept."""

        def open_and_listen() -> socket.socket:
            made = socket.socket(FAMILIES[family], socket.SOCK_STREAM)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.settimeout(seconds)
            made.bind((ADDRESSES[family]["server"], port))
            made.listen(128)
            return made

        return self.inside("server", open_and_listen)

    def counters(self) -> dict[str, int]:
        """What TCP counted so far, client and server together: ``TcpRetransSegs``, ``TcpExtTCPTimeouts``, ...

        All numbers of /proc/net/snmp and /proc/net/netstat, named as ``nstat`` names them.
        """
        total: dict[str, int] = {}
        for side in SIDES:
            for name, count in self.inside(side, _read_counters).items():
                total[name] = total.get(name, 0) + count
        return total

    def wait_until_closed(self, seconds: float = 3.0) -> None:
        """Return when no connection is left but in TIME_WAIT. Raises LabError with the states of those that are."""
        end = time.monotonic() + seconds
        while states := [f"{side}: {state}" for side in SIDES for state in self.inside(side, _open_states)]:
            if time.monotonic() > end:
                raise LabError(f"still open after {seconds:g} s: {', '.join(states)}")
            time.sleep(0.02)

    def patience(self, patient: bool) -> None:
        """Have TCP wait a second before it takes a segment for lost, or retransmit as early as it likes.

        Without losses a second is right: on a busy machine a frame may well be late by 200 ms.
        """
        for side in SIDES:
            self._set(side, {"ipv4/tcp_early_retrans": "0" if patient else "3"})
            for family, prefix in ((4, "10.83.0.0/24"), (6, "fd83::/64")):
                route = ["route", "replace", prefix, "dev", "eth0", "src", ADDRESSES[family][side]]
                self.ip(side, f"-{family}", *route, *(["rto_min", "1s"] if patient else []))

    def _build(self) -> None:
        for name in (*SIDES, "box"):
            self._stack.callback(remove_space, self.space(name))
            try:
                execute("ip", "netns", "add", self.space(name))
            except LabError as error:
                raise LabUnavailable(f"no network namespaces: {error}") from None
        self._set("box", {"ipv6/conf/all/disable_ipv6": "1", "ipv6/conf/default/disable_ipv6": "1"})
        for side in SIDES:
            try:
                peer = ["peer", "name", "eth0", "address", MACS[side], "netns", self.space(side)]
                self.ip("box", "link", "add", side, "type", "veth", *peer)
            except LabError as error:
                raise LabUnavailable(f"no veth devices: {error}") from None
            self.inside(side, partial(switch_offloads_off, "eth0"))
            self.inside("box", partial(switch_offloads_off, side))
            self.ip("box", "link", "set", side, "up")
            self._configure(side)
        self.patience(True)

    def _configure(self, side: str) -> None:
        other = SIDES[1 - SIDES.index(side)]
        self._set(
            side,
            {
                "ipv6/conf/eth0/accept_ra": "0",
                "ipv6/conf/eth0/router_solicitations": "0",
                "ipv4/tcp_no_metrics_save": "1",  # each connection begins like the first
                "ipv4/tcp_rmem": "4096 131072 1048576",  # what is under way stays below the trunk's buffers
                "ipv4/tcp_wmem": "4096 16384 1048576",
            },
        )
        self.ip(side, "link", "set", "lo", "up")
        self.ip(side, "link", "set", "eth0", "addrgenmode", "none")
        self.ip(side, "link", "set", "eth0", "up")
        self.ip(side, "addr", "add", f"{ADDRESSES[4][side]}/24", "dev", "eth0", "noprefixroute")
        self.ip(side, "addr", "add", f"{ADDRESSES[6][side]}/64", "dev", "eth0", "nodad", "noprefixroute")
        for addresses in ADDRESSES.values():
            self.ip(side, "neigh", "add", addresses[other], "lladdr", MACS[other], "dev", "eth0")

    def _set(self, name: str, values: dict[str, str]) -> None:
        """Set kernel parameters (``net.`` left out) of one namespace."""

        def write() -> None:
            for key, value in values.items():
                Path("/proc/sys/net", key).write_text(value)

        self.inside(name, write)


def _read_counters() -> dict[str, int]:
    found: dict[str, int] = {}
    for file in ("snmp", "netstat"):
        lines = Path("/proc/thread-self/net", file).read_text().splitlines()
        for names, values in zip(lines[::2], lines[1::2], strict=True):  # Tcp: InSegs ... / Tcp: 17 ...
            group, *keys = names.replace(":", " ").split()
            found |= {group + key: int(value) for key, value in zip(keys, values.split()[1:], strict=True)}
    return found


def _open_states() -> list[str]:
    """The states of connections, without those that only wait (LISTEN, TIME_WAIT)."""
    numbers = []
    for file in ("tcp", "tcp6"):
        lines = Path("/proc/thread-self/net", file).read_text().splitlines()[1:]
        numbers += [int(line.split()[3], 16) for line in lines]
    return [STATES[number] for number in numbers if STATES[number] not in ("LISTEN", "TIME_WAIT")]
