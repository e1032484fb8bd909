"""Frames for the differential tests: built by scapy from a seed, and spoilt in many ways."""

from __future__ import annotations

import random

from scapy.all import (
    GRE,
    ICMP,
    IP,
    TCP,
    UDP,
    VXLAN,
    Dot1Q,
    Ether,
    IPOption_RR,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    Raw,
    raw,
)
from scapy.contrib.mpls import MPLS


def payload(r: random.Random) -> Raw:
    size = r.choice([0, 1, 2, 3, 4, 7, 8, 18, 19, 40, 120, 300])
    start = r.choice([b"", b"GET /", b"HTTP/1.1", bytes(4), b"\x00\x01"])
    return Raw((start + r.randbytes(size))[: max(size, 0)])


def transport(r: random.Random):
    port = r.choice([53, 80, 7777, 8888, 1234])
    kind = r.randrange(5)
    if kind == 0:
        options = r.choice([[], [("MSS", 1460)], [("NOP", None), ("MSS", 1300), ("WScale", 5)]])
        return TCP(
            sport=r.randrange(65536),
            dport=port,
            seq=r.getrandbits(32),
            flags=r.choice("SAFR"),
            options=options,
        )
    if kind == 1:
        return ICMP(id=r.randrange(65536), seq=r.randrange(65536))
    udp = UDP(sport=r.randrange(65536), dport=port)
    if kind == 2:
        udp.chksum = 0
    return udp


def network(r: random.Random, inner):
    ttl = r.choice([0, 1, 2, 3, 64, 255])
    if r.random() < 0.3:
        head = IPv6(
            src=r.choice(["2001:db8::1", "fe80::2"]), dst="2001:db8::2", hlim=ttl, fl=r.getrandbits(20)
        )
        if r.random() < 0.3:
            head = head / r.choice(
                [IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(), IPv6ExtHdrFragment(offset=r.choice([0, 3]), m=1)]
            )
        return head / inner
    options = [IPOption_RR()] if r.random() < 0.15 else []
    frag = r.choice([0] * 8 + [3])
    return (
        IP(
            src=r.choice(["10.1.2.3", "192.0.2.5"]),
            dst=f"10.0.0.{r.randrange(256)}",
            ttl=ttl,
            options=options,
            frag=frag,
            id=r.randrange(65536),
        )
        / inner
    )


def frame(r: random.Random) -> bytes:
    body = network(r, transport(r) / payload(r))
    kind = r.randrange(12)
    ether = Ether(src="02:00:00:00:00:0a", dst="02:00:00:00:00:0b")
    if kind == 0:
        packet = ether / Dot1Q(vlan=r.randrange(4096)) / body
    elif kind == 1:
        packet = ether / MPLS(label=r.getrandbits(20), s=1, ttl=9) / body
    elif kind == 2:
        inner = ether / network(r, transport(r) / payload(r))
        packet = ether / IP(src="10.9.9.9", dst="10.8.8.8") / UDP(sport=5, dport=4789) / VXLAN(vni=7) / inner
    elif kind == 3:
        packet = ether / IP(src="10.9.9.9", dst="10.8.8.8") / GRE() / body
    else:
        packet = ether / body
    data = raw(packet)
    spoil = r.randrange(8)
    if spoil == 0:
        data = data[: r.randrange(len(data) + 1)]
    elif spoil == 1 and data:
        changed = bytearray(data)
        for _ in range(r.randrange(1, 4)):
            changed[r.randrange(min(len(data), 60))] = r.randrange(256)
        data = bytes(changed)
    elif spoil == 2:
        data = data + bytes(r.randrange(30))
    return data


def frames(seed: int, count: int) -> list[bytes]:
    r = random.Random(seed)
    made = [frame(r) for _ in range(count)]
    made += [r.randbytes(r.randrange(0, 200)) for _ in range(count // 10)]
    return made
