"""policer beside the algorithms of RFC 2697 and RFC 2698 in exact fractions, and its marks beside scapy."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers import inet, inet6, l2
from tests.nf.timed import through

import wirebrick
from wirebrick.errors import ParameterError
from wirebrick.headers import IPv4
from wirebrick.nf.load import load_nf

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
SECOND = 10**9
GREEN, YELLOW, RED = 46, 12, 8  # ef, af12, cs1


def of(src: int, number: int, size: int) -> bytes:
    head = number.to_bytes(4, "big") + bytes(8) + b"\x08\x00"
    return head + bytes(IPv4(src=src, dst=9, protocol=17, total_length=size - 14)) + bytes(size - 34)


class One:
    """RFC 2697, section 3, color-blind."""

    def __init__(self, rate, burst, excess):
        self.rate, self.depth, self.excess = rate, burst * 8, excess * 8
        self.committed, self.other, self.since = Fraction(burst * 8), Fraction(excess * 8), 0

    def colour(self, now, bits):
        gained = Fraction((now - self.since) * self.rate, SECOND)
        self.since = now
        room = self.depth - self.committed
        self.committed += min(gained, room)
        self.other = min(self.other + max(gained - room, 0), Fraction(self.excess))
        if self.committed >= bits:
            self.committed -= bits
            return GREEN
        if self.other >= bits:
            self.other -= bits
            return YELLOW
        return RED


class Two:
    """RFC 2698, section 3, color-blind."""

    def __init__(self, rate, burst, peak, peak_burst):
        self.rate, self.peak, self.depth, self.most = rate, peak, burst * 8, peak_burst * 8
        self.committed, self.other, self.since = Fraction(burst * 8), Fraction(peak_burst * 8), 0

    def colour(self, now, bits):
        passed = now - self.since
        self.since = now
        self.committed = min(self.committed + Fraction(passed * self.rate, SECOND), Fraction(self.depth))
        self.other = min(self.other + Fraction(passed * self.peak, SECOND), Fraction(self.most))
        if self.other < bits:
            return RED
        self.other -= bits
        if self.committed < bits:
            return YELLOW
        self.committed -= bits
        return GREEN


PACKETS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 999, 400_000, 3_000_000, 90_000_000]), st.integers(1, 2), st.integers(60, 1514)
    ),
    max_size=60,
)
MARKS = "green=ef,yellow=af12,red=cs1"
METERS = {
    f"policer:rate=7000001,burst=4000,excess=3000,per=src,{MARKS}": lambda: One(7000001, 4000, 3000),
    f"policer:rate=7000001,burst=4000,per=src,{MARKS}": lambda: One(7000001, 4000, 0),
    f"policer:rate=1000003,burst=2000,peak=9Mbit,peak_burst=3000,per=src,{MARKS}": lambda: Two(
        1000003, 2000, 9_000_000, 3000
    ),
}


@BOTH
@pytest.mark.parametrize("nf", METERS, ids=["excess", "two colours", "peak"])
@settings(deadline=None, max_examples=15)
@given(packets=PACKETS)
def test_colours_are_those_of_the_rfcs(nf, interpret, packets):
    meters = {1: METERS[nf](), 2: METERS[nf]()}
    frames, expected, now = [], [], SECOND
    for number, (gap, src, size) in enumerate(packets):
        now += gap
        frames.append((now, of(src, number, size)))
        expected.append(meters[src].colour(now, size * 8))
    result = wirebrick.run(load_nf(nf), rx=frames, interpret=interpret)
    assert [IPv4.from_bytes(packet[14:34]).dscp for packet in result.packets] == expected


@BOTH
def test_marks_beside_scapy(interpret):
    headers = [
        l2.Ether() / inet.IP(tos=tos, options=options) / inet.UDP() / b"payload"
        for tos in (0, 1, 3, 0xB8, 0xFF)
        for options in ([], [inet.IPOption_Router_Alert()])
    ]
    headers += [
        l2.Ether() / inet6.IPv6(tc=tc, fl=fl) / inet.TCP() for tc in (0, 2, 0xFF) for fl in (0, 0xFFFFF)
    ]
    frames = [bytes(header) for header in headers]
    result = wirebrick.run(load_nf("policer:rate=1Gbit,green=63"), rx=frames, interpret=interpret)
    for header, packet in zip(headers, result.packets, strict=True):
        wanted = l2.Ether(bytes(header))
        if inet.IP in wanted:
            wanted[inet.IP].tos = 63 << 2 | wanted[inet.IP].tos & 3
            del wanted[inet.IP].chksum
        else:
            wanted[inet6.IPv6].tc = 63 << 2 | wanted[inet6.IPv6].tc & 3
        assert packet == bytes(wanted)


def test_the_rate_in_the_long_run(tmp_path):
    sent = [(n * 10_000, of(1, n, 1000)) for n in range(20_000)]  # 800 Mbit/s for 0.2 s
    result, found = through(tmp_path, "policer:rate=100Mbit,burst=10KB", sent)
    assert abs(len(found) - (100e6 * 0.2 + 80_000) / 8000) < 2
    assert result.packets_in == result.packets_out + result.drops["policer.red"]


def test_each_worker_takes_its_turn_at_one_meter():
    nf = load_nf("policer:rate=1pps,burst=1000,per=all")
    result = wirebrick.run(nf, rx="memory:count=50000,flows=50", tx="null:", workers=2)
    assert 1000 <= result.packets_out <= 1001


def test_a_flood_of_classes_costs_the_oldest_their_meters():
    nf = load_nf("policer:rate=1kbit,burst=2000,per=flow,capacity=64")
    result = wirebrick.run(nf, rx="memory:count=200000,flows=100000", tx="null:")
    assert result.packets_in == 200_000
    assert "classes gave way" in result.reports[0][1].title


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("rate=x", "no rate"),
        ("rate=1Mbit,burst=0", "lets nothing through"),
        ("rate=1Mbit,burst=1GB", "too much"),
        ("rate=1Mbit,excess=1KB,peak=2Mbit", "two ways"),
        ("rate=1Mbit,peak=1kpps", "can't go with"),
        ("rate=1Mbit,peak=1kbit", "can't go with"),
        ("rate=1Mbit,red=af99", "no DSCP"),
        ("rate=1Mbit,red=64", "no DSCP"),
        ("rate=1Mbit,capacity=0", "capacity=0"),
        ("rate=1Mbit,overhead=-1", "overhead=-1"),
    ],
)
def test_mistakes_are_told(given, message):
    with pytest.raises(ParameterError, match=message):
        wirebrick.run(load_nf(f"policer:{given}"), rx=[])
