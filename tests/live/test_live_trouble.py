"""What befalls a chain in the wire: tagged frames, a kill in the middle, links that go and come, a hop outside."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scapy.utils import RawPcapWriter
from wire import PORTS, Wire, need, need_dpdk

from wirebrick.lab import Lab

KINDS = ["xdp", "afpacket", "dpdk"]
SERVER, SERVER6 = "192.0.2.2", "2001:db8::2"

# Sends and answers frames with two tags, as a host with 802.1ad and 802.1Q devices would.
TAGGED = """
import socket, sys
tags = bytes.fromhex(sys.argv[3] + "00c8" "81000064")
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.setsockopt(263, 8, 1)  # PACKET_AUXDATA: a tag that the kernel took off
s.bind(("eth0", 0))
s.settimeout(5)
head = bytes.fromhex("ffffffffffff" "02574200%04x" % int(sys.argv[2]))
frame = head + tags + bytes.fromhex("88b5") + sys.argv[1].encode() * 20
def receive():
    while True:
        data, extra, _, _ = s.recvmsg(2000, 100)
        for level, kind, value in extra:
            if level == 263 and int.from_bytes(value[:4], "little") & 0x10:
                tpid = value[18:20][::-1] if int.from_bytes(value[:4], "little") & 0x40 else bytes.fromhex("8100")
                data = data[:12] + tpid + value[16:18][::-1] + data[12:]
        if data[20:22] == bytes.fromhex("88b5") and data[6:12] != head[6:]:
            return data
if sys.argv[1] == "Q":
    s.send(frame)
    print(receive().hex())
else:
    print("ready", flush=True)
    print(receive().hex())
    s.send(frame)
"""


def ports(kind: str) -> tuple[str, str]:
    need("ethtool")
    if kind == "dpdk":
        need_dpdk()
    return PORTS[kind]


@pytest.mark.parametrize("kind", [*KINDS, "tap"])
def test_tagged_frames_pass_as_they_are(kind: str) -> None:
    with Wire(["ttl", "monitor:top=1"], ports(kind), topology="pair", probe=SERVER) as wire:
        command = ["python3", "-c", TAGGED]
        outer = "8100" if kind == "dpdk" else "88a8"  # DPDK's net_af_packet knows no other
        server = wire.lab.start("server", *command, "A", "2", outer, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        answer = bytes.fromhex(wire.run("client", *command, "Q", "1", outer).strip())
        question = bytes.fromhex(server.communicate(timeout=10)[0].strip())
        tags = bytes.fromhex(outer + "00c88100006488b5")
        assert question[12:42] == tags + b"Q" * 20
        assert answer[12:42] == tags + b"A" * 20
        wire.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_killed_in_the_middle(kind: str) -> None:
    with Wire(["ttl"], ports(kind), topology="pair", probe=SERVER) as wire:
        before = wire.run("box", "ip", "-d", "link", "show", "left")
        assert wire.chain is not None
        load = wire.lab.start("client", "ping", "-q", "-i", "0.002", SERVER, stdout=subprocess.DEVNULL)
        time.sleep(0.3)
        wire.chain.send_signal(signal.SIGKILL)
        wire.chain.wait(10)
        load.send_signal(signal.SIGINT)
        load.wait(5)
        time.sleep(0.1)
        after = wire.run("box", "ip", "-d", "link", "show", "left")
        assert "xdp" not in after
        assert (
            "promiscuity 0" in after or kind == "dpdk"
        )  # DPDK's driver sets the flag of the interface itself
        assert "xdp" in before or kind != "xdp"
        assert "promiscuity 1" in before or kind == "dpdk"  # what stands in the wire takes in all frames
        wire.begin()  # passes again
        said = wire.run("client", "ping", "-c", "10", "-i", "0.01", SERVER6)
        assert " 0% packet loss" in said
        wire.stop()


@pytest.mark.parametrize("kind", ["xdp", "afpacket"])
def test_links_go_and_come(kind: str) -> None:
    with Wire(["ttl"], ports(kind), topology="pair", probe=SERVER) as wire:
        wire.run("box", "ip", "link", "set", "left", "down")
        time.sleep(0.4)
        wire.run("box", "ip", "link", "set", "left", "up")
        wire.run("server", "ip", "link", "set", "eth0", "down")
        time.sleep(0.4)
        wire.run("server", "ip", "link", "set", "eth0", "up")
        time.sleep(0.4)
        assert wire.lab.run("client", "ping", "-c", "20", "-i", "0.05", SERVER, check=False).returncode == 0
        totals = wire.stop()
        assert {"left is down", "left is up again", "right has no carrier", "right is up again"} <= set(
            totals["notices"]
        )
        assert totals["warnings"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_hop_outside(kind: str) -> None:
    legs = [port.replace("left", "there").replace("right", "back") for port in ports(kind)]
    hop = f"external:inside='{legs[0]}',outside='{legs[1]}'"
    with Wire(["ttl", hop, "monitor:top=1"], PORTS[kind], topology="service", probe=SERVER) as wire:
        for address in (SERVER, SERVER6):
            said = wire.run("client", "ping", "-c", "20", "-i", "0.01", address)
            assert " 0% packet loss" in said
            assert "ttl=63" in said  # one chain, one hop: what came back isn't aged again
        # The legacy NF really stands in the way.
        wire.run("legacy", "ip", "link", "set", "in", "down")
        assert wire.lab.run("client", "ping", "-c", "1", "-W", "0.3", SERVER, check=False).returncode == 1
        totals = wire.stop()
        counts = {nf["name"]: nf for nf in totals["nfs"]}
        assert counts["external"]["packets_out"] >= counts["monitor"]["packets_in"] > 80


def test_two_workers_on_queues_of_their_own() -> None:
    need("iperf3")
    with Wire(
        ["ttl", "monitor:top=1"], ports("xdp"), "--workers", "2", topology="queues", probe=SERVER
    ) as wire:
        server = wire.lab.start("server", "iperf3", "-s", "-1", stdout=subprocess.DEVNULL)
        wire.wait_for_port("server", 5201)
        said = json.loads(wire.run("client", "iperf3", "-c", SERVER, "-t", "1", "-P", "8", "--json"))
        server.wait(10)
        assert said["end"]["sum_received"]["bits_per_second"] > 20e6
        totals = wire.stop()
        assert totals["workers"] == 2
        assert totals["warnings"] == []


def test_the_lab_has_no_way_but_the_chain() -> None:
    need()
    with Lab("pair") as lab:
        assert lab.run("client", "ping", "-c", "1", "-W", "0.3", SERVER, check=False).returncode == 1


@pytest.mark.parametrize("kind", [*KINDS, "tap"])
def test_what_a_capture_cut_is_not_sent(kind: str, tmp_path: Path) -> None:
    """A frame whose end nobody has would be a malformed one on the wire."""
    out = ports(kind)[1]
    whole, cut = RawPcapWriter(str(tmp_path / "a.pcap"), linktype=1), bytes(range(100))
    whole.write_header(None)
    whole.write_packet(cut, wirelen=100)
    whole.write_packet(cut[:60], wirelen=100)
    whole.write_packet(cut, wirelen=100)
    whole.close()
    with Lab("pair") as lab:
        command = [sys.executable, "-m", "wirebrick", "run", "macswap", "--json", "--count", "3"]
        said = lab.run("box", *command, "--in", str(tmp_path / "a.pcap"), "--out", out)
    totals = json.loads(said.stdout)
    assert totals["packets_in"] == 3
    assert totals["drops"] == {"out.cut_by_capture": 1}
    assert (totals["packets_out"], totals["bytes_out"]) == (2, 200)
