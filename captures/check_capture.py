#!/usr/bin/env python3
"""Read a capture with scapy, print what is in it as a Markdown table, and check what must hold.

``python captures/check_capture.py [FILE]`` (needs scapy). Exit status 1 when a checksum is wrong, a frame was
cut short, or a kind of traffic in `REQUIRED` is missing.
"""

import socket
import struct
import sys
from collections import Counter
from pathlib import Path

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.utils import RawPcapReader

REQUIRED = (
    "packets", "untagged", "VLAN (802.1Q)", "QinQ (802.1ad)", "ARP", "neighbour discovery", "IPv4", "IPv6",
    "IPv4 options", "IPv4 fragments", "IPv6 fragments", "TCP over IPv4", "TCP over IPv6", "UDP over IPv4",
    "UDP over IPv6", "UDP without checksum", "ICMP", "ICMP time exceeded", "ICMP port unreachable",
    "ICMP host unreachable", "ICMPv6", "ICMPv6 time exceeded", "ICMPv6 port unreachable", "DNS over UDP",
    "DNS over TCP", "HTTP", "TLS", "ssh", "iperf3 TCP", "iperf3 UDP", "VXLAN", "telnet's port", "TCP resets",
    "TCP segments retransmitted", "TCP segments out of order",
)  # fmt: skip
EXTENSIONS = {0, 43, 60}  # IPv6 hop-by-hop, routing, destination options: one layout (RFC 8200, section 4)
SERVICES = {22: "ssh", 23: "telnet's port", 80: "HTTP", 443: "TLS"}
ICMP_NAMES = {(3, 1): "host unreachable", (3, 3): "port unreachable"}
ICMPV6_NAMES = {(1, 4): "port unreachable"}


def folded_sum(data: bytes) -> int:
    """Return the Internet checksum's sum over ``data`` (RFC 1071): 0xFFFF when a checksum inside it is right.

    >>> hex(folded_sum(bytes.fromhex("0001f203f4f5f6f7")))  # the RFC's own example
    '0xddf2'
    """
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


class Survey:
    """Counts of what was seen, problems found, and what is known of each TCP stream."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self.checked: Counter[str] = Counter()
        self._highest: dict[tuple[object, ...], int] = {}
        self._seen: dict[tuple[object, ...], bytes] = {}
        self._frame = b""

    def look(self, frame: bytes, wire_length: int) -> None:
        """Count one frame and check it."""
        self._frame = frame
        self.counts["packets"] += 1
        self.counts["bytes on the wire"] += wire_length
        if len(frame) != wire_length:
            self._problem("cut short")
        layer = Ether(frame).payload
        tags: dict[type, str] = {Dot1Q: "VLAN (802.1Q)", Dot1AD: "QinQ (802.1ad)"}
        self.counts[tags.get(type(layer), "untagged")] += 1
        while isinstance(layer, Dot1Q):  # Dot1AD is a subclass
            layer = layer.payload
        if isinstance(layer, ARP):
            self.counts["ARP"] += 1
        elif isinstance(layer, IP):
            self._ipv4(layer.original, layer)
        elif isinstance(layer, IPv6):
            self._ipv6(layer.original)
        else:
            self._problem(f"unknown: {layer.summary()}")

    def _problem(self, what: str) -> None:
        self.problems.append(f"packet {self.counts['packets']}: {what}")

    def _ipv4(self, raw: bytes, ip: IP) -> None:
        self.counts["IPv4"] += 1
        header = 4 * ip.ihl
        self._check("IPv4 header", raw[:header])
        self.counts["IPv4 options"] += header > 20
        if ip.flags.MF or ip.frag:
            self.counts["IPv4 fragments"] += 1
        else:
            self._above(ip.proto, raw[12:20], raw[header : ip.len], "IPv4")

    def _ipv6(self, raw: bytes) -> None:
        self.counts["IPv6"] += 1
        following, at = raw[6], 40
        while following in EXTENSIONS:
            self.counts["IPv6 extension headers"] += 1
            following, at = raw[at], at + 8 * (raw[at + 1] + 1)
        if following == socket.IPPROTO_FRAGMENT:
            self.counts["IPv6 fragments"] += 1
        else:
            self._above(following, raw[8:40], raw[at : 40 + int.from_bytes(raw[4:6])], "IPv6")

    def _above(self, protocol: int, addresses: bytes, data: bytes, family: str) -> None:
        pseudo = addresses + struct.pack("!II", len(data), protocol)
        if protocol == socket.IPPROTO_TCP:
            self.counts[f"TCP over {family}"] += 1
            self._check("TCP", pseudo + data)
            self._tcp(addresses, TCP(data))
        elif protocol == socket.IPPROTO_UDP:
            self.counts[f"UDP over {family}"] += 1
            if data[6:8] == b"\0\0" and family == "IPv4":
                self.counts["UDP without checksum"] += 1
            else:
                self._check("UDP", pseudo + data)
            self._udp(UDP(data))
        elif protocol == socket.IPPROTO_ICMP:
            self._check("ICMP", data)
            self._icmp(ICMP(data))
        elif protocol == socket.IPPROTO_ICMPV6:
            self._check("ICMPv6", pseudo + data)
            self._icmpv6(data[0], data[1])
        else:
            self._problem(f"IP protocol {protocol}")

    def _check(self, name: str, data: bytes) -> None:
        self.checked[name] += 1
        if folded_sum(data) != 0xFFFF:
            self._problem(f"wrong {name} checksum")

    def _tcp(self, addresses: bytes, tcp: TCP) -> None:
        ports = {tcp.sport, tcp.dport}
        for port in ports & SERVICES.keys():
            self.counts[SERVICES[port]] += 1
        self.counts["DNS over TCP"] += 53 in ports
        self.counts["iperf3 TCP"] += bool(ports & {5201, 5202})
        self.counts["TCP resets"] += bool(tcp.flags.R)
        self.counts["TCP connections asked for"] += tcp.flags.S and not tcp.flags.A
        stream = (addresses, tcp.sport, tcp.dport)
        size = len(tcp.payload)
        if not size:
            return
        if before := self._seen.get((*stream, tcp.seq, size)):
            # A retransmission has a new IPv4 identification or TCP timestamp; a copy made on the way has not.
            same = before == self._frame
            self.counts["TCP segments duplicated on the way" if same else "TCP segments retransmitted"] += 1
        elif tcp.seq < self._highest.get(stream, 0):
            self.counts["TCP segments out of order"] += 1
        self._seen[(*stream, tcp.seq, size)] = self._frame
        self._highest[stream] = max(self._highest.get(stream, 0), tcp.seq)

    def _udp(self, udp: UDP) -> None:
        ports = {udp.sport, udp.dport}
        self.counts["DNS over UDP"] += 53 in ports
        self.counts["iperf3 UDP"] += bool(ports & {5201, 5202})
        self.counts["VXLAN"] += 4789 in ports

    def _icmp(self, icmp: ICMP) -> None:
        self.counts["ICMP"] += 1
        name = "time exceeded" if icmp.type == 11 else ICMP_NAMES.get((icmp.type, icmp.code))
        self.counts[f"ICMP {name or 'echo'}"] += name is not None or icmp.type in (0, 8)

    def _icmpv6(self, kind: int, code: int) -> None:
        self.counts["ICMPv6"] += 1
        self.counts["neighbour discovery"] += kind in range(133, 138)
        self.counts["multicast listener reports"] += kind == 143
        name = "time exceeded" if kind == 3 else ICMPV6_NAMES.get((kind, code))
        self.counts[f"ICMPv6 {name or 'echo'}"] += name is not None or kind in (128, 129)


def main() -> int:
    """Survey the file; print the table, the number of checksums, the problems; return the exit status."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("mixed.pcap")
    survey = Survey()
    for frame, metadata in RawPcapReader(str(file)):
        survey.look(frame, metadata.wirelen)
    names = [*REQUIRED, *sorted(survey.counts.keys() - set(REQUIRED))]
    print("| what | number |\n| --- | ---: |")
    for name in names:
        print(f"| {name} | {survey.counts[name]:,} |")
    print(f"\nChecksums right: {', '.join(f'{name} {n:,}' for name, n in survey.checked.items())}.")
    missing = [f"nothing of this kind: {name}" for name in REQUIRED if not survey.counts[name]]
    for problem in survey.problems + missing:
        print(f"check_capture: {problem}", file=sys.stderr)
    return 1 if survey.problems or missing else 0


if __name__ == "__main__":
    sys.exit(main())
