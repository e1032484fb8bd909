"""Connections: protocols, errors about them, timeouts, room, what is seen from outside."""

import ctypes
import random

import pytest
from connections_driver import BEGIN, SECOND, judge, made
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6PacketTooBig,
    ICMPv6TimeExceeded,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
)
from scapy.layers.sctp import SCTP
from scapy.packet import Raw

from wirebrick.addresses import IPv4Address, IPv6Address
from wirebrick.compiler.native import load_source
from wirebrick.errors import GraphError
from wirebrick.packet.flow import FlowKey
from wirebrick.packet.memory import load64
from wirebrick.state import connections_layout as layout
from wirebrick.state.connections import STATES, TIMEOUTS, Connection, Connections

A, B, ROUTER = "10.0.0.1", "192.0.2.1", "198.51.100.9"
A6, B6, ROUTER6 = "2001:db8::1", "2001:db8::2", "2001:db8:9::9"


def there(upper, **fields):
    return IP(src=A, dst=B, **fields) / upper


def back(upper, **fields):
    return IP(src=B, dst=A, **fields) / upper


def there6(upper):
    return IPv6(src=A6, dst=B6) / upper


def back6(upper):
    return IPv6(src=B6, dst=A6) / upper


def handshake(connections, at=0.0, port=4000):
    """Open a TCP connection from A to B; the next segments: from A 101, from B 501."""
    assert [
        judge(connections, there(TCP(sport=port, dport=80, flags="S", seq=100)), at),
        judge(connections, back(TCP(sport=80, dport=port, flags="SA", seq=500, ack=101)), at),
        judge(connections, there(TCP(sport=port, dport=80, flags="A", seq=101, ack=501)), at),
    ] == ["new", "pass", "pass"]


@pytest.mark.parametrize(
    ("first", "reply", "other"),
    [
        (
            there(UDP(sport=5, dport=53)),
            back(UDP(sport=53, dport=5)),
            back(UDP(sport=53, dport=6)),
        ),
        (
            there6(UDP(sport=5, dport=53)),
            back6(UDP(sport=53, dport=5)),
            IPv6(src="2001:db8::3", dst=A6) / UDP(sport=53, dport=5),
        ),
        (
            there(SCTP(sport=5, dport=53), proto=132),
            back(SCTP(sport=53, dport=5), proto=132),
            back(SCTP(sport=5, dport=53), proto=132),
        ),
        (
            there(Raw(b"x"), proto=47),
            back(Raw(b""), proto=47),
            back(Raw(b"x"), proto=50),
        ),
        (
            there6(IPv6ExtHdrDestOpt() / Raw(b"x")),
            back6(IPv6ExtHdrDestOpt() / Raw(b"x")),
            IPv6(src=B6, dst=A6, nh=47) / Raw(b"x"),
        ),
    ],
    ids=["UDP", "UDP over IPv6", "SCTP", "GRE", "nothing behind extensions"],
)
def test_both_directions_are_one_connection(first, reply, other):
    connections = made()
    assert [judge(connections, one) for one in (first, first, reply, first, other)] == [
        "new",
        "pass",
        "pass",
        "pass",
        "new",
    ]
    assert connections.entries == 2


def test_items():
    connections = made()
    handshake(connections)
    judge(connections, IPv6(src=B6, dst=A6) / UDP(sport=9, dport=8))
    assert set(connections.items()) == {
        Connection(6, IPv4Address(A), 4000, IPv4Address(B), 80, "established", False),
        Connection(17, IPv6Address(B6), 9, IPv6Address(A6), 8, "one way", True),
    }


@pytest.mark.parametrize("v6", [False, True])
def test_queries(v6):
    connections = made()

    def ask(src, dst, number):
        upper = ICMPv6EchoRequest(id=number) if v6 else ICMP(type=8, id=number)
        return judge(connections, (IPv6 if v6 else IP)(src=src, dst=dst) / upper)

    def reply(src, dst, number):
        upper = ICMPv6EchoReply(id=number) if v6 else ICMP(type=0, id=number)
        return judge(connections, (IPv6 if v6 else IP)(src=src, dst=dst) / upper)

    a, b = (A6, B6) if v6 else (A, B)
    assert reply(b, a, 7) == "invalid"
    assert [ask(a, b, 7), ask(a, b, 7), reply(b, a, 7), reply(b, a, 8)] == ["new", "pass", "pass", "invalid"]
    # The other one asks with the same identifier: another query.
    assert [reply(a, b, 7), ask(b, a, 7), reply(a, b, 7)] == ["invalid", "new", "pass"]


def test_other_kinds_of_queries():
    connections = made()
    for query, reply in ((13, 14), (15, 16), (17, 18)):
        assert judge(connections, back(ICMP(type=reply, id=3))) == "invalid"
        assert judge(connections, there(ICMP(type=query, id=3))) == "new"
        assert judge(connections, back(ICMP(type=reply, id=3))) == "pass"
    assert judge(connections, there(ICMP(type=10))) == judge(connections, there(ICMP(type=9))) == "untracked"
    assert judge(connections, IPv6(nh=58) / Raw(bytes([135]) + bytes(23))) == "untracked"
    assert judge(connections, there(Raw(b"\x08" + bytes(6)), proto=1)) == "invalid"


def error(quoted, to=A, kind=3):
    return IP(src=ROUTER, dst=to) / ICMP(type=kind, code=1) / quoted


@pytest.mark.parametrize("kind", [3, 4, 5, 11, 12])
def test_errors_about_what_was_sent(kind):
    connections = made()
    udp = there(UDP(sport=5, dport=53))
    assert judge(connections, error(udp, kind=kind)) == "unrelated"
    judge(connections, udp)
    assert judge(connections, error(udp, kind=kind)) == "pass"
    assert judge(connections, error(udp, to=B, kind=kind)) == "unrelated"
    assert judge(connections, error(there(UDP(sport=5, dport=54)), kind=kind)) == "unrelated"
    # Nothing came back yet, so there can't be an error about it.
    assert judge(connections, error(back(UDP(sport=53, dport=5)), to=B, kind=kind)) == "unrelated"
    judge(connections, back(UDP(sport=53, dport=5)))
    assert judge(connections, error(back(UDP(sport=53, dport=5)), to=B, kind=kind)) == "pass"


def test_errors_about_pieces():
    connections = made()
    udp = bytes(there(UDP(sport=5, dport=53)))
    judge(connections, udp)
    assert judge(connections, error(Raw(udp[:28]))) == "pass"
    for broken in (udp[:27], udp[:20], b"", b"\x65" + udp[1:], b"\x44" + udp[1:], b"\x4f" + udp[1:]):
        assert judge(connections, error(Raw(broken))) == "unrelated"
    fragment = bytes(there(Raw(udp[20:]), proto=17, frag=1))
    assert judge(connections, error(Raw(fragment))) == "unrelated"
    within = error(error(Raw(udp[:28])), to=ROUTER)
    assert judge(connections, within) == "unrelated"


def test_errors_about_tcp_must_quote_what_can_have_been_sent():
    connections = made()
    handshake(connections)
    segment = TCP(sport=4000, dport=80, flags="A", seq=101, ack=501)
    assert judge(connections, error(there(segment))) == "pass"
    for seq, found in ((102, "unrelated"), (101 - 66000, "pass"), (101 - 66001, "unrelated")):
        segment.seq = seq % 2**32
        assert judge(connections, error(there(segment))) == found


def test_errors_about_queries():
    connections = made()
    ask = there(ICMP(type=8, id=7))
    judge(connections, ask)
    assert judge(connections, error(ask)) == "pass"
    assert judge(connections, error(there(ICMP(type=8, id=8)))) == "unrelated"
    assert judge(connections, error(there(ICMP(type=0, id=7)))) == "unrelated"
    assert judge(connections, error(back(ICMP(type=0, id=7)), to=B)) == "pass"


@pytest.mark.parametrize("make", [ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6TimeExceeded])
def test_errors_of_ipv6(make):
    connections = made()
    plain, behind = UDP(sport=5, dport=53), IPv6ExtHdrDestOpt() / UDP(sport=5, dport=53)
    first = IPv6ExtHdrFragment(m=1) / UDP(sport=5, dport=53)
    assert judge(connections, IPv6(src=ROUTER6, dst=A6) / make() / there6(plain)) == "unrelated"
    judge(connections, there6(plain))
    for quoted in (plain, behind, first):
        assert judge(connections, IPv6(src=ROUTER6, dst=A6) / make() / there6(quoted)) == "pass"
    later = IPv6ExtHdrFragment(offset=1, nh=17) / Raw(bytes(UDP(sport=5, dport=53)))
    short = Raw(bytes(there6(plain))[:47])
    for quoted in (there6(later), back6(plain), short, there6(UDP(sport=6, dport=53))):
        assert judge(connections, IPv6(src=ROUTER6, dst=A6) / make() / quoted) == "unrelated"
    query = there6(ICMPv6EchoRequest(id=9))
    judge(connections, query)
    assert judge(connections, IPv6(src=ROUTER6, dst=A6) / make() / query) == "pass"


@pytest.mark.parametrize(
    "packet",
    [
        there(Raw(bytes(19)), proto=6),
        there(TCP(flags="S", dataofs=4)),
        there(TCP(flags="S", dataofs=6)),
        there(Raw(bytes(7)), proto=17),
        there(UDP(len=7)),
        there(UDP(len=9)),
        there(Raw(bytes(11)), proto=132),
        there(Raw(bytes(7)), proto=1),
        there(TCP(flags="S"), flags="MF"),
    ],
)
def test_malformed(packet):
    connections = made()
    assert judge(connections, packet) == "invalid"
    assert connections.entries == 0


def test_a_first_fragment_counts_as_all_the_window_allows():
    connections = made()
    handshake(connections)
    piece = there(TCP(sport=4000, dport=80, flags="A", seq=101, ack=501) / bytes(8), flags="MF")
    assert judge(connections, piece) == "pass"
    assert judge(connections, back(TCP(sport=80, dport=4000, flags="A", seq=501, ack=3101))) == "pass"


def packets_of(name):
    """Connections that are in a state, and a packet of it that tells whether it is known still."""
    connections = made()
    tcp = {"sport": 4000, "dport": 80}
    answer = back(TCP(sport=80, dport=4000, flags="A", seq=501, ack=101))
    if name == "tcp_opening":
        judge(connections, there(TCP(**tcp, flags="S", seq=100)))
        return connections, back(TCP(sport=80, dport=4000, flags="SA", seq=500, ack=101))
    if name.startswith("tcp"):
        handshake(connections)
    if name == "tcp_closing":
        judge(connections, there(TCP(**tcp, flags="FA", seq=101, ack=501)))
    if name == "tcp_reset":
        judge(connections, there(TCP(**tcp, flags="R", seq=101)))
    if name.startswith("udp"):
        judge(connections, there(UDP(sport=5, dport=6)))
        answer = back(UDP(sport=6, dport=5))
    if name == "udp_two_ways":
        judge(connections, answer)
    if name == "icmp_query":
        judge(connections, there(ICMP(type=8, id=1)))
        answer = back(ICMP(type=0, id=1))
    if name == "other_ip":
        judge(connections, there(Raw(b""), proto=47))
        answer = back(Raw(b""), proto=47)
    return connections, answer


@pytest.mark.parametrize("name", STATES)
def test_timeouts(name):
    step = (1 << layout.TIME_SHIFT) / SECOND
    connections, answer = packets_of(name)
    assert judge(connections, answer, TIMEOUTS[name] - step) == "pass"
    connections, answer = packets_of(name)
    assert judge(connections, answer, TIMEOUTS[name] + 3 * step, opens=False) in ("new", "invalid")
    assert (connections.expired, connections.entries) == (1, 0)


def test_each_packet_begins_the_time_anew():
    connections = made(timeouts={"udp_one_way": 2, "udp_two_ways": 5})
    for at in (0, 1.9, 3.8):
        assert judge(connections, there(UDP(sport=5, dport=6)), at) == ("pass" if at else "new")
    for at in (5.7, 10.6, 15.5):
        assert judge(connections, back(UDP(sport=6, dport=5)), at) == "pass"
    assert judge(connections, back(UDP(sport=6, dport=5)), 20.6) == "new"


def test_what_is_dropped_does_not_keep_a_connection():
    connections = made(timeouts={"tcp_established": 10})
    handshake(connections)
    assert judge(connections, back(TCP(sport=80, dport=4000, flags="A", seq=501, ack=999)), 8) == "window"
    assert judge(connections, back(TCP(sport=80, dport=4000, flags="A", seq=501, ack=101)), 10.1) == "invalid"


def test_a_clock_that_goes_back_forgets_nothing():
    connections = made()
    judge(connections, there(UDP(sport=5, dport=6)), 1000)
    assert judge(connections, back(UDP(sport=6, dport=5)), 0) == "pass"


def test_expire_sweeps():
    connections = made()
    for port in range(200):
        judge(connections, there(UDP(sport=port, dport=6)), port)
    assert connections.expire(10_000) == 200 - 121
    assert (connections.entries, connections.expired) == (121, 79)


def test_half_open_ones_have_a_room_of_their_own():
    connections = made(capacity=100, half_open=10)
    for port in range(5):
        handshake(connections, port=port)
    for port in range(1000, 1050):
        assert judge(connections, there(TCP(sport=port, dport=80, flags="S", seq=1))) == "new"
    # The five have left their places in the ring before others had to go.
    assert (connections.entries, connections.pushed) == (15, 40)
    found = {one.src_port: one.half_open for one in connections.items()}
    assert found == dict.fromkeys(range(5), False) | dict.fromkeys(range(1040, 1050), True)


def test_a_full_table_takes_expired_ones_then_half_open_ones_then_refuses():
    connections = made(capacity=8, half_open=4)
    for port in range(8):
        handshake(connections, at=port, port=port)
    syn = there(TCP(sport=99, dport=80, flags="S", seq=1))
    assert (judge(connections, syn, 8), connections.refused) == ("full", 1)
    assert judge(connections, syn, 7444) == "new"
    assert connections.expired == 1
    assert judge(connections, there(TCP(sport=98, dport=80, flags="S", seq=1)), 7444) == "new"
    connections = made(capacity=8, half_open=4)
    for port in range(7):
        handshake(connections, port=port)
    for port in range(90, 95):
        assert judge(connections, there(TCP(sport=port, dport=80, flags="S", seq=1))) == "new"
    assert (connections.entries, connections.pushed, connections.refused) == (8, 4, 0)


FLOOD = """
def flood(block, key, tcp, count, now):
    for i in range(count):
        store32(key + 8, 167772160 + (i & 0xFFFF))
        store16(key + 32, i >> 16)
        store16be(tcp, i >> 16)
        if connection_track(block, 0, 0, now + i * 100, key, tcp, 20, 20, 0) == 1:
            connection_open(block, now + i * 100)
    return 0
"""


@pytest.mark.parametrize(("version", "count"), [(4, 10_000_000), (6, 200_000)])
def test_a_flood_of_syns(version, count):
    connections = made(capacity=40_000)
    for port in range(500):
        handshake(connections, port=port)
    address = load_source("flood", FLOOD, {"flood": 5}, ("wirebrick.state.connections_native",))["flood"]
    call = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 5)(address)
    key = FlowKey(dst=7, dst_port=80, protocol=6, version=version)
    syn = ctypes.create_string_buffer(bytes(TCP(dport=80, flags="S")), 20)
    call(connections.blocks[0], key._at, ctypes.addressof(syn), count, BEGIN)
    assert connections.entries == 10_500
    assert (connections.opened, connections.pushed) == (count + 500, count - 10_000)
    # The old ones go on, and new ones too: one that answers at once is in the ring still.
    for port in range(500):
        assert judge(connections, back(TCP(sport=80, dport=port, flags="A", seq=501, ack=101)), 1) == "pass"
    handshake(connections, at=1, port=3000)


def test_a_connection_of_others_with_the_same_hash_is_not_taken_for_it():
    """IPv6 addresses are kept whole: a hash that is the same by chance opens nothing."""
    connections = made()
    judge(connections, there6(UDP(sport=5, dport=53)))
    block = connections.blocks[0]
    slots = layout.connections_slots(1000)
    ends = block + load64(block + layout.C_ADDRESSES)
    memory = (ctypes.c_uint8 * (32 * slots)).from_address(ends)
    for at in range(len(memory)):
        memory[at] ^= 1
    assert judge(connections, back6(UDP(sport=53, dport=5)), opens=False) == "new"


def test_random_bytes():
    rng = random.Random(1)
    connections = made(capacity=64)
    for _ in range(3000):
        protocol = rng.choice([1, 6, 17, 47, 58, 132])
        body = bytearray(rng.randbytes(rng.randrange(80)))
        if body and protocol in (1, 58):
            body[0] = rng.choice([0, 3, 8, 11, 128, 1, 2])
        if protocol == 58 and len(body) > 8:
            body[8] = 0x60
        if protocol == 1 and len(body) > 8:
            body[8] = rng.choice([0x45, 0x4F])
        ends = (
            {"src": A6, "dst": B6, "nh": protocol}
            if protocol == 58
            else {"src": A, "dst": B, "proto": protocol}
        )
        judge(connections, (IPv6 if protocol == 58 else IP)(**ends) / Raw(bytes(body)))
    assert connections.entries <= 64


def test_save_and_restore(tmp_path):
    connections = made()
    handshake(connections)
    connections.save(tmp_path / "state")
    again = Connections(capacity=1000)
    again.restore(tmp_path / "state")
    again.allocate(1)
    assert judge(again, back(TCP(sport=80, dport=4000, flags="A", seq=501, ack=101))) == "pass"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"capacity": 0}, "the capacity of a Connections can't be 0"),
        ({"half_open": 2000}, "the half_open of a Connections can't be 2000"),
        ({"timeouts": {"tcp": 5}}, "no timeout 'tcp'"),
        ({"timeouts": {"udp_one_way": 0}}, "the timeout 'udp_one_way' of Connections can't be 0"),
        ({"timeouts": {"udp_one_way": 1e8}}, "can't be 100000000.0"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(GraphError, match=message):
        made(**options)
