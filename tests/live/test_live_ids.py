"""ids between real programs: what is fine passes, what is not stops, and rules change while it runs."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from wire import CLIENT, PORTS, SERVER, SERVER6, Wire, need

RULES = """
drop tcp any any -> any 8000 (msg:"forbidden page"; flow:established,to_server; content:"GET /forbidden"; sid:1;)
drop tcp any 8000 -> any any (msg:"secret in a file"; flow:established,to_client; content:"secret |2d| 4711"; sid:2;)
alert icmp any any -> any any (msg:"ping"; itype:8; threshold:type limit, track by_src, count 1, seconds 60; sid:3;)
"""
WAITS = 2  # seconds that curl waits for what doesn't come
STOPPED = 28  # curl's status then


@dataclass
class Sensor:
    wire: Wire
    rules: Path
    out: Path

    def get(self, page: str, host: str = SERVER) -> subprocess.CompletedProcess[str]:
        command = ("curl", "-s", "-m", str(WAITS), f"http://{host}:8000/{page}")
        found: subprocess.CompletedProcess[str] = self.wire.lab.run("client", *command, check=False)
        return found

    def events(self, signature: int) -> list[dict]:
        """Alerts are written ten times a second."""
        end = time.monotonic() + 5
        while time.monotonic() < end:
            lines = self.out.read_text().splitlines()
            found = [event for event in map(json.loads, lines) if event["alert"]["signature_id"] == signature]
            if found:
                return found
            time.sleep(0.05)
        return []


@pytest.fixture(scope="module")
def sensor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sensor]:
    need("curl", "ss")
    folder = tmp_path_factory.mktemp("ids")
    rules, out, pages = folder / "local.rules", folder / "eve.json", folder / "pages"
    rules.write_text(RULES)
    pages.mkdir()
    for name in ("fine", "forbidden", "later"):
        (pages / name).write_text(f"this is {name}")
    # Somewhere in the middle of many segments.
    (pages / "leak").write_text("." * 300_000 + "the secret - 4711" + "." * 300_000)
    (pages / "large").write_text("the secret is not here " * 40_000)
    with Wire([f"ids:rules={rules},out={out},mode=inline"], PORTS["afpacket"]) as wire:
        wire.lab.start(
            "server", "python3", "-m", "http.server", "8000", "--bind", "::", "--directory", str(pages)
        )
        wire.wait_for_port("server", 8000)
        yield Sensor(wire, rules, out)
        totals = wire.stop()
        assert totals["drops"]["ids.dropped"] > 3
        assert [reason for reason in totals["drops"] if not reason.startswith("ids.")] == []


@pytest.mark.parametrize("host", [SERVER, f"[{SERVER6}]"])
def test_pages_that_are_fine_pass(sensor: Sensor, host: str) -> None:
    assert sensor.get("fine", host).stdout == "this is fine"
    assert len(sensor.get("large", host).stdout) == 23 * 40_000


def test_a_forbidden_request_stops(sensor: Sensor) -> None:
    assert sensor.get("forbidden").returncode == STOPPED
    (event, *_) = sensor.events(1)
    assert (event["src_ip"], event["dest_ip"], event["dest_port"]) == (CLIENT, SERVER, 8000)
    assert event["alert"]["action"] == "blocked"
    assert sensor.get("fine").stdout == "this is fine"


def test_a_file_with_a_signature_stops_in_its_middle(sensor: Sensor) -> None:
    got = sensor.get("leak")
    assert got.returncode == STOPPED
    assert 200_000 < len(got.stdout) <= 300_017
    assert "4711" not in got.stdout
    (event, *_) = sensor.events(2)
    assert event["src_port"] == 8000


def test_rules_that_change_while_packets_pass(sensor: Sensor) -> None:
    assert sensor.get("later").stdout == "this is later"
    sensor.rules.write_text(RULES + "alert tcp any any -> any any (sid:oops;)\n")
    time.sleep(1.2)
    assert sensor.get("later").stdout == "this is later"
    assert sensor.get("forbidden").returncode == STOPPED  # the old rules stay
    later = 'drop tcp any any -> any any (msg:"later"; flow:to_server; pcre:"/^GET .later/"; sid:4;)\n'
    sensor.rules.write_text(RULES + later)
    end = time.monotonic() + 5
    while sensor.get("later").returncode != STOPPED:
        assert time.monotonic() < end
    assert sensor.events(4)


def test_a_filtered_alert_is_told_once(sensor: Sensor) -> None:
    sensor.wire.run("client", "ping", "-c", "3", "-i", "0.01", SERVER)
    times = [event for event in sensor.events(3) if event["src_ip"] == CLIENT]
    assert len(times) == 1
