"""Real programs talk through a NAT in the wire: hosts inside (two addresses of one), a router and a server outside."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire import PORTS, SERVER, SERVER6, Wire, need

OTHER = "192.0.2.2"  # a second inside host, at the client's interface
EXTERNAL = "192.0.2.77"  # of the router's network, so the router asks for it by ARP
FORWARDS = f"forward tcp {EXTERNAL}:8080 to {OTHER}:80\n"


@pytest.fixture(scope="module", params=["xdp", "afpacket, two workers"])
def wire(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    need("curl", "dig", "dnsmasq", "traceroute", "iperf3", "tshark", "ss")
    folder = tmp_path_factory.mktemp("nat")
    (folder / "nat.conf").write_text(FORWARDS)
    nf = f"nat:addresses={EXTERNAL},mac=02:00:00:00:00:77,forwards={folder}/nat.conf,log={folder}/nat.jsonl"
    kind, _, two = request.param.partition(",")
    with Wire([nf], PORTS[kind], *(["--workers", "2"] if two else [])) as made:
        made.folder = folder  # type: ignore[attr-defined]
        made.run("client", "ip", "address", "add", f"{OTHER}/32", "dev", "eth0", check=False)
        made.run("client", "ip", "address", "add", f"{OTHER}/32", "dev", "lo", check=False)
        yield made
        totals = made.stop()
        lost = {reason for reason in totals["drops"] if not reason.startswith("nat.")}
        assert lost == set()
        assert totals["warnings"] == []


def test_ping(wire: Wire) -> None:
    said = wire.run("client", "ping", "-c", "20", "-i", "0.01", "-s", "1000", SERVER)
    assert " 0% packet loss" in said
    assert " 0% packet loss" in wire.run("client", "ping", "-c", "3", "-i", "0.01", SERVER6)


def test_fragments(wire: Wire) -> None:
    said = wire.run("client", "ping", "-c", "5", "-i", "0.05", "-s", "4000", "-M", "dont", SERVER)
    assert " 0% packet loss" in said


def test_the_server_sees_the_external_address_alone(wire: Wire, tmp_path: Path) -> None:
    """Two inside hosts with the same source port reach the same server; checksums are right, says tshark."""
    (tmp_path / "page").write_bytes(bytes(range(256)) * 4000)
    capture = tmp_path / "seen.pcap"
    watching = wire.lab.start(
        "server", "tshark", "-q", "-i", "any", "-f", "tcp port 8000 or icmp", "-w", str(capture),
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert watching.stderr is not None
    while "Capturing" not in watching.stderr.readline():
        pass
    time.sleep(0.3)
    wire.lab.start("server", "python3", "-m", "http.server", "8000", "--directory", str(tmp_path))
    wire.wait_for_port("server", 8000)
    for address in ("192.0.2.1", OTHER):
        got = tmp_path / f"got-{address}"
        wire.run(
            "client", "curl", "-sS", "--fail", "-o", str(got), "--interface", address, "--local-port",
            "5555", f"http://{SERVER}:8000/page",
        )  # fmt: skip
        assert got.read_bytes() == (tmp_path / "page").read_bytes()
    wire.run("client", "ping", "-c", "2", "-i", "0.05", SERVER)
    time.sleep(0.3)
    watching.terminate()
    watching.wait(10)
    fields = ["ip.src", "tcp.srcport", "tcp.checksum.status", "ip.checksum.status", "icmp.checksum.status"]
    said = subprocess.run(
        ["tshark", "-r", str(capture), "-Y", f"ip.dst == {SERVER}", "-T", "fields",
         "-o", "tcp.check_checksum:true", "-o", "ip.check_checksum:true",
         *[word for name in fields for word in ("-e", name)]],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    rows = [line.split("\t") for line in said.splitlines()]
    assert {row[0] for row in rows} == {EXTERNAL}
    assert len({row[1] for row in rows if row[1]}) == 2
    assert {row[3] for row in rows} == {"1"}
    assert {row[4] for row in rows if not row[1]} == {"1"}
    assert len(rows) > 10


def test_dns(wire: Wire) -> None:
    wire.lab.start(
        "server", "dnsmasq", "-k", "-p", "53", "--no-resolv", "--no-hosts", "--user=root", "--pid-file=",
        "--bind-interfaces", f"--listen-address={SERVER}", "--address=/name.test/203.0.113.5",
    )  # fmt: skip
    time.sleep(0.3)
    for way in ([], ["+tcp"]):
        said = wire.run("client", "dig", "+short", "+tries=5", "+timeout=1", *way, f"@{SERVER}", "name.test")
        assert said.strip() == "203.0.113.5"


def test_traceroute(wire: Wire) -> None:
    """Errors of the router and of the server find the host, and quote what it sent: else it would not know them."""
    for way in ([], ["-I"]):
        said = wire.run("client", "traceroute", "-n", "-q", "1", "-w", "1", "-m", "5", *way, SERVER)
        assert [line.split()[1] for line in said.splitlines()[1:]] == ["192.0.2.254", SERVER]


def test_a_forward_and_hairpin(wire: Wire, tmp_path: Path) -> None:
    (tmp_path / "inside").write_text("from inside")
    wire.lab.start(
        "client", "python3", "-m", "http.server", "80", "--bind", OTHER, "--directory", str(tmp_path)
    )
    wire.wait_for_port("client", 80)
    for host in ("server", "client"):
        said = wire.run(host, "curl", "-sS", "-m", "10", "--retry", "3", f"http://{EXTERNAL}:8080/inside")
        assert said == "from inside"
    # The file changes: another port leads there.
    folder = wire.folder  # type: ignore[attr-defined]
    (folder / "nat.conf").write_text(FORWARDS.replace("8080", "8081") + "oops")
    time.sleep(1.2)
    assert wire.run("server", "curl", "-sS", "-m", "10", f"http://{EXTERNAL}:8080/inside") == "from inside"
    (folder / "nat.conf").write_text(FORWARDS.replace("8080", "8081"))
    time.sleep(1.2)
    assert wire.run("server", "curl", "-sS", "-m", "10", f"http://{EXTERNAL}:8081/inside") == "from inside"
    refused = wire.lab.run("server", "curl", "-sS", "-m", "1", f"http://{EXTERNAL}:8080/inside", check=False)
    assert refused.returncode == 28


def test_iperf3(wire: Wire) -> None:
    for way in ([], ["-R"]):
        server = wire.lab.start("server", "iperf3", "-s", "-1", stdout=subprocess.DEVNULL)
        wire.wait_for_port("server", 5201)
        said = json.loads(wire.run("client", "iperf3", "-c", SERVER, "-t", "1", "--json", *way))
        server.wait(10)
        assert said["end"]["sum_received"]["bits_per_second"] > 20e6


def test_the_log(wire: Wire) -> None:
    """Behind the others: what they did is in it."""
    lines = (wire.folder / "nat.jsonl").read_text().splitlines()  # type: ignore[attr-defined]
    events = [json.loads(line) for line in lines]
    assert {one["protocol"] for one in events} == {"tcp", "udp", "icmp"}
    assert {one["external"] for one in events} == {EXTERNAL}
    assert all(re.fullmatch(r"\d+\.\d{9}", one["time"]) for one in events)
