"""Real programs talk out through a stateful firewall; nothing that wasn't asked for comes in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire import CLIENT, CLIENT6, PORTS, SERVER, SERVER6, Wire, need

RULES = """
allow from 192.0.2.0/24 to any
allow from 2001:db8:1::/64 to any
allow icmp6 from fe80::/10 to any
allow icmp6 from 2001:db8:1::fe to any
"""


@pytest.fixture(scope="module", params=["xdp", "afpacket"])
def wire(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    need("curl", "traceroute", "ss")
    file = tmp_path_factory.mktemp("stateful") / "live.acl"
    file.write_text(RULES)
    with Wire([f"firewall:rules={file},stateful=yes"], PORTS[request.param]) as made:
        yield made
        totals = made.stop()
        # Only what the server began was dropped, and errors that quote a fragment behind the first one.
        assert set(totals["drops"]) <= {"firewall.default_denied", "firewall.unrelated"}
        assert totals["drops"]["firewall.default_denied"] > 0
        assert totals["warnings"] == []


@pytest.mark.parametrize("address", [SERVER, f"[{SERVER6}]"])
def test_a_download(wire: Wire, tmp_path: Path, address: str) -> None:
    (tmp_path / "big").write_bytes(bytes(range(256)) * (20 << 12))
    port = 8000 if address == SERVER else 8001
    wire.lab.start(
        "server", "python3", "-m", "http.server", str(port), "--bind", "::", "--directory", str(tmp_path)
    )
    wire.wait_for_port("server", port)
    got = tmp_path / "got"
    wire.run("client", "curl", "-sS", "--fail", "-o", str(got), f"http://{address}:{port}/big")
    assert got.read_bytes() == (tmp_path / "big").read_bytes()


def test_ping_and_traceroute(wire: Wire) -> None:
    # Fragments, as long as the way allows: its MTU is learned from "packet too big".
    wire.lab.run("client", "ping", "-c", "1", "-s", "4000", SERVER6, check=False)
    for address in (SERVER, SERVER6):
        assert " 0% packet loss" in wire.run("client", "ping", "-c", "5", "-i", "0.05", "-s", "4000", address)
        # The router's "time exceeded" and the server's "port unreachable" belong to what was sent.
        said = wire.run("client", "traceroute", "-n", "-q", "1", "-w", "2", address)
        assert re.search(rf"^ *2 +{address} ", said, re.MULTILINE), said


def test_a_refused_connection_is_told_at_once(wire: Wire) -> None:
    said = wire.lab.run("client", "curl", "-sS", "-m", "5", f"http://{SERVER}:9/", check=False)
    assert said.returncode == 7, said.stderr  # refused, not timed out


def test_nothing_comes_in_unasked(wire: Wire, tmp_path: Path) -> None:
    wire.lab.start("client", "python3", "-m", "http.server", "8002", "--bind", "::", "--directory", str(tmp_path))
    wire.wait_for_port("client", 8002)
    for address in (CLIENT, f"[{CLIENT6}]"):
        said = wire.lab.run("server", "curl", "-sS", "-m", "1", f"http://{address}:8002/", check=False)
        assert said.returncode == 28, said.stderr  # timed out
        ping = wire.lab.run("server", "ping", "-c", "1", "-W", "1", address.strip("[]"), check=False)
        assert ping.returncode == 1
