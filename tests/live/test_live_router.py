"""Real hosts around router, switch and gre: three of them, each on a link of its own with the box."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from wire import need

from wirebrick.lab import Lab

HOSTS = {"a": ("192.0.2", "2001:db8:a"), "b": ("198.51.100", "2001:db8:b"), "d": ("203.0.113", "2001:db8:d")}
MTU = 1300


def topology() -> str:
    lines = ['summary = "Three hosts, each with a link to the box."', "[hosts.box]"]
    for number, (name, (v4, v6)) in enumerate(HOSTS.items(), 1):
        routes = f'["default via {v4}.254", "default via {v6}::fe"]'
        addresses = f'["{v4}.1/24", "{v6}::1/64", "10.0.0.{number}/24"]'
        lines += [f"[hosts.{name}]", f"routes = {routes}", f"[hosts.{name}.addresses]", f"eth0 = {addresses}"]
    for name in HOSTS:
        lines += ["[[links]]", f'ends = ["{name}.eth0", "box.{name}"]']
    return "\n".join(lines) + "\n"


def configuration() -> str:
    lines = []
    for number, (name, (v4, v6)) in enumerate(HOSTS.items(), 1):
        lines += ["[[interface]]", f'port = "{name}"', f'mac = "02:00:00:00:ff:{number:02x}"']
        lines += [f'addresses = ["{v4}.254/24", "{v6}::fe/64"]', f"mtu = {MTU if name == 'd' else 1500}"]
    return "\n".join(lines) + "\n"


@contextmanager
def running(folder: Path, nf: str, ports: list[str], probe: list[str]) -> Iterator[tuple[Lab, Any]]:
    """The lab with an NF in its box, once ``probe`` succeeds at host a; afterwards its totals are checked."""
    (folder / "three.toml").write_text(topology())
    with Lab(str(folder / "three.toml")) as lab:
        command = [sys.executable, "-m", "wirebrick", "run", nf, "--json"]
        for name in ports:
            command += ["--port", f"{name}=afpacket:{name}"]
        chain = lab.start("box", *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 60
        while lab.run("a", *probe, check=False).returncode:
            if time.monotonic() > end or chain.poll() is not None:
                chain.kill()
                pytest.fail(f"nothing passes: {chain.communicate()}")
        yield lab, chain
        chain.send_signal(signal.SIGINT)
        out, errors = chain.communicate(timeout=20)
        assert chain.returncode == 130, errors
        totals = json.loads(out)
        fates = totals["packets_out"] + totals["packets_dropped"] + totals["packets_held"]
        assert totals["packets_in"] + totals["packets_copied"] + totals["packets_made"] == fates
        assert not [reason for reason in totals["drops"] if "fault" in reason]


def ping(lab: Lab, host: str, *options: str) -> str:
    return str(lab.run(host, "ping", "-c2", "-i0.2", "-W2", *options, check=False).stdout)


def test_router(tmp_path: Path) -> None:
    need("traceroute", "curl")
    (tmp_path / "router.toml").write_text(configuration())
    nf = f"router:config={tmp_path / 'router.toml'}"
    with running(tmp_path, nf, list(HOSTS), ["ping", "-c1", "-W1", "192.0.2.254"]) as (lab, _):
        for name, (v4, v6) in HOSTS.items():
            for target in (f"{v4}.254", f"{v6}::fe", f"{v4}.1", f"{v6}::1"):
                assert " 0% packet loss" in ping(lab, "a", target), (name, target)
            assert " 0% packet loss" in ping(lab, name, "192.0.2.1")
        assert "(mtu = 1300)" in ping(lab, "a", "-M", "do", "-s1400", "203.0.113.1")
        lab.run("a", "ip", "route", "flush", "cache")
        assert " 0% packet loss" in ping(lab, "a", "-M", "dont", "-s1400", "203.0.113.1")
        assert "mtu=1300" in ping(lab, "a", "-s1400", "2001:db8:d::1")
        lab.run("a", "ip", "route", "flush", "cache")
        trace = lab.run("a", "traceroute", "-n", "-w1", "-q1", "203.0.113.1").stdout
        assert [line.split()[1] for line in trace.splitlines()[1:]] == ["192.0.2.254", "203.0.113.1"]
        trace = lab.run("a", "traceroute", "-6", "-n", "-w1", "-q1", "2001:db8:d::1").stdout
        assert [line.split()[1] for line in trace.splitlines()[1:]] == ["2001:db8:a::fe", "2001:db8:d::1"]
        assert "Net Unreachable" in ping(lab, "a", "8.8.8.8")
        (tmp_path / "file").write_bytes(bytes(3_000_000))
        server = [sys.executable, "-m", "http.server", "--bind", "::", "--directory", str(tmp_path), "8000"]
        lab.start("a", *server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for address in ("192.0.2.1", "[2001:db8:a::1]"):
            url = f"http://{address}:8000/file"
            got = lab.run(
                "d",
                "curl",
                "-s",
                "--retry",
                "9",
                "--retry-connrefused",
                "--retry-delay",
                "1",
                "-m20",
                "-o/dev/null",
                "-w%{size_download}",
                url,
            )
            assert got.stdout == "3000000"


def test_switch(tmp_path: Path) -> None:
    need("tcpdump")
    nf = "switch:ports=a b d"
    with running(tmp_path, nf, list(HOSTS), ["ping", "-c1", "-W1", "10.0.0.2"]) as (lab, _):
        for host in HOSTS:
            for number in (1, 2, 3):
                assert " 0% packet loss" in ping(lab, host, f"10.0.0.{number}")
        seen = lab.start(
            "d", "timeout", "2", "tcpdump", "-nli", "eth0", "icmp", stdout=subprocess.PIPE, text=True
        )
        time.sleep(0.7)
        ping(lab, "a", "10.0.0.2")
        assert seen.communicate()[0].strip() == ""  # what is for b does not come to d


def test_gre_with_the_kernel_at_the_other_end(tmp_path: Path) -> None:
    need()
    ends = "local=198.51.100.254,mac=02:00:00:00:ff:02,remote=198.51.100.1"
    nf = f"gre:{ends},key=7,sequence=yes,checksum=yes,inside=a,outside=b"
    device = [
        "ip",
        "link",
        "add",
        "g7",
        "type",
        "gretap",
        "local",
        "198.51.100.1",
        "remote",
        "198.51.100.254",
    ]
    (tmp_path / "three.toml").write_text(topology())
    with Lab(str(tmp_path / "three.toml")) as lab:
        if lab.run("b", *device, "key", "7", "seq", "csum", check=False).returncode:
            pytest.skip("the kernel has no gretap")
        lab.run("b", "ip", "link", "set", "g7", "up", "mtu", "1400")
        lab.run("b", "ip", "addr", "add", "10.1.0.2/24", "dev", "g7")
        lab.run("a", "ip", "addr", "add", "10.1.0.1/24", "dev", "eth0")
        command = [sys.executable, "-m", "wirebrick", "run", nf, "--json"]
        command += ["--port", "a=afpacket:a", "--port", "b=afpacket:b"]
        chain = lab.start("box", *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 60
        while lab.run("a", "ping", "-c1", "-W1", "10.1.0.2", check=False).returncode:
            assert time.monotonic() < end
            assert chain.poll() is None, chain.communicate()
        assert " 0% packet loss" in ping(lab, "a", "-s1300", "10.1.0.2")
        assert " 0% packet loss" in ping(lab, "b", "10.1.0.1")
        chain.send_signal(signal.SIGINT)
        out, errors = chain.communicate(timeout=20)
        assert chain.returncode == 130, errors
        assert "gre.bad_checksum" not in json.loads(out)["drops"]
