"""Frames through real interfaces: each arrives, whole, and is counted where the kernel counts it too."""

from __future__ import annotations

import socket
import subprocess
import sys
import time

import pytest
from scapy.layers.inet import IP, TCP, UDP, in4_chksum
from scapy.layers.inet6 import IPv6, in6_chksum
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap, wrpcap
from xdp_wires import Running, eventually, frame, inside, refusal, same, sh, swapped, tagged, untouched

from wirebrick import run
from wirebrick.errors import ParameterError, PortError
from wirebrick.nf.delay import delay
from wirebrick.ports.xdp.socket import STATISTICS


def test_frames_come_back_with_their_addresses_swapped(wire, box):
    host = wire.socket()
    running = Running("macswap", box, rx=f"xdp:{wire.name}")
    sent = [frame(number, 60 + number) for number in range(300)]
    host.send(*sent)
    assert same(host.receive(300), [swapped(one) for one in sent])
    result = running.stop()
    assert result.packets_in == result.packets_out == 300
    assert result.bytes_in == result.bytes_out == sum(map(len, sent))
    assert wire.counter("rx_packets") == 300


@pytest.mark.parametrize("options", ["", ",mode=native", ",mode=generic", ",copy=on", "@0", ",ring=64"])
def test_frames_go_through_both_ways(wires, box, options):
    left, right = wires(), wires()
    ends = left.socket(), right.socket()
    running = Running(untouched, box, rx=f"xdp:{left.name}{options}", tx=f"xdp:{right.name}{options}")
    there = [frame(number) for number in range(50)]
    back = [frame(number, 1514) for number in range(50, 90)]
    ends[0].send(*there)
    ends[1].send(*back)
    assert same(ends[1].receive(50), there)
    assert same(ends[0].receive(40), back)
    result = running.stop()
    assert result.packets_in == result.packets_out == 90
    assert result.bytes_copied == 0
    assert [port.packets_in for port in result.ports] == [50, 40]
    assert [port.packets_out for port in result.ports] == [40, 50]
    assert [port.bytes_out for port in result.ports] == [40 * 1514, 50 * 60]


def test_in_cpython(wire, box):
    host = wire.socket()
    running = Running("macswap", box, rx=f"xdp:{wire.name}", interpret=True)
    sent = [frame(number) for number in range(100)]
    host.send(*sent)
    assert same(host.receive(100), [swapped(one) for one in sent])
    result = running.stop()
    assert result.packets_in == result.packets_out == 100


@pytest.mark.parametrize(
    ("mtu", "options"), [(1500, ""), (3000, ""), (3754, ",mode=generic"), (1706, ""), (1707, "")]
)
def test_frames_as_long_as_the_mtu_and_tagged_ones(wires, box, mtu, options):
    wire = wires(mtu=mtu)
    host = wire.socket()
    running = Running("macswap", box, rx=f"xdp:{wire.name}{options}")
    sent = [
        frame(1, mtu + 14),
        frame(2, mtu + 13),
        tagged(frame(3, mtu + 14), 5),
        tagged(frame(4), 7),
        tagged(frame(5), 7, 9),
        frame(6),
    ]
    host.send(*sent)
    assert same(host.receive(6), [swapped(one) for one in sent])
    assert running.stop().packets_out == 6


def test_an_mtu_that_frames_do_not_hold_is_refused(wires, box):
    wire = wires(mtu=3755)
    error = refusal("macswap", box, rx=f"xdp:{wire.name}")
    assert f"xdp:{wire.name}: its MTU of 3,755 is more than the 3,754" in str(error)
    assert f"ip link set dev {wire.name} mtu 3754" in str(error)


def test_the_mtu_of_the_other_end_is_too_large_for_native_xdp(wire, box):
    """The driver wants a packet in one page: generic XDP does without, slowly."""
    sh("ip", "-n", wire.host, "link", "set", wire.peer, "mtu", 9000)
    error = refusal("macswap", box, rx=f"xdp:{wire.name},mode=native")
    assert f"xdp:{wire.name},mode=native: no native XDP: the MTU of the other end" in str(error)
    running = Running("macswap", box, rx=f"xdp:{wire.name}")
    running.stop()
    assert "generic XDP, which is slow" in " ".join(running.told)


def test_a_peer_with_more_queues(wires, box):
    wire = wires(queues=1, peer_queues=2)
    error = refusal("macswap", box, rx=f"xdp:{wire.name},mode=native")
    assert "more transmit queues" in str(error)
    host = wire.socket()
    running = Running("macswap", box, rx=f"xdp:{wire.name}")
    host.send(frame(1))
    assert host.receive(1) == [swapped(frame(1))]
    running.stop()
    assert any("generic XDP, which is slow: the other end" in one for one in running.told)


def test_a_queue_that_is_not_there(wire, box):
    error = refusal("macswap", box, rx=f"xdp:{wire.name}@3")
    assert f"{wire.name} has 1 queue, from 0 on" in str(error)
    assert f"ethtool -L {wire.name}" in str(error)


def test_short_frames_and_junk(wire, box):
    """What is shorter than an Ethernet header the kernel doesn't let in; the rest comes back."""
    host = wire.socket()
    running = Running("macswap", box, rx=f"xdp:{wire.name}")
    sent = [frame(1)[:14], frame(1)[:15], b"\xff" * 20, bytes(14), bytes(60)]
    host.send(*sent)
    assert same(host.receive(5), [swapped(one) for one in sent])
    assert running.stop().packets_out == 5


@pytest.mark.parametrize("mode", ["native", "generic"])
def test_what_stays_with_the_kernel(wires, box, mode):
    left, right = wires(), wires()
    left.address("192.0.2.1/24", "192.0.2.2/24")
    filtered = f"xdp:{left.name},mode={mode},kernel=arp or icmp"
    running = Running(untouched, box, rx=filtered, tx=f"xdp:{right.name}")
    there, host = right.socket(), left.socket()
    host.send(frame(1))
    assert "0% packet loss" in left.on_host("ping", "-c", 3, "-i", 0.05, "-W", 1, "192.0.2.1")
    host.send(frame(2))
    assert there.receive(2) == [frame(1), frame(2)]
    assert running.stop().packets_in == 2
    assert not any("has an address" in one for one in running.told)


def test_without_a_filter_the_host_hears_nothing(wire, box):
    wire.address("192.0.2.1/24", "192.0.2.2/24")
    running = Running(untouched, box, rx=f"xdp:{wire.name}", tx="null:")
    assert "100% packet loss" in wire.on_host("ping", "-c", 1, "-W", 0.3, "192.0.2.1", check=False)
    running.tells("has an address, and this host gets nothing by it now")
    running.stop()
    assert "0% packet loss" in wire.on_host("ping", "-c", 1, "-W", 1, "192.0.2.1")


def test_ping_through(wires, box):
    left, right = wires(ipv6=True), wires(ipv6=True)
    for wire, end in ((left, 1), (right, 2)):
        wire.address(None, f"192.0.2.{end}/24")
        wire.address(None, f"2001:db8::{end}/64")
    for chain, addresses in ((untouched, ("192.0.2.2", "2001:db8::2")), ("ttl", ("192.0.2.2",))):
        running = Running(chain, box, rx=f"xdp:{left.name}", tx=f"xdp:{right.name}")
        for address in addresses:
            told = left.on_host("ping", "-c", 5, "-i", 0.02, "-s", 1400, "-W", 1, address)
            assert " 0% packet loss" in told
            assert ("ttl=63" in told) == (chain == "ttl")
        running.stop()


def test_a_capture_goes_out(wire, box, tmp_path):
    sent = [frame(number, 60 + number) for number in range(200)]
    wrpcap(str(tmp_path / "a.pcap"), [Ether(one) for one in sent])
    host = wire.socket()
    with inside(box):
        result = run(untouched, rx=tmp_path / "a.pcap", tx=f"xdp:{wire.name}", count=200)
    assert same(host.receive(200), sent)
    assert result.packets_out == 200


def test_traffic_becomes_a_capture(wire, box, tmp_path):
    host = wire.socket()
    running = Running(untouched, box, rx=f"xdp:{wire.name}", tx=tmp_path / "a.pcap", count=200)
    sent = [frame(number, 60 + number) for number in range(200)]
    before = time.time()
    host.send(*sent)
    running.wait()
    packets = rdpcap(str(tmp_path / "a.pcap"))
    assert [bytes(one) for one in packets] == sent
    assert all(before - 0.1 <= float(one.time) <= time.time() for one in packets)


@pytest.mark.parametrize("workers", [1, 2])
def test_more_than_the_output_takes(wire, box, workers):
    """The input goes on; what had no room is counted, what had is what the kernel saw at the other end."""
    with inside(box):
        result = run(
            untouched,
            rx="memory:count=200000,flows=64",
            tx=f"xdp:{wire.name},ring=64",
            count=200_000,
            workers=workers,
        )
    assert result.packets_in == 200_000
    no_room = result.drops.get("out.no_room", 0)
    assert result.packets_out + result.packets_dropped == 200_000
    assert result.packets_out == wire.counter("rx_packets")
    assert result.bytes_out == wire.counter("rx_bytes")
    assert result.packets_dropped == no_room + result.drops.get("out.not_sent", 0)


def test_an_output_that_is_down_drops_and_counts(wire, box):
    sh("ip", "-n", box, "link", "set", wire.name, "down")
    with inside(box):
        result = run(untouched, rx="memory:count=20000", tx=f"xdp:{wire.name},ring=64", count=20_000)
    assert result.packets_out == 0
    assert result.drops == {"out.no_room": 20_000 - 64, "out.not_sent": 64}
    assert result.packets_dropped == 20_000
    assert result.bytes_out == 0
    assert any(f"{wire.name} is down" in one for one in result.notices)


def test_packets_that_no_frame_holds(wire, box):
    error = refusal(untouched, box, rx="memory:size=5000,count=10", tx=f"xdp:{wire.name}")
    assert "memory:size=5000,count=10: its packets of up to 5,000 bytes don't fit frames for 3,776" in str(
        error
    )


def test_frames_cut_or_longer_than_the_mtu_are_not_sent(wire, box, tmp_path):
    wrpcap(str(tmp_path / "long.pcap"), [Ether(frame(1, 1700)), Ether(frame(3, 6000)), Ether(frame(2))])
    with inside(box):
        result = run(untouched, rx=tmp_path / "long.pcap", tx=f"xdp:{wire.name}", count=3)
    assert result.drops == {"out.too_long": 1, "out.cut_by_capture": 1}
    assert any("cut to it" in one for one in result.warnings)
    assert result.packets_out == wire.counter("rx_packets") == 1


def test_what_a_slow_chain_misses_is_counted(wire, box):
    host = wire.socket()
    running = Running(delay(cycles=3_000_000), box, rx=f"xdp:{wire.name},ring=64", tx="null:")
    host.send(*[frame(number) for number in range(1000)])
    result = running.stop()
    port = result.ports[0]
    assert set(port.statistics) == {*STATISTICS, "checksums_completed"}
    assert 0 < port.packets_in == result.packets_in < 1000
    missed = port.statistics["rx_dropped"] + port.statistics["rx_ring_full"]
    assert port.packets_in + missed == 1000


def partial(packet: bytes) -> bytes:
    """The packet with just the pseudo-header's sum where its checksum belongs, as a kernel leaves it to a card."""
    whole = Ether(packet)
    layer = whole[TCP] if TCP in whole else whole[UDP]
    plain = bytes(whole)
    at = len(plain) - len(bytes(layer)) + (16 if TCP in whole else 6)
    network = whole[IP] if IP in whole else whole[IPv6]
    protocol = 6 if TCP in whole else 17
    function = in4_chksum if IP in whole else in6_chksum
    # The checksum of nothing but zeros as long as the segment is the complement of the pseudo-header's sum.
    pseudo = function(protocol, network, bytes(len(bytes(layer)))) ^ 0xFFFF
    return plain[:at] + pseudo.to_bytes(2, "big") + plain[at + 2 :]


@pytest.mark.parametrize(
    ("option", "completed"), [("", True), (",checksum=complete", True), (",checksum=keep", False)]
)
def test_partial_checksums(wire, box, option, completed):
    macs = Ether(src="02:00:00:00:00:0a", dst="02:00:00:00:00:0b")
    right = [
        bytes(macs / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1, dport=80) / b"some bytes"),
        bytes(macs / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=1, dport=80) / b"some other bytes"),
        bytes(macs / IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(sport=1, dport=80) / b"more of them"),
    ]
    left = [partial(one) for one in right]
    assert all(one != other for one, other in zip(left, right, strict=True))
    host = wire.socket()
    running = Running("macswap", box, rx=f"xdp:{wire.name}{option}")
    host.send(*left)
    assert host.receive(3) == [swapped(one) for one in (right if completed else left)]
    assert running.stop().ports[0].statistics["checksums_completed"] == (3 if completed else 0)


def test_a_real_sender_that_leaves_checksums_to_its_card(wires, box):
    """iperf3's segments through a chain: the other host takes them only where their checksums are right."""
    left, right = wires(), wires()
    left.address(None, "192.0.2.1/24")
    right.address(None, "192.0.2.2/24")
    running = Running("ttl", box, rx=f"xdp:{left.name}", tx=f"xdp:{right.name}")
    code = "import socket; s = socket.create_server(('192.0.2.2', 7)); c, _ = s.accept(); n = 0\n"
    code += "while d := c.recv(65536): n += len(d)\nprint(n)"
    server = subprocess.Popen(
        ["ip", "netns", "exec", right.host, sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    )
    assert eventually(lambda: ":7 " in right.on_host("ss", "-ltn"))
    with inside(left.host), socket.create_connection(("192.0.2.2", 7), timeout=5) as client:
        client.sendall(bytes(2_000_000))
    assert server.communicate(timeout=10)[0].strip() == "2000000"
    result = running.stop()
    assert result.ports[0].statistics["checksums_completed"] > 10


def test_a_wrong_filter(wire, box):
    error = refusal("macswap", box, rx=f"xdp:{wire.name},kernel=arp and and")
    assert isinstance(error, ParameterError)
    assert not wire.program()


def test_the_same_interface_twice(wire, box):
    error = refusal("macswap", box, rx=f"xdp:{wire.name}", tx=f"xdp:{wire.name}")
    assert isinstance(error, PortError)
    assert f"queue 0 of {wire.name} is taken" in str(error)
    assert "in one run an interface is named once" in str(error)
    assert not wire.program()


@pytest.mark.parametrize(("option", "level"), [("", 1), (",promisc=off", 0)])
def test_frames_for_other_stations_are_taken_in(wire, box, option, level):
    def promiscuity() -> int:
        told = sh("ip", "-n", box, "-d", "link", "show", wire.name)
        return int(told.partition("promiscuity ")[2].split()[0])

    assert promiscuity() == 0
    running = Running("macswap", box, rx=f"xdp:{wire.name}{option}")
    assert promiscuity() == level
    running.stop()
    assert promiscuity() == 0
