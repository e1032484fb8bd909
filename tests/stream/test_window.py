"""window: the function is called with the right bytes, at the right times, compiled and interpreted alike."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from segments import at, datagram, rolling, segment

import wirebrick
from wirebrick import Array, Counter, Record, Stream, network_function
from wirebrick.errors import CheckError, GraphError
from wirebrick.fields import U64
from wirebrick.headers import TCP, UDP, Ethernet, IPv4

WAYS = pytest.mark.parametrize("interpret", [False, True], ids=["compiled", "interpreted"])
CALLS = 64


class Call(Record):
    """One call of the function."""

    port: U64
    offset: U64
    length: U64
    gap: U64
    closed: U64
    content: U64
    earlier: U64  # calls of this stream before


class Seen(Record):
    """The metadata of a stream."""

    calls: U64


def calls_of(
    frames, size=None, slide=None, timeout=None, *, interpret=False, header=TCP, workers=1, **options
):
    """What a window's function was called with, call by call; and the run's result."""
    found = []

    @network_function
    def watch(packets: Stream) -> Stream:
        log = Array(Call, CALLS)
        total = Counter("calls")
        number = Array(U64, 1)

        def note(window):
            here = log[number[0]]
            number[0] += 1
            total.add()
            here.port = window.flow.src_port
            here.offset = window.offset
            here.length = len(window.data)
            here.gap = window.gap
            here.closed = 1 if window.closed else 0
            here.earlier = window.metadata.calls
            for byte in window.data:
                here.content = here.content * 31 + byte + 1
            window.metadata.calls += 1

        wirebrick.at_end(lambda: found.extend(log.partition(0)[: total.value]))
        parsed = packets.parse(Ethernet).parse(IPv4).parse(header)
        return parsed.window(size, slide, timeout, note, metadata=Seen, **options)

    result = wirebrick.run(watch, rx=frames, interpret=interpret, workers=workers)
    assert result.packets_out == result.packets_in or result.drops
    return [(c.offset, c.length, c.gap, c.closed, c.content) for c in found], found, result


def expected(data: bytes, *pieces, closed_last=True):
    """Calls by (begin, end) of their bytes."""
    rows = [(begin, end - begin, 0, 0, rolling(data[begin:end])) for begin, end in pieces]
    if closed_last:
        begin, size, gap, _, content = rows[-1]
        rows[-1] = (begin, size, gap, 1, content)
    return rows


DATA = bytes(range(1, 31))


def conversation(*segments, start=1000):
    return [segment(start, flags="S"), *(segment(start + 1 + at, data) for at, data in segments)]


@WAYS
def test_as_it_comes(interpret):
    frames = [*conversation((0, DATA[:10]), (10, DATA[10:25])), segment(1026, DATA[25:], "FA")]
    rows, calls, _ = calls_of(frames, interpret=interpret)
    assert rows == expected(DATA, (0, 10), (10, 25), (25, 30), (30, 30))
    assert [call.earlier for call in calls] == [0, 1, 2, 3]


@WAYS
@pytest.mark.parametrize("slide", [None, 4, 8, 12])
def test_windows_of_a_size(interpret, slide):
    frames = [*conversation((0, DATA[:3]), (3, DATA[3:20])), segment(1021, DATA[20:], "FA")]
    rows, _, _ = calls_of(frames, 8, slide, interpret=interpret)
    step = slide or 8
    pieces = [(begin, begin + 8) for begin in range(0, 23, step)]
    begin = pieces[-1][0] + step
    rest = (min(begin, 30), 30) if begin < 30 else (30, 30)
    assert rows == expected(DATA, *pieces, rest)


@WAYS
def test_out_of_order_twice_and_overlapping(interpret):
    pieces = [(12, 20), (5, 13), (0, 5), (0, 9), (19, 21), (25, 30), (21, 25), (28, 30)]
    frames = conversation(*((begin, DATA[begin:end]) for begin, end in pieces))
    rows, _, result = calls_of(frames, interpret=interpret)
    assert rows == expected(DATA, (0, 20), (20, 21), (21, 30), (30, 30))
    told = dict(result.reports[0][1].rows)
    assert told["out of order"] == 3
    assert told["old"] + told.get("duplicate", 0) >= 2


@WAYS
def test_sequence_numbers_wrap(interpret):
    start = (1 << 32) - 12
    frames = [*conversation((5, DATA[5:20]), (0, DATA[:5]), (20, DATA[20:]), start=start)]
    rows, _, _ = calls_of(frames, interpret=interpret)
    assert rows == expected(DATA, (0, 20), (20, 30), (30, 30))


@WAYS
def test_a_connection_met_in_the_middle_and_a_reset(interpret):
    frames = [segment(5000, DATA[:10]), segment(5010, DATA[10:20]), segment(5020, b"", "R")]
    rows, _, _ = calls_of(frames, interpret=interpret)
    assert rows == expected(DATA, (0, 10), (10, 20), (20, 20))


@WAYS
def test_a_fin_that_was_lost_comes_behind_an_acknowledgement_that_counts_it(interpret):
    frames = [*conversation((0, DATA[:10])), segment(1012), segment(1011, b"", "FA")]
    rows, _, result = calls_of(frames, interpret=interpret)
    assert rows == expected(DATA, (0, 10), (10, 10))
    assert dict(result.reports[0][1].rows).keys() == {"streams", "closed"}


@WAYS
def test_a_pause_gives_what_there_is(interpret):
    other = segment(1, b"x", port=5)
    frames = [
        *(at(0, frame) for frame in conversation((0, DATA[:10]))),
        at(4.9, other),
        at(5.1, other),
        at(6, segment(1011, DATA[10:16])),
        at(6.1, segment(1017, DATA[16:18], "FA")),
    ]
    rows, calls, _ = calls_of(frames, 8, 8, 5.0, interpret=interpret)
    mine = [row for row, call in zip(rows, calls, strict=True) if call.port == 4000]
    assert mine == expected(DATA, (0, 8), (8, 10), (10, 18), (18, 18))


@WAYS
def test_a_gap_is_skipped_when_it_is_not_filled(interpret):
    frames = [
        *(at(0, frame) for frame in conversation((0, DATA[:10]), (15, DATA[15:20]))),
        at(9, segment(1, b"x", port=5)),
        at(9, segment(1021, DATA[20:22], "FA")),
    ]
    rows, calls, result = calls_of(frames, None, None, 2.0, interpret=interpret)
    mine = [row for row, call in zip(rows, calls, strict=True) if call.port == 4000]
    assert mine == [
        (0, 10, 0, 0, rolling(DATA[:10])),
        (15, 5, 5, 0, rolling(DATA[15:20])),
        (20, 2, 0, 0, rolling(DATA[20:22])),
        (22, 0, 0, 1, 0),
    ]
    assert ("gap bytes", 5) in result.reports[0][1].rows


@WAYS
def test_datagrams_follow_each_other(interpret):
    frames = [datagram(DATA[:10]), datagram(DATA[10:13]), datagram(DATA[13:])]
    rows, _, _ = calls_of(frames, 12, 12, None, interpret=interpret, header=UDP)
    assert rows == expected(DATA, (0, 12), (12, 24), (24, 30))


@WAYS
def test_few_streams_at_once(interpret):
    frames = [segment(0, bytes([port]) * 4, port=port) for port in range(1, 9)]
    rows, calls, result = calls_of(frames, 8, 8, None, interpret=interpret, flows=2)
    # Each gives way with what it has, the oldest first; the last two when the run ends.
    assert [(call.port, call.length, call.closed) for call in calls] == [(n, 4, 1) for n in range(1, 9)]
    assert [row[4] for row in rows] == [rolling(bytes([port]) * 4) for port in range(1, 9)]
    assert 5 <= dict(result.reports[0][1].rows)["evicted"] <= 6


@WAYS
def test_a_fault_costs_one_packet_and_the_stream_goes_on(interpret):
    seen = []

    @network_function
    def fragile(packets: Stream) -> Stream:
        total = Counter("bytes")

        def look(window):
            total.add(len(window.data))
            if window.data[0] == 7:
                window.data[1000]

        wirebrick.at_end(lambda: seen.append(total.value))
        return packets.parse(Ethernet).parse(IPv4).parse(TCP).window(None, None, None, look)

    frames = conversation((0, b"abc"), (3, b"\x07de"), (6, b"fgh"))
    result = wirebrick.run(fragile, rx=frames, interpret=interpret)
    # The last call, at the end of the run, has no byte 0 either: no packet is lost by it.
    assert result.drops == {"fragile.fault_index": 1}
    assert (result.packets_out, seen) == (3, [9])
    assert result.warnings == [
        "fragile: 1 call of a window's function that no packet asked for failed: fault_index"
    ]


@WAYS
def test_the_function_says_what_it_is_done_with(interpret):
    seen = []

    @network_function
    def lines(packets: Stream) -> Stream:
        count, longest = Counter("lines"), Array(U64, 1)

        def look(window):
            at = 0
            end = window.data.find(b"\n")
            while end >= 0:
                count.add()
                longest[0] = max(longest[0], end - at)
                at = end + 1
                end = window.data.find(b"\n", at)
            return at

        wirebrick.at_end(lambda: seen.append((count.value, longest.total(0))))
        return packets.parse(Ethernet).parse(IPv4).parse(TCP).window(None, None, None, look)

    text = b"one\ntwo\nthree and more\nand a half"
    pieces = [(i, text[i : i + 5]) for i in range(0, len(text), 5)]
    wirebrick.run(lines, rx=conversation(*pieces), interpret=interpret)
    assert seen == [(3, 14)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, (1 << 32) - 1))
def test_any_way_of_cutting_gives_the_stream(seed, start):
    draw = random.Random(seed)
    data = draw.randbytes(draw.randrange(1, 3000))
    pieces, begin = [], 0
    while begin < len(data):
        end = min(len(data), begin + draw.randrange(1, 400))
        pieces.append((begin, end))
        begin = end
    pieces += draw.sample(pieces, len(pieces) // 3)  # twice
    pieces += [
        (max(0, b - draw.randrange(50)), min(len(data), e + draw.randrange(50))) for b, e in pieces[:3]
    ]
    order = sorted(range(len(pieces)), key=lambda i: i + draw.randrange(6))
    frames = conversation(*((pieces[i][0], data[pieces[i][0] : pieces[i][1]]) for i in order), start=start)
    frames.append(segment(start + 1 + len(data), b"", "FA"))
    results = []
    for interpret in (False, True):
        rows, _, _ = calls_of(frames, 50, 50, None, interpret=interpret)
        results.append(rows)
    assert results[0] == results[1]
    whole = [(at, min(50, len(data) - at)) for at in range(0, len(data), 50)]
    if len(data) % 50 == 0:
        whole.append((len(data), 0))
    assert [(offset, size) for offset, size, *_ in results[0]] == whole
    assert [row[4] for row in results[0]] == [rolling(data[at : at + size]) for at, size in whole]
    assert [row[3] for row in results[0]] == [0] * (len(whole) - 1) + [1]


def wrong(build, match, kind=GraphError):
    nf = network_function(build)
    with pytest.raises(kind, match=match) as caught:
        wirebrick.run(nf, rx=[])
    assert caught.value.place is not None
    assert caught.value.place.file == __file__


def test_mistakes():
    def tcp(packets):
        return packets.parse(Ethernet).parse(IPv4).parse(TCP)

    def look(window):
        pass

    wrong(lambda packets: packets.window(None, None, None, look), "needs TCP or UDP parsed last")
    wrong(lambda packets: tcp(packets).window(None, 5, None, look), "without a size can't slide")
    wrong(lambda packets: tcp(packets).window(-1, 5, None, look), "size of a window can't be -1")
    wrong(lambda packets: tcp(packets).window(8, 8, -1, look), "timeout of a window can't be -1")
    wrong(lambda packets: tcp(packets).window(8, 8, 1, lambda: 0), "takes one argument, the window")
    wrong(lambda packets: tcp(packets).window(8, 8, 1, look, metadata=int), "takes a Record class")
    wrong(lambda packets: tcp(packets).window(8, 8, 1, look, flows=0), "flows of a window can't be 0")
    wrong(lambda packets: tcp(packets).window(8, 8, 1, look, forward=False), "only packetize\\(\\) can take")
    wrong(
        lambda packets: tcp(packets).window(8, 8, 1, look).packetize((Ethernet, IPv4, TCP)),
        "needs a window\\(..., forward=False\\)",
    )
    wrong(
        lambda packets: tcp(packets).window(8, 8, 1, look, forward=False).packetize((IPv4, TCP)),
        "have other headers: Ethernet, IPv4, TCP",
    )


def test_mistakes_in_the_function():
    def build(function, **options):
        return lambda packets: (
            packets.parse(Ethernet).parse(IPv4).parse(TCP).window(None, None, None, function, **options)
        )

    def emits(window):
        window.emit(b"x")

    def packet(window):
        window.drop("no")

    def metadata(window):
        return window.metadata.calls

    def stores(window):
        window.data[0] = 1

    def text(window):
        return "much"

    wrong(build(emits), "would go nowhere", CheckError)
    wrong(build(packet), "a window has no drop", CheckError)
    wrong(build(metadata), "this window has no metadata", CheckError)
    wrong(build(stores), "read-only|can't write", CheckError)
    wrong(build(text), "needs an integer", CheckError)
