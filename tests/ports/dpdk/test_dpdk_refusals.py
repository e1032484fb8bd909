"""What can't be had: each says what, why and what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dpdk_nfs import forward

from wirebrick import run
from wirebrick.errors import PortError
from wirebrick.ports.dpdk import eal as eal_module
from wirebrick.ports.dpdk import library as library_module
from wirebrick.ports.dpdk.devargs import Devargs
from wirebrick.ports.dpdk.port import DpdkPort, _open
from wirebrick.ports.null import NullPort
from wirebrick.runtime.mempool import Mempool

ROOT = os.geteuid() == 0


@pytest.mark.parametrize(
    ("device", "message", "cure"),
    [
        ("net_nul0", 'failed to parse device "net_nul0"', "did you mean 'net_null'"),
        ("net_pcap0,rx_pcap=/none.pcap", "/none.pcap: No such file or directory", "see its options"),
        ("net_null0,sze=64", "DPDK does not say why", "see its options"),
        ("0000:fe:1f.0", "Cannot find device", "dpdk-devbind.py --status"),
        ("fe:1f.0", "Cannot find device", "dpdk-devbind.py --status"),
        ("net_null0,size=66000", "packets of 66,000 bytes don't fit", "receive smaller packets"),
        pytest.param(
            "net_af_packet0,iface=wbdpdknone",
            "No such device",
            "see its options",
            marks=pytest.mark.skipif(not ROOT, reason="needs root"),
        ),
    ],
)
def test_devices_that_are_not_there(dpdk: None, device: str, message: str, cure: str) -> None:
    with pytest.raises(PortError) as caught:
        run(forward, rx=f"dpdk:{device}", duration=0.1)
    assert message in caught.value.message
    if ROOT:
        assert cure in caught.value.cure
    assert _open == []


@pytest.mark.parametrize("devargs", ["", ",size=3", "net null0", "net_null0\n"])
def test_devargs_without_a_name(devargs: str) -> None:
    with pytest.raises(PortError, match="names no device"):
        DpdkPort(f"dpdk:{devargs}")


def test_a_device_named_twice(dpdk: None) -> None:
    with pytest.raises(PortError, match="net_null0 is open already") as caught:
        run(forward, rx="dpdk:net_null0", tx="dpdk:net_null0", duration=0.1)
    assert "net_null1" in caught.value.cure
    assert run(forward, rx="dpdk:net_null0", count=10).packets_out == 10


def test_a_device_beside_a_port_that_fails(dpdk: None) -> None:
    with pytest.raises(PortError, match="no such file"):
        run(forward, rx="dpdk:net_null0", ports={"x": "pcap:/none.pcap,"}, duration=0.1)
    assert _open == []


def test_queues_that_nobody_would_look_at(dpdk: None, tmp_path: Path) -> None:
    run(forward, rx="memory:count=3", tx=tmp_path / "a.pcap")
    two = ",".join(f"rx_pcap={tmp_path}/a.pcap" for _ in range(2))
    with pytest.raises(PortError, match="it has 2 queues, and there is 1 worker"):
        run(forward, rx=f"dpdk:net_pcap0,{two}", duration=0.1)
    with pytest.raises(PortError, match="it has 2 queues, and there are 3 workers") as caught:
        run(forward, rx=f"dpdk:net_pcap0,{two}", duration=0.1, workers=3)
    assert "make 1 or 3" in caught.value.cure
    assert _open == []


def test_beside_a_port_whose_packets_lie_elsewhere(lost: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NullPort, "mempool", lambda port, frames, size: Mempool(frames, size))
    with pytest.raises(PortError, match="dpdk:net_null0 and null: can't be in one run"):
        run(forward, rx="dpdk:net_null0", tx="null:", duration=0.1)
    assert lost == [0]
    assert _open == []


def test_too_little_memory(dpdk: None) -> None:
    with pytest.raises(PortError, match="in one piece") as caught:
        run(forward, rx="dpdk:net_null0,size=65000", tx="dpdk:net_null1", burst=4096, workers=8, duration=0.1)
    assert "--burst" in caught.value.cure
    assert run(forward, rx="dpdk:net_null0", count=10).packets_out == 10


def test_without_the_mempool_driver(dpdk: None, monkeypatch: pytest.MonkeyPatch) -> None:
    functions = library_module.library()._functions
    monkeypatch.setitem(functions, "rte_mempool_set_ops_byname", lambda *_: -2)
    with pytest.raises(PortError, match="ring mempool is not installed"):
        run(forward, rx="dpdk:net_null0", duration=0.1)


def test_without_dpdk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(library_module, "ABI", 999)
    monkeypatch.setattr(library_module, "_FOLDERS", (str(tmp_path),))
    with pytest.raises(PortError, match="DPDK is not installed") as caught:
        library_module.Library()
    assert "apt-get install dpdk" in caught.value.cure
    assert "afpacket:" in caught.value.cure
    (tmp_path / "librte_eal.so.25").touch()
    with pytest.raises(PortError, match=r"DPDK with ABI 25 is installed .* knows ABI 999"):
        library_module.Library()


def test_another_version(dpdk: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_module, "VERSION", "23.99")
    with pytest.raises(PortError, match=r"this is DPDK 22\.11.*; Wirebrick knows DPDK 23\.99"):
        library_module.Library()


def test_dpdk_that_does_not_start_says_so_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eal_module, "_started", [PortError("DPDK can't start: why", cure="do")])
    for _ in range(2):
        with pytest.raises(PortError, match="DPDK can't start: why"):
            run(forward, rx="dpdk:net_null0", duration=0.1)


def test_names_of_pci_devices() -> None:
    assert [Devargs(text).name for text in ("03:00.0", "pci:0000:03:00.1", "0000:03:00.0,arg=1")] == [
        "0000:03:00.0",
        "0000:03:00.1",
        "0000:03:00.0",
    ]
    assert Devargs("vdev:net_null7").name == "net_null7"
    assert Devargs("net_af_xdp0").driver == "net_af_xdp"
