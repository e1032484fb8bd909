"""The C table counts what Wirebrick's counts: the same flows, packets and bytes."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from benchmarks.experiments.table import c_table
from benchmarks.harness.baseline import Baseline
from benchmarks.harness.chains import count_flows, discard
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.warm import c_warm, wirebrick_warm
from traffic_of_all_kinds import frames

import wirebrick
from wirebrick import FlowKey, Record, Table, merge, network_function
from wirebrick.fields import U64
from wirebrick.headers import Ethernet
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.ports.memory.traffic import Traffic

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="the baselines need gcc")


class Counted(Record):
    packets: U64
    bytes: U64


def test_the_same_flows_are_counted():
    kept = []

    @network_function
    def count(packets):
        flows = Table(FlowKey, Counted, capacity=5000)
        kept.append(flows)

        def look(packet):
            counted = flows[packet.flow()]
            counted.packets += 1
            counted.bytes += packet.length

        found = ip_packets(packets.parse(Ethernet))
        return merge(found.v4.map(look), found.v6.map(look), *found.rest)

    packets = frames(4000, 3) * 2
    wirebrick.run(count, rx=packets)
    nf = c_table(5000)
    baseline = Baseline([nf])
    for first in range(0, len(packets), baseline.burst):
        burst = packets[first : first + baseline.burst]
        assert baseline.process(burst) == burst
    expected = {bytes(key): (seen.packets, seen.bytes) for key, seen in kept[0].items()}
    assert len(expected) > 500
    assert baseline.state(0)[3:] == [len(expected), 0]
    assert counted_by_c(nf) == expected


def test_a_full_table_in_c_refuses():
    packets = frames(1000, 3)
    nf = c_table(10)
    baseline = Baseline([nf], burst=1000)
    baseline.process(packets)
    flows, refused = baseline.state(0)[3:]
    assert flows == len(counted_by_c(nf)) == 10
    assert refused + sum(count for count, _ in counted_by_c(nf).values()) > 500


def counted_by_c(nf):
    """Packets and bytes by key."""
    first, mask = nf.state[:2]
    start = first - nf.keeps.ctypes.data
    words = nf.keeps[start : start + 64 * (mask + 1)].view(np.uint64).reshape(-1, 8)
    return {row[:5].tobytes(): (int(row[5]), int(row[6])) for row in words if row[4]}


@pytest.mark.parametrize("size", [64, "imix"])
def test_measuring(size):
    traffic = Traffic(size=size, flows=1000)
    assert wirebrick_warm(count_flows(capacity=1000), traffic, 0.05) > 0
    assert c_warm(c_table(1000), traffic, 0.05, {3: 1000, 4: 0}) > 0


def test_c_that_does_less_is_not_measured():
    with pytest.raises(BenchmarkError, match=r"table\.c ends with \{3: 900\}"):
        c_warm(c_table(900), Traffic(flows=1000), 0.05, {3: 1000})


def test_an_nf_that_drops_is_not_measured():
    with pytest.raises(BenchmarkError, match="discarded"):
        wirebrick_warm(discard, Traffic(flows=1000), 0.05)
