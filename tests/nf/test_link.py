"""link beside what it says: times to the nanosecond, shares of what is lost, delays as distributed."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from statistics import mean, pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nf.timed import numbered, through

import wirebrick
from wirebrick.errors import ParameterError
from wirebrick.nf.load import load_nf

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
MS = 10**6


@BOTH
def test_a_delay_is_exact(interpret, tmp_path):
    packets = [(1000 * n * n, numbered(n)) for n in range(300)]
    _, found = through(tmp_path, "link:delay=1.5ms", packets, interpret=interpret)
    assert found == [(n, 1000 * n * n + 1_500_000) for n in range(300)]


@BOTH
@settings(deadline=None, max_examples=25)
@given(
    packets=st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(60, 1514)), max_size=40),
    rate=st.sampled_from([7_000_001, 999_999_937]),
    queue=st.sampled_from([0, 3_000_000]),
)
def test_a_rate_is_exact(interpret, packets, rate, queue, tmp_path_factory):
    sent, now = [], 0
    for number, (gap, size) in enumerate(packets):
        now += gap
        sent.append((now, numbered(number, size)))
    expected, lost, free = [], 0, 0  # free: in parts of a nanosecond, rate of them
    for number, (time, frame) in enumerate(sent):
        start = max(free, time * rate)
        if start // rate - time > queue:
            lost += 1
            continue
        free = start + (len(frame) + 24) * 8 * 10**9
        expected.append((number, free // rate + 2 * MS))
    nf = f"link:rate={rate},overhead=24,queue={queue}ns,delay=2ms"
    result, found = through(tmp_path_factory.mktemp("rate"), nf, sent, interpret=interpret)
    assert found == expected
    assert result.drops == ({"link.queue_full": lost} if lost else {})


def test_directions_have_values_of_their_own():
    nf = "link:delay=1ms:9ms,loss=0:100%"
    result = wirebrick.run(
        load_nf(nf),
        ports={"in": "memory:count=10", "back": "memory:count=7", "out": "null:"},
    )
    assert result.packets_in == 17
    assert result.drops["link.lost"] == 7
    no_in = wirebrick.run(load_nf(nf + ",port=out"), ports={"left": "memory:count=10", "out": "null:"})
    assert no_in.drops["link.lost"] == 10


def test_a_queue_in_bytes_is_as_long_as_those_take():
    packets = [(0, numbered(n, 1000)) for n in range(20)]
    result = wirebrick.run(load_nf("link:rate=8Mbit,queue=5KB"), rx=packets)
    assert result.packets_out == 6  # one is being sent, five wait
    assert result.drops == {"link.queue_full": 14}


@pytest.mark.parametrize("workers", [1, 2])
def test_shares_of_losses_and_copies(workers):
    nf = load_nf("link:loss=10%,duplicate=5%,corrupt=20%,delay=1ms")
    count = 50_000
    result = wirebrick.run(nf, rx=f"memory:count={count},flows=64", tx="null:", workers=workers)
    lost = result.drops["link.lost"]
    assert abs(result.packets_copied / count - 0.05) < 0.005
    assert abs(lost / (count + result.packets_copied) - 0.1) < 0.007
    (_, report), *_ = result.reports
    assert report.rows[0][1] == result.packets_copied
    assert abs(report.rows[0][2] / count - 0.2 * 1.05) < 0.01


def test_losses_come_in_bursts(tmp_path):
    count = 60_000
    _, found = through(tmp_path, "link:bad=1%,good=20%", [(n, numbered(n)) for n in range(count)], burst=256)
    arrived = [number for number, _ in found]
    gaps = [b - a - 1 for a, b in pairwise(arrived) if b - a > 1]
    # The chain of Gilbert: a share of p / (p + r) is lost, 1 / r at a time.
    assert abs(mean(gaps) - 5) < 0.8
    assert abs((count - len(arrived)) / count - 0.01 / 0.21) < 0.012


@pytest.mark.parametrize(
    ("distribution", "deviation"), [("uniform", 1 / 3**0.5), ("normal", 1), ("pareto", 1)]
)
def test_delays_are_distributed_as_asked(distribution, deviation, tmp_path):
    nf = f"link:delay=50ms,jitter=5ms,distribution={distribution},ordered=no,limit=100000"
    sent = [(n * 1000, numbered(n)) for n in range(20_000)]
    _, found = through(tmp_path, nf, sent)
    late = [(time - number * 1000) / MS for number, time in found]
    assert abs(mean(late) - 50) < 0.2
    assert abs(pstdev(late) / (5 * deviation) - 1) < (0.25 if distribution == "pareto" else 0.03)
    assert [time for _, time in found] == sorted(time for _, time in found)
    assert [number for number, _ in found] != sorted(number for number, _ in found)


def test_packets_stay_in_order_but_where_asked(tmp_path):
    sent = [(n * 10_000, numbered(n)) for n in range(5000)]
    _, found = through(tmp_path, "link:delay=5ms,jitter=2ms", sent)
    assert [number for number, _ in found] == list(range(5000))
    result, found = through(tmp_path, "link:delay=5ms,reorder=2%", sent)
    overtakers = [number for number, time in found if time == number * 10_000]
    assert abs(len(overtakers) / 5000 - 0.02) < 0.007
    assert result.reports[0][1].rows[0][3] == len(overtakers)


def test_the_same_seed_gives_the_same_fates(tmp_path):
    sent = [(n * 1000, numbered(n)) for n in range(2000)]
    nf = "link:delay=1ms,jitter=500us,loss=20%,seed={}"
    first, again, other = (through(tmp_path, nf.format(seed), sent)[1] for seed in (3, 3, 4))
    assert first == again
    assert first != other


@BOTH
def test_bits_are_turned_one_a_packet(interpret):
    frames = [bytes(100)] * 200
    result = wirebrick.run(load_nf("link:corrupt=1"), rx=frames, interpret=interpret)
    assert [sum(byte.bit_count() for byte in packet) for packet in result.packets] == [1] * 200
    assert len(set(result.packets)) > 100


def test_a_flood_finds_no_more_room_than_there_is():
    result = wirebrick.run(load_nf("link:delay=1h,limit=1000"), rx="memory:count=100000", tx="null:")
    assert result.packets_out == 1000
    assert result.drops == {"link.limit": 99_000}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("delay=soon", "no duration"),
        ("delay=2h", "no duration"),
        ("loss=120%", "no chance"),
        ("rate=fast", "no rate"),
        ("rate=10kpps", "counts packets"),
        ("reorder=1%", "needs a delay"),
        ("rate=1Mbit,queue=x", "length of a queue"),
        ("limit=0", "limit=0"),
        ("overhead=-1", "overhead=-1"),
        ("delay=1ms:x", "no duration"),
    ],
)
def test_mistakes_are_told(given, message):
    with pytest.raises(ParameterError, match=message):
        wirebrick.run(load_nf(f"link:{given}"), rx=[])


def test_captures_come_through_whole(tmp_path):
    capture = Path(__file__).parents[2] / "captures" / "mixed.pcap"
    result = wirebrick.run(load_nf("link:delay=3ms,rate=100Mbit,queue=10s"), rx=capture, tx="null:")
    assert result.packets_in == result.packets_out
