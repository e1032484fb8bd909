"""nat against the model of the RFCs, on random packets; compiled against interpreted."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from nat_model import ACK, FIN, RST, SYN, Model, Probe, Refused
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import Ether
from two_sides import Exchange, Sent, exchange

from wirebrick.nf.nat import nat

INSIDE = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
REMOTE = ["198.51.100.1", "198.51.100.2"]
EXTERNAL = ["203.0.113.1", "203.0.113.2"]
PORTS = [4000, 4001, 4002, 5001]
TIMEOUTS = {"udp": 10.25, "icmp": 4.25, "tcp": 20.25, "transitory": 6.25}
FORWARDS = "forward tcp 203.0.113.1:80 to 10.0.0.3:8080\nforward udp 203.0.113.9:4003 to 10.0.0.2:4001\n"
STATICS = {
    ("tcp", "203.0.113.1", 80): ("10.0.0.3", 8080),
    ("udp", "203.0.113.9", 4003): ("10.0.0.2", 4001),
}
STATICS_OUT = [(address, port) for _, address, port in STATICS]
CONFIGS: list[dict[str, Any]] = [
    {"filtering": "endpoint", "preserve": True},
    {"filtering": "address", "parity": True, "host_mappings": 5},
    {"filtering": "port", "preserve": True, "parity": True, "pooling": "arbitrary"},
]
MAC = {"src": "02:00:00:00:00:05", "dst": "02:00:00:00:00:0d"}

flags = st.sampled_from([SYN, SYN, SYN | ACK, ACK, ACK, FIN | ACK, RST, RST | ACK, SYN | FIN])
external_ports = st.sampled_from([80, 4000, 4001, 4002, 4003, 4007])


@st.composite
def steps(draw: st.DrawFn) -> tuple[str, Probe, int]:
    """A side, a packet, and seconds since the one before."""
    side = draw(st.sampled_from(["in", "in", "out"]))
    protocol = draw(st.sampled_from(["tcp", "tcp", "udp", "icmp"]))
    near = draw(st.sampled_from(INSIDE)), draw(st.sampled_from([*PORTS, 8080]))
    far = draw(st.sampled_from(REMOTE)), draw(st.sampled_from([53, 80]))
    public = draw(st.sampled_from([*EXTERNAL, "203.0.113.9"])), draw(external_ports)
    ends = (far, public) if side == "out" else (near, draw(st.sampled_from([far, far, far, public])))
    (src, src_port), (dst, dst_port) = ends
    if protocol == "icmp":
        src_port, dst_port = (0, dst_port) if side == "out" else (src_port, 0)
    probe = Probe(protocol, src, src_port, dst, dst_port, draw(flags) if protocol == "tcp" else 0)
    return side, probe, draw(st.sampled_from([0, 0, 0, 0, 1, 1, 2, 5, 11, 30]))


def frame_of(probe: Probe, number: int) -> bytes:
    upper = {
        "tcp": lambda: TCP(sport=probe.src_port, dport=probe.dst_port, flags=probe.flags),
        "udp": lambda: UDP(sport=probe.src_port, dport=probe.dst_port),
        "icmp": lambda: ICMP(type=8 if probe.dst_port == 0 else 0, id=probe.src_port or probe.dst_port),
    }[probe.protocol]()
    return bytes(Ether(**MAC) / IP(src=probe.src, dst=probe.dst, id=number) / upper / b"payload")


def probe_of(frame: bytes, sent: Probe) -> Probe:
    """What a frame says; its checksums must be right."""
    packet = Ether(frame)
    again = packet.copy()
    del again[IP].chksum
    for layer in (TCP, UDP, ICMP):
        if layer in again:
            del again[layer].chksum
    assert bytes(again) == frame
    ip = packet[IP]
    if ICMP in packet:
        # A query has its identifier on the side that asks.
        ends = (packet[ICMP].id, 0) if sent.dst_port == 0 else (0, packet[ICMP].id)
        return Probe("icmp", ip.src, ends[0], ip.dst, ends[1])
    if TCP in packet:
        return Probe("tcp", ip.src, packet.sport, ip.dst, packet.dport, int(packet[TCP].flags))
    return Probe("udp", ip.src, packet.sport, ip.dst, packet.dport)


def identification(frame: bytes) -> int:
    return int.from_bytes(frame[18:20], "big")


def mappings_made(path: Path) -> dict[tuple[str, tuple[str, int]], list[tuple[str, int]]]:
    """External endpoints by protocol and inside endpoint, in order, as the log has them. It must make sense."""
    found: dict[tuple[str, tuple[str, int]], list[tuple[str, int]]] = {}
    live = set()
    with path.open() as file:
        for row in csv.DictReader(file):
            key = (row["protocol"], (row["inside"], int(row["inside_port"])))
            external = (row["external"], int(row["external_port"]))
            if row["event"] == "created":
                assert (key, external) not in live
                live.add((key, external))
                if external not in STATICS_OUT:
                    found.setdefault(key, []).append(external)
            else:
                live.remove((key, external))
    return found


def compare(
    found: Exchange, script: list[tuple[str, Probe, float]], config: dict[str, Any], log: Path
) -> None:
    """Packet by packet, by the model."""
    given = mappings_made(log)
    model = Model(
        EXTERNAL,
        (4000, 4007),
        config["filtering"],
        TIMEOUTS,
        given,
        STATICS,
        preserve=config.get("preserve", False),
        parity=config.get("parity", False),
        paired=config.get("pooling") != "arbitrary",
        limit=config.get("host_mappings", 65535),
    )
    left = {identification(frame): (side, frame) for side in ("in", "out") for frame in _side(found, side)}
    drops: dict[str, int] = {}
    for number, (side, probe, now) in enumerate(script, start=1):
        seen = left.get(number)
        expected = None
        try:
            expected = model.step(side, probe, now)
        except Refused as refused:
            drops[str(refused)] = drops.get(str(refused), 0) + 1
        assert (seen and (seen[0], probe_of(seen[1], probe))) == expected, (number, probe)
    assert found.drops == drops
    assert not any(given.values())


def _side(found: Exchange, side: str) -> list[bytes]:
    return found.inside if side == "in" else found.outside


@pytest.mark.parametrize("config", CONFIGS, ids=["endpoint", "address", "port"])
@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(moves=st.lists(steps(), min_size=20, max_size=80))
def test_random_packets(
    config: dict[str, Any], moves: list[tuple[str, Probe, int]], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("WIREBRICK_SEED", "7")
    (tmp_path / "nat.conf").write_text(FORWARDS)
    times = itertools.accumulate(wait for _, _, wait in moves)
    script = [(side, probe, float(now)) for (side, probe, _), now in zip(moves, times, strict=True)]
    sent = [
        Sent(side, frame_of(probe, number), now) for number, (side, probe, now) in enumerate(script, start=1)
    ]
    nf = nat(
        addresses="203.0.113.1-203.0.113.2",
        ports="4000-4007",
        capacity=1000,
        forwards=tmp_path / "nat.conf",
        log=tmp_path / "nat.csv",
        **config,
        **TIMEOUTS,
    )
    compiled = exchange(nf, sent, tmp_path)
    compare(compiled, script, config, tmp_path / "nat.csv")
    interpreted = exchange(nf, sent, tmp_path, interpret=True)
    assert (interpreted.inside, interpreted.outside) == (compiled.inside, compiled.outside)
    assert interpreted.drops == compiled.drops
