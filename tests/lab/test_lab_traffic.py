"""Real programs in the topologies that come with Wirebrick; where a chain would run, a Linux bridge does."""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path

import pytest

from wirebrick.errors import LabError
from wirebrick.lab import Lab


def bridge(lab: Lab, name: str, *interfaces: str) -> None:
    """A Linux bridge in the box, in a chain's place."""
    lab.run("box", "ip", "link", "add", name, "type", "bridge")
    for one in interfaces:
        lab.run("box", "ip", "link", "set", one, "master", name)
    lab.run("box", "ip", "link", "set", name, "up")


def ping(lab: Lab, *addresses: str) -> None:
    for address in addresses:
        lab.run("client", "ping", "-c", "1", "-W", "2", address)


@pytest.mark.parametrize("topology", ["direct", "bridged"])
def test_hosts_that_are_joined(lab_name: str, topology: str) -> None:
    with Lab(topology, lab_name) as lab:
        ping(lab, "192.0.2.2", "2001:db8::2")


@pytest.mark.parametrize("topology", ["pair", "queues"])
def test_the_box_is_in_the_wire(lab_name: str, topology: str) -> None:
    with Lab(topology, lab_name) as lab:
        assert lab.run("client", "ping", "-c", "1", "-W", "0.2", "192.0.2.2", check=False).returncode == 1
        bridge(lab, "br0", "left", "right")
        ping(lab, "192.0.2.2", "2001:db8::2")


def test_the_box_says_nothing_itself(lab_name: str) -> None:
    with Lab("pair", lab_name) as lab:
        assert "inet6" not in lab.run("box", "ip", "addr", "show", "left").stdout
        sent = lab.run("box", "cat", "/sys/class/net/left/statistics/tx_packets").stdout
        assert int(sent) == 0


def test_queues(lab_name: str) -> None:
    with Lab("queues", lab_name) as lab:
        for host, interface in (("client", "eth0"), ("box", "left"), ("box", "right"), ("server", "eth0")):
            found = lab.run(host, "ls", f"/sys/class/net/{interface}/queues").stdout.split()
            assert sorted(found) == [f"{way}-{n}" for way in ("rx", "tx") for n in range(4)]


def test_routed(lab_name: str) -> None:
    with Lab("routed", lab_name) as lab:
        bridge(lab, "br0", "left", "right")
        ping(lab, "198.51.100.1", "2001:db8:2::1")
        # What traceroute does: who tells that a packet's life is over.
        expired = lab.run("client", "ping", "-c", "1", "-t", "1", "-W", "2", "198.51.100.1", check=False)
        assert "From 192.0.2.254" in expired.stdout
        large = lab.run("client", "ping", "-c", "1", "-M", "do", "-s", "1400", "198.51.100.1", check=False)
        assert "mtu = 1400" in large.stdout + large.stderr


def test_farm(lab_name: str) -> None:
    with Lab("farm", lab_name) as lab:
        bridge(lab, "br0", "left", "one", "two", "three")
        ping(lab, "192.0.2.11", "192.0.2.12", "192.0.2.13", "2001:db8::11", "2001:db8::13")
        # A chain would choose; here the bridge's frames reach the server that has the box's address.
        mac = lab.run("box", "cat", "/sys/class/net/left/address").stdout.strip()
        assert mac in lab.run("client", "ip", "neigh", "show", "192.0.2.100").stdout
        assert lab.run("client", "ping", "-c", "1", "-W", "0.2", "192.0.2.100", check=False).returncode == 1
        lab.run("box", "ip", "link", "set", "left", "address", "02:00:00:00:00:77")
        lab.run("box", "ip", "link", "set", "br0", "address", "02:00:00:00:00:77")
        lab.run("two", "ip", "link", "set", "eth0", "address", mac)
        ping(lab, "192.0.2.100", "2001:db8::100")


def test_service(lab_name: str) -> None:
    with Lab("service", lab_name) as lab:
        bridge(lab, "first", "left", "there")
        bridge(lab, "second", "back", "right")
        ping(lab, "192.0.2.2", "2001:db8::2")
        lab.run("legacy", "ip", "link", "set", "br0", "down")
        assert lab.run("client", "ping", "-c", "1", "-W", "0.2", "192.0.2.2", check=False).returncode == 1


DIRECT = """\
[hosts.client.addresses]
eth0 = ["192.0.2.1/24"]
[hosts.server.addresses]
eth0 = ["192.0.2.2/24"]
[[links]]
ends = ["client.eth0", "server.eth0"]
"""


def udp_checksum(datagram: bytes, addresses: bytes) -> int:
    """What the sum of a UDP datagram gives: 0xFFFF where its checksum is right (RFC 768)."""
    data = addresses + struct.pack("!BBH", 0, 17, len(datagram)) + datagram + b"\0" * (len(datagram) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@pytest.mark.parametrize(("offload", "right"), [("false", True), ("true", False), ('["gro"]', True)])
def test_checksums_are_filled_in(tmp_path: Path, lab_name: str, offload: str, right: bool) -> None:
    (tmp_path / "mine.toml").write_text(f"{DIRECT}offload = {offload}\n")
    with Lab(tmp_path / "mine.toml", lab_name) as lab:
        with lab.inside("server"):
            heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        with lab.inside("client"):
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with heard, sender:
            heard.settimeout(5)
            sender.sendto(b"payload", ("192.0.2.2", 9))
            frame = heard.recv(2000)
        assert frame[14 + 9] == 17
        assert (udp_checksum(frame[34:49], frame[26:34]) == 0xFFFF) is right


@pytest.mark.parametrize(
    ("offload", "on"),
    [
        ("false", set()),
        ("true", {"tx-checksum-ip-generic", "tx-tcp-segmentation", "tx-vlan-hw-insert"}),
        ('["gro", "checksum"]', {"tx-checksum-ip-generic", "rx-gro"}),
        ('["checksum", "segmentation"]', {"tx-checksum-ip-generic", "tx-tcp-segmentation"}),
    ],
)
def test_offloads_are_on_or_off(tmp_path: Path, lab_name: str, offload: str, on: set[str]) -> None:
    from pyroute2.ethtool.ethtool import Ethtool

    looked_at = {"tx-checksum-ip-generic", "tx-tcp-segmentation", "tx-vlan-hw-insert", "rx-gro"}
    (tmp_path / "mine.toml").write_text(f"{DIRECT}offload = {offload}\n")
    with Lab(tmp_path / "mine.toml", lab_name) as lab:
        for host in ("client", "server"):
            with lab.inside(host), Ethtool() as ethtool:
                found = ethtool.get_features("eth0").features
            assert {name for name in looked_at if found[name].enable} == on


def test_no_frame_is_larger_than_the_mtu(tmp_path: Path, lab_name: str) -> None:
    """With segmentation left on, the other end gets tens of kilobytes at once."""
    largest = {}
    for offload in ("false", "true"):
        (tmp_path / "mine.toml").write_text(f"{DIRECT}offload = {offload}\n")
        with Lab(tmp_path / "mine.toml", lab_name) as lab:
            with lab.inside("server"):
                heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
                listener = socket.create_server(("192.0.2.2", 9))
            with lab.inside("client"):
                sender = socket.create_connection(("192.0.2.2", 9), timeout=5)
            with heard, listener, sender, listener.accept()[0] as taker:
                thread = threading.Thread(target=sender.sendall, args=(bytes(1_000_000),))
                thread.start()
                left = 1_000_000
                while left:
                    left -= len(taker.recv(65536))
                thread.join()
                heard.settimeout(0.2)
                sizes = []
                try:
                    while True:
                        sizes.append(len(heard.recv(1 << 17)))
                except TimeoutError:
                    pass
                largest[offload] = max(sizes)
    assert largest["false"] == 1514
    assert largest["true"] > 1514


def test_what_a_file_says_is_so(tmp_path: Path, lab_name: str) -> None:
    (tmp_path / "mine.toml").write_text(
        DIRECT.replace(
            "[hosts.server", '[hosts.client.sysctls]\n"net.ipv4.ip_default_ttl" = 9\n[hosts.server'
        )
        + 'mtu = 9000\nmacs = ["02:00:00:00:00:0a", "02:00:00:00:00:0b"]\n'
        + '[hosts.client.neighbours]\n"192.0.2.9" = "server.eth0"\n'
    )
    with Lab(tmp_path / "mine.toml", lab_name) as lab:
        link = lab.run("client", "ip", "link", "show", "eth0").stdout
        assert "mtu 9000" in link
        assert "02:00:00:00:00:0a" in link
        assert "lladdr 02:00:00:00:00:0b PERMANENT" in lab.run("client", "ip", "neigh").stdout
        assert "ttl=64" in lab.run("client", "ping", "-c", "1", "192.0.2.2").stdout
        assert "ttl=9" in lab.run("server", "ping", "-c", "1", "192.0.2.1").stdout
        assert "inet6" not in lab.run("client", "ip", "addr", "show", "eth0").stdout


@pytest.mark.parametrize("sysctl", ["net.core.netdev_max_backlog", "net.ipv4.no_such"])
def test_a_sysctl_that_is_not_a_namespaces(tmp_path: Path, lab_name: str, sysctl: str) -> None:
    (tmp_path / "mine.toml").write_text(f'{DIRECT}[hosts.client.sysctls]\n"{sysctl}" = 1\n')
    with (
        pytest.raises(LabError, match=f"the sysctl {sysctl} can't be set in a namespace"),
        Lab(tmp_path / "mine.toml", lab_name),
    ):
        pass
