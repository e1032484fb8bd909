"""Linux's own NAT as a reference: a namespace that forwards between two sides, with rules of nftables."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType

import pytest
from scapy.layers.inet import IP, UDP
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


class NatBox:
    """The box, for a ``with`` block. ``rules``: what translates sources of what leaves, as lines of a chain."""

    def __init__(self, rules: str) -> None:
        for program in ("ip", "nft", "sysctl"):
            if not shutil.which(program):
                pytest.skip(f"{program} is not installed")
        if missing := missing_capabilities():
            pytest.skip(f"no network namespaces without {' and '.join(missing)}")
        self._rules = rules
        self._name = f"nx-nat-{os.getpid()}"
        self._sockets: dict[str, socket.socket] = {}

    def __enter__(self) -> NatBox:
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
        descriptor = os.open(Path("/run/netns") / self._name, os.O_RDONLY)
        try:
            self._sockets = in_thread(descriptor, lambda: {side: _socket(far) for side, far in WIRE.items()})
        finally:
            os.close(descriptor)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._sockets.values():
            one.close()
        subprocess.run(["ip", "netns", "delete", self._name], check=False)
        os.sched_setaffinity(0, self._cores)

    def send(self, side: str, packet: Packet) -> list[tuple[str, bytes]]:
        """What comes out when a host of a side sends an IP packet: the sides, and the IP packets."""
        ends = (HOST, FAR) if side == "left" else (FAR, HOST)
        mark = IP(src=ends[0], dst=ends[1]) / UDP(sport=9, dport=9)
        head = Ether(src=HOST_MAC, dst=BOX_MAC[side])
        for one in (packet, mark):
            self._sockets[side].send(bytes(head / one))
        other = "right" if side == "left" else "left"
        found = []
        while (frame := self._sockets[other].recv(65535))[34:] != bytes(mark)[20:]:
            found.append((other, frame[14:]))
        self._sockets[side].setblocking(False)
        try:
            while True:
                frame, address = self._sockets[side].recvfrom(65535)
                if address[2] != socket.PACKET_OUTGOING:
                    found.append((side, frame[14:]))
        except BlockingIOError:
            return found
        finally:
            self._sockets[side].settimeout(5)

    def _batch(self, *lines: str) -> None:
        self._run("ip", "-n", self._name, "-batch", "-", given="\n".join(lines) + "\n")

    def _inside(self, *command: str, given: str = "") -> None:
        self._run("ip", "netns", "exec", self._name, *command, given=given)

    def _run(self, *command: str, given: str = "") -> None:
        done = subprocess.run(command, input=given, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr + given


def _socket(link: str) -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    made.bind((link, ALL_PROTOCOLS))
    made.settimeout(5)
    return made
