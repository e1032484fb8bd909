"""Measuring over veth pairs: what the generator sends, what it counts, and what is told where something is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

import pytest
from benchmarks.experiments import idle, veth_xdp
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.options import Options
from benchmarks.harness.wire import topology
from benchmarks.harness.wire.contestants import Contestant, _process, bridge, reflector, testpmd, wirebrick
from benchmarks.harness.wire.programs import FLOWS, MARK
from benchmarks.harness.wire.topology import cores, network, require, run
from benchmarks.harness.wire.wire import SIZES, Wire, softirq_thread, wire

live = pytest.mark.skipif(
    os.geteuid() != 0 or len(os.sched_getaffinity(0)) < 2, reason="network namespaces need root, and 2 cores"
)
testpmd.__test__ = False  # a program's name, no test


@live
@pytest.mark.parametrize("size", SIZES)
def test_what_the_kernel_reflects_comes_back(size):
    with wire() as opened, opened.running(reflector()) as running:
        full = opened.measure(size, 0, 0.1)
        slow = opened.measure(size, 2000, 0.3)
        assert running.pid is None
    assert full.back > 10 * slow.back
    assert full.accepted == pytest.approx(full.sent, rel=0.2)
    assert 50 < slow.sent < 2200
    assert slow.lost == 0
    assert 0 < slow.median_us <= slow.p99_us
    assert slow.median_us < 1000


@live
def test_frames_are_of_many_flows_and_well_formed(tmp_path):
    from scapy.layers.inet import IP, UDP
    from scapy.utils import rdpcap

    seen, count = tmp_path / "seen.pcap", 2 * FLOWS
    with wire() as opened:
        command = ["tcpdump", "-n", "-i", opened.interfaces[0], "-c", str(count), "-w", str(seen)]
        capturing = subprocess.Popen(opened.network.inside(*command), stderr=subprocess.PIPE)
        assert capturing.stderr is not None
        assert b"listening" in capturing.stderr.readline()
        end = time.monotonic() + 10
        while capturing.poll() is None and time.monotonic() < end:
            opened.measure(64, 20_000, 0.1)
        capturing.terminate()
        capturing.communicate()
    frames = rdpcap(str(seen))
    assert {len(frame) for frame in frames} == {60}
    assert len({frame[UDP].sport for frame in frames}) == FLOWS
    first = frames[0]
    assert first[UDP].payload.load[:2] == MARK.to_bytes(2, "little")
    checksum = first[IP].chksum
    del first[IP].chksum
    assert IP(bytes(first[IP])).chksum == checksum


@live
def test_wirebrick_sends_back_and_is_idle():
    with wire() as opened:
        assert opened.mpps(wirebrick("xdp", "busy"), 64, 0.1) > 0.01
        assert 0 < idle._percent(opened, "xdp", 0.1) < 50


@live
def test_a_bridge_forwards_between_two_pairs():
    with wire(pairs=2) as opened, opened.running(bridge()):
        assert opened.measure(64, 1000, 0.1).back > 10


@live
@pytest.mark.skipif(shutil.which("dpdk-testpmd") is None, reason="dpdk-testpmd is not installed")
@pytest.mark.parametrize("driver", ["net_af_xdp", "net_af_packet"])
def test_testpmd_sends_back(driver):
    with wire() as opened, opened.running(testpmd(driver)) as running:
        assert running.pid is not None
        assert opened.measure(64, 1000, 0.1).back > 10


@live
def test_the_rows(monkeypatch):
    speeds = {"xdp busy": 3.0, "net_af_xdp": 2.0, "XDP_TX": 4.0}
    monkeypatch.setattr(Wire, "mpps", lambda self, contestant, size, seconds: speeds[contestant.name])
    rows = list(veth_xdp.rows(Options(seconds=0.1, repeats=2)))
    assert [(row.name, row.ratio) for row in rows[:3]] == [
        ("xdp, 64 bytes", 1.5),
        ("  busy_budget=64, 64", 1.5),
        ("  XDP_TX, 64", 0.75),
    ]
    assert len(rows) == 6


@live
def test_a_program_that_ends_is_told():
    broken = Contestant("broken", lambda made, _: _process(made, ["sh", "-c", "echo no good; exit 3"], None))
    with wire() as opened:
        with pytest.raises(BenchmarkError, match=r"(?s)status 3.*no good"), opened.running(broken):
            pass
        with opened.running(reflector()):  # the wire is as before
            pass


@live
def test_nothing_is_left_of_a_network():
    with network(pairs=2) as made:
        assert made.namespace in run(["ip", "netns", "list"])
        assert all(end in made.run("ip", "link") for pair in made.ends for end in pair)
    time.sleep(0.1)
    assert made.namespace not in run(["ip", "netns", "list"])


@live
def test_processors():
    first, last = cores()
    assert first < last
    assert softirq_thread(first) > 1
    with pytest.raises(BenchmarkError, match="ksoftirqd/9999"):
        softirq_thread(9999)


def test_without_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(BenchmarkError, match="root"), network():
        pass


def test_what_is_missing_is_told():
    with pytest.raises(BenchmarkError, match="no-such-tool is not installed") as error:
        require({"no-such-tool": "such-tools"})
    assert "such-tools" in str(error.value)
    with pytest.raises(BenchmarkError, match="status 4"):
        run(["sh", "-c", "exit 4"])
    assert topology.NAME
