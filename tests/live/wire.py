"""A chain in the wire between real hosts: the lab ``routed``, a ``wirebrick run`` in its box, programs around it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from wirebrick.errors import PortError
from wirebrick.lab import Lab
from wirebrick.lab.privileges import missing_capabilities
from wirebrick.ports.dpdk.library import library

CLIENT, SERVER, ROUTER = "192.0.2.1", "198.51.100.1", "192.0.2.254"
CLIENT6, SERVER6, ROUTER6 = "2001:db8:1::1", "2001:db8:2::1", "2001:db8:1::fe"
PORTS = {
    "xdp": ("xdp:left", "xdp:right"),
    "afpacket": ("afpacket:left", "afpacket:right"),
    "dpdk": (
        "dpdk:net_af_packet_left,iface=left,framecnt=4096",
        "dpdk:net_af_packet_right,iface=right,framecnt=4096",
    ),
    "tap": ("tap:wb0", "tap:wb1"),
}


def need(*programs: str) -> None:
    """Skip where a test can't be run here."""
    missing = missing_capabilities()
    if missing:
        pytest.skip(f"no network namespaces without {' and '.join(missing)}")
    for program in ("ip", "ping", *programs):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")


def need_dpdk() -> None:
    """Skip where DPDK isn't there."""
    try:
        library()
    except PortError as error:
        pytest.skip(error.message)


class Wire:
    """The lab with a chain in its box, for a ``with`` block. ``stop`` ends the chain and gives its totals."""

    def __init__(
        self,
        nfs: Sequence[str],
        ports: tuple[str, str],
        *options: str,
        topology: Any = "routed",
        probe: str = SERVER,
    ) -> None:
        self.lab = Lab(topology)
        self._command = [sys.executable, "-m", "wirebrick", "run", *nfs]
        self._command += ["--in", ports[0], "--out", ports[1], "--json", *options]
        self._ports = ports
        self._probe = probe
        self.chain: subprocess.Popen[str] | None = None

    def __enter__(self) -> Wire:
        self.lab.__enter__()
        try:
            self.begin()
        except BaseException:
            self.lab.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lab.__exit__(kind, error, trace)

    def begin(self) -> None:
        """Start the chain and wait until packets pass it."""
        self.chain = self.lab.start(
            "box", *self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        if self._ports[0].startswith("tap:"):
            self._bridge_taps()
        end = time.monotonic() + 60  # where nothing is compiled yet, and others compile too
        while self.lab.run("client", "ping", "-c1", "-W1", self._probe, check=False).returncode:
            if time.monotonic() > end or self.chain.poll() is not None:
                self.chain.kill()
                pytest.fail(f"nothing passes: {self.chain.communicate()}")

    def stop(self) -> dict[str, Any]:
        """End the chain as Ctrl-C does; what ``--json`` printed, checked: packets have exactly one fate."""
        assert self.chain is not None
        self.chain.send_signal(signal.SIGINT)
        out, errors = self.chain.communicate(timeout=20)
        assert self.chain.returncode == 130, errors
        totals: dict[str, Any] = json.loads(out)
        fates = totals["packets_out"] + totals["packets_dropped"] + totals["packets_held"]
        assert totals["packets_in"] + totals["packets_copied"] + totals["packets_made"] == fates
        assert sum(port["packets_in"] for port in totals["ports"]) == totals["packets_in"]
        assert sum(port["packets_out"] for port in totals["ports"]) == totals["packets_out"]
        return totals

    def run(self, host: str, *command: str, **options: Any) -> str:
        """Run a program at a host; what it printed."""
        return str(self.lab.run(host, *command, **options).stdout)

    def wait_for_port(self, host: str, port: int) -> None:
        """Until a program listens on a TCP port."""
        end = time.monotonic() + 10
        while not self.run(host, "ss", "-Hltn", f"sport = :{port}"):
            assert time.monotonic() < end, f"nothing listens on {port}"
            time.sleep(0.02)

    def retransmitted(self, host: str) -> int:
        """TCP segments that a host has sent twice so far."""
        lines = [
            line.split()
            for line in self.run(host, "cat", "/proc/net/snmp").splitlines()
            if line[:4] == "Tcp:"
        ]
        return int(dict(zip(*lines, strict=True))["RetransSegs"])

    def _bridge_taps(self) -> None:
        """A tap is an interface of the host: Linux bridges join each with an interface of the box."""
        end = time.monotonic() + 20
        for leg, tap in (("left", "wb0"), ("right", "wb1")):
            while self.lab.run("box", "ip", "link", "show", tap, check=False).returncode:
                assert time.monotonic() < end, f"there is no {tap}"
                time.sleep(0.05)
            self.run("box", "ip", "link", "add", f"br-{leg}", "type", "bridge")
            for name in (leg, tap):
                self.run("box", "ip", "link", "set", name, "master", f"br-{leg}", "up")
            self.run("box", "ip", "link", "set", f"br-{leg}", "up")


def rules(folder: Path) -> str:
    """A firewall that lets through what the tests send, and not telnet."""
    path = folder / "live.acl"
    path.write_text("deny tcp dst port 23\nallow all\n")
    return f"firewall:rules={path},default=drop"
