"""The C baselines do what Wirebrick does: the same packets leave, byte for byte, and the same are dropped."""

from __future__ import annotations

import ctypes
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.experiments.firewall import c_firewall
from benchmarks.harness.aimed import aimed
from benchmarks.harness.baseline import CNF, Baseline
from benchmarks.harness.memory import spec
from benchmarks.harness.rule_sets import KINDS, RuleSet
from traffic_of_all_kinds import frames

import wirebrick
from wirebrick.nf.firewall import firewall
from wirebrick.nf.firewall.rules import PacketFields, parse_rules, reference_match
from wirebrick.nf.macswap import macswap
from wirebrick.nf.ttl import ttl
from wirebrick.packet.descriptor import Descriptor
from wirebrick.packet.frame import DESCRIPTOR, NO_PORT, W_BURST
from wirebrick.packet.memory import load64
from wirebrick.ports.memory import native
from wirebrick.ports.memory.port import state_block
from wirebrick.ports.memory.templates import make_templates
from wirebrick.ports.memory.traffic import Traffic
from wirebrick.runtime.context import Context

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="the baselines need gcc")

COUNT = 4000
RULES = """
deny udp from 10.0.0.0/8 to any port 16384-28000
deny tcp src port 40000-50000
deny ip6 from 2001:db8::1 to any
allow icmp
deny proto 58
deny src net 10.64.0.0/10
deny tcp dst port 0-20000
allow udp
"""


def process(baseline: Baseline, packets: list[bytes]) -> list[bytes]:
    left = []
    for first in range(0, len(packets), baseline.burst):
        left += baseline.process(packets[first : first + baseline.burst])
    return left


@pytest.mark.parametrize("seed", range(4))
def test_ttl(seed):
    packets = frames(COUNT, seed)
    result = wirebrick.run(ttl, rx=packets)
    baseline = Baseline([CNF("ttl")])
    assert process(baseline, packets) == result.packets
    assert baseline.state(0) == [result.drops["ttl.ttl_expired"]]
    assert COUNT / 20 < result.packets_dropped < COUNT / 2
    assert len(set(packets) - set(result.packets)) > COUNT / 4  # many were aged


def test_a_chain_of_ttl():
    packets = frames(COUNT, 9)
    result = wirebrick.run([ttl] * 3, rx=packets)
    baseline = Baseline([CNF("ttl")] * 3)
    assert process(baseline, packets) == result.packets
    expired = [baseline.state(number)[0] for number in range(3)]
    assert expired == [nf["packets_dropped"] for nf in result.to_dict()["nfs"]]
    assert all(expired)


@pytest.mark.parametrize("name", ["macswap", "macswap_plain"])
def test_macswap(name):
    packets = frames(COUNT, 5)
    assert process(Baseline([CNF(name)]), packets) == wirebrick.run(macswap, rx=packets).packets


def test_no_network_function_and_several():
    packets = frames(64, 1)
    twice = Baseline([CNF("macswap"), CNF("macswap")])
    assert process(twice, packets) == packets


@pytest.mark.parametrize("default", ["drop", "allow"])
def test_firewall(default, tmp_path):
    packets = frames(COUNT, 6)
    file = tmp_path / "acl.rules"
    file.write_text(RULES)
    result = wirebrick.run(firewall(rules=file, default=default), rx=packets)
    nf = c_firewall(RULES, allows=default == "allow")
    baseline = Baseline([nf])
    assert process(baseline, packets) == result.packets
    assert baseline.state(0)[-1] == result.packets_dropped
    hits = nf.keeps[1].tolist()
    reported = [row[-1] for row in result.reports[0][1].rows]
    assert hits == [reported[-1], *reported[:-1]]  # the default comes last in the report
    assert all(hits)


@pytest.mark.parametrize(("kind", "size"), [*((kind, 64) for kind in KINDS), ("acl", "imix")])
def test_the_rules_that_are_measured_decide_alike(kind: str, size: int | str, tmp_path: Path):
    rules = RuleSet(kind, 300)
    file = tmp_path / "acl.rules"
    file.write_text(rules.text)
    columns = rules.packets(1024)
    traffic = Traffic(size=size, flows=1024)
    count = 1024 * traffic.rounds
    with aimed(columns):
        result = wirebrick.run(firewall(rules=file), rx=spec(replace(traffic, count=count)), tx="null:")
        nf = c_firewall(rules.text)
        sent, _ = Baseline([nf], traffic).drive(count)
    assert sent == result.packets_out
    assert 100 < sent / traffic.rounds < 950
    reported = [row[-1] for row in result.reports[0][1].rows]
    assert nf.keeps[1].tolist() == [reported[-1], *reported[:-1]]
    parsed = parse_rules(rules.text)
    expected = [reference_match(parsed, fields).number for fields in _fields(columns)]
    assert reported[:-1] == [traffic.rounds * expected.count(number) for number in range(1, 301)]


def _fields(columns):
    for row in zip(
        *(columns[name].tolist() for name in ("protocol", "src", "dst", "src_port", "dst_port")), strict=True
    ):
        yield PacketFields(4, *row, has_ports=row[0] in (6, 17))


def test_every_checksum_of_ipv4_follows_the_ttl():
    frame = bytearray(next(packet for packet in frames(1000, 2) if packet[12:15] == b"\x08\x00\x45"))
    frame[22] = 9
    baseline = Baseline([CNF("ttl")], burst=1 << 12)
    for first in range(0, 1 << 16, 1 << 12):
        packets = []
        for checksum in range(first, first + (1 << 12)):
            frame[24:26] = checksum.to_bytes(2, "big")
            packets.append(bytes(frame))
        aged = baseline.process(packets)
        assert [packet[22] for packet in aged] == [8] * len(packets)
        found = [int.from_bytes(packet[24:26], "big") for packet in aged]
        assert found == [_updated(checksum) for checksum in range(first, first + (1 << 12))]


def _updated(checksum: int) -> int:
    """RFC 1624, equation 3, for a TTL that goes from 9 to 8 (the protocol beside it doesn't matter)."""
    total = (~checksum & 0xFFFF) + (~0x0900 & 0xFFFF) + 0x0800
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


TRAFFIC = {
    "one line": Traffic(size=64, flows=50, gap_ns=3),
    "less than a line": Traffic(size=60, flows=7),
    "several lines": Traffic(size=1500, flows=50, payload="random"),
    "a range": Traffic(size=(60, 200), flows=3, payload="random"),
    "imix": Traffic(size="imix", flows=5, payload="text", protocols="tcp:1/udp:2/icmp:1", ipv6=0.4),
}


@pytest.mark.parametrize("traffic", TRAFFIC.values(), ids=TRAFFIC)
def test_receiving_is_that_of_the_memory_port(traffic):
    templates = make_templates(traffic)
    state = state_block(templates, traffic, native.ENDLESS)
    context = Context(burst=64, frame_size=traffic.largest, ports=2, counters=1)
    baseline = Baseline([], traffic, 64)
    for _ in range(3):  # the templates begin anew within a burst
        assert native.receive(state.ctypes.data, context.address, 64) == 64
        received = baseline.receive()
        assert len(received) == 64
        for position, (theirs, packet) in enumerate(received):
            ours = Descriptor(load64(context.address + W_BURST) + DESCRIPTOR * position)
            assert ctypes.string_at(ours.data, ours.length) == packet
            assert (theirs.length, theirs.wire, theirs.time) == (ours.length, ours.wire, ours.time)
            assert (theirs.ingress, theirs.egress, theirs.frame) == (0, NO_PORT, position)
            assert theirs.data - received[0][0].data == position * context.pool.stride
            assert ours.data % 64 == theirs.data % 64 == 0


@pytest.mark.parametrize("traffic", TRAFFIC.values(), ids=TRAFFIC)
def test_a_run_gets_the_packets_that_c_gets(traffic):
    sent = []
    wirebrick.run([macswap] * 2, rx=spec(replace(traffic, count=256)), tx=sent)
    baseline = Baseline([], traffic)
    assert sent == [packet for _ in range(256 // baseline.burst) for _, packet in baseline.receive()]


@pytest.mark.parametrize("packets", [1, 63, 64, 65, 1000])
def test_driving_counts_what_leaves(packets):
    assert Baseline([CNF("ttl")] * 2).drive(packets)[0] == packets
    assert Baseline([CNF("ttl")], Traffic(ttl=1)).drive(packets)[0] == 0
