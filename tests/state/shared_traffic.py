"""Frames, keys and ways to run a function that tests of state objects share."""

from __future__ import annotations

import random

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6 as ScapyIPv6
from scapy.layers.l2 import Ether

from wirebrick import Record, network_function, run
from wirebrick.fields import U64, IPv4Address
from wirebrick.headers import Ethernet, IPv4

START = 1_700_000_000_000_000_000


class Source(Record):
    """A key: who sent a packet."""

    host: IPv4Address


class Pair(Record):
    """Two numbers that must always be equal, with others between them."""

    a: U64
    c: U64
    d: U64
    b: U64


def frames(count, hosts=24, step=1_000_000, seed=3):
    """Packets with their times, from some hosts."""
    rng = random.Random(seed)
    time = START
    made = []
    for _ in range(count):
        time += rng.randrange(2 * step)
        source = f"10.0.{rng.randrange(3)}.{rng.randrange(hosts // 3)}"
        packet = Ether() / IP(src=source, dst="10.9.9.9", ttl=rng.randrange(1, 200))
        made.append((time, bytes(packet / UDP(sport=rng.randrange(3), dport=53))))
    return made


def frame6(source):
    """An IPv6 packet."""
    return bytes(Ether() / ScapyIPv6(src=source, dst="2001:db8::1") / UDP())


def run_function(make, operator="map", headers=(Ethernet, IPv4), rx=(), **options):
    """Run the function that ``make()`` returns (with state objects) as one operator; result and objects."""
    kept = []

    @network_function
    def nf(packets):
        function, *states = make()
        kept.extend(states)
        for header in headers:
            packets = packets.parse(header)
        return getattr(packets, operator)(function)

    result = run(nf, rx=rx if isinstance(rx, str) else list(rx), **options)
    return result, kept


def both(make, observe, **options):
    """What ``observe`` makes of the objects, and the drops, compiled; interpreted they are the same."""
    seen = []
    for interpret in (False, True):
        result, states = run_function(make, interpret=interpret, **options)
        seen.append((observe(*states), result.drops))
    assert seen[0] == seen[1]
    return seen[0]
