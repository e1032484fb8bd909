"""What reassembly promises, case by case: order, holes, ends of streams, hostile segments, bounds."""

import ctypes
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reassembly_driver import FIN, RST, SYN, Driver, key_of

from wirebrick.errors import GraphError, StateError
from wirebrick.packet.memory import load64
from wirebrick.state import reassembly_layout as layout
from wirebrick.state.reassembly import Reassembly

SECOND = 10**9


def opened(isn=100, **options):
    driver = Driver(**options)
    driver.tcp(seq=isn, flags=SYN)
    return driver


@given(
    text=st.binary(min_size=1, max_size=400),
    start=st.sampled_from([0, 2**32 - 1, 2**32 - 100, 2**31 - 50, 12345]),
    cut=st.sampled_from([(0, 1), (1, 1), (7, 7), (50, 20), (10, 35)]),
    seed=st.integers(0, 1 << 30),
)
@settings(max_examples=200, deadline=None)
def test_any_order_and_segmentation_gives_the_stream(text, start, cut, seed):
    random = Random(seed)
    size, slide = cut
    driver = opened(start - 1, size=size, slide=slide)
    segments = []
    at = 0
    while at < len(text):
        end = at + random.randint(1, 60)
        segments.append((max(0, at - random.choice([0, 0, 1, 30])), min(end, len(text))))
        at = end
    segments += random.choices(segments, k=len(segments) // 2)
    random.shuffle(segments)
    for begin, end in segments:
        driver.tcp(seq=start + begin, data=text[begin:end])
    driver.tcp(seq=start + len(text), flags=FIN)
    assert [call[3] for call in driver.calls] == [0] * (len(driver.calls) - 1) + [1]
    for _, offset, data, _, gap in driver.calls:
        assert data == text[offset : offset + len(data)]
        assert gap == 0
    if size == 0:
        assert driver.text() == text
    else:
        full = [(offset, len(data)) for _, offset, data, closed, _ in driver.calls if not closed]
        assert full == [(at, size) for at in range(0, len(text) - size + 1, slide)]
        rest = min(slide * len(full), len(text))
        assert driver.calls[-1] == (0, rest, text[rest:], 1, 0)
    assert driver.state.buffered == driver.state.streams == 0


def test_two_holes_and_an_old_segment_after_everything_was_read():
    driver = opened()
    driver.tcp(seq=121, data=b"cc")
    driver.tcp(seq=111, data=b"bb")
    assert driver.calls == []
    driver.tcp(seq=101, data=b"0123456789")
    driver.tcp(seq=113, data=b"01234567")
    assert driver.text() == b"0123456789bb01234567cc"
    for _ in range(3):
        assert driver.tcp(seq=101, data=b"XXXXXXXXXX") < 0
    assert driver.text() == b"0123456789bb01234567cc"
    assert driver.total("old") == 3


def test_of_a_byte_that_comes_twice_the_first_copy_counts():
    driver = opened()
    driver.tcp(seq=103, data=b"cde")
    driver.tcp(seq=102, data=b"BCDEFG")
    driver.tcp(seq=101, data=b"aXX")
    assert driver.text() == b"aBcdeFG"
    driver.tcp(seq=107, data=b"Xh")  # one byte overlaps
    assert driver.text() == b"aBcdeFGh"
    assert driver.total("overlapping") == 3


def test_a_packet_in_order_is_not_copied():
    driver = opened()
    at = []
    driver.consume = lambda data: at.append(load64(flow() + layout.F_DATA)) or 2

    def flow():
        return next(driver.state.live(driver.block))

    driver.tcp(seq=101, data=b"abcdef")
    assert [b - a for a, b in pairwise(at)] == [2, 2]
    assert not driver.block <= at[0] < driver.block + driver.state.block_size()
    buffers = driver.block + load64(driver.block + layout.R_BUFFERS)
    assert ctypes.string_at(buffers + load64(driver.block + layout.R_STRIDE), 6) == bytes(6)


def test_offsets_do_not_wrap():
    driver = opened(2**32 - 10)
    for _ in range(9):  # of each packet a GB was not captured
        at = driver.calls[-1][1] + 2 + 2**30 if driver.calls else 0
        driver.tcp(seq=2**32 - 9 + at, data=b"ab", missing=2**30)
    assert driver.calls[-1][1] == 8 * (2**30 + 2)
    assert driver.calls[-1][4] == 2**30
    assert driver.total("gap_bytes") == 9 * 2**30


def test_a_connection_picked_up_in_the_middle():
    driver = Driver()
    driver.tcp(seq=5000)  # a bare ACK begins nothing
    assert driver.state.streams == 0
    driver.tcp(seq=5000, data=b"abc")
    driver.tcp(seq=4999, data=b"Zabcd")
    driver.tcp(seq=4990, flags=SYN)  # late, before what came
    driver.tcp(seq=5004, data=b"e")
    assert driver.text() == b"abcde"
    assert (driver.total("midstream"), driver.total("restarted")) == (1, 0)


def test_a_syn_with_other_numbers_begins_another_stream():
    driver = opened(size=4, slide=4, meta=8)
    driver.tcp(seq=101, data=b"abcdef")
    driver.tcp(seq=100, flags=SYN)  # sent again
    driver.tcp(seq=900, data=b"12345", flags=SYN)
    driver.tcp(seq=906, flags=FIN)
    assert driver.calls == [
        (0, 0, b"abcd", 0, 0),
        (0, 4, b"ef", 1, 0),
        (0, 0, b"1234", 0, 0),
        (0, 4, b"5", 1, 0),
    ]
    assert driver.metas == [0, 1, 0, 1]


def test_what_comes_after_the_end_begins_nothing_for_a_while():
    driver = opened()
    driver.tcp(seq=101, data=b"abc", flags=FIN)
    assert driver.calls == [(0, 0, b"abc", 0, 0), (0, 3, b"", 1, 0)]
    driver.tcp(seq=101, data=b"abc", flags=FIN)
    driver.tcp(seq=100, flags=SYN)
    driver.tcp(seq=104)
    driver.tcp(seq=104, flags=RST)
    assert len(driver.calls) == 2
    assert driver.total("after_close") == 2
    driver.tcp(seq=7, flags=SYN)
    driver.tcp(seq=8, data=b"new", flags=FIN)
    assert driver.text() == b"abcnew"
    driver.now += 2 * SECOND
    driver.tcp(seq=11, data=b"later")
    assert driver.text() == b"abcnewlater"


def test_a_fin_waits_for_what_comes_before_it():
    driver = opened(size=3, slide=3)
    driver.tcp(seq=105, data=b"ef", flags=FIN)
    driver.tcp(seq=101, data=b"abcd")
    assert driver.calls == [(0, 0, b"abc", 0, 0), (0, 3, b"def", 0, 0), (0, 6, b"", 1, 0)]


def test_nothing_lies_behind_the_fin():
    driver = opened()
    driver.tcp(seq=104, flags=FIN)
    driver.tcp(seq=103, data=b"cXXXX")
    driver.tcp(seq=110, data=b"XXXX")
    driver.tcp(seq=101, data=b"ab", flags=FIN)
    assert driver.text() == b"abc"
    assert driver.total("after_close") == 2
    other = opened()
    other.tcp(seq=103, data=b"cd")
    other.tcp(seq=101, data=b"a", flags=FIN)  # a FIN before bytes that came is not believed
    other.tcp(seq=102, data=b"b")
    assert other.text() == b"abcd"
    assert other.total("bad_flags") == 1


@pytest.mark.parametrize(
    ("ahead", "ends"), [(0, True), (1, True), (64 << 10, True), (-1, False), (65537, False)]
)
def test_a_reset_must_be_in_the_window(ahead, ends):
    driver = opened()
    driver.tcp(seq=101, data=b"abc")
    driver.tcp(seq=104 + ahead, flags=RST)
    assert (driver.calls[-1] == (0, 3, b"", 1, 0)) == ends
    assert driver.total("bad_reset") == (not ends)


def test_impossible_flags():
    driver = Driver()
    driver.tcp(seq=1, flags=SYN | FIN)
    driver.tcp(seq=1, flags=SYN | RST)
    driver.tcp(seq=1, flags=SYN | RST | FIN)
    driver.tcp(seq=1, flags=RST)
    driver.tcp(seq=1, flags=FIN)
    assert driver.state.streams == 0
    assert driver.total("bad_flags") == 1


def test_keep_alives_and_probes_of_a_closed_window():
    driver = opened()
    driver.tcp(seq=101, data=b"abc")
    driver.tcp(seq=103)
    driver.tcp(seq=103, data=b"\0")
    driver.tcp(seq=104, data=b"d")  # a probe: the receiver may have dropped it
    driver.tcp(seq=104, data=b"de")
    assert driver.text() == b"abcde"


def test_segments_far_outside_are_refused_until_four_continue_each_other():
    driver = opened()
    driver.tcp(seq=101, data=b"abc")
    far = 10**6
    for n in range(3):
        assert driver.tcp(seq=far + 4 * n, data=b"1234") < 0
    driver.tcp(seq=104, data=b"d")
    for n in range(4):
        driver.tcp(seq=far + 4 * n, data=b"abcd")
    assert driver.calls[-1] == (0, far + 12 - 101, b"abcd", 0, far + 12 - 105)
    assert driver.total("out_of_window") == 7
    for n in range(4):  # more than a GB behind: another stream
        driver.tcp(seq=far - 2**30 - 100 + 2 * n, data=b"xy")
    assert driver.calls[-2:] == [(0, far + 16 - 101, b"", 1, 0), (0, 0, b"xy", 0, 0)]


def test_held_back_streams_have_no_gaps():
    driver = opened(holes=False, buffer=64)
    driver.tcp(seq=103, data=b"cd" * 40)
    assert driver.total("buffer_full") == 1
    driver.due(10 * SECOND)
    assert driver.calls == []
    driver.tcp(seq=101, data=b"ab")
    assert driver.text() == b"ab" + b"cd" * 31
    driver.tcp(seq=165, data=b"cd" * 9)
    assert driver.text() == b"ab" + b"cd" * 40
    driver.tcp(seq=184, data=b"lost")
    driver.last()
    assert driver.calls[-1] == (0, 82, b"", 1, 0)
    assert driver.total("discarded_bytes") == 4
    assert driver.total("gaps") == 0


def test_the_timeout_gives_what_there_is_and_goes_over_holes():
    driver = opened(size=4, slide=4)
    driver.tcp(seq=101, data=b"abcdef")
    driver.tcp(seq=109, data=b"XYZ")
    driver.due(SECOND - 1)
    assert len(driver.calls) == 1
    driver.due(SECOND)
    assert driver.calls[1:] == [(0, 4, b"ef", 0, 0), (0, 8, b"XYZ", 0, 2)]
    driver.due(100 * SECOND)
    driver.tcp(seq=112, data=b"1234")
    driver.tcp(seq=107, data=b"gh")  # too late
    assert driver.calls[3:] == [(0, 11, b"1234", 0, 0)]
    driver.tcp(seq=120, flags=FIN)  # what was sent before never comes
    driver.due(200 * SECOND)
    assert driver.calls[4:] == [(0, 19, b"", 1, 4)]
    assert driver.total("timeouts") == 2


def test_a_function_that_waits_is_called_again_when_more_comes_or_time_is_over():
    driver = opened(consume=lambda data: data.find(b"\n") + 1)
    driver.tcp(seq=101, data=b"one\ntw")
    driver.tcp(seq=107, data=b"o\nthr")
    driver.due(SECOND)
    driver.due(2 * SECOND)
    driver.tcp(seq=112, flags=FIN)
    given = [data for _, _, data, _, _ in driver.calls]
    assert given == [b"one\ntw", b"tw", b"two\nthr", b"thr", b"thr", b"thr"]
    assert driver.calls[-1][3] == 1


def test_a_function_that_always_waits_gets_what_fits():
    driver = opened(buffer=100, consume=lambda data: 0)
    for at in range(0, 1000, 40):
        driver.tcp(seq=101 + at, data=bytes(40))
    assert max(len(data) for _, _, data, _, _ in driver.calls) == 100
    assert driver.total("given_up_bytes") == 900
    assert driver.state.buffered == 100


def test_datagrams_follow_each_other():
    driver = Driver(size=5, slide=5)
    for data in (b"abc", b"", b"defg", b"hij"):
        driver.udp(data=data)
    driver.udp(data=b"k", missing=10)
    driver.udp(data=b"l")
    driver.last()
    assert driver.calls == [
        (0, 0, b"abcde", 0, 0),
        (0, 5, b"fghij", 0, 0),
        (0, 10, b"k", 0, 0),
        (0, 21, b"l", 1, 10),
    ]


def test_bytes_that_the_capture_cut_off_are_a_gap_at_once():
    driver = opened()
    driver.tcp(seq=101, data=b"abc", missing=100)
    driver.tcp(seq=204, data=b"def", missing=50)
    driver.tcp(seq=257, flags=FIN)
    assert driver.calls == [(0, 0, b"abc", 0, 0), (0, 103, b"def", 0, 100), (0, 156, b"", 1, 50)]


def test_the_least_recently_used_stream_gives_way():
    driver = Driver(flows=3)
    for number in (0, 1, 2, 0):
        driver.tcp(number, 7 + 2 * len(driver.calls), b"ab")
    driver.tcp(3, 7, b"cd")
    driver.tcp(4, 7, b"ef")
    assert [call[0] for call in driver.calls if call[3]] == [1]
    driver.tcp(5, 7, b"gh")
    assert [call[0] for call in driver.calls if call[3]] == [1, 2]
    assert driver.total("evicted") == 2


def test_a_flood_of_syns_leaves_streams_with_data_alone():
    driver = Driver(flows=40)
    for number in range(25):
        driver.tcp(number, 100, b"a")
    for number in range(1000, 4000):
        driver.tcp(number, number, flags=SYN)
    assert driver.state.streams <= 41
    for number in range(25):
        driver.tcp(number, 101, b"b")
        assert driver.text(number) == b"ab"
    assert driver.total("evicted") >= 3000 - 41
    assert driver.total("no_room") == 0


def test_a_flood_of_bare_acks_takes_no_room():
    driver = Driver(flows=2)
    driver.tcp(0, 100, b"a")
    for number in range(10, 500):
        driver.tcp(number, number)
        driver.tcp(number, number, flags=RST)
        driver.tcp(number, number, flags=FIN)
    assert (driver.state.streams, driver.total("evicted")) == (1, 0)


def test_without_room_a_packet_is_refused():
    driver = Driver(flows=1)
    for number in range(2):
        driver.tcp(number, 100, b"a")
    key = key_of(7, 17)
    data = ctypes.create_string_buffer(b"x")
    refused = driver.do["reassembly_packet"](driver.block, key._at, 0, ctypes.addressof(data), 1, 0, 0)
    assert refused == -1 - layout.COUNTERS.index("no_room")


def test_the_end_gives_each_stream_its_last_window():
    driver = Driver(size=10, slide=10)
    driver.tcp(0, 100, flags=SYN)
    driver.tcp(1, 100, b"abc")
    driver.tcp(1, 110, b"xyz")
    driver.last()
    assert driver.calls == [(1, 0, b"abc", 0, 0), (1, 10, b"xyz", 1, 7), (0, 0, b"", 1, 0)]
    assert (driver.state.streams, driver.state.buffered) == (0, 0)


def test_a_closed_window_that_was_not_taken_is_given_again():
    from wirebrick.state.reassembly_give_native import reassembly_keep

    driver = opened(holes=False)
    done = driver.do["reassembly_done"]
    driver.do["reassembly_done"] = lambda block, flow, consumed: reassembly_keep(block, flow)
    with pytest.raises(AssertionError, match="without end"):
        driver.tcp(seq=101, data=b"abc", flags=FIN)
    driver.do["reassembly_done"] = done
    del driver.calls[:]
    driver.tcp(seq=101, data=b"abc", flags=FIN)
    assert driver.calls == [(0, 0, b"abc", 0, 0), (0, 3, b"", 1, 0)]


def test_saved_streams_go_on(tmp_path):
    driver = opened(size=4, slide=4)
    driver.tcp(seq=101, data=b"abcdef")
    driver.tcp(seq=109, data=b"ij")
    driver.state.save(tmp_path / "streams")
    other = Driver(size=4, slide=4)
    other.state.restore(tmp_path / "streams")
    other.state.allocate(1)
    other.block = other.state.blocks[0]
    other.tcp(seq=107, data=b"gh")
    assert other.calls == [(0, 4, b"efgh", 0, 0)]
    assert other.state.buffered == 2
    with pytest.raises(StateError):
        Reassembly(4, 3, SECOND).restore(tmp_path / "streams")


def test_slots_are_used_again():
    driver = Driver(flows=4, timeout=1)
    for number in range(200):
        driver.now += 10
        driver.tcp(number, 100, flags=SYN)
        driver.tcp(number, 101, b"abc", flags=FIN)
    assert load64(driver.block + layout.R_FRESH) == 1
    assert driver.total("evicted") == 0


def test_a_stream_that_just_began_holds_nothing_of_the_one_before():
    driver = opened(consume=lambda data: 0)
    driver.tcp(seq=101, data=b"abc")
    assert driver.state.buffered == 3
    driver.tcp(seq=104, flags=RST)
    driver.tcp(seq=5000, flags=SYN)
    assert driver.state.streams == 1
    assert driver.state.buffered == 0


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((-1, 1, 0), {}, "the size"),
        ((1.5, 1, 0), {}, "the size"),
        ((10, 0, 0), {}, "the slide"),
        ((10, 10, -1), {}, "the timeout"),
        ((10, 10, 0), {"flows": 0}, "the flows"),
        ((10, 10, 0), {"buffer": 19}, "the buffer"),
        ((0, 0, 0), {"buffer": 0}, "the buffer"),
        ((10, 10, 0), {"meta": 7}, "the meta"),
    ],
)
def test_wrong_arguments(arguments, options, message):
    with pytest.raises(GraphError, match=message) as caught:
        Reassembly(*arguments, **options)
    assert caught.value.place.file == __file__
    assert caught.value.cure
