"""The C NAT translates as Wirebrick's does: the same frames, byte for byte."""

from __future__ import annotations

import random
import shutil

import pytest
from benchmarks.experiments.nat import c_nat, ours
from benchmarks.harness.baseline import Baseline
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Dot1Q, Ether

import wirebrick
from wirebrick.ports.memory.traffic import Traffic

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="the baselines need gcc")
OWN = "203.0.113.1"


def frames(count: int) -> list[bytes]:
    rng = random.Random(5)
    made = []
    for _ in range(count):
        flow = rng.randrange(200)
        upper = TCP(sport=2000 + flow, dport=80, flags=rng.choice(["A", "PA", "S", "FA"]))
        if flow % 2:
            upper = UDP(sport=2000 + flow, dport=53, **({"chksum": 0} if flow % 5 == 0 else {}))
        tags = Dot1Q(vlan=7) / IP() if flow % 7 == 0 else IP()
        tags[IP].src, tags[IP].dst = f"10.0.0.{flow % 9 + 1}", f"198.51.100.{flow}"
        data = rng.randbytes(rng.choice((4, 4, 4, 545, 1400)))
        made.append(bytes(Ether(src="02:00:00:00:00:05", dst="02:00:00:00:00:0d") / tags / upper / data))
    return made


def test_the_same_frames() -> None:
    # TCP sessions begin with a SYN or, as both are told to, in their middle; no FIN is first.
    sent = frames(2000)
    expected = wirebrick.run(ours(1000, OWN, preserve=True), rx=sent)
    nf = c_nat(1000, OWN, preserve=True)
    baseline = Baseline([nf], Traffic(size="imix"))
    found = []
    for first in range(0, len(sent), baseline.burst):
        found += baseline.process(sent[first : first + baseline.burst])
    assert expected.drops == {}
    assert found == expected.packets
    assert found != sent
    refused, unseen = baseline.state(0)[-2:]
    assert (refused, unseen) == (0, 0)
