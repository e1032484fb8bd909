"""net_null: packets out of nothing, into nothing: accounts, workers, frames that stay."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from dpdk_nfs import balanced, double, drop_all, forward, tag, untag
from scapy.utils import PcapReader

from wirebrick import run
from wirebrick.ports.dpdk.device import Device
from wirebrick.ports.dpdk.mempool import DpdkMempool
from wirebrick.ports.dpdk.port import DpdkPort, _open

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])


@BOTH
@pytest.mark.parametrize("size", [64, 1500, 9000])
def test_one_device_both_ways(lost: list[int], interpret: bool, size: int) -> None:
    result = run(
        "macswap", rx=f"dpdk:net_null0,size={size}", count=5000, duration=20, interpret=interpret, burst=50
    )
    assert result.packets_in == result.packets_out == 5000
    assert result.bytes_in == result.bytes_out == 5000 * size
    assert balanced(result)
    assert result.ports[0].statistics["rx_nombuf"] == 0
    assert lost == [0]
    assert _open == []


@BOTH
def test_two_devices_cross_and_share_a_mempool(lost: list[int], interpret: bool) -> None:
    result = run(
        forward, rx="dpdk:net_null0,size=100", tx="dpdk:net_null1,size=200", count=10_000, interpret=interpret
    )
    first, second = result.ports
    assert first.packets_in + second.packets_in == 10_000
    assert (first.packets_out, second.packets_out) == (second.packets_in, first.packets_in)
    assert first.bytes_out == 200 * first.packets_out
    assert lost == [0]


@pytest.mark.parametrize(
    "nf", [drop_all, double, [tag, untag], tag], ids=["drop", "copy", "push pop", "push"]
)
@pytest.mark.parametrize("burst", [None, 1, 4096])
def test_frames_are_exchanged_whatever_happens(lost: list[int], nf: object, burst: int | None) -> None:
    """More packets come than leave, and more leave than come: the mempool's turn, for far more than it holds."""
    result = run(nf, rx="dpdk:net_null0", count=50_000, duration=30, burst=burst)  # type: ignore[arg-type]
    assert result.packets_in == 50_000
    assert balanced(result)
    assert result.ports[0].statistics["rx_nombuf"] == 0
    assert lost == [0]
    if nf is double:
        assert (result.packets_out, result.packets_dropped) == (100_000, 0)
    if nf is tag:
        assert result.bytes_out == 50_000 * 68


def test_a_port_of_another_kind_uses_mbufs(lost: list[int]) -> None:
    result = run(
        forward, rx="memory:imix,count=20000", tx="null:", ports={"x": "dpdk:net_null0"}, duration=0.3
    )
    assert result.ports[0].packets_in == 20_000
    assert balanced(result)
    assert lost == [0]


@pytest.mark.parametrize("workers", [2, 3])
def test_several_workers_have_a_queue_each(lost: list[int], workers: int) -> None:
    result = run("macswap", rx="dpdk:net_null0", workers=workers, duration=0.3)
    assert result.packets_in == result.packets_out > workers
    assert lost == [0]


def test_a_hundred_runs_leave_nothing(lost: list[int]) -> None:
    """Nothing leaks: neither frames, nor devices, nor the numbers that DPDK gives to threads (there are 128)."""
    for number in range(140):
        result = run(forward, rx="dpdk:net_null0", tx="dpdk:net_null1", count=300, workers=1 + number % 2)
        assert result.packets_in == result.packets_out == 300
    assert lost == [0] * 140


def test_packets_have_the_time_of_their_burst(dpdk: None, tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    before = time.time_ns()
    run(forward, rx="dpdk:net_null0,size=100", tx=f"pcap:,{out}", count=200)
    with PcapReader(str(out)) as packets:
        times = [int(packet.time * 10**9) for packet in packets]
    assert len(times) == 200
    assert sorted(times) == times
    assert before // 1000 * 1000 <= times[0] <= times[-1] <= time.time_ns()


def test_a_link_that_flaps_is_told(lost: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    states = iter([True, True, False, False, True])
    monkeypatch.setattr(Device, "up", property(lambda device: next(states, True)))
    result = run(forward, rx="dpdk:net_null0", duration=1)
    assert result.notices == ["dpdk:net_null0: its link is down", "dpdk:net_null0: its link is up again"]


def test_the_link_of_a_device_is_up_when_it_runs(dpdk: None) -> None:
    ups: list[bool] = []
    port = DpdkPort("dpdk:net_null0")
    device = Device(port.spec, port.devargs)
    try:
        pool = DpdkMempool(8, 60, 4096, dma=True)
        pool.hold()
        ups.append(device.up)
        device.start(pool, 1)
        ups.append(device.up)
    finally:
        device.close()
    assert ups == [False, True]
    assert pool.lost == 0
    pool.release()
