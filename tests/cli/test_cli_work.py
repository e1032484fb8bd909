"""trace, bench and new."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def test_trace(wirebrick, capture: Path) -> None:
    ended = wirebrick("trace", "ttl", "--in", capture)
    assert (ended.status, ended.err) == (0, "")
    lines = [line.strip() for line in ended.out.splitlines()]
    assert lines[0] == "packet 1: 60 bytes from port in"
    at = lines.index("ttl: transform(v4_age)")
    assert lines[at + 1].split() == ["byte", "22", "40", "->", "3f", "IPv4.ttl"]
    assert lines[at + 2].endswith("IPv4.checksum")
    assert lines[-1] == "output  ->  leaves by port out"


def test_trace_a_packet_that_is_dropped(wirebrick, capture: Path) -> None:
    ended = wirebrick("trace", "ttl", "--in", capture, "--packet", 4)
    assert ended.out.splitlines()[0].startswith("packet 4:")
    assert ended.out.rstrip().endswith("filter(v4_alive)  ->  dropped: ttl_expired")


def test_trace_several_as_json(wirebrick, capture: Path) -> None:
    found = wirebrick("trace", "ttl", "--in", capture, "--packet", 3, "--count", 2, "--json").json["packets"]
    assert [packet["packet"] for packet in found] == [3, 4]
    assert [packet["steps"][-1]["kind"] for packet in found] == ["out", "drop"]
    changes = [change for step in found[0]["steps"] for change in step["changes"]]
    assert changes[0] == {"offset": 22, "old": 64, "new": 63, "field": "IPv4.ttl"}
    assert {change["field"] for change in changes} == {"IPv4.ttl", "IPv4.checksum"}


def test_trace_bytes_that_come_and_go(wirebrick, capture: Path) -> None:
    (wirebrick.folder / "tags.py").write_text(
        "from wirebrick import network_function\nfrom wirebrick.headers import Ethernet, VLAN\n"
        "@network_function\ndef tags(packets):\n"
        "    def fill(packet):\n        packet.header.vid = 5\n"
        "    return packets.parse(Ethernet).push(VLAN, fill).pop()\n"
    )
    steps = wirebrick("trace", "tags.py", "--in", capture, "--json").json["packets"][0]["steps"]
    push, pop = (
        next(step for step in steps if step["operator"].startswith(name)) for name in ("push", "pop")
    )
    assert len([change for change in push["changes"] if change["old"] is None]) == 4
    assert any(change["field"] == "VLAN.vid" for change in push["changes"])
    assert len([change for change in pop["changes"] if change["new"] is None]) == 4


def test_trace_a_fault(wirebrick, capture: Path) -> None:
    (wirebrick.folder / "bad.py").write_text(
        "from wirebrick import network_function\n@network_function\ndef bad(packets):\n"
        "    return packets.filter(lambda packet: packet.payload[100] == 1)\n"
    )
    ended = wirebrick("trace", "bad.py", "--in", capture)
    assert ended.status == 0
    assert "fault: " in ended.out
    assert "Error" in ended.out


def test_trace_mistakes(refused, wirebrick, capture: Path) -> None:
    assert "there is no packet 11: " in refused("trace", "ttl", "--in", capture, "--packet", 11, status=1)
    assert "--packet 0" in refused("trace", "ttl", "--in", capture, "--packet", 0)
    assert "absent.pcap" in refused("trace", "ttl", "--in", "absent.pcap", status=1)


def test_bench(wirebrick) -> None:
    ended = wirebrick("bench", "ttl", "--size", 128, "--flows", 4, "--seconds", 0.2, "--json")
    assert (ended.status, ended.err) == (0, "")
    found = ended.json
    assert found["mpps"] > 0
    assert found["ns_per_packet"] == pytest.approx(1000 / found["mpps"])
    assert found["gbit_s"] == pytest.approx(found["mpps"] * 128 * 8 / 1000)
    assert (len(found["runs"]), found["size"], found["flows"], found["workers"]) == (5, 128, 4, 1)
    ended = wirebrick("bench", "ttl", "--seconds", 0.2, "--workers", 2, "--frames", 64)
    assert "Mpps" in ended.out


def test_bench_mistakes(refused) -> None:
    assert "--seconds" in refused("bench", "ttl", "--seconds", 0)
    assert "--frames" in refused("bench", "ttl", "--frames", 0)
    assert "no network function" in refused("bench")
    refused("bench", "ttl", "--size", 1_000_000)


def test_new(wirebrick) -> None:
    ended = wirebrick("new", "rate_limiter")
    assert (ended.status, ended.err) == (0, "")
    assert wirebrick("check", "rate_limiter.py").status == 0
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_rate_limiter.py"],
        cwd=wirebrick.folder, env=wirebrick.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert tested.returncode == 0, tested.stdout
    assert "3 passed" in tested.stdout


def test_new_overwrites_nothing(refused, wirebrick) -> None:
    (wirebrick.folder / "test_mine.py").write_text("precious")
    assert "test_mine.py is there already" in refused("new", "mine", status=1)
    assert not (wirebrick.folder / "mine.py").exists()
    assert (wirebrick.folder / "test_mine.py").read_text() == "precious"


@pytest.mark.parametrize("name", ["two words", "9lives", "class", "../up", "a.py", "_hidden"])
def test_new_names(refused, name: str) -> None:
    assert "can't be the name" in refused("new", name)


@pytest.mark.parametrize("name", ["json", "wirebrick", "numpy"])
def test_new_hides_no_module(refused, name: str) -> None:
    assert "is the name of a Python module" in refused("new", name)
