"""wirebrick capture: packets of running processes, in files and pipes; and clients that behave badly."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import CommandLine, frame, pcap

TRAFFIC = "memory:size=100,flows=50"


@pytest.fixture
def runs(wirebrick: CommandLine) -> Path:
    """The folder where this test's runs are found."""
    folder = wirebrick.folder / "runs"
    wirebrick.environment["WIREBRICK_RUNS"] = str(folder)
    return folder


@pytest.fixture
def running(wirebrick: CommandLine, runs: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a run that can be watched when this returns; it is ended with the test."""
    started = []

    def start(*arguments: object, source: object = TRAFFIC, stdin: bytes = b"") -> subprocess.Popen[bytes]:
        process = wirebrick.start(
            "run", *arguments, "--in", source, "--out", "null:", "--json",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        process.stdin.write(stdin)
        process.stdin.flush()
        wait_for(lambda: (runs / f"{process.pid}.sock").exists() or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_for(done: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended_well(process: subprocess.Popen[bytes], number: int = signal.SIGINT) -> dict:
    """Interrupt a run; its totals, which add up."""
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err.decode()
    assert err == b""
    return json.loads(out)


def records(data: bytes) -> list[tuple[int, bytes]]:
    """Nanoseconds and bytes of each packet of a capture, which is whole."""
    magic, *_, link = struct.unpack_from("<IHHiIII", data)
    assert (magic, link) == (0xA1B23C4D, 1)
    at, found = 24, []
    while at < len(data):
        seconds, nanoseconds, size, _ = struct.unpack_from("<IIII", data, at)
        assert nanoseconds < 10**9
        found.append((seconds * 10**9 + nanoseconds, data[at + 16 : at + 16 + size]))
        at += 16 + size
    assert at == len(data)
    return found


def test_list(wirebrick, running) -> None:
    process = running("ttl", "macswap")
    ended = wirebrick("capture", "--list")
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == f"process {process.pid}: ttl macswap"
    points = [line.strip() for line in lines[1:]]
    assert points[:6] == ["in:rx", "ttl:in", "ttl:out", "macswap:in", "macswap:out", "out:tx"]
    assert {"ttl:drop", "macswap:drop", "drop", "ttl.ttl_expired"} <= set(points)


@pytest.mark.parametrize("way", [["--interpret"], []], ids=["interpreted", "compiled"])
def test_before_and_behind_an_nf(wirebrick, running, way: list[str]) -> None:
    from scapy.all import IP, rdpcap

    process = running("ttl", *way)
    kept = {}
    for point in ("ttl:in", "ttl:out"):
        ended = wirebrick("capture", point, "--count", 20, "--out", f"{point}.pcap")
        assert (ended.status, ended.out) == (0, "")
        assert f"capturing at {point} of process {process.pid}" in ended.err
        assert "20 packets captured" in ended.err
        kept[point] = rdpcap(str(wirebrick.folder / f"{point}.pcap"))
        assert len(kept[point]) == 20
        assert {len(packet) for packet in kept[point]} == {100}
    before = {packet[IP].ttl for packet in kept["ttl:in"]}
    after = {packet[IP].ttl for packet in kept["ttl:out"]}
    assert after == {ttl - 1 for ttl in before}
    for packet in kept["ttl:out"]:
        told = packet[IP].chksum
        del packet[IP].chksum
        assert IP(bytes(packet[IP])).chksum == told
    assert ended_well(process)["packets_in"] > 40


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="no tcpdump")
def test_into_tcpdump(wirebrick, running) -> None:
    running("macswap")
    ended = wirebrick.shell("$WB capture --count 5 --filter 'udp and less 200' | tcpdump -nn -r -")
    assert ended.status == 0, ended.err
    assert len([line for line in ended.out.splitlines() if "UDP, length" in line]) == 5
    assert "capturing at in:rx" in ended.err


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="no tcpdump")
def test_who_reads_may_have_enough(wirebrick, running) -> None:
    process = running("macswap")
    ended = wirebrick.shell("set -o pipefail; $WB capture | tcpdump -nn -c 5 -r -")
    assert ended.status == 0, ended.err
    assert len(ended.out.splitlines()) == 5
    assert ended_well(process)["packets_in"] > 5


def test_drops(wirebrick, running) -> None:
    (wirebrick.folder / "odd.py").write_text(
        "from wirebrick import Array, network_function\nfrom wirebrick.fields import U64\n"
        "from wirebrick.headers import Ethernet, IPv4\n"
        "@network_function\ndef odd(packets):\n"
        "    some = Array(U64, 200)\n"
        "    def even(packet):\n        return packet.header.identification % 2 == 0\n"
        "    def fail(packet):\n        if packet.header.src % 4 == 0:\n            some[packet.length + 200] = 1\n"
        "    return packets.filter('udp', reason='not_udp').parse(Ethernet).parse(IPv4)"
        ".filter(lambda packet: packet.header.src % 2 == 0, reason='odd').transform(fail)\n"
    )
    process = running("odd.py", "ttl")
    seen = {}
    for point in ("odd.odd", "odd.fault_index", "odd:drop", "drop"):
        ended = wirebrick("capture", point, "--count", 40, "--out", "-")
        assert ended.status == 0, ended.err
        seen[point] = {data[29] % 4 for _, data in records(ended.out.encode(errors="surrogateescape"))}
    assert seen["odd.odd"] == {1, 3}
    assert seen["odd.fault_index"] == {0}
    assert {1, 3} <= seen["odd:drop"] <= {0, 1, 3}
    assert {1, 3} <= seen["drop"] <= {0, 1, 3}
    totals = ended_well(process)
    assert totals["packets_in"] == totals["packets_out"] + totals["packets_dropped"]


def test_snaplen_and_duration(wirebrick, running) -> None:
    running("ttl")
    start = time.monotonic()
    ended = wirebrick("capture", "out:tx", "--duration", 0.5, "--snaplen", 34, "--out", "head.pcap")
    assert ended.status == 0, ended.err
    assert time.monotonic() - start < 20
    found = records((wirebrick.folder / "head.pcap").read_bytes())
    assert {len(data) for _, data in found} == {34}
    assert f"{len(found)} packets captured" in ended.err
    times = [time for time, _ in found]
    assert times == sorted(times)


def test_several_captures_at_once(wirebrick, running) -> None:
    process = running("ttl", "macswap")
    points = ["in:rx", "ttl:in", "ttl:out", "out:tx", "in:rx"]
    captures = [
        wirebrick.start(
            "capture", point, "--count", 500, "--out", f"{number}.pcap", stderr=subprocess.PIPE
        )
        for number, point in enumerate(points)
    ]  # fmt: skip
    for number, capture in enumerate(captures):
        _, err = capture.communicate(timeout=60)
        assert capture.returncode == 0, err.decode()
        assert len(records((wirebrick.folder / f"{number}.pcap").read_bytes())) == 500
    totals = ended_well(process)
    assert totals["packets_in"] == totals["packets_out"]


def test_a_client_that_is_killed(wirebrick, running) -> None:
    process = running("ttl")
    client = wirebrick.start("capture", "--out", "cut.pcap", stderr=subprocess.PIPE)
    wait_for(lambda: size_of(wirebrick.folder / "cut.pcap") > 10_000)
    client.kill()
    client.communicate()
    ended = wirebrick("capture", "--count", 10, "--out", "next.pcap")
    assert ended.status == 0, ended.err
    totals = ended_well(process)
    assert totals["packets_in"] == totals["packets_out"]
    assert totals["warnings"] == []


def test_a_client_that_is_stopped_misses_packets_and_nothing_else(wirebrick, running) -> None:
    process = running("ttl")
    client = wirebrick.start("capture", "--out", "-", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert client.stdout.read(24)  # the reader takes no more than the head
    client.send_signal(signal.SIGSTOP)
    time.sleep(0.7)
    start = time.monotonic()
    totals = ended_well(process)
    assert time.monotonic() - start < 10
    assert totals["packets_in"] == totals["packets_out"] > 100_000
    client.kill()
    client.communicate()


def test_interrupted_it_tells_how_many(wirebrick, running) -> None:
    process = running("ttl")
    client = wirebrick.start("capture", "in:rx", "--out", "some.pcap", stderr=subprocess.PIPE)
    wait_for(lambda: size_of(wirebrick.folder / "some.pcap") > 10_000)
    client.send_signal(signal.SIGINT)
    _, err = client.communicate(timeout=30)
    assert client.returncode == 0
    count = len(records((wirebrick.folder / "some.pcap").read_bytes()))
    assert f"{count} packets captured" in err.decode()
    ended_well(process, signal.SIGTERM)


def test_the_end_of_the_run_ends_it(wirebrick, running) -> None:
    process = running("ttl", source="memory:size=100")
    client = wirebrick.start("capture", "out:tx", "--out", "all.pcap", stderr=subprocess.PIPE)
    wait_for(lambda: size_of(wirebrick.folder / "all.pcap") > 10_000)
    ended_well(process)
    _, err = client.communicate(timeout=30)
    assert client.returncode == 0
    assert "; the run has ended" in err.decode()
    assert records((wirebrick.folder / "all.pcap").read_bytes())


def test_a_run_that_is_killed(wirebrick, running, runs: Path) -> None:
    process = running("ttl")
    client = wirebrick.start("capture", "--out", "all.pcap", stderr=subprocess.PIPE)
    wait_for(lambda: size_of(wirebrick.folder / "all.pcap") > 10_000)
    process.kill()
    process.communicate()
    _, err = client.communicate(timeout=30)
    assert client.returncode == 1
    assert f"process {process.pid} is gone; " in err.decode()
    assert [path.name for path in runs.iterdir()] == [f"{process.pid}.sock"]
    ended = wirebrick("capture", "--list")
    assert ended.status == 1
    assert "there is no run to be watched" in ended.err
    assert list(runs.iterdir()) == []


def test_a_live_pipe_is_watched_while_it_waits(wirebrick, running) -> None:
    """A worker that waits for its input stands still by itself: a capture begins all the same."""
    whole = pcap(frame(7), frame(9))
    process = running("ttl", source="-", stdin=whole[:24])
    client = wirebrick.start("capture", "in:rx", "--out", "few.pcap", stderr=subprocess.PIPE)
    wait_for(lambda: size_of(wirebrick.folder / "few.pcap") >= 24)
    process.stdin.write(whole[24:])
    process.stdin.flush()
    wait_for(lambda: size_of(wirebrick.folder / "few.pcap") > 100)
    out, _ = process.communicate(timeout=30)
    assert json.loads(out)["packets_in"] == 2
    client.communicate(timeout=30)
    assert client.returncode == 0
    assert [data for _, data in records((wirebrick.folder / "few.pcap").read_bytes())] == [frame(7), frame(9)]


def test_nobody_else_gets_in(running, runs: Path) -> None:
    process = running("ttl")
    socket = runs / f"{process.pid}.sock"
    assert stat.S_IMODE(runs.stat().st_mode) == 0o700
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    ended_well(process)
    assert list(runs.iterdir()) == []


def test_a_folder_of_somebody_else_is_not_used(wirebrick, runs: Path) -> None:
    runs.mkdir()
    runs.chmod(0o777)
    ended = wirebrick("run", "ttl", "--in", "memory:count=100", "--out", "null:")
    assert (ended.status, ended.err) == (0, "")
    assert list(runs.iterdir()) == []


def test_several_runs(wirebrick, running, refused) -> None:
    first, second = running("ttl"), running("macswap")
    told = refused("capture")
    assert f"--pid {first.pid} (ttl)" in told
    assert f"--pid {second.pid} (macswap)" in told
    ended = wirebrick("capture", "macswap:in", "--pid", second.pid, "--count", 3, "--out", "x.pcap")
    assert ended.status == 0, ended.err
    assert f"--pid {first.pid}, {second.pid}" in refused("capture", "--pid", os.getpid())


def test_mistakes(wirebrick, running, refused, runs: Path) -> None:
    told = refused("capture", status=1)
    assert "there is no run to be watched" in told
    assert "start wirebrick run" in told
    assert f"process {os.getpid()} has no run" in refused("capture", "--pid", os.getpid(), status=1)
    running("ttl")
    kept = wirebrick.folder / "kept.pcap"
    kept.write_text("dear")
    assert "did you mean 'ttl:out'" in refused("capture", "ttl:ouT", "--out", kept)
    assert "syntax error" in refused("capture", "ttl:out", "--filter", "tcp prot 80", "--out", kept)
    assert kept.read_text() == "dear"
    assert "--snaplen 0 is not at least 1" in refused("capture", "--snaplen", 0)
    assert "--count 0 is not at least 1" in refused("capture", "--count", 0)
    told = wirebrick("capture", "--out", "no/such.pcap")
    assert (told.status, told.out) == (1, "")
    assert "its directory does not exist" in told.err


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
