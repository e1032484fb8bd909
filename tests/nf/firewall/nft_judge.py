"""Access lists for nftables, and a network namespace in which it judges packets: the outside reference."""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from wirebrick.lab.namespace import in_thread
from wirebrick.lab.privileges import missing_capabilities
from wirebrick.nf.firewall.further import UPPER
from wirebrick.nf.firewall.keys import FIRST, FLAGS, WHOLE
from wirebrick.nf.firewall.rules import Match, Rule

ALL_PROTOCOLS = 3  # ETH_P_ALL


def rule_lines(rules: Sequence[Rule], default: str) -> list[str]:
    """The rules in nftables' language; a packet that may pass is sent out of ``v2``."""
    verdicts = {"allow": 'fwd to "v2"', "deny": "drop"}
    lines = [
        f"{conditions} {verdicts[rule.action]}"
        for rule in rules
        for match in rule.matches
        for version in (4, 6)
        if match.version in (0, version) and (conditions := _conditions(match, version))
    ]
    return [*lines, verdicts[default]]


def _conditions(match: Match, version: int) -> str:
    ip = "ip" if version == 4 else "ip6"
    words = [f"meta protocol {ip}"]
    for side, address, mask in (("saddr", match.src, match.src_mask), ("daddr", match.dst, match.dst_mask)):
        if mask:
            written = IPv4Address(address) if version == 4 else IPv6Address(address)
            words.append(f"{ip} {side} {written}/{mask.bit_count()}")
    if match.protocol >= 0:
        words.append(f"meta l4proto {match.protocol}")
    if version == 4 and (match.restricts_ports or any(name in UPPER for name, _, _ in match.further)):
        words.append("ip frag-off & 0x1fff == 0")  # it would take any bytes of later fragments for ports
    ports = (
        ("sport", match.src_port_low, match.src_port_high),
        ("dport", match.dst_port_low, match.dst_port_high),
    )
    for side, low, high in ports:
        if (low, high) != (0, 65535):
            words.append(f"th {side} {low}-{high}" if low != high else f"th {side} {low}")
    flags = {}
    for name, low, high in match.further:
        values = f"{low}-{high}" if low != high else str(low)
        if name in FLAGS:
            flags[name] = low
        elif name in ("icmp_type", "icmp_code"):
            words.append(f"{'icmp' if version == 4 else 'icmpv6'} {name[5:]} {values}")
        elif name == "fragment":
            words.append(_fragment(version, low, high))
        elif name in ("src_mac", "dst_mac"):
            mask = (1 << 48) - 1 ^ low ^ high
            words.append(f"ether {name[0]}addr & {_mac(mask)} == {_mac(low)}")
        elif name == "length":
            words.append(f"ip length {values}" if version == 4 else f"ip6 length {_less(low)}-{_less(high)}")
        else:
            field = {"ttl": "ttl" if version == 4 else "hoplimit", "dscp": "dscp", "ecn": "ecn"}[name]
            words.append(f"{ip} {field} {values}")
    if flags:
        wanted = "|".join(name for name, value in flags.items() if value) or "0x0"
        words.append(f"tcp flags & ({'|'.join(flags)}) == {wanted}")
    return " ".join(words)


def _mac(number: int) -> str:
    return ":".join(f"{number >> shift & 255:02x}" for shift in range(40, -8, -8))


def _less(length: int) -> int:
    """IPv6 counts its length without the header of 40 bytes."""
    return max(0, length - 40)


def _fragment(version: int, low: int, high: int) -> str:
    if version == 6:
        assert (low, high) in ((WHOLE, WHOLE), (FIRST, 3)), "only whether it is one"
        return "exthdr frag missing" if low == WHOLE else "exthdr frag exists"
    if low == high == WHOLE:
        return "ip frag-off & 0x3fff == 0"
    if low == high == FIRST:
        return "ip frag-off & 0x3fff == 0x2000"
    return "ip frag-off & 0x3fff != 0" if low == FIRST else "ip frag-off & 0x1fff != 0"


class Judge:
    """A network namespace whose interface ``v1`` has an access list, for a ``with`` block."""

    def __init__(self) -> None:
        missing = missing_capabilities()
        if missing:
            pytest.skip(f"no network namespaces without {' and '.join(missing)}")
        for program in ("ip", "nft"):
            if not shutil.which(program):
                pytest.skip(f"{program} is not installed")
        self.name = f"cl-nft-{os.getpid()}"

    def __enter__(self) -> Judge:
        self._ip("netns", "add", self.name)
        try:
            for one, other in (("v0", "v1"), ("v2", "v3")):
                self._ip("-n", self.name, "link", "add", one, "type", "veth", "peer", "name", other)
            self._in("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
            for link in ("v0", "v1", "v2", "v3"):
                self._ip("-n", self.name, "link", "set", link, "up")
            descriptor = os.open(Path("/run/netns") / self.name, os.O_RDONLY)
            try:
                self._sockets = in_thread(descriptor, lambda: [_raw("v0"), _raw("v3")])
            finally:
                os.close(descriptor)
        except BaseException:
            self._ip("netns", "del", self.name)
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for one in self._sockets:
            one.close()
        self._ip("netns", "del", self.name)

    def passes(self, rules: Sequence[Rule], default: str, frames: Sequence[bytes]) -> Counter[bytes]:
        """The frames that nftables lets pass."""
        lines = "\n".join(rule_lines(rules, default))
        text = (
            "flush ruleset\ntable netdev t {\n chain c {\n"
            f'type filter hook ingress device "v1" priority 0; policy drop;\n{lines}\n }}\n}}\n'
        )
        self._in("nft", "-f", "-", given=text)
        sender, receiver = self._sockets
        found: Counter[bytes] = Counter()
        wanted = set(frames)
        last = bytes(12) + b"\x08\x00end of the list" + bytes(40)
        for number, frame in enumerate([*frames, last]):
            if frame is last:
                self._in("nft", "flush", "chain", "netdev", "t", "c")
                self._in("nft", "add", "rule", "netdev", "t", "c", "fwd", "to", '"v2"')
            sender.send(frame)
            if number % 64 == 63:
                _take(receiver, found, wanted)
        _take(receiver, found, wanted, last)
        return found

    def _ip(self, *arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True)

    def _in(self, *command: str, given: str = "") -> None:
        command = ("ip", "netns", "exec", self.name, *command)
        done = subprocess.run(command, input=given, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr + given


def _raw(link: str) -> socket.socket:
    one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS if link == "v3" else 0))
    one.bind((link, ALL_PROTOCOLS if link == "v3" else 0))
    return one


def _take(receiver: socket.socket, found: Counter[bytes], wanted: set[bytes], last: bytes = b"") -> bool:
    """Take what has come; until the frame ``last``, where one is given: whether that has come."""
    while select.select([receiver], [], [], 5 if last else 0)[0]:
        frame = receiver.recv(65536)
        if last and frame == last:
            return True
        if frame in wanted:
            found[frame] += 1
    assert not last, "the last frame did not come"
    return False
