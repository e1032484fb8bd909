"""What may happen to runs between packet sockets: floods, interfaces that come and go, the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
from between_hosts import balanced, between, port_of, raw_frames, wire
from namespace import as_root, command
from running import Running

from wirebrick.ports.afpacket.packet_socket import slot_size

pytestmark = as_root
SOURCE = Path(__file__).parents[3] / "src"


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
