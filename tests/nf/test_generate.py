"""generate beside a plain receiver: what is counted of streams that lose, double and change their order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wirebrick
from wirebrick.headers import UDP, Ethernet, IPv4
from wirebrick.nf.generate.arrivals import WINDOW, Arrivals, arrival
from wirebrick.nf.generate.latency import SIZE, percentile, place
from wirebrick.nf.load import load_nf

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])


def stamped(number, time):
    payload = b"WB" + number.to_bytes(6, "big") + time.to_bytes(8, "big")
    ip = IPv4(src=1, dst=2, protocol=17, total_length=28 + len(payload))
    return bytes(Ethernet(ethertype=0x0800)) + bytes(ip) + bytes(UDP(length=8 + len(payload))) + payload


def measured(result):
    """The row of the report, by column."""
    report = next(report for _, report in result.reports if report.title == "Measured")
    return dict(zip(report.columns, report.rows[0], strict=True))


@BOTH
@settings(deadline=None, max_examples=30)
@given(numbers=st.lists(st.integers(0, 30), max_size=50))
def test_what_came_late_and_twice(interpret, numbers):
    result = wirebrick.run(
        load_nf("generate:role=receive"),
        rx=[(1000 + 10 * at, stamped(number, 1000)) for at, number in enumerate(numbers)],
        interpret=interpret,
    )
    found = measured(result)
    highest, late, seen = -1, 0, set()
    for number in numbers:
        late += number < highest and number not in seen
        highest = max(highest, number)
        seen.add(number)
    assert found["sent"] == highest + 1
    assert (found["received"], found["doubles"]) == (len(seen), len(numbers) - len(seen))
    assert (found["lost"], found["reordered"]) == (highest + 1 - len(seen), late)


def test_numbers_out_of_the_window_are_no_doubles():
    arrived, seen = arrival(known := [0] * WINDOW), Arrivals()
    assert arrived(seen, 5)
    assert arrived(seen, 5 + WINDOW)
    assert arrived(seen, 5)  # too long ago to be known
    assert not arrived(seen, 5 + WINDOW)
    assert seen.reordered == 1
    assert known[5] == 6 + WINDOW


@given(values=st.lists(st.integers(0, 1 << 40), min_size=1), share=st.sampled_from([0.5, 0.9, 1.0]))
def test_percentiles_are_within_their_steps(values, share):
    counts = [0] * SIZE
    for value in values:
        counts[place(value)] += 1
    exact = sorted(values)[max(0, -(-len(values) * share // 1).__int__() - 1)]
    assert abs(percentile(counts, share) - exact) <= max(1, exact / 64)


@BOTH
def test_through_a_link(interpret):
    chain = [
        load_nf("generate:role=send"),
        load_nf("link:delay=2ms,jitter=1ms,distribution=normal,ordered=no,loss=5%,duplicate=3%"),
        load_nf("generate:role=receive"),
    ]
    result = wirebrick.run(chain, rx="memory:size=100-300,count=5000,flows=20,ipv6=0.5", interpret=interpret)
    found = measured(result)
    assert found["received"] + found["doubles"] == result.drops["generate#2.measured"]
    assert found["received"] + found["doubles"] + result.drops["link.lost"] == 5000 + result.packets_copied
    assert 100 < found["doubles"] < 200
    assert found["lost"] == found["sent"] - found["received"] > 150
    assert found["reordered"] > 1000
    assert float(found["mean"].removesuffix(" ms")) == pytest.approx(2, abs=0.1)
    assert found["p50"] == "2.00 ms" or abs(float(found["p50"].removesuffix(" ms")) - 2) < 0.1
    assert found["max"].endswith(" ms")


def test_several_workers_share_the_numbers():
    chain = [load_nf("generate:role=send"), load_nf("generate:role=receive")]
    result = wirebrick.run(chain, rx="memory:size=100,count=20000,flows=50", workers=2)
    found = measured(result)
    assert (found["sent"], found["received"], found["doubles"]) == (20000, 20000, 0)


def test_by_port_what_is_made_leaves_and_what_comes_ends():
    ports = {"in": "memory:size=100,count=50", "back": "memory:size=100,count=30", "out": "null:"}
    result = wirebrick.run(load_nf("generate"), ports=ports)
    assert result.packets_out == 50
    assert result.drops == {"generate.foreign": 30}
    assert measured(result)["lost"] == 50
