"""net_af_packet and net_tap between real hosts: what they send arrives, and answers come back."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
from dpdk_space import BOX, LEFT, RIGHT, inside, spaces, start

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not (shutil.which("ip") and shutil.which("ping")), reason="needs ip and ping"),
    pytest.mark.skipif(shutil.which("ethtool") is None, reason="needs ethtool"),
]

SERVER = """
import hashlib, socket
server = socket.create_server(("10.77.0.2", 7000))
print("ready", flush=True)
connection, _ = server.accept()
seen = hashlib.sha256()
while data := connection.recv(65536):
    seen.update(data)
print(seen.hexdigest(), flush=True)
"""
CLIENT = """
import hashlib, random, socket
data = random.Random(1).randbytes(2_000_000)
with socket.create_connection(("10.77.0.2", 7000), timeout=20) as connection:
    connection.sendall(data)
print(hashlib.sha256(data).hexdigest())
"""
TAP = """
import socket, threading, time
from wirebrick import run
stop = threading.Event()
results = []
worker = threading.Thread(
    target=lambda: results.append(run("macswap", rx="dpdk:net_tap0,iface=wbtap", stop=stop)),
    daemon=True)
worker.start()
side = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
side.setsockopt(263, 23, 1)  # not what it sends itself
for _ in range(100):  # it is not there yet, or not up
    try:
        side.bind(("wbtap", 0x0003))
        side.send(bytes(99))
        break
    except OSError:
        time.sleep(0.05)
side.settimeout(5)
for number in range(200):
    sent = bytes.fromhex("020000000001020000000002") + number.to_bytes(2, "big") + bytes([number]) * (46 + number)
    side.send(sent)
    while (got := side.recv(2048))[12:] != sent[12:]:
        pass
    assert got[:12] == sent[6:12] + sent[:6]
stop.set()
worker.join()
assert results[0].packets_in == results[0].packets_out >= 200
print("swapped")
"""


def received(space: str) -> int:
    """Packets that the interface of a host has received."""
    (link,) = json.loads(inside(space, "ip", "-s", "-j", "link", "show", "eth"))
    return int(link["stats64"]["rx"]["packets"])


@pytest.fixture(scope="module")
def box(dpdk: None) -> Iterator[None]:
    try:
        with spaces():
            yield
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no namespaces: {error.stderr}")


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def chain(box: None, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """ttl between the hosts."""
    workers = request.param
    ports = [f"dpdk:net_af_packet{n},iface={end},qpairs={workers}" for n, end in enumerate(("left", "right"))]
    options = ["--workers", str(workers), "--poll", "busy", "--json"]
    process = start(BOX, "-m", "wirebrick", "run", "ttl", "--in", ports[0], "--out", ports[1], *options)
    for _ in range(100):
        if "1 received" in inside(LEFT, "ping", "-c1", "-W1", "10.77.0.2"):
            break
        time.sleep(0.1)
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_hosts_talk_through_a_chain(chain: subprocess.Popen[str]) -> None:
    said = inside(LEFT, "ping", "-c", "20", "-i", "0.02", "-s", "1400", "10.77.0.2")
    assert "20 received" in said
    assert set(re.findall(r"ttl=(\d+)", said)) == {"63"}
    server = start(RIGHT, "-c", SERVER)
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    sent = inside(LEFT, "python3", "-c", CLIENT)
    assert server.communicate(timeout=20)[0] == sent
    chain.send_signal(signal.SIGINT)
    totals = json.loads(chain.communicate(timeout=20)[0])
    assert chain.returncode == 130
    assert totals["packets_in"] == totals["packets_out"] + totals["packets_dropped"] > 1400
    assert totals["bytes_copied"] == 0
    for port in totals["ports"]:
        assert port["statistics"]["imissed"] == port["statistics"]["rx_nombuf"] == 0


def test_packets_larger_than_the_mtu_are_dropped_and_counted(box: None) -> None:
    """Among others, which stay in order."""
    script = (
        "from wirebrick import run\n"
        "sizes = [60, 1514, 1600, 9000, 100, 1519, 70]\n"
        "packets = [bytes(12) + bytes([8, n % 256]) + bytes(size - 14) for n, size in enumerate(sizes * 100)]\n"
        "r = run('macswap', rx=packets, tx='dpdk:net_af_packet0,iface=left', duration=0.5)\n"
        "print(r.ports[0].packets_in, r.drops, r.packets_in - r.packets_out == r.packets_dropped)\n"
    )
    before = received(LEFT)
    process = start(BOX, "-c", script)
    assert process.communicate(timeout=30)[0] == "700 {'out.too_long': 300} True\n"
    assert received(LEFT) - before == 400


def test_a_tap_of_dpdk(box: None) -> None:
    process = start(BOX, "-c", TAP)
    try:
        assert process.communicate(timeout=60)[0] == "swapped\n"
    finally:
        process.kill()
    assert process.returncode == 0
    assert "wbtap" not in inside(BOX, "ip", "link")
