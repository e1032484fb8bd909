"""Real programs talk through a chain of firewall, ttl and monitor, on each kind of port."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire import PORTS, SERVER, SERVER6, Wire, need, need_dpdk, rules

from wirebrick.ports.spec import KINDS

SIZE = 100 << 20
# Sent twice, of all segments. TCP fills every queue until one overflows, sooner where other programs take the worker's
# core (3 % were seen); where checksums or order are wrong, nearly every segment is sent twice.
STORM = 0.1


@pytest.fixture(scope="module", params=[kind for kind in PORTS if kind in KINDS])
def wire(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    need("curl", "iperf3", "dig", "dnsmasq", "ssh", "sshd", "traceroute", "tracepath", "ss")
    folder = tmp_path_factory.mktemp("live")
    if request.param == "dpdk":
        need_dpdk()
    nfs = [rules(folder), "ttl", "monitor:top=1"]
    with Wire(nfs, PORTS[request.param]) as made:
        yield made
        totals = made.stop()
        lost = {
            reason
            for reason, count in totals["drops"].items()
            if not reason.startswith(("firewall.", "ttl."))
        }
        assert lost == set()
        assert totals["warnings"] == []


def test_ping(wire: Wire) -> None:
    for address in (SERVER, SERVER6):
        said = wire.run("client", "ping", "-c", "20", "-i", "0.01", "-s", "1000", address)
        assert " 0% packet loss" in said
        # 64, less one for the router and one for each way through the chain that the reply makes.
        assert {int(one) for one in re.findall(r"ttl=(\d+)", said)} == {62}


def test_content_of_100_megabytes(wire: Wire, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"".join(bytes([n % 251]) * 4093 for n in range(SIZE // 4093)))
    wire.lab.start(
        "server", "python3", "-m", "http.server", "8000", "--bind", "::", "--directory", str(tmp_path)
    )
    wire.wait_for_port("server", 8000)
    before = wire.retransmitted("server")
    for address in (SERVER, f"[{SERVER6}]"):
        got = tmp_path / "got"
        wire.run("client", "curl", "-sS", "--fail", "-o", str(got), f"http://{address}:8000/big")
        assert subprocess.run(["cmp", str(got), str(tmp_path / "big")], check=False).returncode == 0
    assert wire.retransmitted("server") - before < 2 * SIZE / 1400 * STORM


@pytest.mark.parametrize("way", [[], ["-R"], ["-6"], ["-u", "-b", "100M"], ["-u", "-b", "100M", "-R"]])
def test_iperf3(wire: Wire, way: list[str]) -> None:
    server = wire.lab.start("server", "iperf3", "-s", "-1", stdout=subprocess.DEVNULL)
    wire.wait_for_port("server", 5201)
    address = SERVER6 if "-6" in way else SERVER
    said = json.loads(wire.run("client", "iperf3", "-c", address, "-t", "1", "--json", *way))
    server.wait(10)
    end = said["end"]
    if "-u" in way:
        assert end["sum"]["lost_percent"] < 5
        assert end["sum"]["bits_per_second"] > 50e6
    else:
        assert end["sum_received"]["bits_per_second"] > 50e6
        assert end["sum_sent"]["retransmits"] < end["sum_sent"]["bytes"] / 1400 * STORM


def test_dns(wire: Wire) -> None:
    wire.lab.start(
        "server", "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--user=root",
        "--pid-file=", "--address=/example.test/203.0.113.7", "--port=5353", "--conf-file=/dev/null",
    )  # fmt: skip
    wire.wait_for_port("server", 5353)
    for options in ([], ["+tcp"]):
        said = wire.run("client", "dig", "+short", "-p", "5353", *options, f"@{SERVER}", "example.test")
        assert said.strip() == "203.0.113.7"


def test_ssh(wire: Wire, tmp_path: Path) -> None:
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True
        )
    (tmp_path / "user").chmod(0o600)
    Path("/run/sshd").mkdir(exist_ok=True)
    wire.lab.start(
        "server", "/usr/sbin/sshd", "-D", "-e", "-p", "2222", "-f", "/dev/null", "-h", str(tmp_path / "host"),
        "-o", f"AuthorizedKeysFile={tmp_path}/user.pub", "-o", "StrictModes=no", "-o", "PidFile=none",
        "-o", "UsePAM=no", "-o", "PermitRootLogin=yes", stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wire.wait_for_port("server", 2222)
    said = wire.run(
        "client", "ssh", "-p", "2222", "-i", str(tmp_path / "user"), "-o", "StrictHostKeyChecking=no",
        "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", f"root@{SERVER}",
        "for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done; head -c 3000000 /dev/zero | md5sum",
    )  # fmt: skip
    assert said.splitlines()[:5] == [f"line {n}" for n in range(1, 6)]
    assert said.splitlines()[5].split()[0] == hashlib.md5(bytes(3_000_000)).hexdigest()


def test_traceroute_sees_the_hop(wire: Wire) -> None:
    said = wire.run("client", "traceroute", "-n", "-q", "1", "-w", "0.5", "-m", "5", SERVER)
    hops = [line.split()[1] for line in said.splitlines()[1:]]
    # The chain drops what it ages to nothing and says no word; the router is one hop behind it.
    assert hops == ["*", "192.0.2.254", SERVER]


def test_path_mtu(wire: Wire) -> None:
    for address in (SERVER, SERVER6):
        said = wire.run("client", "tracepath", "-n", "-m", "6", address)
        assert "pmtu 1400" in said
    before = wire.retransmitted("client")
    server = wire.lab.start("server", "iperf3", "-s", "-1", stdout=subprocess.DEVNULL)
    wire.wait_for_port("server", 5201)
    said = json.loads(wire.run("client", "iperf3", "-c", SERVER, "-n", "2M", "--json"))
    server.wait(10)
    assert said["end"]["sum_received"]["bytes"] > 200_000
    assert wire.retransmitted("client") - before < 100


def test_what_the_firewall_denies(wire: Wire) -> None:
    said = wire.lab.run("client", "curl", "-sS", "-m", "1", f"telnet://{SERVER}:23", check=False)
    assert said.returncode == 28  # timed out: nothing answered
