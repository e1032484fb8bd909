"""Random and damaged frames: nothing raises, every packet is accounted for."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from bench_of import run

from wirebrick.headers import GRE, TCP, UDP, VLAN, VXLAN, Ethernet, IPv4, IPv6
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

sys.path.append(str(Path(__file__).parent.parent / "packet"))
from stacks import random_stack


@network_function
def everything(packets):
    def change(packet):
        packet[Ethernet].dst = 5
        packet.payload.put_u16(0, 0xFFFF)
        packet.flow()

    def grow(packet):
        packet.payload.insert(packet.payload[0], 3)

    six, no_udp, tagged, greed = Stream(), Stream(), Stream(), Stream()
    four = packets.parse(Ethernet).parse(IPv4, otherwise=six).parse(UDP, otherwise=no_udp)
    vxlan = four.transform(change).parse(VXLAN).transform(grow).pop()
    udp = six.parse(IPv6, otherwise=tagged).parse(UDP).transform(change)
    tcp = no_udp.parse(TCP, otherwise=greed).transform(change).deparse().deparse().push(VLAN)
    gre = greed.parse(GRE).pop().push(GRE)
    return merge(vxlan, udp, tcp, gre, tagged.parse(VLAN).pop())


@pytest.mark.parametrize("seed", range(30))
def test_nothing_raises(seed):
    rng = random.Random(seed)
    frames = []
    for _ in range(60):
        data = bytearray(bytes(random_stack(rng)[0]))
        for _ in range(rng.randrange(4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        frames.append(bytes(data[: rng.randrange(len(data) + 1)] if rng.random() < 0.4 else data))
    frames.append(rng.randbytes(rng.randrange(1500)))
    ran = run(everything, rx=frames)
    assert ran.counts["everything.in"] == 61
