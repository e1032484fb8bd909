"""Linux's own NAT as a reference: a namespace that forwards between two sides, with rules that translate."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from wirebrick.lab.namespace import in_thread
from wirebrick.lab.privileges import missing_capabilities

HOST, OTHER, WEB, EXTERNAL, GATEWAY = "10.0.0.1", "10.0.0.2", "10.0.0.5", "203.0.113.1", "203.0.113.254"
FAR = "198.51.100.9"
HOST_MAC = "02:00:00:00:00:01"
BOX_MAC = {"left": "02:00:00:00:01:fe", "right": "02:00:00:00:02:fe"}
WIRE = {"left": "far-left", "right": "far-right"}  # where hosts of a side would be
ALL_PROTOCOLS = 3
OWN = (b"\xfe\x80", b"\0\0")  # IPv6 sources of what the box itself says
# UDP from port 9 to port 9 passes as it is: it says that what was sent before has been dealt with.
RULES = f"""
table ip box {{
  chain early {{ type filter hook prerouting priority raw; udp sport 9 udp dport 9 notrack; }}
  chain input {{ type filter hook input priority filter; policy drop; }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
    udp sport 9 udp dport 9 accept
    ct state invalid drop
    ct state established,related accept
    ct status dnat accept
    iifname left oifname right accept
  }}
  chain arriving {{
    type nat hook prerouting priority dstnat;
    ip daddr {EXTERNAL} tcp dport 8080 dnat to {WEB}:80
  }}
  chain leaving {{
    type nat hook postrouting priority srcnat;
    oifname left ip saddr 10.0.0.0/8 snat to {EXTERNAL}
    %s
  }}
}}
"""


class Box(ABC):
    """A box, for a ``with`` block. ``marks``: by side, what passes as it is, behind each packet."""

    def __init__(self, marks: dict[str, Packet], *programs: str) -> None:
        for program in ("ip", "sysctl", *programs):
            if not shutil.which(program):
                pytest.skip(f"{program} is not installed")
        if missing := missing_capabilities():
            pytest.skip(f"no network namespaces without {' and '.join(missing)}")
        self._marks = marks
        self._name = f"nx-nat-{os.getpid()}"
        self._sockets: dict[str, socket.socket] = {}

    def __enter__(self) -> Self:
        # On one core, so that what comes out comes in the order in which it was made.
        self._cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(self._cores)})
        self._run("ip", "netns", "add", self._name)
        try:
            self._make()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _make(self) -> None:
        # The far ends have other MAC addresses than the hosts, so no packet to a host is one for this machine.
        links = [f"link add {side} type veth peer name {far}" for side, far in WIRE.items()]
        links += [f"link set {side} address {mac}" for side, mac in BOX_MAC.items()]
        self._batch(*links)
        self._configure()
        descriptor = os.open(Path("/run/netns") / self._name, os.O_RDONLY)
        try:
            self._sockets = in_thread(descriptor, lambda: {side: _socket(far) for side, far in WIRE.items()})
        finally:
            os.close(descriptor)

    @abstractmethod
    def _configure(self) -> None:
        """Set the links up, and what is between them."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._sockets.values():
            one.close()
        subprocess.run(["ip", "netns", "delete", self._name], check=False)
        os.sched_setaffinity(0, self._cores)

    def send(self, side: str, packet: Packet) -> list[tuple[str, bytes]]:
        """What comes out when a host of a side sends an IP packet: the sides, and the IP packets."""
        mark = self._marks[side]
        head, begin = Ether(src=HOST_MAC, dst=BOX_MAC[side]), 54 if IPv6 in mark else 34
        for one in (packet, mark):
            self._sockets[side].send(bytes(head / one))
        other = "right" if side == "left" else "left"
        found = []
        while (frame := self._sockets[other].recv(65535))[begin:] != bytes(mark)[begin - 14 :]:
            found.append((other, frame[14:]))
        self._sockets[side].setblocking(False)
        try:
            while True:
                frame, address = self._sockets[side].recvfrom(65535)
                if address[2] != socket.PACKET_OUTGOING:
                    found.append((side, frame[14:]))
        except BlockingIOError:
            return [one for one in found if one[1][8:10] not in OWN]
        finally:
            self._sockets[side].settimeout(5)

    def _batch(self, *lines: str) -> None:
        self._run("ip", "-n", self._name, "-batch", "-", given="\n".join(lines) + "\n")

    def _inside(self, *command: str, given: str = "") -> None:
        self._run("ip", "netns", "exec", self._name, *command, given=given)

    def _run(self, *command: str, given: str = "") -> None:
        done = subprocess.run(command, input=given, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr + given


class NatBox(Box):
    """With nftables and IPv4. ``rules``: what translates sources of what leaves, as lines of a chain."""

    def __init__(self, rules: str) -> None:
        ends = {"left": (HOST, FAR), "right": (FAR, HOST)}
        marks = {side: IP(src=a, dst=b) / UDP(sport=9, dport=9) for side, (a, b) in ends.items()}
        super().__init__(marks, "nft")
        self._rules = rules

    def _configure(self) -> None:
        self._inside("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv4.ip_forward=1")
        names = ("all", "left", "right")
        self._inside("sysctl", "-qw", *(f"net.ipv4.conf.{name}.rp_filter=0" for name in names))
        self._inside("sysctl", "-qw", *(f"net.ipv4.conf.{name}.send_redirects=0" for name in names))
        self._batch(
            *(f"link set {link} up" for link in (*WIRE, *WIRE.values())),
            "addr add 10.0.0.254/8 dev left",
            f"addr add {EXTERNAL}/24 dev right",
            f"route add default via {GATEWAY}",
            *(f"neigh add {one} lladdr {HOST_MAC} dev left nud permanent" for one in (HOST, OTHER, WEB)),
            f"neigh add {GATEWAY} lladdr {HOST_MAC} dev right nud permanent",
        )
        self._inside("nft", "-f", "-", given=RULES % self._rules)
        self._inside("sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_loose=0")


class PrefixBox(Box):
    """With ip6tables' SNPT and DNPT, of one pair of prefixes."""

    def __init__(self, inside: str, outside: str) -> None:
        ends = {"left": ("fd99::1", "2001:4860::1"), "right": ("2001:4860::1", "fd99::1")}
        marks = {side: IPv6(src=a, dst=b) / UDP(sport=9, dport=9) for side, (a, b) in ends.items()}
        super().__init__(marks, "ip6tables")
        self._inside_prefix, self._outside_prefix = inside, outside

    def _configure(self) -> None:
        for name in ("all", "left", "right"):
            self._inside("sysctl", "-qw", f"net.ipv6.conf.{name}.forwarding=1")
        for link in WIRE.values():
            self._inside("sysctl", "-qw", f"net.ipv6.conf.{link}.disable_ipv6=1")
        inside, outside = self._inside_prefix, self._outside_prefix
        self._batch(
            *(f"link set {link} up" for link in (*WIRE, *WIRE.values())),
            *(f"neigh add fe80::1 lladdr {HOST_MAC} dev {side} nud permanent" for side in WIRE),
        )
        for to, side in ((inside, "left"), ("fd99::/48", "left"), ("default", "right")):
            self._run("ip", "-n", self._name, "-6", "route", "add", to, "via", "fe80::1", "dev", side)
        for chain, way, link, old, new in (
            ("POSTROUTING", ("-o", "-s", "SNPT"), "right", inside, outside),
            ("PREROUTING", ("-i", "-d", "DNPT"), "right", outside, inside),
        ):
            rule = f"-A {chain} {way[0]} {link} {way[1]} {old} -j {way[2]} --src-pfx {old} --dst-pfx {new}"
            self._inside("ip6tables", "-t", "mangle", *rule.split())


def _socket(link: str) -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    made.bind((link, ALL_PROTOCOLS))
    made.settimeout(5)
    return made
