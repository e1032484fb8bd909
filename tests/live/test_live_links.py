"""NFs that hold packets, between real hosts: ping sees the delay and the losses, iperf3 the rates."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from wire import PORTS, SERVER, Wire, need

from wirebrick.ports.spec import KINDS

KIND = pytest.mark.parametrize("kind", [kind for kind in ("afpacket", "xdp") if kind in KINDS])
PAYLOAD = 1000  # bytes of iperf3's datagrams; 42 more in frames


def rtt(said: str) -> float:
    """The least round trip, in milliseconds: the others wait for the core too."""
    found = re.search(r"= ([0-9.]+)/", said)
    assert found, said
    return float(found[1])


@KIND
def test_ping_takes_twice_the_delay_longer(kind: str) -> None:
    need()
    ping = ("ping", "-c", "40", "-i", "0.01", SERVER)
    with Wire(["link:delay=0"], PORTS[kind]) as wire:
        plain = rtt(wire.run("client", *ping))
        wire.stop()
    with Wire(["link:delay=10ms"], PORTS[kind]) as wire:
        said = wire.run("client", *ping)
        totals = wire.stop()
    assert "40 received" in said
    assert 20.0 <= rtt(said) - plain + 0.1 < 24.0
    assert totals["drops"] == {}


def test_losses_are_seen_at_both_ends() -> None:
    need()
    with Wire(["link:loss=10%:25%"], PORTS["afpacket"]) as wire:
        said = wire.run("client", "ping", "-c", "500", "-i", "0.002", "-W", "1", SERVER, check=False)
        totals = wire.stop()
    received = int(re.search(r"(\d+) received", said)[1])  # type: ignore[index]
    assert abs(received / 500 - 0.9 * 0.75) < 0.1
    assert totals["drops"]["link.lost"] > 100


@pytest.mark.parametrize("nf", ["shaper:rate=10Mbit,queue=50ms", "policer:rate=10Mbit,burst=20KB,per=src"])
def test_iperf3_gets_the_rate(nf: str) -> None:
    need("iperf3", "ss")
    with Wire([nf], PORTS["afpacket"]) as wire:
        wire.lab.start("server", "iperf3", "-s", "-1")
        wire.wait_for_port("server", 5201)
        asked = ("-u", "-b", "20M", "-l", str(PAYLOAD), "-t", "2", "-J")
        told = json.loads(wire.run("client", "iperf3", "-c", SERVER, *asked))
        totals = wire.stop()
    end = told["end"]["sum"]
    got = (1 - end["lost_percent"] / 100) * end["bits_per_second"]
    assert got == pytest.approx(10e6 * PAYLOAD / (PAYLOAD + 42), rel=0.08)
    assert sum(totals["drops"].values()) > 1000


def test_generate_measures_a_wire() -> None:
    need()
    space = "ln-generate"
    for command in (
        ("ip", "netns", "add", space),
        ("ip", "-n", space, "link", "add", "there", "type", "veth", "peer", "name", "back"),
        ("ip", "-n", space, "link", "set", "there", "up"),
        ("ip", "-n", space, "link", "set", "back", "up"),
    ):
        subprocess.run(command, check=True)
    try:
        command = [sys.executable, "-m", "wirebrick", "run", "generate", "--duration", "1.5", "--json"]
        command += ["--in", "memory:size=100,rate=2kpps,count=2000", "--out", "afpacket:there"]
        command += ["--port", "back=afpacket:back"]
        done = subprocess.run(
            ["ip", "netns", "exec", space, *command], capture_output=True, text=True, check=False
        )
        totals = json.loads(done.stdout)
    finally:
        subprocess.run(["ip", "netns", "del", space], check=True)
    (report,) = totals["reports"]
    found = dict(zip(report["columns"], report["rows"][0], strict=True))
    assert found["sent"] == 2000, done.stderr
    assert found["received"] >= 1900
    assert (found["doubles"], found["reordered"]) == (0, 0)
    assert totals["drops"]["generate.measured"] == found["received"]
    assert found["p50"].endswith((" us", " ms"))
