"""wirebrick capture beside real hosts: what passes is seen on both sides of the chain, what is dropped where it is."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from scapy.all import ICMP, IP, TCP, rdpcap
from wire import PORTS, SERVER, Wire, need, rules

from wirebrick.ports.spec import KINDS


def begin(point: str, path: Path, *options: str) -> subprocess.Popen[str]:
    """Start a capture; it has begun when this returns."""
    command = [sys.executable, "-m", "wirebrick", "capture", point, "--out", str(path), *options]
    capture = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert capture.stderr is not None
    told = capture.stderr.readline()
    assert told.startswith(f"wirebrick: capturing at {point}"), told + capture.stderr.read()
    return capture


@pytest.mark.parametrize("kind", [kind for kind in ("xdp", "afpacket") if kind in KINDS])
def test_captures_of_a_chain_in_the_wire(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need()
    monkeypatch.setenv("WIREBRICK_RUNS", str(tmp_path / "runs"))
    with Wire([rules(tmp_path), "ttl"], PORTS[kind]) as wire:
        points = {
            "in:rx": ("--filter", "icmp[0] = 8"),
            "out:tx": ("--filter", "icmp[0] = 8"),
            "firewall.denied": (),
        }
        captures = [
            begin(point, tmp_path / f"{number}.pcap", *options)
            for number, (point, options) in enumerate(points.items())
        ]
        began = time.time()
        wire.run("client", "ping", "-c", "10", "-i", "0.02", SERVER)
        with pytest.raises(subprocess.TimeoutExpired):
            wire.lab.run("client", "bash", "-c", f"exec 3<>/dev/tcp/{SERVER}/23", timeout=1.5)
        for capture in captures:
            capture.terminate()
            _, told = capture.communicate(timeout=20)
            assert capture.returncode == 0, told
            assert "missed" not in told
        totals = wire.stop()
    before, after, denied = (rdpcap(str(tmp_path / f"{number}.pcap")) for number in range(3))
    assert (
        [packet[ICMP].seq for packet in before]
        == [packet[ICMP].seq for packet in after]
        == list(range(1, 11))
    )
    assert {packet[IP].ttl for packet in before} == {64}
    assert {packet[IP].ttl for packet in after} == {63}
    assert all(began - 1 < float(packet.time) < time.time() for packet in before)
    assert denied
    assert {packet[TCP].dport for packet in denied} == {23}
    assert totals["drops"]["firewall.denied"] >= len(denied)
