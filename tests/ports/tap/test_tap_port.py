"""The `tap:` port as it is written, and interfaces that it makes, with real programs behind them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from ipaddress import ip_interface
from pathlib import Path
from types import SimpleNamespace

import pytest
from namespace import Net, as_root, command, inside
from running import Running

from wirebrick import Stream, network_function
from wirebrick.errors import PortError
from wirebrick.headers import Ethernet
from wirebrick.ports.spec import open_port
from wirebrick.ports.tap.options import Options, parse_options

SOURCE = Path(__file__).parents[3] / "src"
ADDRESSES = "address=10.9.0.1/24+fd09::1/64"


@network_function
def wire(packets: Stream) -> Stream:
    """Everything, unchanged."""
    return packets.parse(Ethernet)


@pytest.fixture
def host(net: Net) -> SimpleNamespace:
    """A host ``b`` (10.9.0.2) behind the interface out0 of a box."""
    b, box = net.namespace("b"), net.namespace("x")
    net.wire(b, box, "out0", 2)
    return SimpleNamespace(b=b, box=box, net=net)


def balanced(result) -> bool:
    return result.packets_in == result.packets_out + result.packets_dropped + result.packets_held


def test_all_options() -> None:
    spec = f"tap:wb0,mtu=9000,queue=100,mac=02:00:00:00:00:0a,up=off,{ADDRESSES}"
    addresses = ip_interface("10.9.0.1/24"), ip_interface("fd09::1/64")
    assert parse_options(spec) == Options("wb0", 9000, 100, bytes.fromhex("02000000000a"), False, addresses)
    assert parse_options("tap:wb0") == Options("wb0")
    port = open_port("tap:wb0")
    assert (port.two_way, port.splits(3)) == (True, True)
    port.close()


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("tap:", "what is the interface to be called"),
        ("tap:wb%d", "what is the interface to be called"),
        ("tap:" + "x" * 16, "at most 15"),
        ("tap:wb0,adress=10.0.0.1/8", "did you mean 'address'"),
        ("tap:wb0,address=10.0.0.1", "192.0.2.1/24"),
        ("tap:wb0,address=10.0.0.1/8+10.0.0.2/8", "192.0.2.1/24"),
        ("tap:wb0,address=300.0.0.1/8", "192.0.2.1/24"),
        ("tap:wb0,mtu=67", "68 to 65521"),
        ("tap:wb0,mac=01:00:00:00:00:01", "one station"),
        ("tap:wb0,mac=00:00:00:00:00:00", "one station"),
        ("tap:wb0,mac=02:00", "one station"),
        ("tap:wb0,up=yes", "on or off"),
    ],
)
def test_wrong_options(spec: str, text: str) -> None:
    with pytest.raises(PortError) as caught:
        open_port(spec)
    assert text in str(caught.value)


@as_root
@pytest.mark.parametrize("interpret", [False, True])
def test_ping_both_versions(host: SimpleNamespace, interpret: bool) -> None:
    ports = {"rx": f"tap:wb0,mtu=1400,mac=02:00:00:00:00:0a,{ADDRESSES}", "tx": "afpacket:out0"}
    with Running(host.box, wire, interpret=interpret, **ports) as running:
        for address in ("10.9.0.2", "fd09::2"):
            assert " 0% packet loss" in host.net.run(
                host.box, "ping", "-c5", "-i0.05", "-W2", "-s1300", address
            )
        shown = command("ip", "-n", host.box, "addr", "show", "wb0")
    assert "mtu 1400" in shown
    assert "02:00:00:00:00:0a" in shown
    assert "wb0" not in command("ip", "-n", host.box, "link")
    assert balanced(running.result)
    assert running.result.packets_dropped == 0
    assert running.notices == [text for text in running.notices if not text.startswith("wb0")]
    assert running.result.bytes_copied > 10 * 1300


@as_root
@pytest.mark.parametrize("workers", [1, 2])
def test_a_download(host: SimpleNamespace, tmp_path: Path, workers: int) -> None:
    """The host's checksums and segments are its kernel's work, whatever it would leave to a card."""
    (tmp_path / "file").write_bytes(os.urandom(10_000_000))
    server = host.net.popen(
        host.box, sys.executable, "-m", "http.server", "80", cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    try:
        ports = {"rx": f"tap:wb0,{ADDRESSES}", "tx": "afpacket:out0"}
        with Running(host.box, wire, workers=workers, **ports) as running:
            host.net.run(
                host.b, "curl", "-sS", "--retry", "9", "--retry-connrefused", "-m", "60",
                "-o", tmp_path / "got", "http://10.9.0.1/file",
            )  # fmt: skip
        assert (tmp_path / "got").read_bytes() == (tmp_path / "file").read_bytes()
        assert balanced(running.result)
        assert set(running.result.drops) <= {"out.no_room"}
    finally:
        server.kill()
        server.wait()


@as_root
def test_an_interface_that_is_down_takes_nothing(net: Net) -> None:
    box = net.namespace("x")
    with Running(box, "macswap", rx="memory:count=100", tx="tap:wb0,up=off") as running:
        pass
    assert running.result.drops == {"out.refused": 100}
    assert balanced(running.result)


@as_root
def test_what_becomes_of_it_is_told(net: Net) -> None:
    box = net.namespace("x")
    with Running(box, "macswap", rx="tap:wb0") as running:
        command("ip", "-n", box, "link", "set", "wb0", "down")
        time.sleep(0.3)
        command("ip", "-n", box, "link", "set", "wb0", "up")
        time.sleep(0.3)
        command("ip", "-n", box, "link", "del", "wb0")
        time.sleep(0.3)
    assert running.notices[:2] == ["wb0 is down", "wb0 is up again"]
    assert running.notices[-1] == "wb0 is gone"


@as_root
def test_a_persistent_one_is_used_and_stays(net: Net) -> None:
    box = net.namespace("x")
    command("ip", "-n", box, "tuntap", "add", "wb0", "mode", "tap")
    with Running(box, "macswap", rx="tap:wb0"), inside(box):
        port = open_port("tap:wb0,up=off")
        with pytest.raises(PortError, match="in use by another program"):
            port.source(0, 1)
        port.close()
    assert "wb0" in command("ip", "-n", box, "link")
    with inside(box):
        port = open_port("tap:wb0")
        with pytest.raises(PortError, match="wb0 is there, but") as caught:
            port.source(0, 2)
        assert "mode tap multi_queue" in caught.value.cure
        port.close()


@as_root
def test_a_name_that_another_kind_has(net: Net) -> None:
    box = net.namespace("x")
    command("ip", "-n", box, "link", "add", "wb0", "type", "veth", "peer", "wb1")
    with inside(box):
        port = open_port("tap:wb0")
        with pytest.raises(PortError, match="wb0 is there, but no free TAP interface"):
            port.source(0, 1)
        port.close()


@as_root
def test_a_run_that_was_killed_leaves_nothing(net: Net) -> None:
    box = net.namespace("x")
    line = [sys.executable, "-m", "wirebrick", "run", "macswap", "--in", "tap:wb0,address=192.0.2.1/24"]
    killed = subprocess.Popen(
        ["ip", "netns", "exec", box, *line], env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + 30
    while "192.0.2.1" not in command("ip", "-n", box, "addr") and time.monotonic() < end:
        time.sleep(0.05)
    assert "192.0.2.1" in command("ip", "-n", box, "addr")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    time.sleep(0.2)
    assert "wb0" not in command("ip", "-n", box, "link")


@as_root
def test_without_the_capability(net: Net) -> None:
    box = net.namespace("x")
    script = "from wirebrick.ports.spec import open_port; open_port('tap:wb0').source(0, 1)"
    done = subprocess.run(
        ["ip", "netns", "exec", box, "setpriv", "--bounding-set=-all", "--inh-caps=-all",
         sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(SOURCE)}, capture_output=True, text=True,
    )  # fmt: skip
    assert "CAP_NET_ADMIN missing" in done.stderr
    assert "pcap:" in done.stderr
