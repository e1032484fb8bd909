"""Checksums after writes: scapy says what is right."""

from __future__ import annotations

import random

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet import TCP as ScapyTCP
from scapy.layers.inet import UDP as ScapyUDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6ExtHdrFragment
from scapy.layers.inet6 import IPv6 as ScapyIPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from stacks import corrected, random_stack, word

from wirebrick.fields import U24
from wirebrick.headers import TCP, UDP, Ethernet, Header, IPv4, IPv6
from wirebrick.packet.alone import alone

STRUCTURE = {(IPv4, name) for name in ("ihl", "version", "protocol", "fragment_offset")}
STRUCTURE |= {(IPv6, "next_header")}


class Odd(Header):
    """Three bytes, so that what follows lies at odd offsets."""

    value: U24


def write_something(packet, rng: random.Random) -> None:
    choice = rng.random()
    if choice < 0.15 and len(packet.payload):
        size = rng.choice([s for s in (1, 2, 4, 8) if s <= len(packet.payload)])
        put = getattr(packet.payload, f"put_u{8 * size}")
        put(rng.randrange(len(packet.payload) - size + 1), rng.getrandbits(8 * size))
        return
    index = rng.randrange(len(packet._layers))
    header = packet._view(index)
    names = [
        n
        for n in header.fields
        if (type(header), n) not in STRUCTURE
        and not (header.checksum_rule and header.checksum_rule.field == n)
    ]
    if choice < 0.3 and header.octets_name:
        octets = getattr(header, header.octets_name)
        if len(octets) > 2 and type(header) is not IPv6:
            octets.put_u16(rng.randrange(len(octets) - 1), rng.getrandbits(16))
            return
    field = header.fields[rng.choice(names)]
    setattr(header, field.name, rng.choice((0, field.mask, rng.getrandbits(field.bits))))


def writes(seed: int, odd: bool = False, cut: bool = False):
    rng = random.Random(seed)
    made, headers = random_stack(rng)
    data = bytes(made)
    if odd:
        data, headers = data[:14] + b"odd" + data[14:], [Ethernet, Odd, *headers[1:]]
    data += bytes(rng.choice((0, 0, 1, 7)))
    packet, plain = alone(data, *headers), alone(data, *headers)
    assert corrected(packet, data) == data  # our own sums agree with scapy's
    plain._begin(True, False, frozenset())
    for _ in range(rng.randrange(1, 6)):
        state = rng.getstate()
        write_something(packet, rng)
        rng.setstate(state)
        write_something(plain, rng)
    return packet, corrected(plain, bytes(plain))


@pytest.mark.parametrize("seed", range(400))
def test_right_stays_right(seed):
    packet, expected = writes(seed)
    assert bytes(packet).hex() == expected.hex()


@pytest.mark.parametrize("seed", range(100))
def test_at_odd_offsets(seed):
    packet, expected = writes(seed, odd=True)
    assert bytes(packet).hex() == expected.hex()


@pytest.mark.parametrize("seed", range(100))
def test_wrong_stays_wrong_by_the_same_amount(seed):
    rng = random.Random(seed)
    made, headers = random_stack(rng)
    right = alone(bytes(made), *headers)
    wrong = alone(bytes(made), *headers)
    last = wrong._layers[-1]
    field = last.header.fields["checksum"]
    before = word(last, bytes(wrong), "checksum")
    if before == 0:
        return
    wrong.write_field(len(headers) - 1, field, rng.randrange(1, 65535).to_bytes(2, "big"))
    error = (word(last, bytes(wrong), "checksum") - before) % 65535
    for packet in (right, wrong):
        write_something(packet, random.Random(seed + 1))
    after = word(last, bytes(wrong), "checksum") - word(last, bytes(right), "checksum")
    assert after % 65535 == error
    if len(headers) > 4:  # what is around the wrong checksum takes its change up
        outer = corrected(right, bytes(right))
        assert outer == bytes(right)


def test_udp_zero_checksum_stays_zero_and_covers_nothing():
    inner = Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / ScapyUDP(chksum=0) / Raw(b"x")
    packet = alone(bytes(inner), Ethernet, IPv4, UDP)
    packet.header.dst_port = 99
    packet[IPv4].src = 0x0A000007
    packet.payload[0] = 0x79
    assert packet.header.checksum == 0
    assert corrected(packet, bytes(packet)) == bytes(packet)


def test_udp_result_zero_becomes_ffff():
    made = bytes(Ether() / IP(src="1.2.3.4", dst="2.3.4.5") / ScapyUDP() / Raw(b"ab"))
    packet = alone(made, Ethernet, IPv4, UDP)
    start = packet.header.checksum
    packet.payload.put_u16(0, packet.payload.u16(0) + start)
    assert packet.header.checksum == 0xFFFF
    packet.payload.put_u16(0, packet.payload.u16(0) - start)
    assert packet.header.checksum == start


@pytest.mark.parametrize("transport", [ScapyTCP(), ScapyUDP(), ScapyUDP(chksum=0)])
def test_addresses_above_an_unparsed_transport(transport):
    made = Ether() / IP(src="10.0.0.1", dst="10.0.0.2", options=[]) / transport / Raw(b"odd")
    packet = alone(bytes(made), Ethernet, IPv4)
    packet.header.src = 0xC0000201
    packet.header.ttl = 9
    expected = Ether() / IP(src="192.0.2.1", dst="10.0.0.2", ttl=9) / transport / Raw(b"odd")
    assert bytes(packet).hex() == bytes(expected).hex()


@pytest.mark.parametrize("transport", [ScapyTCP() / b"x", ScapyUDP() / b"x", ICMPv6EchoRequest(data=b"abc")])
def test_ipv6_addresses_above_an_unparsed_transport(transport):
    packet = alone(bytes(Ether() / ScapyIPv6(src="2001:db8::1", dst="::2") / transport), Ethernet, IPv6)
    packet.header.dst = 0x20010DB8 << 96 | 77
    packet.header.hop_limit = 3
    expected = Ether() / ScapyIPv6(src="2001:db8::1", dst="2001:db8::4d", hlim=3) / transport
    assert bytes(packet).hex() == bytes(expected).hex()


def test_a_later_fragment_has_no_transport_checksum():
    for made, header in (
        (IP(frag=5, proto=6) / Raw(bytes(40)), IPv4),
        (ScapyIPv6() / IPv6ExtHdrFragment(offset=5, nh=6) / Raw(bytes(40)), IPv6),
    ):
        packet = alone(bytes(Ether() / made), Ethernet, header)
        packet.header.src = 5
        assert bytes(packet.payload) == bytes(40)


def test_a_cut_packet():
    made = bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / ScapyTCP() / Raw(bytes(range(100))))
    packet = alone(made[:80], Ethernet, IPv4, TCP, wire=len(made))
    whole = alone(made, Ethernet, IPv4, TCP)
    for each in (packet, whole):
        each[IPv4].dst = 0x01020304
        each.header.window = 77
        each.payload.put_u32(3, 0xDEADBEEF)
    assert bytes(packet) == bytes(whole)[:80]
    assert len(packet.payload) == 26


def test_a_checksum_the_function_stores_itself():
    made = bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / ScapyTCP() / Raw(b"abc"))
    packet = alone(made, Ethernet, IPv4, TCP)
    packet._begin(True, True, frozenset({TCP}))
    packet[IPv4].src = 0x0A0000FF
    packet[TCP].checksum = 0x1234
    assert packet[TCP].checksum == 0x1234
    expected = bytes(Ether() / IP(src="10.0.0.255", dst="10.0.0.2") / ScapyTCP() / Raw(b"abc"))
    assert bytes(packet)[:34] == expected[:34]


def test_without_maintenance():
    made = bytes(Ether() / IP() / ScapyTCP())
    packet = alone(made, Ethernet, IPv4, TCP)
    packet._begin(True, False, frozenset())
    packet[IPv4].ttl = 1
    assert bytes(packet) == made[:22] + b"\1" + made[23:]


def test_text_can_not_be_stored():
    packet = alone(bytes(14), Ethernet)
    with pytest.raises(TypeError):
        packet.header.ethertype = "5"
    with pytest.raises(TypeError):
        packet.header.dst = "02:00:00:00:00:01"


def test_stores_stay_inside_their_header():
    packet = alone(bytes(Ether() / IP() / Raw(b"abc")), Ethernet, IPv4)
    with pytest.raises(IndexError):
        packet.header.raw.put_u8(0, 1)
    with pytest.raises(IndexError):
        packet.header.raw.put_u8(20, 1)
    packet.header.ihl = 15
    assert len(packet.header.options) == 0
    assert len(bytes(packet.header)) == 20
    with pytest.raises(IndexError):
        packet.header.options.put_u8(0, 1)
