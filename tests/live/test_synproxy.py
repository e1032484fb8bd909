"""A real server behind the SYN proxy, and a flood of SYNs before it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire import PORTS, SERVER, Wire, need

FLOOD = """
import os, socket, struct, sys, time
mac, gateway = (bytes.fromhex(one.replace(":", "")) for one in sys.argv[1:3])
line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
line.bind((sys.argv[3], 0))
def total(data):
    number = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    number = (number & 0xFFFF) + (number >> 16)
    return ~(number + (number >> 16)) & 0xFFFF
dst = socket.inet_aton(sys.argv[4])
end, sent = time.monotonic() + float(sys.argv[5]), 0
while time.monotonic() < end:
    src = b"\\x0b" + os.urandom(3)
    tcp = struct.pack("!HHIIBBHHH", 1024 + sent % 60000, 8000, sent, 0, 0x50, 2, 1000, 0, 0)
    check = total(src + dst + struct.pack("!HH", 6, 20) + tcp)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + src + dst
    ip = ip[:10] + struct.pack("!H", total(ip)) + ip[12:]
    line.send(gateway + mac + b"\\x08\\x00" + ip + tcp[:16] + struct.pack("!H", check) + tcp[18:])
    sent += 1
print(sent)
"""


@pytest.fixture(scope="module", params=[("xdp", ""), ("afpacket", ",timestamps=no")])
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    need("curl", "ss", "tcpdump")
    kind, options = request.param
    with Wire([f"synproxy:servers={SERVER}/32,ports=8000 8001{options}"], PORTS[kind]) as made:
        yield made
        assert made.stop()["warnings"] == []


def serve(wire: Wire, folder: Path, port: int) -> bytes:
    """Serve a file of some megabytes; its contents."""
    data = bytes(range(256)) * (20 << 12)
    (folder / "big").write_bytes(data)
    wire.lab.start(
        "server", "python3", "-m", "http.server", str(port), "--bind", "::", "--directory", str(folder)
    )
    wire.wait_for_port("server", port)
    return data


def test_downloads(wire: Wire, tmp_path: Path) -> None:
    data = serve(wire, tmp_path, 8000)
    got = tmp_path / "got"
    for _ in range(3):
        wire.run("client", "curl", "-sS", "--fail", "-m", "20", "-o", str(got), f"http://{SERVER}:8000/big")
        assert got.read_bytes() == data


def test_a_flood(wire: Wire, tmp_path: Path) -> None:
    port = 8000
    if not wire.run("server", "ss", "-Hltn", f"sport = :{port}"):
        serve(wire, tmp_path, port)
    (route,) = re.findall(r"via (\S+) dev (\S+)", wire.run("client", "ip", "route", "get", SERVER))
    wire.run("client", "ping", "-c1", route[0])
    gateway = wire.run("client", "ip", "neigh", "show", route[0]).split()[4]
    mac = wire.run("client", "cat", f"/sys/class/net/{route[1]}/address").strip()
    watch = wire.lab.start(
        "server", "tcpdump", "-ni", "any", "-l", "tcp[tcpflags] == tcp-syn", stdout=subprocess.PIPE, text=True
    )
    flood = wire.lab.start(
        "client",
        "python3",
        "-c",
        FLOOD,
        mac,
        gateway,
        route[1],
        SERVER,
        "3",
        stdout=subprocess.PIPE,
        text=True,
    )
    for _ in range(5):
        wire.run("client", "curl", "-sS", "--fail", "-m", "5", "-o", "/dev/null", f"http://{SERVER}:{port}/")
    sent = int(flood.communicate(timeout=20)[0])
    watch.terminate()
    seen = watch.communicate(timeout=10)[0].splitlines()
    assert sent > 5000
    assert 5 <= len(seen) < 20, (sent, seen[:20])
    assert not any(" 11." in line for line in seen)


def test_a_port_without_a_server(wire: Wire) -> None:
    said = wire.lab.run("client", "curl", "-sS", "-m", "5", f"http://{SERVER}:8001/", check=False)
    assert said.returncode in (7, 56), said.stderr  # reset
