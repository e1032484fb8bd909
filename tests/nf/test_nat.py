"""nat: what the model doesn't have: ICMP errors, hairpins, fragments, ARP, forwards that change, limits, floods."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPerror, UDPerror, fragment
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet
from two_sides import Exchange, Sent, exchange

from wirebrick.errors import ParameterError
from wirebrick.nf.nat import nat
from wirebrick.nf.nat.forwards import load_forwards, parse_forwards

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
HOST, OTHER, SERVER, STRANGER, OWN = "10.0.0.1", "10.0.0.2", "198.51.100.1", "198.51.100.2", "203.0.113.1"
HOST_MAC, ROUTER_MAC, OWN_MAC = "02:00:00:00:00:05", "02:00:00:00:00:0d", "02:00:00:00:00:99"
SMALL: dict[str, Any] = {"addresses": OWN, "preserve": True, "capacity": 1000}


def inner(packet: Packet, at: float = 0.0) -> Sent:
    return Sent("in", bytes(Ether(src=HOST_MAC, dst=ROUTER_MAC) / packet), at)


def outer(packet: Packet, at: float = 0.0) -> Sent:
    return Sent("out", bytes(Ether(src=ROUTER_MAC, dst=OWN_MAC) / packet), at)


def right(frame: bytes) -> Packet:
    """A frame as a packet; its checksums must be right."""
    packet = Ether(frame)
    again = packet.copy()
    for layer in (IP, TCP, UDP, ICMP):
        if layer in again:
            del again[layer].chksum
    assert bytes(again) == frame
    return packet


def ends(packet: Packet) -> tuple[str, int, str, int]:
    return packet[IP].src, packet.sport, packet[IP].dst, packet.dport


OUT_UDP = IP(src=HOST, dst=SERVER) / UDP(sport=4000, dport=53) / b"question"
OUT_TCP = IP(src=HOST, dst=SERVER) / TCP(sport=4001, dport=80, flags="S", seq=1000)
OUT_ECHO = IP(src=HOST, dst=SERVER) / ICMP(id=4002, seq=1) / b"ping"


@BOTH
@pytest.mark.parametrize("sent", [OUT_UDP, OUT_TCP, OUT_ECHO], ids=["udp", "tcp", "icmp"])
@pytest.mark.parametrize("quoted", [8, 100])
def test_errors_from_outside_find_who_they_are_for(
    sent: Packet, quoted: int, tmp_path: Path, interpret: bool
) -> None:
    left = sent.copy()
    left[IP].src = OWN
    quote = bytes(left)[: 20 + quoted]
    error = IP(src="192.0.2.77", dst=OWN) / ICMP(type=11, code=0) / quote
    wrong = error.copy()
    wrong[ICMP].chksum = 1
    strange = IP(src="192.0.2.77", dst=OWN) / ICMP(type=11) / quote[:20] / (b"\x00\x07" * 4)
    found = exchange(
        nat(**SMALL), [inner(sent), *map(outer, (error, wrong, strange))], tmp_path, interpret=interpret
    )
    (frame,) = found.inside
    packet = right(frame)
    assert (packet[IP].src, packet[IP].dst) == ("192.0.2.77", HOST)
    # The host sees the beginning of what it has sent, byte for byte.
    assert frame[42:] == bytes(sent)[: len(quote)]
    assert found.drops == {"icmp_checksum": 1, "icmp_unknown": 1}


@BOTH
def test_errors_from_inside_hide_who_sent_them(tmp_path: Path, interpret: bool) -> None:
    """A port that is closed, on the host itself; and a router inside that has no way on."""
    answer = IP(src=SERVER, dst=OWN) / UDP(sport=53, dport=4000) / b"answer"
    seen = IP(src=SERVER, dst=HOST) / UDP(sport=53, dport=4000) / b"answer"
    errors = [IP(src=src, dst=SERVER) / ICMP(type=3, code=3) / bytes(seen) for src in (HOST, "10.9.9.9")]
    script = [inner(OUT_UDP), outer(answer), *map(inner, errors)]
    found = exchange(nat(**SMALL), script, tmp_path, interpret=interpret)
    assert len(found.outside) == 3
    for frame in found.outside[1:]:
        packet = right(frame)
        assert (packet[IP].src, packet[IP].dst) == (OWN, SERVER)
        assert frame[42:] == bytes(answer)


@BOTH
def test_errors_don_t_keep_sessions_alive(tmp_path: Path, interpret: bool) -> None:
    left = OUT_UDP.copy()
    left[IP].src = OWN
    error = IP(src=SERVER, dst=OWN) / ICMP(type=3, code=1) / bytes(left)
    script = [inner(OUT_UDP), outer(error, 200), outer(error, 301)]
    found = exchange(nat(**SMALL), script, tmp_path, interpret=interpret)
    assert len(found.inside) == 1
    assert found.drops == {"icmp_unknown": 1}


@BOTH
def test_only_packets_from_inside_keep_udp_alive(tmp_path: Path, interpret: bool) -> None:
    back = IP(src=SERVER, dst=OWN) / UDP(sport=53, dport=4000) / b"answer"
    script = [inner(OUT_UDP), outer(back, 200), outer(back, 299), outer(back, 302), inner(OUT_UDP, 303)]
    script += [inner(OUT_UDP, 500), outer(back, 799), outer(back, 801)]
    found = exchange(nat(**SMALL), script, tmp_path, interpret=interpret)
    assert len(found.inside) == 3
    assert found.drops == {"no_binding": 2}


@BOTH
def test_hairpin(tmp_path: Path, interpret: bool) -> None:
    there = IP(src=OTHER, dst=OWN) / UDP(sport=5000, dport=4000) / b"hello"
    back = IP(src=HOST, dst=OWN) / UDP(sport=4000, dport=5000) / b"hello too"
    closed = IP(src=HOST, dst=OWN) / ICMP(type=3, code=3) / IP(src=OWN, dst=HOST) / there[UDP]
    script = [inner(one) for one in (OUT_UDP, there, back, closed)]
    found = exchange(nat(**SMALL, filtering="endpoint"), script, tmp_path, interpret=interpret)
    assert len(found.outside) == 1
    one, two, error = map(right, found.inside)
    assert ends(one) == (OWN, 5000, HOST, 4000)
    assert ends(two) == (OWN, 4000, OTHER, 5000)
    assert (error[IP].src, error[IP].dst, error[IPerror].src, error[IPerror].dst) == (OWN, OTHER, OTHER, OWN)
    assert (error[UDPerror].sport, error[UDPerror].dport) == (5000, 4000)


@BOTH
@pytest.mark.parametrize("kind", ["udp", "icmp"])
def test_fragments_of_both_sides(kind: str, tmp_path: Path, interpret: bool) -> None:
    upper = UDP(sport=4000, dport=53) if kind == "udp" else ICMP(id=4000)
    whole = IP(src=HOST, dst=SERVER, id=77) / upper / bytes(range(256)) / bytes(3000)
    answer = UDP(sport=53, dport=4000) if kind == "udp" else ICMP(type=0, id=4000)
    reply = IP(src=SERVER, dst=OWN, id=88) / answer / bytes(2500)
    script = [*map(inner, fragment(whole, 800)), *map(outer, fragment(reply, 800))]
    found = exchange(nat(**SMALL), script, tmp_path, interpret=interpret)
    assert found.drops == {}
    for frames, sent, src, dst in ((found.outside, whole, OWN, SERVER), (found.inside, reply, SERVER, HOST)):
        parts = [Ether(frame)[IP] for frame in frames]
        assert all((one.src, one.dst) == (src, dst) for one in parts)
        body = b"".join(bytes(one)[20:] for one in sorted(parts, key=lambda one: one.frag))
        again = IP(src=src, dst=dst, proto=sent.proto) / body
        expected = IP(bytes(sent))
        expected.src, expected.dst = src, dst
        del expected.chksum, expected[1].chksum
        assert bytes(IP(bytes(again)))[20:] == bytes(expected)[20:]


@BOTH
def test_in_the_wire(tmp_path: Path, interpret: bool) -> None:
    ask = Ether(src=ROUTER_MAC, dst="ff:ff:ff:ff:ff:ff") / ARP(
        hwsrc=ROUTER_MAC, psrc="203.0.113.254", pdst=OWN
    )
    foreign = Ether(src=ROUTER_MAC, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=ROUTER_MAC, pdst="203.0.113.77")
    here = Ether(src=HOST_MAC, dst=OWN_MAC) / ARP(
        op=2, hwsrc=HOST_MAC, psrc="10.0.0.7", hwdst=OWN_MAC, pdst="0.0.0.0"
    )
    back = IP(src=SERVER, dst=OWN) / UDP(sport=53, dport=4000) / b"answer"
    web = IP(src=SERVER, dst=OWN) / TCP(sport=999, dport=80, flags="S")
    (tmp_path / "nat.conf").write_text(f"forward tcp {OWN}:80 to 10.0.0.7")
    script = [Sent("out", bytes(ask)), Sent("out", bytes(foreign)), inner(OUT_UDP), outer(back, 1)]
    script += [outer(web, 2), outer(web, 2.5), Sent("in", bytes(here), 2.6), outer(web, 3)]
    settings = nat(**SMALL, mac=OWN_MAC, forwards=tmp_path / "nat.conf")
    found = exchange(settings, script, tmp_path, interpret=interpret)
    reply, left = map(Ether, found.outside)
    assert (reply.dst, reply[ARP].op, reply[ARP].hwsrc, reply[ARP].psrc) == (ROUTER_MAC, 2, OWN_MAC, OWN)
    assert (left.src, left.dst) == (OWN_MAC, ROUTER_MAC)
    passed, answer, *probes, syn = map(Ether, found.inside)
    assert bytes(passed) == bytes(foreign)
    assert (answer.dst, answer.src, ends(answer)) == (HOST_MAC, OWN_MAC, (SERVER, 53, HOST, 4000))
    assert {(one[ARP].op, one[ARP].psrc, one[ARP].pdst) for one in probes} == {(1, "0.0.0.0", "10.0.0.7")}
    assert (syn.dst, ends(syn)) == (HOST_MAC, (SERVER, 999, "10.0.0.7", 80))
    assert found.drops == {"no_neighbour": 2, "arp_answer": 1}


@BOTH
def test_a_log(tmp_path: Path, interpret: bool) -> None:
    script = [inner(OUT_UDP), inner(OUT_ECHO, 302)]
    exchange(nat(**SMALL, log=tmp_path / "nat.jsonl"), script, tmp_path, interpret=interpret)
    events = [json.loads(line) for line in (tmp_path / "nat.jsonl").read_text().splitlines()]
    assert [(one["event"], one["protocol"]) for one in events] == [
        ("created", "udp"),
        ("ended", "udp"),
        ("created", "icmp"),
    ]
    assert events[0] == {
        "time": "1700000000.000000000",
        "event": "created",
        "protocol": "udp",
        "inside": HOST,
        "inside_port": 4000,
        "external": OWN,
        "external_port": 4000,
    }
    assert 300 <= float(events[1]["time"]) - 1_700_000_000 <= 302


@BOTH
def test_a_static_address(tmp_path: Path, interpret: bool) -> None:
    """A whole address: pings and all ports, both ways, without a session."""
    (tmp_path / "nat.conf").write_text("static 203.0.113.9 to 10.0.0.9\n")
    script = [
        outer(IP(src=SERVER, dst="203.0.113.9") / ICMP(id=7) / b"ping"),
        inner(IP(src="10.0.0.9", dst=SERVER) / ICMP(type=0, id=7) / b"ping"),
        outer(IP(src=SERVER, dst="203.0.113.9") / TCP(sport=1000, dport=1, flags="S")),
        inner(IP(src="10.0.0.9", dst=SERVER) / TCP(sport=1, dport=1000, flags="RA")),
        outer(IP(src=SERVER, dst=OWN) / ICMP(id=7) / b"ping"),
    ]
    found = exchange(nat(**SMALL, forwards=tmp_path / "nat.conf"), script, tmp_path, interpret=interpret)
    assert {right(frame)[IP].dst for frame in found.inside} == {"10.0.0.9"}
    assert {right(frame)[IP].src for frame in found.outside} == {"203.0.113.9"}
    assert (len(found.inside), len(found.outside), found.drops) == (2, 2, {"no_binding": 1})


def flood(count: int, hosts: int) -> list[Sent]:
    return [
        inner(IP(src=f"10.0.{n % hosts}.1", dst=SERVER) / UDP(sport=2000 + n // hosts, dport=1), n * 1e-4)
        for n in range(count)
    ]


def calm(found: Exchange, count: int) -> bool:
    return len(found.outside) + sum(found.drops.values()) == count


def test_a_flood_of_one_host_takes_what_it_may(tmp_path: Path) -> None:
    friend = IP(src=OTHER, dst=SERVER) / UDP(sport=4000, dport=53)
    script = [*flood(2000, 1), inner(friend, 1), *flood(10, 1)]
    found = exchange(nat(**{**SMALL, "capacity": 4000}, host_mappings=100), script, tmp_path)
    assert found.drops == {"host_limit": 1900}
    assert calm(found, 2011)


def test_a_flood_of_many_hosts_takes_the_place_of_what_nobody_answered(tmp_path: Path) -> None:
    back = IP(src=SERVER, dst=OWN) / UDP(sport=53, dport=4000) / b"answer"
    script = [inner(OUT_UDP), outer(back), *flood(2000, 200), outer(back, 1)]
    found = exchange(nat(**{**SMALL, "capacity": 300}), script, tmp_path)
    assert found.drops == {}
    assert len(found.inside) == 2
    (_, report), *_ = found.result.reports
    assert "1,701 that nobody answered made room" in report.title


def test_a_table_of_answered_sessions_refuses(tmp_path: Path) -> None:
    script = []
    for n in range(20):
        script.append(inner(IP(src=HOST, dst=SERVER) / UDP(sport=2000 + n, dport=53)))
        script.append(outer(IP(src=SERVER, dst=OWN) / UDP(sport=53, dport=2000 + n)))
    found = exchange(nat(**{**SMALL, "capacity": 15}), script, tmp_path)
    assert found.drops == {"table_full": 5, "no_binding": 5}


def test_ports_come_back(tmp_path: Path) -> None:
    """Four ports, and hosts that come in waves."""
    settings = nat(addresses=OWN, ports="4000-4003", capacity=100)
    script = []
    for wave in range(5):
        for n in range(6):
            packet = IP(src=HOST, dst=SERVER) / UDP(sport=100 * wave + n + 1, dport=1)
            script.append(inner(packet, 400 * wave))
    found = exchange(settings, script, tmp_path)
    assert found.drops == {"no_port": 10}
    for wave in range(5):
        used = {right(frame).sport for frame in found.outside[4 * wave : 4 * wave + 4]}
        assert used == {4000, 4001, 4002, 4003}


@pytest.mark.parametrize("workers", [1, 2])
def test_two_workers(workers: int, tmp_path: Path) -> None:
    """Everything finds back, whichever worker its packets are in."""
    script: list[Sent] = []
    hosts = [f"10.0.{n}.1" for n in range(20)]
    for host in hosts:
        script.append(inner(IP(src=host, dst=SERVER) / UDP(sport=4000, dport=53) / b"out"))
        script.append(inner(IP(src=host, dst=SERVER) / TCP(sport=4000, dport=80, flags="S")))
        script.append(inner(IP(src=host, dst=SERVER) / ICMP(id=4000) / b"out"))
    settings = {**SMALL, "preserve": False}
    first = exchange(nat(**settings), script, tmp_path, workers=workers)
    assert first.drops == {}
    assert len(first.outside) == 60
    ports = [right(frame).sport for frame in first.outside if UDP in Ether(frame)]
    assert len(set(ports)) == 20
    if workers == 2:
        assert {port >> 1 & 1 for port in ports} == {0, 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("forwrd tcp 1.2.3.4:5 to 6.7.8.9", "nat.conf:1:1: a line starts with forward or static"),
        ("\n  forward sctp 1.2.3.4:5 to 6.7.8.9", "nat.conf:2:11: a forward names its protocol"),
        ("forward tcp", "nat.conf:1:12: here 'to' should stand"),
        ("forward tcp 1.2.3.4:70000 to 6.7.8.9", "nat.conf:1:13: '1.2.3.4:70000' is no address with a port"),
        ("forward tcp 1.2.3.400:70 to 6.7.8.9", "nat.conf:1:13: '1.2.3.400' is no IPv4 address"),
        ("forward tcp 1.2.3.4:70 to 224.0.0.1", "nat.conf:1:27: 224.0.0.1 is no host's address"),
        ("forward tcp 1.2.3.4:70-75 to 6.7.8.9:1-2", "nat.conf:1:30: 6 ports outside lead to 2 inside"),
        ("forward tcp 1.2.3.4:70 to 6.7.8.9 now", "nat.conf:1:35: here one endpoint should stand"),
        ("forward tcp 1.2.3.4:70 6.7.8.9", "nat.conf:1:24: here 'to' should stand"),
        ("static 1.2.3.4 to", "nat.conf:1:18: here one endpoint should stand"),
        (
            "forward udp 1.2.3.4:7 to 6.7.8.9\nforward udp 1.2.3.4:5-9 to 6.7.8.1",
            "nat.conf:2:13: 1.2.3.4:7 already leads elsewhere by line 1",
        ),
        ("static 1.2.3.4 to 6.7.8.9\nforward udp 1.2.3.4:5 to 6.7.8.1", "nat.conf:2:13: 1.2.3.4:5 already"),
    ],
)
def test_wrong_forwards(text: str, message: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parse_forwards(text, file="nat.conf")
    assert message in str(caught.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "nat.conf").write_bytes(b"forward \xff")
    with pytest.raises(ParameterError, match="UTF-8"):
        load_forwards(tmp_path / "nat.conf")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "nat needs addresses"),
        ({"addresses": ""}, "names 0 addresses"),
        ({"addresses": "1.2.3.4/16"}, "is no IPv4 address, prefix or range"),
        ({"addresses": "1.2.0.0/16"}, "has 65,536 addresses"),
        ({"addresses": "230.0.0.1"}, "no host's"),
        ({"addresses": OWN, "ports": "1023-65535"}, "ports can't be"),
        ({"addresses": OWN, "udp": 0}, "udp can't be 0"),
        ({"addresses": OWN, "capacity": 0}, "capacity can't be 0"),
        ({"addresses": OWN, "log": "nat.txt"}, "says no format"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=message):
        exchange(nat(**parameters), [], tmp_path)


def test_a_static_address_is_none_of_the_pool(tmp_path: Path) -> None:
    (tmp_path / "nat.conf").write_text(f"static {OWN} to 10.0.0.9\n")
    with pytest.raises(ParameterError, match="belongs to a static mapping and to addresses"):
        exchange(nat(addresses=OWN, forwards=tmp_path / "nat.conf"), [], tmp_path)


def test_vlan_tags_stay(tmp_path: Path) -> None:
    frame = bytes(Ether(src=HOST_MAC, dst=ROUTER_MAC) / Dot1Q(vlan=7) / OUT_UDP)
    found = exchange(nat(**SMALL), [Sent("in", frame)], tmp_path)
    assert right(found.outside[0])[Dot1Q].vlan == 7
