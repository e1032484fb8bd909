"""Rule sets like those of real firewalls, and packets that meet them, made anew from a seed.

Three kinds, with the proportions that ClassBench (Taylor, Turner, INFOCOM 2005) found in access lists of providers
(``acl``), firewalls (``fw``) and Linux hosts (``ipc``): how long prefixes are, how many of them there are in each
network, which ports are single, ranges or not looked at. No rule stands behind one that covers it whole.

>>> rules = RuleSet("acl", 1000)
>>> len(rules.rules), rules.rules[-1].text
(1000, 'allow all')
>>> RuleSet("fw", 50).rules[0].text == RuleSet("fw", 50).rules[0].text
True
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import numpy as np

KINDS = ("acl", "fw", "ipc")
TCP, UDP, ICMP = 6, 17, 1
SERVICES = (
    80,
    443,
    25,
    53,
    22,
    110,
    143,
    21,
    23,
    123,
    161,
    389,
    445,
    1433,
    1521,
    3306,
    3389,
    5060,
    8080,
    8443,
)
HIGH = (1024, 65535)
ANY_PORT = (0, 65535)

# Weighted choices: of prefix lengths of sources and destinations, kinds of port, protocols.
_LENGTHS = {
    "acl": (
        {0: 18, 8: 1, 16: 8, 20: 6, 22: 6, 24: 25, 26: 4, 28: 6, 30: 4, 32: 22},
        {0: 4, 16: 4, 20: 4, 22: 4, 24: 22, 26: 4, 27: 4, 28: 6, 30: 6, 32: 42},
    ),
    "fw": (
        {0: 45, 8: 2, 14: 1, 16: 6, 20: 2, 24: 12, 27: 2, 28: 3, 32: 27},
        {0: 28, 8: 1, 16: 4, 20: 2, 24: 14, 26: 2, 28: 5, 32: 44},
    ),
    "ipc": (
        {0: 14, 8: 2, 16: 6, 20: 4, 24: 20, 27: 4, 28: 6, 32: 44},
        {0: 14, 16: 4, 20: 4, 24: 20, 26: 6, 28: 8, 32: 44},
    ),
}
_PORTS = {
    "acl": ({"any": 98, "high": 1, "one": 1}, {"any": 26, "one": 54, "high": 6, "range": 14}),
    "fw": ({"any": 76, "one": 10, "high": 11, "range": 3}, {"any": 16, "one": 58, "high": 12, "range": 14}),
    "ipc": ({"any": 62, "one": 22, "high": 8, "range": 8}, {"any": 24, "one": 52, "high": 10, "range": 14}),
}
_PROTOCOLS = {
    "acl": {TCP: 74, UDP: 16, ICMP: 3, -1: 7},
    "fw": {TCP: 64, UDP: 24, ICMP: 6, -1: 6},
    "ipc": {TCP: 56, UDP: 26, ICMP: 6, -1: 12},
}


@dataclass(frozen=True)
class MadeRule:
    """One rule: prefixes as (address, length), ranges of ports, protocol (-1: any)."""

    src: tuple[int, int]
    dst: tuple[int, int]
    src_ports: tuple[int, int]
    dst_ports: tuple[int, int]
    protocol: int
    allows: bool
    version: int = 4

    @property
    def text(self) -> str:
        """The rule in the firewall's language."""
        words = ["allow" if self.allows else "deny"]
        if self.protocol >= 0:
            words.append({TCP: "tcp", UDP: "udp"}.get(self.protocol, f"proto {self.protocol}"))
        sides = [self._side(self.src, self.src_ports), self._side(self.dst, self.dst_ports)]
        if sides != ["any", "any"]:
            words += ["from", sides[0], "to", sides[1]]
        return " ".join(words) if len(words) > 1 else words[0] + " all"

    def _side(self, prefix: tuple[int, int], ports: tuple[int, int]) -> str:
        address, length = prefix
        written = IPv4Address(address) if self.version == 4 else IPv6Address(address)
        text = f"{written}/{length}" if length else "any"
        if ports != ANY_PORT:
            text += f" port {ports[0]}" if ports[0] == ports[1] else f" port {ports[0]}-{ports[1]}"
        return text


@dataclass(frozen=True)
class RuleSet:
    """``count`` rules of a kind, the last of which lets everything pass. The same arguments give the same rules."""

    kind: str
    count: int
    seed: int = 1
    version: int = 4

    @cached_property
    def rules(self) -> list[MadeRule]:
        """The rules, in their order: narrow ones before wide ones that overlap them, mostly."""
        rng = random.Random(f"{self.kind} {self.count} {self.seed}")
        bits = 32 if self.version == 4 else 128
        networks = [_networks(rng, max(4, self.count // 12), bits) for _ in range(2)]
        found: dict[tuple[Any, ...], MadeRule] = {}
        while len(found) < self.count - 1:
            rule = self._rule(rng, networks, bits)
            found.setdefault((rule.src, rule.dst, rule.src_ports, rule.dst_ports, rule.protocol), rule)
        rules = sorted(found.values(), key=lambda rule: _width(rule, bits) + rng.uniform(-1, 1))
        everything = MadeRule((0, 0), (0, 0), ANY_PORT, ANY_PORT, -1, True, self.version)
        return [*rules, everything]

    def _rule(self, rng: random.Random, networks: list[list[int]], bits: int) -> MadeRule:
        while True:
            src, dst = (
                _prefix(rng, lengths, nets, bits)
                for lengths, nets in zip(_LENGTHS[self.kind], networks, strict=True)
            )
            protocol = _choice(rng, _PROTOCOLS[self.kind])
            ports = [ANY_PORT, ANY_PORT]
            if protocol in (TCP, UDP):
                ports = [_ports(rng, _choice(rng, kinds)) for kinds in _PORTS[self.kind]]
            if src[1] or dst[1] or ports != [ANY_PORT, ANY_PORT]:
                return MadeRule(src, dst, ports[0], ports[1], protocol, rng.random() < 0.6, self.version)

    @property
    def text(self) -> str:
        """The rule file."""
        return "".join(rule.text + "\n" for rule in self.rules)

    def packets(self, count: int, seed: int = 1) -> dict[str, np.ndarray[Any, Any]]:
        """``count`` packets, as columns: each is within some rule, of which few are met often and many seldom.

        >>> sorted(RuleSet("acl", 100).packets(5))
        ['dst', 'dst_port', 'protocol', 'src', 'src_port']
        """
        rng = np.random.default_rng(seed)
        rules = self.rules
        order = rng.permutation(len(rules))
        chosen = order[
            np.minimum((rng.pareto(1.0, count) * len(rules) / 20).astype(np.int64), len(rules) - 1)
        ]
        columns: dict[str, np.ndarray[Any, Any]] = {}
        bits = 32 if self.version == 4 else 128
        for name in ("src", "dst"):
            prefixes = [getattr(rules[number], name) for number in chosen]
            words = rng.integers(0, 1 << 63, (count, 2))
            values = [
                address | (int(a) << 65 | int(b)) & ((1 << (bits - length)) - 1)
                for (address, length), (a, b) in zip(prefixes, words, strict=True)
            ]
            columns[name] = np.array(values, np.uint64 if bits == 32 else object)
        for name in ("src_port", "dst_port"):
            ranges = np.array([getattr(rules[number], name + "s") for number in chosen])
            columns[name] = rng.integers(ranges[:, 0], ranges[:, 1] + 1)
        protocols = np.array([rules[number].protocol for number in chosen])
        columns["protocol"] = np.where(protocols < 0, rng.choice([TCP, UDP], count), protocols)
        return columns


def _choice(rng: random.Random, weights: dict[Any, int]) -> Any:
    return rng.choices(list(weights), list(weights.values()))[0]


def _networks(rng: random.Random, count: int, bits: int) -> list[int]:
    """Networks of 24 bits (48 of IPv6): some in a few large ones, each many times, some anywhere."""
    large = [rng.getrandbits(16) for _ in range(max(2, count // 16))]
    upper = 24 if bits == 32 else 48
    networks = []
    for _ in range(count):
        begin = rng.choice(large) if rng.random() < 0.7 else rng.getrandbits(16)
        networks.append((begin << (upper - 16) | rng.getrandbits(upper - 16)) << (bits - upper))
    return networks


def _prefix(rng: random.Random, lengths: dict[int, int], networks: list[int], bits: int) -> tuple[int, int]:
    length = _choice(rng, lengths)
    if bits == 128 and length:
        length = {32: 128, 24: 64}.get(length, 2 * length)
    address = rng.choice(networks)
    if bits == 32:
        address |= rng.choice((1, 2, 10, 20, 100, 128, 200)) + rng.randrange(8)
    else:
        address |= rng.randrange(64) << 64 | rng.randrange(1 << 12)
    return address >> (bits - length) << (bits - length) if length else 0, length


def _ports(rng: random.Random, kind: str) -> tuple[int, int]:
    if kind == "any":
        return ANY_PORT
    if kind == "high":
        return HIGH
    low = rng.choice(SERVICES) if rng.random() < 0.7 else rng.randrange(1024, 65000)
    return (low, low) if kind == "one" else (low, min(65535, low + rng.choice((1, 3, 10, 100, 1000))))


def _width(rule: MadeRule, bits: int) -> float:
    """About how many bits a rule leaves open."""
    open_ = 2 * bits - rule.src[1] - rule.dst[1]
    for low, high in (rule.src_ports, rule.dst_ports):
        open_ += (high - low + 1).bit_length() - 1
    return open_ + (8 if rule.protocol < 0 else 0)
