"""Flows, flow bits and filters: what rules know beyond the packet at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from sensor import CLIENT, SERVER, Sensor, alerts, udp

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
SECOND = 10**9


def there(flags: str, data: bytes = b"", seq: int = 101, ack: int = 501, sport: int = 4000) -> bytes:
    return bytes(
        Ether()
        / IP(src=CLIENT, dst=SERVER)
        / TCP(sport=sport, dport=80, flags=flags, seq=seq, ack=ack)
        / Raw(data)
    )


def back(flags: str, data: bytes = b"", seq: int = 501, ack: int = 101, dport: int = 4000) -> bytes:
    return bytes(
        Ether()
        / IP(src=SERVER, dst=CLIENT)
        / TCP(sport=80, dport=dport, flags=flags, seq=seq, ack=ack)
        / Raw(data)
    )


HANDSHAKE = [there("S", seq=100, ack=0), back("SA", seq=500), there("A")]


@BOTH
def test_flow(tmp_path: Path, interpret: bool) -> None:
    rules = """
    alert tcp any any -> any any (flow:established; sid:1;)
    alert tcp any any -> any any (flow:not_established; sid:2;)
    alert tcp any any -> any any (flow:to_server; sid:3;)
    alert tcp any any -> any any (flow:to_client; sid:4;)
    alert tcp any any -> any any (flow:from_client,established; sid:5;)
    alert tcp any any -> any any (flow:stateless; sid:6;)
    alert tcp any any -> any any (flow:established,to_client; content:"hello"; sid:7;)
    """
    frames = [*HANDSHAKE, back("PA", b"hello", ack=102)]
    expected = [(1, 2), (1, 3), (2, 0), (2, 1), (3, 0), (3, 2), (4, 1), (4, 3), (5, 2)]
    expected += [(6, 0), (6, 1), (6, 2), (6, 3), (7, 3)]
    assert alerts(tmp_path, rules, frames, interpret=interpret) == expected


@pytest.mark.parametrize(("midstream", "expected"), [(True, [(1, 0), (2, 1)]), (False, [])])
def test_connections_met_in_their_middle(tmp_path: Path, midstream: bool, expected: list) -> None:
    rules = """
    alert tcp any any -> any any (flow:established,to_server; sid:1;)
    alert tcp any any -> any any (flow:established,to_client; sid:2;)
    """
    assert alerts(tmp_path, rules, [there("A"), back("A")], midstream=midstream) == expected


def test_a_syn_alone_establishes_nothing_and_a_new_connection_begins_anew(tmp_path: Path) -> None:
    rules = """
    alert tcp any any -> any any (flow:established; flowbits:isset,seen; sid:1;)
    alert tcp any any -> any any (flow:established; flags:PA; flowbits:set,seen; sid:2;)
    """
    syn = there("S", seq=100, ack=0)
    first = [syn, there("A"), *HANDSHAKE, there("PA", b"x"), there("A", seq=102)]
    again = [there("FA", seq=102), syn, back("SA"), there("A"), there("A")]
    assert alerts(tmp_path, rules, first + again) == [(1, 5), (1, 6), (1, 7), (2, 5)]


@BOTH
def test_flow_of_udp(tmp_path: Path, interpret: bool) -> None:
    rules = """
    alert udp any any -> any any (flow:to_server; sid:1;)
    alert udp any any -> any any (flow:to_client; sid:2;)
    alert udp any any -> any any (flow:established; sid:3;)
    """
    answer = bytes(Ether() / IP(src=SERVER, dst=CLIENT) / UDP(sport=2000, dport=1000))
    frames = [udp(b""), udp(b""), answer, udp(b"")]
    assert alerts(tmp_path, rules, frames, interpret=interpret) == [
        (1, 0),
        (1, 1),
        (1, 3),
        (2, 2),
        (3, 2),
        (3, 3),
    ]


@BOTH
def test_flowbits(tmp_path: Path, interpret: bool) -> None:
    rules = """
    alert udp any any -> any any (content:"x"; flowbits:isset,a; sid:1;)
    alert udp any any -> any any (content:"x"; flowbits:isnotset,a; sid:2;)
    alert udp any any -> any any (content:"set"; flowbits:set,a; flowbits:noalert; sid:3;)
    alert udp any any -> any any (content:"unset"; flowbits:unset,a; noalert; sid:4;)
    alert udp any any -> any any (content:"toggle"; flowbits:toggle,b; sid:5;)
    alert udp any any -> any any (content:"x"; flowbits:isset,a&b; sid:6;)
    """
    frames = [udp(b"x"), udp(b"set"), udp(b"x"), udp(b"toggle"), udp(b"x"), udp(b"toggle"), udp(b"x")]
    frames += [udp(b"x", sport=9), udp(b"unset"), udp(b"x")]
    expected = [(1, 2), (1, 4), (1, 6), (2, 0), (2, 7), (2, 9), (5, 3), (5, 5), (6, 4)]
    # "unset" has "set" in it: set first, as rules that set come in the file's order.
    assert alerts(tmp_path, rules, frames, interpret=interpret) == expected


def test_more_flow_bits_than_a_word(tmp_path: Path) -> None:
    rules = "\n".join(
        f"alert udp any any -> any {n} (flowbits:set,bit{n}; sid:{n};)\n"
        f'alert udp any any -> any {n} (content:"?"; flowbits:isset,bit{n - 1}; sid:{1000 + n};)'
        for n in range(1, 200)
    )
    assert alerts(tmp_path, rules, [udp(b"", dport=150), udp(b"?", dport=151), udp(b"?", dport=150)]) == [
        (150, 0),
        (150, 2),
        (151, 1),
    ]


FILTERED = [
    ("detection_filter:track by_src, count 2, seconds 10;", [2, 3, 7]),
    ("threshold:type limit, track by_src, count 2, seconds 10;", [0, 1, 4, 5]),
    ("threshold:type threshold, track by_src, count 2, seconds 10;", [1, 3, 5, 7]),
    ("threshold:type both, track by_src, count 2, seconds 10;", [1, 5]),
    ("threshold:type limit, track by_dst, count 1, seconds 60;", [0]),
]
TIMES = [0, 1, 2, 3, 10, 11, 11, 12]  # seconds


@BOTH
@pytest.mark.parametrize(("option", "expected"), [*FILTERED[1:], (FILTERED[0][0], [2, 3, 6, 7])])
def test_filters(tmp_path: Path, option: str, expected: list[int], interpret: bool) -> None:
    sensor = Sensor(tmp_path, f"alert udp any any -> any any ({option} sid:1;)")
    sensor.run([(second * SECOND + at, udp(b"x")) for at, second in enumerate(TIMES)], interpret=interpret)
    found = [int(event["timestamp"][17:19]) for event in sensor.events()]
    assert found == [TIMES[at] for at in expected]


def test_filters_count_each_address_and_rule_alone(tmp_path: Path) -> None:
    rules = """
    alert udp any any -> any any (threshold:type limit, track by_src, count 1, seconds 60; sid:1;)
    alert udp any any -> any any (sid:2;)
    alert udp any any -> any any (sid:3;)
    event_filter gen_id 1, sig_id 2, type limit, track by_dst, count 1, seconds 60
    suppress gen_id 1, sig_id 3, track by_src, ip [10.0.0.0/24,!10.0.0.2]
    """
    frames = [bytes(Ether() / IP(src=f"10.0.0.{host}", dst=SERVER) / UDP()) for host in (1, 1, 2, 2)]
    assert alerts(tmp_path, rules, frames) == [(1, 0), (1, 2), (2, 0), (3, 2), (3, 3)]


@BOTH
def test_actions_and_their_order(tmp_path: Path, interpret: bool) -> None:
    rules = """
    alert udp any any -> any any (content:"a"; sid:1;)
    drop udp any any -> any any (content:"drop"; sid:2;)
    sdrop udp any any -> any any (content:"quiet"; sid:3;)
    reject udp any any -> any any (content:"reject"; sid:4;)
    log udp any any -> any any (content:"log"; sid:5;)
    pass udp any any -> any any (content:"pass"; sid:6;)
    """
    frames = [udp(b"a"), udp(b"a drop"), udp(b"a quiet"), udp(b"reject"), udp(b"log"), udp(b"pass a drop")]
    sensor = Sensor(tmp_path, rules, mode="inline")
    result = sensor.run(frames, interpret=interpret)
    assert result.packets == [frames[0], frames[4], frames[5]]
    assert result.drops == {"ids.dropped": 3}
    assert sensor.alerts() == [(1, 0), (1, 1), (1, 2), (2, 1), (4, 3), (5, 4)]
    kinds = {
        event["alert"]["signature_id"]: (event["event_type"], event["alert"]["action"])
        for event in sensor.events()
    }
    assert kinds[2] == ("alert", "blocked")
    assert kinds[5] == ("log", "allowed")
    quiet = Sensor(tmp_path, rules)
    assert quiet.run(frames, interpret=interpret).packets == frames
    assert {event["alert"]["action"] for event in quiet.events()} == {"allowed"}


@BOTH
def test_alerts_name_the_port_that_packets_came_from(tmp_path: Path, interpret: bool) -> None:
    rules = """
    alert udp any any -> any any (sid:1;)
    alert tcp any any -> any any (content:"attack"; sid:2;)
    """
    sensor = Sensor(tmp_path, rules)
    frames = [udp(b""), there("PA", b"att"), there("PA", b"ack", seq=104)]
    sensor.run(frames, interpret=interpret)
    assert [(event["alert"]["signature_id"], event["in_iface"]) for event in sensor.events()] == [
        (1, "in"),
        (2, "in"),
    ]
    (first, second) = sensor.events()
    assert set(first) == {
        "timestamp", "flow_id", "in_iface", "event_type", "src_ip", "src_port", "dest_ip", "dest_port", "proto",
        "pkt_src", "alert",
    }  # fmt: skip
    assert second["alert"] == {
        "action": "allowed", "gid": 1, "signature_id": 2, "rev": 0, "signature": "", "category": "", "severity": 3,
    }  # fmt: skip
