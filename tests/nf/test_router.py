"""The router: what becomes of packets, neighbours, errors, next hops, changed routes; with scapy as the other hosts."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_LSRR, IPOption_RR
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    ICMPv6PacketTooBig,
    ICMPv6TimeExceeded,
    IPv6,
)
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw
from scapy.utils import RawPcapReader
from wires import exchange

import wirebrick
from wirebrick.nf.router.nf import router

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
PORTS = ("in", "out", "up")
CLIENT, SERVER, NEXT, NEXT2 = (f"02:00:00:00:00:{n:02x}" for n in (5, 6, 7, 8))
IN, OUT, UP = (f"02:00:00:00:ff:{n:02x}" for n in (1, 2, 3))
CONFIG = f"""
[[interface]]
port = "in"
mac = "{IN}"
addresses = ["192.0.2.254/24", "2001:db8:1::fe/64"]
source = "back"

[[interface]]
port = "out"
mac = "{OUT}"
addresses = ["198.51.100.254/24", "2001:db8:2::fe/64"]
mtu = 1300
neighbours = {{"198.51.100.1" = "{SERVER}", "2001:db8:2::1" = "{SERVER}"}}

[[interface]]
port = "up"
mac = "{UP}"
addresses = ["203.0.113.1/30", "2001:db8:3::1/64"]
neighbours = {{"203.0.113.2" = "{NEXT}"}}
source = "routed"

[[route]]
to = "10.0.0.0/8"
via = ["203.0.113.2", "198.51.100.1"]
weights = [3, 1]

[[route]]
to = "10.9.0.0/16"
action = "prohibited"

[[route]]
to = "10.9.9.0/24"
action = "unreachable"

[[route]]
to = "10.9.9.9/32"
action = "blackhole"

[[route]]
to = "2001:db8:10::/48"
via = "fe80::7"
interface = "up"
"""
FROM_IN = Ether(src=CLIENT, dst=IN)
V4 = {"src": "192.0.2.1"}
V6 = {"src": "2001:db8:1::1"}


def config(folder: Path, text: str = CONFIG) -> Path:
    file = folder / "router.toml"
    file.write_text(text)
    return file


def run(
    folder: Path, came: list[tuple], interpret: bool, **parameters: object
) -> tuple[wirebrick.Result, dict]:
    result, got = exchange(router(config=config(folder), **parameters), folder, PORTS, came, interpret)
    return result, {name: [Ether(frame) for frame in frames] for name, frames in got.items()}


@BOTH
def test_forwarding(interpret: bool, tmp_path: Path) -> None:
    sent = (
        FROM_IN
        / IP(**V4, dst="198.51.100.1", ttl=7, options=[IPOption_RR(routers=["0.0.0.0"])])
        / UDP()
        / b"abc"
    )
    sent6 = FROM_IN / IPv6(**V6, dst="2001:db8:2::1", hlim=2) / TCP() / b"abc"
    result, got = run(tmp_path, [("in", sent), ("in", sent6)], interpret)
    for before, after in zip((sent, sent6), got["out"], strict=True):
        expected = Ether(bytes(before))
        expected.src, expected.dst = OUT, SERVER
        if IP in expected:
            expected[IP].ttl -= 1
            del expected[IP].chksum
        else:
            expected[IPv6].hlim -= 1
        assert bytes(after) == bytes(expected)
    assert result.drops == {}


@BOTH
def test_a_neighbour_is_found_and_packets_wait_for_it(interpret: bool, tmp_path: Path) -> None:
    """The first packets wait, in order; the answer lets them go; too large ones leave in pieces."""
    packets = [IP(**V4, dst="198.51.100.77", ttl=9, id=n) / UDP() / Raw(bytes(n % 9)) for n in range(20)]
    packets.append(IP(**V4, dst="198.51.100.77", ttl=9, id=99) / UDP() / Raw(bytes(1400)))
    reply = Ether(src=NEXT2, dst=OUT) / ARP(
        op=2, hwsrc=NEXT2, psrc="198.51.100.77", hwdst=OUT, pdst="198.51.100.254"
    )
    came = [("in", FROM_IN / packet) for packet in packets]
    came += [("out", reply), ("out", reply), ("in", FROM_IN / packets[0])]
    result, got = run(tmp_path, came, interpret)
    (request, *rest) = got["out"]
    assert (request.dst, request[ARP].op, request[ARP].pdst) == ("ff:ff:ff:ff:ff:ff", 1, "198.51.100.77")
    assert len(request) == 42
    assert [packet[IP].id for packet in rest] == [*range(5, 20), 99, 99, 0]  # the latest sixteen waited
    assert {(packet.src, packet.dst, packet[IP].ttl) for packet in rest} == {(OUT, NEXT2, 8)}
    assert result.drops == {"router.kept": 20, "router.arp_done": 1}
    assert result.packets_made == 16


@BOTH
def test_a_neighbour_of_ipv6(interpret: bool, tmp_path: Path) -> None:
    sent = FROM_IN / IPv6(**V6, dst="2001:db8:10::5") / UDP() / b"abc"  # by way of fe80::7
    reply = Ether(src=NEXT, dst=UP) / IPv6(src="fe80::7", dst="2001:db8:3::1", hlim=255)
    reply /= ICMPv6ND_NA(tgt="fe80::7", R=1, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=NEXT)
    result, got = run(tmp_path, [("in", sent), ("in", sent), ("up", reply), ("in", sent)], interpret)
    (asks, *rest) = got["up"]
    assert (asks.dst, asks[IPv6].dst, asks[IPv6].hlim) == ("33:33:ff:00:00:07", "ff02::1:ff00:7", 255)
    assert (asks[ICMPv6ND_NS].tgt, asks[ICMPv6NDOptSrcLLAddr].lladdr) == ("fe80::7", UP)
    assert asks[IPv6].src == "2001:db8:3::1"
    cksum = asks[ICMPv6ND_NS].cksum
    del asks[ICMPv6ND_NS].cksum
    assert Ether(bytes(asks))[ICMPv6ND_NS].cksum == cksum
    assert [(packet.dst, packet[IPv6].hlim) for packet in rest] == [(NEXT, 63)] * 3
    assert result.drops == {"router.kept": 1}


@BOTH
def test_who_does_not_answer(interpret: bool, tmp_path: Path) -> None:
    """Asked three times; then errors say so; a second later it is asked again."""
    sent = FROM_IN / IP(**V4, dst="198.51.100.78") / UDP() / b"abc"
    sent6 = FROM_IN / IPv6(**V6, dst="2001:db8:2::78") / UDP() / b"abc"
    times = [0, 0.5, 1.2, 2.3, 4.0, 4.5, 9.0]
    came = [("in", packet, at) for at in times for packet in (sent, sent6)]
    result, got = run(tmp_path, came, interpret)
    asked = [packet for packet in got["out"] if ARP in packet]
    assert len(asked) == 4 == len([packet for packet in got["out"] if ICMPv6ND_NS in packet])
    errors = [packet[ICMP] for packet in got["in"] if ICMP in packet]
    assert [(error.type, error.code) for error in errors] == [(3, 1)] * 2
    errors6 = [packet[ICMPv6DestUnreach] for packet in got["in"] if ICMPv6DestUnreach in packet]
    assert [error.code for error in errors6] == [3, 3]
    assert result.drops == {"router.kept": 6}


@BOTH
def test_a_neighbour_in_use_is_asked_again(interpret: bool, tmp_path: Path) -> None:
    """After 30 seconds, by unicast, and used meanwhile; one that is silent is given up."""
    sent = FROM_IN / IP(**V4, dst="198.51.100.77") / UDP()
    reply = Ether(src=NEXT2, dst=OUT) / ARP(
        op=2, hwsrc=NEXT2, psrc="198.51.100.77", hwdst=OUT, pdst="198.51.100.254"
    )
    came = [("in", sent, 0), ("out", reply, 0), ("in", sent, 29), ("in", sent, 31), ("in", sent, 31.5)]
    came += [("out", reply, 31.6), ("in", sent, 40), ("in", sent, 70), ("in", sent, 70.5), ("in", sent, 74.9)]
    _, got = run(tmp_path, came, interpret)
    asked = [packet.dst for packet in got["out"] if ARP in packet]
    assert asked == ["ff:ff:ff:ff:ff:ff", NEXT2, NEXT2, NEXT2, NEXT2]
    assert len([packet for packet in got["out"] if UDP in packet]) == 7
    assert [packet[ICMP].code for packet in got["in"] if ICMP in packet] == [1]


@BOTH
def test_what_others_say_of_themselves(interpret: bool, tmp_path: Path) -> None:
    """ARP requests to the router teach; lies about its own address and other networks do not."""
    asks = Ether(src=NEXT2, dst="ff:ff:ff:ff:ff:ff")
    came = [
        ("out", asks / ARP(hwsrc=NEXT2, psrc="198.51.100.79", pdst="198.51.100.254")),
        ("in", FROM_IN / IP(**V4, dst="198.51.100.79") / UDP()),
        ("out", asks / ARP(hwsrc=NEXT2, psrc="198.51.100.1", pdst="198.51.100.254")),  # of a fixed one
        ("in", FROM_IN / IP(**V4, dst="198.51.100.1") / UDP()),
        ("out", asks / ARP(hwsrc=NEXT2, psrc="198.51.100.254", pdst="198.51.100.254")),  # the router's own
        ("out", asks / ARP(hwsrc=NEXT2, psrc="192.0.2.1", pdst="198.51.100.254")),  # of another network
        ("out", asks / ARP(hwsrc=CLIENT, psrc="198.51.100.80", pdst="198.51.100.254")),  # not who sent it
        ("out", asks / ARP(hwsrc=NEXT2, psrc="0.0.0.0", pdst="198.51.100.254")),  # a probe
        ("in", asks / ARP(hwsrc=NEXT2, psrc="192.0.2.9", pdst="198.51.100.254")),  # of another interface
    ]
    result, got = run(tmp_path, came, interpret)
    packets = [packet.dst for packet in got["out"] if UDP in packet]
    assert packets == [NEXT2, SERVER]
    replies = [packet for packet in got["out"] if ARP in packet and packet[ARP].op == 2]
    assert len(replies) == 5
    assert {(packet.src, packet[ARP].psrc, packet[ARP].hwsrc) for packet in replies} == {
        (OUT, "198.51.100.254", OUT)
    }
    assert result.drops == {"router.arp_malformed": 1, "router.arp_done": 1}
    assert "1 ARP messages of others" in result.reports[0][1].title


@BOTH
def test_errors(interpret: bool, tmp_path: Path) -> None:
    cases = [
        (IP(**V4, dst="198.51.100.1", ttl=1) / UDP(), (11, 0)),
        (IP(**V4, dst="172.16.0.1") / UDP(), (3, 0)),
        (IP(**V4, dst="10.9.9.1") / UDP(), (3, 1)),
        (IP(**V4, dst="10.9.1.1") / UDP(), (3, 13)),
        (IP(**V4, dst="198.51.100.1", flags="DF") / UDP() / Raw(bytes(1400)), (3, 4)),
        (IP(**V4, dst="192.0.2.254") / UDP(dport=33434), (3, 3)),
        (IP(**V4, dst="198.51.100.254") / TCP(dport=80), (3, 3)),
        (IP(**V4, dst="192.0.2.254", proto=89) / b"abcdefgh", (3, 2)),
    ]
    result, got = run(tmp_path, [("in", FROM_IN / packet) for packet, _ in cases], interpret)
    assert result.drops == {}
    for (packet, (kind, code)), error in zip(cases, got["in"], strict=True):
        assert (error[ICMP].type, error[ICMP].code) == (kind, code)
        own = packet[IP].dst if packet[IP].dst.endswith(".254") else "192.0.2.254"
        assert (error.src, error.dst, error[IP].src, error[IP].dst) == (IN, CLIENT, own, "192.0.2.1")
        quoted = bytes(error)[42:]
        assert quoted == bytes(packet)[: len(quoted)]
        assert len(quoted) == min(len(packet), 548)
    assert got["in"][4][ICMP].nexthopmtu == 1300


@BOTH
def test_errors_of_ipv6(interpret: bool, tmp_path: Path) -> None:
    cases = [
        (IPv6(**V6, dst="2001:db8:2::1", hlim=1) / UDP(), ICMPv6TimeExceeded, 0),
        (IPv6(**V6, dst="2001:db9::1") / UDP(), ICMPv6DestUnreach, 0),
        (IPv6(src="fe80::5", dst="2001:db8:2::1") / UDP(), ICMPv6DestUnreach, 2),
        (IPv6(**V6, dst="2001:db8:2::1") / UDP() / Raw(bytes(1300)), ICMPv6PacketTooBig, 0),
        (IPv6(**V6, dst="2001:db8:1::fe") / UDP(), ICMPv6DestUnreach, 4),
    ]
    result, got = run(tmp_path, [("in", FROM_IN / packet) for packet, *_ in cases], interpret)
    assert result.drops == {}
    for (packet, kind, code), error in zip(cases, got["in"], strict=True):
        assert error[kind].code == code
        assert (error[IPv6].src, error[IPv6].dst) == ("2001:db8:1::fe", packet[IPv6].src)
        assert bytes(packet).startswith(bytes(error)[62:])
    assert got["in"][3][ICMPv6PacketTooBig].mtu == 1300


@BOTH
def test_echoes(interpret: bool, tmp_path: Path) -> None:
    came = [
        ("in", FROM_IN / IP(**V4, dst="192.0.2.254", ttl=1) / ICMP(id=5, seq=7) / b"abc"),
        ("in", FROM_IN / IP(**V4, dst="203.0.113.1") / ICMP(id=5) / b"abc"),
        ("in", FROM_IN / IPv6(**V6, dst="2001:db8:1::fe", hlim=1) / ICMPv6EchoRequest(id=5, data=b"abc")),
        (
            "in",
            Ether(src=CLIENT, dst="33:33:00:00:00:02")
            / IPv6(src="fe80::5", dst="ff02::2")
            / ICMPv6EchoRequest(),
        ),
        ("in", FROM_IN / IP(**V4, dst="192.0.2.254") / ICMP(type=0)),
        ("in", FROM_IN / IP(**V4, dst="192.0.2.254", flags="MF") / ICMP() / bytes(16)),
    ]
    result, got = run(tmp_path, came, interpret)
    first, second, third, fourth = got["in"]
    assert (first[IP].src, first[IP].ttl, first[ICMP].type, first[ICMP].seq) == ("192.0.2.254", 64, 0, 7)
    assert bytes(first[ICMP].payload) == b"abc"
    assert second[IP].src == "203.0.113.1"
    assert (third[IPv6].src, third[ICMPv6EchoReply].data) == ("2001:db8:1::fe", b"abc")
    assert (fourth[IPv6].src, fourth.dst) == ("fe80::ff:fe00:ff01", CLIENT)
    for packet in got["in"]:
        again = packet.copy()
        layer = again[ICMP] if ICMP in again else again[ICMPv6EchoReply]
        checksum = layer.chksum if ICMP in again else layer.cksum
        layer.delfieldval("chksum" if ICMP in again else "cksum")
        rebuilt = Ether(bytes(again))
        assert checksum == (rebuilt[ICMP].chksum if ICMP in rebuilt else rebuilt[ICMPv6EchoReply].cksum)
    assert result.drops == {"router.icmp_ignored": 1, "router.fragment_here": 1}


@BOTH
def test_what_is_not_forwarded(interpret: bool, tmp_path: Path) -> None:
    cases = [
        ("not_for_router", "in", Ether(src=CLIENT, dst=OUT) / IP(**V4, dst="198.51.100.1") / UDP()),
        ("source_invalid", "in", FROM_IN / IP(src="198.51.100.9", dst="198.51.100.1") / UDP()),
        ("source_invalid", "in", FROM_IN / IP(src="172.16.1.1", dst="198.51.100.1") / UDP()),
        ("source_invalid", "up", Ether(src=NEXT, dst=UP) / IP(src="172.16.1.1", dst="198.51.100.1") / UDP()),
        ("source_invalid", "in", FROM_IN / IPv6(src="2001:db8:2::9", dst="2001:db8:2::1") / UDP()),
        (
            "source_routed",
            "in",
            FROM_IN / IP(**V4, dst="198.51.100.1", options=[IPOption_LSRR(routers=["1.2.3.4"])]),
        ),
        ("broadcast", "in", FROM_IN / IP(**V4, dst="198.51.100.255") / UDP()),
        ("broadcast", "in", FROM_IN / IP(**V4, dst="255.255.255.255") / UDP()),
        ("martian", "in", FROM_IN / IP(**V4, dst="240.0.0.1") / UDP()),
        ("martian", "in", FROM_IN / IP(**V4, dst="0.0.0.1") / UDP()),
        ("martian", "in", FROM_IN / IPv6(src="::1", dst="2001:db8:2::1") / UDP()),
        ("martian", "in", FROM_IN / IPv6(src="ff02::1", dst="2001:db8:2::1") / UDP()),
        ("link_local", "in", FROM_IN / IPv6(**V6, dst="fe80::99") / UDP()),
        ("multicast", "in", FROM_IN / IPv6(**V6, dst="ff0e::1") / UDP()),
        ("blackhole", "in", FROM_IN / IP(**V4, dst="10.9.9.9") / UDP()),
        (
            "nd_malformed",
            "in",
            FROM_IN / IPv6(**V6, dst="2001:db8:1::fe", hlim=64) / ICMPv6ND_NS(tgt="2001:db8:1::fe"),
        ),
        ("nd_done", "in", FROM_IN / IPv6(**V6, dst="ff02::1", hlim=255) / ICMPv6ND_NS(tgt="2001:db8:1::99")),
    ]
    result, got = run(tmp_path, [(port, packet) for _, port, packet in cases], interpret)
    assert {name: len(packets) for name, packets in got.items()} == {"in": 0, "out": 0, "up": 0}
    assert result.drops == dict(Counter(f"router.{reason}" for reason, *_ in cases))


@BOTH
def test_flows_are_spread_by_weight_and_keep_their_way(interpret: bool, tmp_path: Path) -> None:
    rng = random.Random(4)
    flows = [(f"10.1.{rng.randrange(99)}.{rng.randrange(250)}", rng.randrange(1, 65535)) for _ in range(200)]
    packets = [IP(**V4, dst=dst, id=n % 7) / UDP(sport=port) for n in range(2) for dst, port in flows]
    result, got = run(tmp_path, [("in", FROM_IN / packet) for packet in packets], interpret)
    ways = {name: Counter((p[IP].dst, p[UDP].sport) for p in got[name]) for name in ("up", "out")}
    assert not set(ways["up"]) & set(ways["out"])
    assert {*ways["up"].values(), *ways["out"].values()} == {2}
    assert 0.6 < len(ways["up"]) / 200 < 0.9
    assert {packet.dst for packet in got["up"]} == {NEXT}
    assert result.drops == {}


def test_routes_change_while_it_runs(tmp_path: Path) -> None:
    """A new file counts at once; one with a mistake is refused, and other interfaces too."""
    head = CONFIG.partition("[[route]]")[0].replace('source = "back"', "")
    route = '[[route]]\nto = "default"\nvia = "203.0.113.2"\n'
    file = config(tmp_path, head + route)
    told: list[str] = []
    result: list[wirebrick.Result] = []
    ether = bytes(FROM_IN / IP(**V4, dst="8.8.8.8") / UDP())
    capture = tmp_path / "one.pcap"
    from wires import capture as written

    capture.write_bytes(written([(0, ether)]))
    stop, started = threading.Event(), threading.Event()

    def runs() -> None:
        nf = router(config=file)
        ports = {"in": f"pcap:{capture},{tmp_path / 'a.pcap'}", "out": "null:", "up": "memory:"}
        begun = lambda progress: started.set()  # noqa: E731
        result.append(wirebrick.run(nf, ports=ports, notice=told.append, stop=stop, progress=begun))

    thread = threading.Thread(target=runs)
    thread.start()

    def wait(text: str) -> None:
        end = time.monotonic() + 15
        while not any(text in line for line in told):
            assert time.monotonic() < end, told
            time.sleep(0.05)

    assert started.wait(60)
    file.write_text(head + '[[route]]\nto = "default"\nvia = "1.2.3.4"\n')
    wait("is in the network of no interface")
    file.write_text(head.replace("mtu = 1300", "mtu = 1400") + route)
    wait("interfaces can't change")
    file.write_text(head + '[[route]]\nto = "default"\naction = "blackhole"\n' + " ")
    wait("routes from")
    stop.set()
    thread.join()
    assert result[0].packets_in > 0


MISTAKES = [
    ("", "has 0 interfaces"),
    ('[[interface]]\nmac = "02:00:00:00:00:01"', "needs the name of its port"),
    ('[[interface]]\nport = "in"\nmac = "ff:ff:ff:ff:ff:ff"', r"router.toml:3.*can't be an interface's MAC"),
    (
        '[[interface]]\nport = "in"\nmac = "02:00:00:00:00:01"\naddresses = ["192.0.2.1"]',
        "length of its prefix",
    ),
    (
        '[[interface]]\nport = "in"\nmac = "02:00:00:00:00:01"\naddresses = ["224.0.0.1/8"]',
        "can't be an interface's",
    ),
    (
        '[[interface]]\nport = "in"\nmac = "02:00:00:00:00:01"\naddresses = ["fe80::1/64"]\nmtu = 1000',
        "the mtu can't",
    ),
    ('[[interface]]\nport = "in"\nmac = "02:00:00:00:00:01"\nspeed = 1', "there is no 'speed'"),
    ('[[interface]]\nport = "in"\nmac = "02:00:00:00:00:01"\nsource = "none"', "source can't be 'none'"),
    (CONFIG.replace('"203.0.113.1/30"', '"192.0.2.254/24", "203.0.113.1/30"'), "an address of 'in' too"),
    (CONFIG.replace('port = "up"', 'port = "in"'), "'in' is an interface already"),
    (CONFIG + '[[route]]\nto = "10.0.0.0/8"\nvia = "203.0.113.2"', "two routes to 10.0.0.0/8"),
    (CONFIG + '[[route]]\nto = "11.0.0.0/8"\nvia = "203.0.113.9"', "in the network of no interface"),
    (CONFIG + '[[route]]\nto = "11.0.0.0/8"\nvia = "203.0.113.1"', "is the router itself"),
    (CONFIG + '[[route]]\nto = "11.0.0.0/8"\nvia = "fe80::1"', "name the interface"),
    (CONFIG + '[[route]]\nto = "11.0.0.0/8"\nvia = "2001:db8:3::5"', "different IP versions"),
    (CONFIG + '[[route]]\nto = "11.0.0.1/8"\nvia = "203.0.113.2"', "11.0.0.1/8"),
    (CONFIG + '[[route]]\nto = "11.0.0.0/8"', "either via or action"),
    (CONFIG + '[[route]]\nto = "11.0.0.0/8"\naction = "lose"', "action can't be 'lose'"),
    (CONFIG + '[[route]]\nto = "11.0.0.0/8"\nvia = "203.0.113.2"\nweights = [0]', "a weight is"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_mistakes_in_the_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(wirebrick.WirebrickError, match=message):
        wirebrick.run(router(config=config(tmp_path, text)), rx=[], interpret=True)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("11.0.0.0/8", "leads nowhere"),
        ("11.0.0.0/8 via", "can't read 'via'"),
        ("11.0.0.0/8 dev up", "can't read"),
        ("11.0.0.0/8 via 9.9.9.9", "no interface"),
        ("11.0.0.0/8 via 203.0.113.2 weight x", "a weight is"),
        ("11.0.0.0/8 lost", "can't read"),
        ("11.0.0.0/8 via 203.0.113.2\n11.0.0.0/8 blackhole", "line 1 has a route"),
        ("x via 203.0.113.2", "no prefix"),
        ("11.0.0.0/8 via 203.0.113.2 via fe80::1 dev up", "of one IP version"),
    ],
)
def test_mistakes_in_routes(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "routes").write_text(line)
    nf = router(config=config(tmp_path), routes=tmp_path / "routes")
    with pytest.raises(wirebrick.WirebrickError, match=message):
        wirebrick.run(nf, rx=[], interpret=True)


@BOTH
def test_routes_of_a_file(interpret: bool, tmp_path: Path) -> None:
    lines = ["11.0.0.0/8 via 203.0.113.2 weight 2 via 198.51.100.1 # two", "", "11.1.0.0/16 via 198.51.100.1"]
    (tmp_path / "routes").write_text(
        "\n".join([*lines, "2001:db8:20::/48 via 2001:db8:2::1", "default blackhole"])
    )
    came = [
        ("in", FROM_IN / IP(**V4, dst="11.1.2.3") / UDP()),
        ("in", FROM_IN / IPv6(**V6, dst="2001:db8:20::1") / UDP()),
        ("in", FROM_IN / IP(**V4, dst="1.2.3.4") / UDP()),
    ]
    result, got = run(tmp_path, came, interpret, routes=tmp_path / "routes")
    assert [packet.dst for packet in got["out"]] == [SERVER] * 2
    assert result.drops == {"router.blackhole": 1}


def test_compiled_as_interpreted_on_captures_and_garbage(tmp_path: Path) -> None:
    """Fragments, odd headers and damaged packets, sent to the router: the same bytes and counts."""
    rng = random.Random(11)
    frames = []
    for name in ("captures/mixed.pcap",):
        frames += [data for data, _ in RawPcapReader(name)][:400]
    made = []
    for frame in frames:
        data = bytearray(
            bytes.fromhex(rng.choice([IN] * 9 + ["ff:ff:ff:ff:ff:ff"]).replace(":", "")) + frame[6:]
        )
        if data[12:14] == b"\x08\x00" and rng.random() < 0.6 and len(data) > 34:
            data[26:30] = bytes([192, 0, 2, rng.randrange(256)])
            data[30:34] = bytes(
                rng.choice([[198, 51, 100, rng.randrange(4)], [10, 9, 9, 9], [192, 0, 2, 254]])
            )
            data[24:26] = b"\0\0"
            packet = IP(bytes(data[14:]))
            del packet.chksum
            data[14:] = bytes(packet)
        for _ in range(rng.choice([0, 0, 1, 3])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        made.append(
            (
                rng.choice(("in", "in", "in", *PORTS)),
                bytes(data[: rng.choice([len(data)] * 5 + [rng.randrange(1, len(data))])]),
            )
        )
    found = []
    for interpret in (True, False):
        result, got = exchange(router(config=config(tmp_path)), tmp_path, PORTS, made, interpret)
        found.append((got, result.drops, [row for _, report in result.reports for row in report.rows]))
    assert found[0] == found[1]
    assert sum(map(len, found[0][0].values())) > 20
    assert not [reason for reason in found[0][1] if "fault" in reason]
