"""The chains that the documents show, in the wire between real programs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import farm
from wire import PORTS, SERVER, SERVER6, Wire, need

from wirebrick.lab import Lab

CHAINS = Path(__file__).parents[2] / "chains"


def serve(wire: Wire, host: str, port: int, folder: Path, address: str) -> None:
    wire.lab.start(
        host, "python3", "-m", "http.server", str(port), "--bind", address, "--directory", str(folder)
    )
    wire.wait_for_port(host, port)


def test_branch_office(tmp_path: Path) -> None:
    need("curl", "ss")
    (tmp_path / "page").write_bytes(bytes(range(256)) * 4000)
    with Wire([str(CHAINS / "branch-office.toml")], PORTS["afpacket"]) as wire:
        # The office's web server: a second address of the client.
        wire.run("client", "ip", "address", "add", "192.0.2.2/32", "dev", "eth0")
        serve(wire, "server", 80, tmp_path, "::")
        got = tmp_path / "got"
        for address in (SERVER, f"[{SERVER6}]"):
            wire.run("client", "curl", "-sS", "--fail", "-o", str(got), f"http://{address}/page")
            assert got.read_bytes() == (tmp_path / "page").read_bytes()
        assert " 0% packet loss" in wire.run("client", "ping", "-c3", "-i0.05", SERVER)
        # Nothing comes in, but to the port that is forwarded.
        serve(wire, "client", 80, tmp_path, "192.0.2.2")
        wire.run("server", "curl", "-sS", "--fail", "-o", str(got), "http://192.0.2.77:8080/page")
        assert got.read_bytes() == (tmp_path / "page").read_bytes()
        refused = wire.lab.run(
            "server", "curl", "-sS", "--max-time", "0.5", "http://192.0.2.77:80/page", check=False
        )
        assert refused.returncode == 28
        # Mail leaves by the mail server alone.
        mail = wire.lab.run(
            "client", "curl", "-sS", "--max-time", "0.5", f"telnet://{SERVER}:25", check=False
        )
        assert mail.returncode == 28
        totals = wire.stop()
    assert totals["warnings"] == []
    assert totals["drops"]["firewall.denied"] >= 1
    assert totals["drops"]["nat.no_binding"] >= 1
    reports = {report["title"].partition(" ")[2]: report["rows"] for report in totals["reports"]}
    # The monitor sees both directions with inside addresses: whole connections, and their round trips.
    assert dict(reports["TCP connections by state"])["closed"] >= 3
    hosts = next(rows for title, rows in reports.items() if "hosts by bytes" in title)
    assert "192.0.2.77" not in {row[0] for row in hosts}


def test_data_centre_edge(tmp_path: Path) -> None:
    need("curl", "ss")
    with Lab(CHAINS / "data-centre-edge.lab.toml") as lab:
        for name in farm.SERVERS:
            lab.start(name, sys.executable, "-c", farm.SERVER, name)
        command = [sys.executable, "-m", "wirebrick", "run", str(CHAINS / "data-centre-edge.toml"), "--json"]
        chain = lab.start("box", *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            served: Counter[str] = Counter()
            end = time.monotonic() + 120  # the first time the chain is compiled
            while served.total() < 40 and time.monotonic() < end:
                got = lab.run(
                    "client", "curl", "-sS", "--max-time", "1", f"http://{farm.VIP}/", check=False
                ).stdout
                if got:
                    served[got.split()[0]] += 1
                assert chain.poll() is None, chain.communicate()
            assert set(served) == set(farm.SERVERS)
            # An address of the blocklist is not served.
            lab.run("client", "ip", "address", "add", "198.51.100.7/32", "dev", "eth0")
            bad = ["curl", "-sS", "--max-time", "0.5", "--interface", "198.51.100.7", f"http://{farm.VIP}/"]
            assert lab.run("client", *bad, check=False).returncode == 28
        finally:
            chain.terminate()
            out, errors = chain.communicate(timeout=20)
    assert '"blocklist.src_listed"' in out, errors
