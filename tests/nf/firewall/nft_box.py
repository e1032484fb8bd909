"""Linux's own firewall as a reference: a namespace that forwards between two others, with nftables rules."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from types import TracebackType

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from wirebrick.lab.namespace import in_thread
from wirebrick.lab.privileges import missing_capabilities

INSIDE, OUTSIDE = "10.0.0.1", "192.0.2.1"
INSIDE6, OUTSIDE6 = "2001:db8:1::1", "2001:db8:2::1"
BOX_MAC = {"left": "02:00:00:00:01:fe", "right": "02:00:00:00:02:fe"}
HOST_MAC = {"left": "02:00:00:00:01:01", "right": "02:00:00:00:02:01"}
SENTINEL = 9  # UDP, from this port to it: passes untracked, behind each packet
RULES = """
table inet box {
  chain early { type filter hook prerouting priority raw; udp sport 9 udp dport 9 notrack; }
  chain forward {
    type filter hook forward priority filter; policy drop;
    udp sport 9 udp dport 9 accept
    ct state invalid drop
    ct state established,related accept
    %s
  }
}
"""


class NftBox:
    """The box, for a ``with`` block. ``rules``: what judges new connections, as lines of a chain.

    ``passes`` tells whether a packet that a host of one side sends comes out of the other side.
    """

    def __init__(self, rules: str, *, loose: bool = False, name: str = "ct-nft") -> None:
        for program in ("ip", "nft", "sysctl"):
            if not shutil.which(program):
                pytest.skip(f"{program} is not installed")
        if missing := missing_capabilities():
            pytest.skip(f"no network namespaces without {' and '.join(missing)}")
        self._rules = rules
        self._loose = loose
        self._box, self._hosts = name, {"left": f"{name}-l", "right": f"{name}-r"}
        self._sockets: dict[str, socket.socket] = {}

    def __enter__(self) -> NftBox:
        for name in (self._box, *self._hosts.values()):
            self._ip("netns", "add", name)
        for side, host in self._hosts.items():
            self._ip(
                "-n", self._box, "link", "add", side, "type", "veth", "peer", "name", "eth", "netns", host
            )
            self._ip("-n", self._box, "link", "set", side, "address", BOX_MAC[side], "up")
            self._ip("-n", host, "link", "set", "eth", "address", HOST_MAC[side], "up")
        self._sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        self._sysctl(*(f"net.ipv4.conf.{name}.rp_filter=0" for name in ("all", "left", "right")))
        for side, address, address6 in (("left", INSIDE, INSIDE6), ("right", OUTSIDE, OUTSIDE6)):
            at = ("-n", self._box)
            length = "8" if side == "left" else "24"
            self._ip(*at, "addr", "add", f"{address.rpartition('.')[0]}.254/{length}", "dev", side)
            self._ip(*at, "addr", "add", f"{address6[:-1]}fe/64", "dev", side, "nodad")
            for one in (address, address6):
                self._ip(*at, "neigh", "add", one, "lladdr", HOST_MAC[side], "dev", side, "nud", "permanent")
        self._ip("-n", self._box, "route", "add", "default", "via", OUTSIDE)
        self._ip("-n", self._box, "-6", "route", "add", "default", "via", OUTSIDE6)
        subprocess.run(
            ["ip", "netns", "exec", self._box, "nft", "-f", "-"],
            input=RULES % self._rules,
            text=True,
            check=True,
        )
        self._sysctl(f"net.netfilter.nf_conntrack_tcp_loose={int(self._loose)}")
        self._sockets = {side: self._socket(host) for side, host in self._hosts.items()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._sockets.values():
            one.close()
        for name in (self._box, *self._hosts.values()):
            subprocess.run(["ip", "netns", "delete", name], check=False)

    def passes(self, side: str, packet: Packet) -> bool:
        """Whether an IP packet that a host of a side sends comes out of the other side."""
        other = "right" if side == "left" else "left"
        v6 = isinstance(packet, IPv6)
        ends = ((INSIDE6, OUTSIDE6) if v6 else (INSIDE, OUTSIDE))[:: 1 if side == "left" else -1]
        mark = bytes((IPv6 if v6 else IP)(src=ends[0], dst=ends[1]) / UDP(sport=SENTINEL, dport=SENTINEL))
        header = 40 if v6 else 20
        for one in (bytes(packet), mark):
            self._sockets[side].send(
                bytes(Ether(src=HOST_MAC[side], dst=BOX_MAC[side], type=0x86DD if v6 else 0x0800)) + one
            )
        passed = False
        while True:
            frame = self._sockets[other].recv(65535)
            if frame[14 + header :] == mark[header:]:
                return passed
            passed = passed or frame[14 + header :] == bytes(packet)[header:]

    def _socket(self, host: str) -> socket.socket:
        descriptor = os.open(f"/var/run/netns/{host}", os.O_RDONLY)

        def make() -> socket.socket:
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            made.bind(("eth", 0))
            made.settimeout(5)
            return made

        try:
            return in_thread(descriptor, make)
        finally:
            os.close(descriptor)

    def _ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True)

    def _sysctl(self, *settings: str) -> None:
        subprocess.run(["ip", "netns", "exec", self._box, "sysctl", "-q", "-w", *settings], check=True)
