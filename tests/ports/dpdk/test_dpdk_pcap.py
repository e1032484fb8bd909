"""net_pcap and net_ring beside our own ports: the same bytes, none lost without a count."""

from __future__ import annotations

from pathlib import Path

import pytest
from dpdk_nfs import balanced, forward, spread, tag

from wirebrick import run
from wirebrick.runtime.result import Result

COUNT = 4000


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "in.pcap"
    run(forward, rx=f"memory:imix,flows=50,proto=tcp:1/udp:1,payload=random,count={COUNT}", tx=path)
    return path


def packets(path: Path) -> list[bytes]:
    found: list[bytes] = []
    run(forward, rx=path, tx=found)
    return found


@pytest.mark.parametrize("nf", ["macswap", "ttl", tag], ids=["macswap", "ttl", "tag"])
@pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
def test_the_same_bytes_as_our_port(
    capture: Path, tmp_path: Path, lost: list[int], nf: object, interpret: bool
) -> None:
    ours, theirs = tmp_path / "ours.pcap", tmp_path / "theirs.pcap"
    run(nf, rx=capture, tx=ours)  # type: ignore[arg-type]
    device = f"dpdk:net_pcap0,rx_pcap={capture},tx_pcap={theirs}"
    result = run(nf, rx=device, count=COUNT, duration=20, interpret=interpret)  # type: ignore[arg-type]
    assert result.packets_out == COUNT
    assert packets(theirs) == packets(ours)
    assert lost == [0]


def test_a_filter_stages_packets_in_mbufs(capture: Path, tmp_path: Path, lost: list[int]) -> None:
    ours, theirs = tmp_path / "ours.pcap", tmp_path / "theirs.pcap"
    kept = run("macswap", rx=capture, tx=ours, filter="tcp").packets_out
    device = f"dpdk:net_pcap0,rx_pcap={capture},tx_pcap={theirs}"
    result = run("macswap", rx=device, count=kept, duration=20, filter="tcp")
    assert 0 < kept < COUNT
    assert result.packets_out == kept
    assert packets(theirs) == packets(ours)
    assert lost == [0]


def test_from_our_port_into_theirs(capture: Path, tmp_path: Path, lost: list[int]) -> None:
    theirs = tmp_path / "theirs.pcap"
    run(forward, rx=capture, tx=f"dpdk:net_pcap0,tx_pcap={theirs}", duration=1)
    assert packets(theirs) == packets(capture)
    assert lost == [0]


def test_workers_share_a_transmit_queue(capture: Path, tmp_path: Path, lost: list[int]) -> None:
    """One queue: the first worker receives for both, and both send, under a lock."""
    theirs = tmp_path / "theirs.pcap"
    device = f"dpdk:net_pcap0,rx_pcap={capture},tx_pcap={theirs}"
    result = run(spread, rx=device, count=COUNT, duration=20, workers=2)
    assert result.packets_out == COUNT
    assert sorted(packets(theirs)) == sorted(packets(capture))
    assert lost == [0]


def test_packets_larger_than_a_frame_are_counted(tmp_path: Path, lost: list[int]) -> None:
    large, out = tmp_path / "large.pcap", tmp_path / "out.pcap"
    sizes = [60, 5000, 61, 9000, 62]
    run(forward, rx=[bytes([n] * size) for n, size in enumerate(sizes)], tx=large)
    result = run(forward, rx=f"dpdk:net_pcap0,rx_pcap={large},tx_pcap={out}", duration=0.5)
    assert (result.packets_in, result.packets_out) == (3, 3)
    assert result.ports[0].statistics["rx_segments"] == 2
    assert [len(data) for data in packets(out)] == [60, 61, 62]
    assert lost == [0]


def ring(duration: float, count: int) -> Result:
    return run(forward, rx=f"memory:count={count}", tx="dpdk:net_ring0", duration=duration)


def test_a_ring_brings_back_what_was_sent(dpdk: None) -> None:
    result = ring(0.3, 500)
    first, second = result.ports
    assert first.packets_in == 500
    assert second.packets_in > 500  # round and round
    assert second.packets_out == 500 + second.packets_in
    assert result.drops == {}


@pytest.mark.parametrize("again", range(2))
def test_a_full_ring_drops_and_counts(dpdk: None, again: int) -> None:
    result = ring(0.3, 5000)
    assert result.ports[0].packets_in == 5000
    assert result.drops["out.no_room"] > 3000  # the ring has room for 1,024
    assert set(result.drops) == {"out.no_room"}
    assert balanced(result)
    assert result.bytes_in == result.bytes_out + 64 * result.packets_dropped
