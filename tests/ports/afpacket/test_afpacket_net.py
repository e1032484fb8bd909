"""Real programs talk through runs between packet sockets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from between_hosts import balanced, between, counter, port_of, raw_frames, wire
from namespace import as_root, command, inside
from running import Running

from wirebrick.ports.afpacket import layout
from wirebrick.ports.afpacket.port import AfPacketPort

pytestmark = as_root
SOURCE = Path(__file__).parents[3] / "src"


@pytest.mark.parametrize("options", ["", ",ring=v3", ",qdisc=off"])
def test_ping_both_versions(hosts: SimpleNamespace, options: str) -> None:
    with between(hosts, options) as running:
        for host, address in ((hosts.a, "10.9.0.2"), (hosts.b, "10.9.0.1"), (hosts.a, "fd09::2")):
            assert " 0% packet loss" in hosts.net.run(host, "ping", "-c5", "-i0.02", "-W2", "-s1400", address)
    assert balanced(running.result)
    assert running.result.packets_dropped == 0


def test_ping_interpreted(hosts: SimpleNamespace) -> None:
    with between(hosts, interpret=True):
        assert " 0% packet loss" in hosts.net.run(hosts.a, "ping", "-c5", "-i0.05", "-W2", "10.9.0.2")


@pytest.mark.parametrize("options", ["", ",ring=v3"])
@pytest.mark.parametrize("address", ["10.9.0.2", "[fd09::2]"])
def test_a_download_with_offloads_on(
    hosts: SimpleNamespace, tmp_path: Path, options: str, address: str
) -> None:
    """The kernel leaves checksums out and joins segments: what arrives is whole."""
    (tmp_path / "file").write_bytes(os.urandom(20_000_000))
    server = hosts.net.popen(
        hosts.b, sys.executable, "-m", "http.server", "80", "--bind", address.strip("[]"), cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with between(hosts, options) as running:
            hosts.net.run(
                hosts.a, "curl", "-sSg", "--retry", "9", "--retry-connrefused", "-m", "60",
                "-o", tmp_path / "got", f"http://{address}/file",
            )  # fmt: skip
        assert (tmp_path / "got").read_bytes() == (tmp_path / "file").read_bytes()
        out = port_of(running.result, "out")
        assert out.statistics["joined_cut"] > 100
        assert out.statistics["joined_dropped"] == out.statistics["truncated"] == 0
        assert running.result.bytes_copied > 40_000_000
        assert balanced(running.result)
    finally:
        server.kill()
        server.wait()


def test_iperf_both_ways_with_two_workers(hosts: SimpleNamespace) -> None:
    server = hosts.net.popen(hosts.b, "iperf3", "-s", stdout=subprocess.DEVNULL)
    try:
        with between(hosts, workers=2) as running:
            for more in ((), ("-R",), ("-u", "-b100M"), ("-u", "-b100M", "-R")):
                done = hosts.net.run(hosts.a, "iperf3", "-c", "10.9.0.2", "-t1", "-P4", *more)
                assert "iperf Done" in done
    finally:
        server.kill()
        server.wait()
    assert balanced(running.result)
    assert running.result.packets_in > 10_000


def test_flows_are_shared_out_and_none_comes_twice(hosts: SimpleNamespace) -> None:
    with inside(hosts.a):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    command("ip", "-n", hosts.a, "neigh", "add", "10.9.0.9", "lladdr", "02:00:00:00:00:09", "dev", "eth0")
    with inside(hosts.box):
        port = AfPacketPort("afpacket:in0")
        sources = [port.source(worker, 2) for worker in range(2)]
        for source in sources:
            source.begin()
    for number in range(500):
        sender.sendto(b"x" * 100, ("10.9.0.9", 1000 + number % 50))
    sender.close()
    counts = [source.counts["kernel_packets"] for source in sources]
    assert sum(counts) >= 500
    assert sum(counts) < 550  # besides them hosts say little
    assert min(counts) > 50
    for source in sources:
        source.close()
    port.close()


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_sent_does_not_come_back(
    hosts: SimpleNamespace, workers: int, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the kernel doesn't know the flag of fanout groups for it."""
    if not known:
        monkeypatch.setattr(layout, "FANOUT_IGNORE_OUTGOING", 0x0800)  # refused: EINVAL
    frames = [bytes.fromhex("020000000009 020000000001 88b5") + bytes(60)] * 10
    chosen = {"rx": "afpacket:in0", "filter": "ether proto 0x88b5"}
    with Running(hosts.box, wire, workers=workers, **chosen) as running:
        raw_frames(hosts, frames)
        running.wait(10)
        time.sleep(0.1)
    assert running.result.packets_in == running.result.packets_out == 10


@pytest.mark.parametrize("options", ["", ",ring=v3"])
def test_tags_arrive_as_they_were(hosts: SimpleNamespace, options: str) -> None:
    head = bytes.fromhex("020000000009020000000001")
    tags = ["", "8100 0005", "88a8 6007", "8100 0005 8100 0006", "88a8 0007 8100 0fff"]
    frames = [head + bytes.fromhex(tag + "88b5") + bytes([n]) * 50 for n, tag in enumerate(tags)]
    with inside(hosts.b):
        receiver = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    taken: list[bytes] = []
    with Running(hosts.box, wire, rx=f"afpacket:in0{options}", tx=taken) as running:
        raw_frames(hosts, frames)
        running.wait(len(frames))
    receiver.close()
    assert [data for data in taken if data[:12] == head] == frames
    assert running.result.packets_dropped == 0


def test_tags_leave_as_they_are(hosts: SimpleNamespace) -> None:
    """What tcpdump sees at the other end is what came in."""
    head = bytes.fromhex("020000000009020000000001")
    frames = [head + bytes.fromhex("8100 0005 88b5") + bytes(1498), head + bytes.fromhex("88b5") + bytes(60)]
    seen = hosts.net.popen(
        hosts.b, "tcpdump", "-c2", "-Uenni", "eth0", "-Q", "in", "ether host 02:00:00:00:00:09",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert seen.stderr is not None
    while "listening" not in seen.stderr.readline():
        pass
    with between(hosts):
        raw_frames(hosts, frames)
        text, _ = seen.communicate(timeout=20)
    assert "802.1Q (0x8100), length 1516: vlan 5" in text
    assert "88b5" in text.splitlines()[-1] or "length 74" in text


def test_all_is_as_the_kernel_counts(hosts: SimpleNamespace) -> None:
    head = bytes.fromhex("020000000009020000000001 88b5")
    for host in (hosts.a, hosts.b):  # they say nothing by themselves
        hosts.net.quiet(host, "eth0")
    names = (("in0", "rx_packets"), ("in0", "rx_bytes"), ("out0", "tx_packets"), ("out0", "tx_bytes"))
    with between(hosts) as running:
        before = [counter(hosts.box, *name, hosts.net) for name in names]
        raw_frames(hosts, [head + bytes(46 + n) for n in range(1000)])
        running.wait(1000)
        time.sleep(0.1)
        after = [counter(hosts.box, *name, hosts.net) for name in names]
    result = running.result
    came, went = port_of(result, "in"), port_of(result, "out")
    grown = [new - old for old, new in zip(before, after, strict=True)]
    assert grown == [came.packets_in, came.bytes_in, went.packets_out, went.bytes_out]
    assert came.packets_in == came.statistics["kernel_packets"] == 1000


def test_promiscuous_or_not(hosts: SimpleNamespace) -> None:
    with between(hosts, ",promisc=off"):
        assert "promiscuity 0" in command("ip", "-d", "-n", hosts.box, "link", "show", "in0")
    with between(hosts):
        assert "promiscuity 1" in command("ip", "-d", "-n", hosts.box, "link", "show", "in0")
