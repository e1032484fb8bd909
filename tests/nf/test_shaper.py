"""shaper beside a plain model: when each packet goes on, to the nanosecond."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nf.timed import numbered, through

import wirebrick
from wirebrick.errors import ParameterError
from wirebrick.headers import IPv4
from wirebrick.nf.load import load_nf

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
SECOND = 10**9


def of(src: int, number: int, size: int) -> bytes:
    """A packet of a source, its number where Ethernet's destination begins."""
    head = number.to_bytes(4, "big") + bytes(8) + b"\x08\x00"
    return head + bytes(IPv4(src=src, dst=9, protocol=17, total_length=size - 14)) + bytes(size - 34)


def model(packets, rate, burst, queue):
    """(number, time) of what goes on, in order, and how many don't: a bucket of ``burst`` bits for each source."""
    free: dict[int, int] = {}  # in parts of a nanosecond, rate of them
    left, lost = [], 0
    for number, (time, src, size) in enumerate(packets):
        after = max(free.get(src, 0), time * rate) + size * 8 * SECOND
        at = max(time, after // rate - burst * SECOND // rate)
        if at - time > queue:
            lost += 1
            continue
        free[src] = after
        left.append((at, number))
    return [(number, at) for at, number in sorted(left)], lost


@BOTH
@settings(deadline=None, max_examples=25)
@given(
    packets=st.lists(
        st.tuples(st.sampled_from([0, 1, 50_000, 2_000_000]), st.integers(1, 3), st.integers(60, 1514)),
        max_size=50,
    ),
    burst=st.sampled_from([0, 3000]),
)
def test_times_are_those_of_a_token_bucket(interpret, packets, burst, tmp_path_factory):
    sent, now = [], SECOND
    for gap, src, size in packets:
        now += gap
        sent.append((now, src, size))
    frames = [(time, of(src, number, size)) for number, (time, src, size) in enumerate(sent)]
    nf = f"shaper:rate=7000001,burst={burst},queue=3ms,per=src"
    result, found = through(tmp_path_factory.mktemp("shaper"), nf, frames, interpret=interpret)
    expected, lost = model(sent, 7000001, burst * 8, 3_000_000)
    assert sorted(found) == sorted(expected)
    assert [time for _, time in found] == [time for _, time in expected]
    assert result.drops == ({"shaper.queue_full": lost} if lost else {})


def test_no_more_than_the_rate_in_any_time(tmp_path):
    sent = [(n * 1000, numbered(n, 1000)) for n in range(3000)]
    _, found = through(tmp_path, "shaper:rate=80Mbit,burst=20KB,queue=10s", sent)
    times = [time for _, time in found]
    assert len(times) == 3000
    for at in range(0, 3000, 7):
        for span in (1, 30, 500):
            if at + span < 3000:
                took = times[at + span] - times[at]
                assert (span - 19) * 1000 * 8 <= took * 80_000_000 / SECOND + 8000


@pytest.mark.parametrize("per", ["all", "flow"])
def test_several_workers_keep_to_it_together(per):
    nf = load_nf(f"shaper:rate=1Mpps,burst=1,queue=1h,per={per},limit=100000")
    result = wirebrick.run(nf, rx="memory:count=20000,flows=50", tx="null:", workers=2)
    assert result.packets_out == 20_000


def test_floods_are_accounted_for():
    few = load_nf("shaper:rate=1kpps,queue=1h,per=flow,limit=500,capacity=16")
    result = wirebrick.run(few, rx="memory:count=100000,flows=5000", tx="null:")
    assert result.packets_in == result.packets_out  # each is a new flow to a table so small
    assert result.reports[0][1].rows[0][0] > 90_000
    full = load_nf("shaper:rate=1kpps,burst=1,queue=1h,limit=500")
    result = wirebrick.run(full, rx="memory:count=100000,flows=5000", tx="null:")
    assert (result.packets_out, result.drops) == (600, {"shaper.limit": 99_400})  # in 0.1 s


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("rate=0", "no rate"),
        ("rate=1Mbit,burst=-1", "no size"),
        ("rate=5pps,burst=1.5", "no number of packets"),
        ("rate=5pps,queue=64KB", "length of a queue"),
        ("rate=5pps,limit=0", "limit=0"),
        ("rate=5pps,capacity=0", "capacity=0"),
        ("rate=5pps,overhead=5000", "overhead=5000"),
        ("rate=5pps,per=mac", "per"),
        ("burst=4", "rate"),
    ],
)
def test_mistakes_are_told(given, message):
    with pytest.raises(ParameterError, match=message):
        wirebrick.run(load_nf(f"shaper:{given}"), rx=[])
