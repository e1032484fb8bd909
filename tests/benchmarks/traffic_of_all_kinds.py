"""Frames that are right, almost right, cut short and random: for comparing C with Wirebrick."""

from __future__ import annotations

import itertools
import random
import struct

from wirebrick.headers import IPv4, IPv6
from wirebrick.ports.memory.templates import make_templates
from wirebrick.ports.memory.traffic import Traffic

EXTENSIONS = (0, 43, 44, 51, 60, 135)
ETHERTYPES = (0x0800, 0x86DD, 0x8100, 0x88A8, 0x9100, 0x0806, 0x0600)


def made() -> list[bytes]:
    """Well-formed packets of every protocol, size and tag that memory: makes."""
    packets = []
    for vlan in (0, 7):
        traffic = Traffic(
            size=(64, 120), flows=40, protocols="tcp:1,udp:2,icmp:1", ipv6=0.5, vlan=vlan, payload="random"
        )
        templates = make_templates(traffic)
        packets += [templates.packet(number) for number in range(0, len(templates.index), 7)]
    return packets


def with_options(chance: random.Random) -> bytes:
    """IPv4 with any header length, options included, and a total length that may be wrong."""
    ihl = chance.randrange(16)
    body = chance.randbytes(chance.randrange(12))
    ip = IPv4(ihl=ihl, ttl=chance.randrange(4), protocol=chance.choice((6, 17, 1)))
    ip.checksum = chance.getrandbits(16)
    ip.total_length = ihl * 4 + len(body) + chance.choice((0, 0, 0, -1, 1, 40))
    ip.fragment_offset = chance.choice((0, 0, 5))
    options = chance.randbytes(max(0, ihl * 4 - 20))
    return chance.randbytes(12) + b"\x08\x00" + bytes(ip)[:20] + options + body


def with_extensions(chance: random.Random) -> bytes:
    """IPv6 with a chain of extension headers, of up to 18, that may claim more than is there."""
    kinds = [chance.choice(EXTENSIONS) for _ in range(chance.choice((0, 1, 2, 3, 16, 18)))]
    kinds.append(chance.choice((6, 17, 58, 59)))
    chain = b""
    for kind, following in itertools.pairwise(kinds):
        units = chance.choice((0, 0, 0, 1, 9))
        if kind == 44:
            chain += struct.pack(">BBHI", following, 0, chance.choice((0, 1, 8, 0xFFF9)), 1)
        elif kind == 51:
            chain += bytes([following, units]) + bytes((units + 2) * 4 - 2)
        else:
            chain += bytes([following, units]) + bytes((units + 1) * 8 - 2)
    body = chain + chance.randbytes(chance.randrange(20))
    ip = IPv6(next_header=kinds[0], hop_limit=chance.randrange(4), src="2001:db8::1", dst="2001:db8::2")
    ip.payload_length = max(0, len(body) + chance.choice((0, 0, 0, -1, 1, -9)))
    return chance.randbytes(12) + b"\x86\xdd" + bytes(ip)[:40] + body


def damaged(packet: bytes, chance: random.Random) -> bytes:
    """Some bits changed among the first 60 bytes; cut short, or padded."""
    data = bytearray(packet)
    for _ in range(chance.choice((0, 1, 1, 3))):
        if data:
            value = chance.choice((0, 1, 0x45, 0x60, chance.randrange(256)))
            data[chance.randrange(min(60, len(data)))] = value
    if len(data) > 14 and chance.random() < 0.2:
        data[12:14] = chance.choice(ETHERTYPES).to_bytes(2, "big")
    if chance.random() < 0.3:
        del data[chance.randrange(len(data) + 1) :]
    elif chance.random() < 0.3:
        data += bytes(chance.randrange(10))
    return bytes(data)


def frames(count: int, seed: int) -> list[bytes]:
    """``count`` frames of all kinds; equal seeds give equal frames."""
    chance = random.Random(seed)
    packets = made()
    found = []
    for _ in range(count):
        kind = chance.random()
        if kind < 0.25:
            found.append(with_options(chance))
        elif kind < 0.5:
            found.append(with_extensions(chance))
        elif kind < 0.55:
            found.append(chance.randbytes(chance.randrange(100)))
        else:
            packet = chance.choice(packets)
            found.append(packet if kind < 0.65 else damaged(packet, chance))
        if chance.random() < 0.2 and len(found[-1]) >= 14:
            tag = chance.choice(ETHERTYPES[2:5]).to_bytes(2, "big") + chance.randbytes(2)
            found[-1] = found[-1][:12] + tag * chance.randrange(1, 4) + found[-1][12:]
    return found
