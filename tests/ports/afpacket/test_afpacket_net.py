"""Real programs talk through runs between packet sockets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
from namespace import as_root, command, inside
from running import Running

from wirebrick import Stream, network_function
from wirebrick.headers import Ethernet
from wirebrick.ports.afpacket import layout
from wirebrick.ports.afpacket.packet_socket import slot_size
from wirebrick.ports.afpacket.port import AfPacketPort

pytestmark = as_root
SOURCE = Path(__file__).parents[3] / "src"


@network_function
def wire(packets: Stream) -> Stream:
    """Everything, unchanged."""
    return packets.parse(Ethernet)


def between(hosts: SimpleNamespace, options: str = "", **more: object) -> Running:
    return Running(hosts.box, wire, rx=f"afpacket:in0{options}", tx=f"afpacket:out0{options}", **more)


def port_of(result, name: str):
    return next(port for port in result.ports if port.name == name)


def counter(namespace: str, device: str, name: str, net) -> int:
    return int(net.run(namespace, "cat", f"/sys/class/net/{device}/statistics/{name}"))


def balanced(result) -> bool:
    return result.packets_in == result.packets_out + result.packets_dropped + result.packets_held


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


def raw_frames(hosts: SimpleNamespace, frames: list[bytes]) -> None:
    with inside(hosts.a), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("eth0", 0))
        for frame in frames:
            sender.send(frame)


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


def test_what_the_kernel_drops_is_told(hosts: SimpleNamespace) -> None:
    """An interpreted run and a ring of a megabyte can't follow a flood."""
    frame = bytes.fromhex("020000000009020000000001 88b5") + bytes(60)
    rx = "afpacket:in0,buffer=1"
    with Running(hosts.box, wire, rx=rx, tx="null:", interpret=True) as running:
        raw_frames(hosts, [frame] * 20_000)
        time.sleep(1)
    counts = port_of(running.result, "in").statistics
    assert counts["kernel_packets"] >= 20_000
    assert counts["kernel_packets"] - counts["kernel_drops"] >= running.result.packets_in > 0
    assert counts["kernel_drops"] > 0


def test_frames_longer_than_the_mtu_are_dropped_and_counted(hosts: SimpleNamespace) -> None:
    command("ip", "-n", hosts.box, "link", "set", "out0", "mtu", 1000)
    head = bytes.fromhex("020000000009020000000001 88b5")
    with between(hosts) as running:
        raw_frames(hosts, [head + bytes(1000), head + bytes(1001), head + bytes(60)])
        running.wait(3)
    assert running.result.drops == {"out.too_long": 1}
    assert balanced(running.result)


def test_an_output_that_is_down_does_not_stop_the_input(hosts: SimpleNamespace) -> None:
    """Its ring fills up; what waits there leaves when it is up again, or is not sent."""
    head = bytes.fromhex("020000000009020000000001 88b5")
    with between(hosts, ",buffer=1", filter="ether proto 0x88b5") as running:
        command("ip", "-n", hosts.box, "link", "set", "out0", "down")
        time.sleep(0.2)
        for part in range(1, 5):
            raw_frames(hosts, [head + bytes(60)] * 250)
            running.wait(250 * part)
    result = running.result
    assert result.packets_in == 1000
    assert result.packets_out == 0
    assert set(result.drops) == {"out.no_room", "out.not_sent"}
    assert result.drops["out.not_sent"] == (1 << 20) // slot_size(32 + 1500 + 22)
    assert balanced(result)
    assert result.bytes_out == port_of(result, "out").bytes_out == 0


def test_a_flood_of_junk(hosts: SimpleNamespace) -> None:
    random = Random(7)
    junk = [random.randbytes(random.randrange(14, 1514)) for _ in range(500)]
    kinds = [b"\x08\x00", b"\x86\xdd", b"\x81\x00\x00\x05\x08\x00", b"\x08\x06"]
    junk += [bytes(12) + kinds[n % 4] + random.randbytes(random.randrange(0, 200)) for n in range(500)]
    with Running(hosts.box, ["monitor", "ttl"], rx="afpacket:in0", tx="afpacket:out0") as running:
        raw_frames(hosts, junk)
        running.wait(900)
        assert " 0% packet loss" in hosts.net.run(hosts.a, "ping", "-c3", "-i0.05", "-W2", "10.9.0.2")
    assert running.result.packets_in > 900
    assert balanced(running.result)


def test_another_mtu(hosts: SimpleNamespace) -> None:
    head = bytes.fromhex("020000000009020000000001 88b5")
    with between(hosts, filter="ether proto 0x88b5") as running:
        command("ip", "-n", hosts.box, "link", "set", "out0", "mtu", 1000)
        time.sleep(0.3)
        raw_frames(hosts, [head + bytes(1000), head + bytes(1001)])
        running.wait(2)
        command("ip", "-n", hosts.box, "link", "set", "out0", "mtu", 3000)
        time.sleep(0.3)
        raw_frames(hosts, [head + bytes(1500)])
        running.wait(3)
    assert running.result.packets_out == 2
    assert running.result.drops == {"out.too_long": 1}
    assert [text for text in running.notices if "MTU" in text] == [
        "out0 has an MTU of 3000 now: frames longer than before are dropped, start again"
    ]


def test_an_interface_that_flaps(hosts: SimpleNamespace) -> None:
    with between(hosts) as running:
        for _ in range(3):
            command("ip", "-n", hosts.box, "link", "set", "out0", "down")
            hosts.net.run(hosts.a, "ping", "-c2", "-i0.1", "-W1", "10.9.0.2", check=False)
            command("ip", "-n", hosts.box, "link", "set", "out0", "up")
            time.sleep(0.3)
        assert " 0% packet loss" in hosts.net.run(hosts.a, "ping", "-c5", "-i0.05", "-W2", "10.9.0.2")
    told = [text for text in running.notices if text.startswith("out0")]
    assert told.count("out0 is down") == 3
    assert running.result.notices == running.notices
    assert balanced(running.result)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interface_that_is_made_anew(hosts: SimpleNamespace, workers: int) -> None:
    def held() -> tuple[int, int]:
        rings = Path("/proc/self/maps").read_text().count("socket:")
        return len(os.listdir("/proc/self/fd")), rings

    before = held()
    with between(hosts, workers=workers) as running:
        assert " 0% packet loss" in hosts.net.run(hosts.a, "ping", "-c3", "-i0.05", "-W2", "10.9.0.2")
        for _ in range(2):
            command("ip", "-n", hosts.b, "link", "del", "eth0")
            time.sleep(0.4)
            hosts.net.wire(hosts.b, hosts.box, "out0", 2)
            time.sleep(0.5)
            command("ip", "-n", hosts.a, "neigh", "flush", "dev", "eth0")
            assert " 0% packet loss" in hosts.net.run(hosts.a, "ping", "-c5", "-i0.05", "-W2", "10.9.0.2")
        if workers == 1:
            assert held()[1] == before[1] + 4
    assert held() == before
    assert running.notices.count("out0 is gone") == 2
    assert running.notices.count("out0 was opened again") == 2
    assert balanced(running.result)


def test_a_run_that_was_killed_leaves_nothing(hosts: SimpleNamespace) -> None:
    def flags() -> str:
        return command("ip", "-d", "-n", hosts.box, "link", "show", "in0")

    before = flags()
    line = [sys.executable, "-m", "wirebrick", "run", "macswap", "--in", "afpacket:in0"]
    killed = subprocess.Popen(
        ["ip", "netns", "exec", hosts.box, *line], env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + 30
    while "promiscuity 1" not in flags() and time.monotonic() < end:
        time.sleep(0.05)
    assert "promiscuity 1" in flags()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    time.sleep(0.2)
    assert flags() == before
    with between(hosts):
        assert " 0% packet loss" in hosts.net.run(hosts.a, "ping", "-c3", "-i0.05", "-W2", "10.9.0.2")


def test_promiscuous_or_not(hosts: SimpleNamespace) -> None:
    with between(hosts, ",promisc=off"):
        assert "promiscuity 0" in command("ip", "-d", "-n", hosts.box, "link", "show", "in0")
    with between(hosts):
        assert "promiscuity 1" in command("ip", "-d", "-n", hosts.box, "link", "show", "in0")
