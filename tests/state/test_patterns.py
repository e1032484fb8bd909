"""Patterns against bytes.find and Hyperscan, compiled and in CPython, over packets and over streams cut anywhere."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.utils import rdpcap
from shared_traffic import run_function

from wirebrick import Array, Record, every, network_function, run
from wirebrick.errors import CheckError, GraphError
from wirebrick.fields import U64
from wirebrick.headers import TCP, Ethernet, IPv4
from wirebrick.state import hyperscan
from wirebrick.state.patterns import LONGEST, Patterns

HYPERSCAN = pytest.param(
    "hyperscan",
    marks=pytest.mark.skipif(hyperscan.library() is None, reason="libhyperscan5 is not installed"),
)
ENGINES = pytest.mark.parametrize("engine", ["builtin", HYPERSCAN])


class InCPython(Patterns):
    """The native functions as they are."""

    def _call(self, name, *arguments):
        return self.operations[name].function(self.shown(), self.matches.changing(), *arguments)


def naive(literals, data):
    """All places, as (end, number), in order."""
    found = []
    for number, (text, nocase) in enumerate(literals):
        inside, text = (data.lower(), text.lower()) if nocase else (data, text)
        at = inside.find(text)
        while at >= 0:
            found.append((at + len(text), number))
            at = inside.find(text, at + 1)
    return sorted(found)


def matches(patterns, count):
    return sorted((patterns.end(i), patterns.match(i)) for i in range(count))


def made(literals, kind=Patterns, **options):
    patterns = kind([text for text, _ in literals], [nocase for _, nocase in literals], **options)
    patterns.allocate(1)
    return patterns


def streamed(patterns, data, sizes):
    """What is found in a stream that comes in pieces."""
    found, state, at = [], 0, 0
    for size in [*sizes, len(data)]:
        piece = data[at : at + size]
        count = patterns.scan_from(state, piece)
        found += [(end + at, number) for end, number in matches(patterns, count)]
        state = patterns.state()
        at += len(piece)
    return sorted(found)


ALPHABETS = st.sampled_from([b"ab", b"aAbB[{", b"aB\x00\xff@`", bytes(range(256))])


@st.composite
def searches(draw):
    """Literals, and data in which some of them are."""
    alphabet = draw(ALPHABETS)
    text = st.lists(st.sampled_from(sorted(alphabet)), max_size=20).map(bytes)
    literals = draw(st.lists(st.tuples(text.filter(bool), st.booleans()), max_size=8))
    parts = [text, *(st.just(literal) for literal, _ in literals)]
    return literals, b"".join(draw(st.lists(st.one_of(parts), max_size=12)))


@ENGINES
@settings(max_examples=50)
@given(search=searches(), sizes=st.lists(st.integers(0, 12), max_size=8))
def test_like_find(engine, search, sizes):
    literals, data = search
    expected = naive(literals, data)
    patterns = made(literals, engine=engine)
    assert matches(patterns, patterns.scan(data)) == expected
    assert streamed(patterns, data, sizes) == expected


@settings(max_examples=25)
@given(search=searches(), sizes=st.lists(st.integers(0, 12), max_size=8))
def test_cpython_like_compiled(search, sizes):
    literals, data = search
    plain = made(literals, InCPython)
    assert matches(plain, plain.scan(data)) == naive(literals, data)
    assert streamed(plain, data, sizes) == naive(literals, data)


def many(count=600, seed=1):
    rng = random.Random(seed)
    alphabet = b"abcdefGH/.=%"
    texts = [bytes(rng.choice(alphabet) for _ in range(rng.randrange(1, 30))) for _ in range(count)]
    texts += [rng.randbytes(rng.randrange(4, 20)) for _ in range(100)] + [bytes(range(256)) * 8]
    return [(text, rng.random() < 0.5) for text in texts]


def real_payloads():
    """Frames of a capture, and made ones that are full of literals."""
    rng = random.Random(2)
    frames = [bytes(packet) for packet in rdpcap("captures/mixed.pcap", 150)]
    return frames + [b"".join(rng.choice(many())[0] for _ in range(60)) for _ in range(5)]


@ENGINES
def test_many_literals(engine):
    literals = many()
    patterns = made(literals, engine=engine, most=1 << 20)
    total = 0
    for data in real_payloads():
        expected = naive(literals, data)
        total += len(expected)
        assert matches(patterns, patterns.scan(data)) == expected
    assert total > 1000
    assert patterns.lost == 0


@ENGINES
def test_long_literals_across_pieces(engine):
    text = bytes(random.Random(5).choice(b"xyz") for _ in range(LONGEST))
    patterns = made([(text, False), (text[:-1] + b"!", True), (b"z", False)], engine=engine)
    for cut in (1, 700, LONGEST - 1):
        data = text[:cut] + text + text[cut:]
        found = streamed(patterns, data, [cut, 50, LONGEST - 1])
        assert (cut + LONGEST, 0) in found
        assert found == naive([(text, False), (text[:-1] + b"!", True), (b"z", False)], data)


@ENGINES
def test_once(engine):
    literals = [(b"aa", False), (b"A", True), (b"abcdefgh", False), (b"no", False)]
    patterns = made(literals, engine=engine, once=True)
    data = b"aaaa" * 400 + b"abcdefgh" * 3
    for _ in range(3):
        assert matches(patterns, patterns.scan(data)) == [(1, 1), (2, 0), (1608, 2)]
    assert patterns.lost == 0


@ENGINES
def test_a_full_list_loses_and_counts(engine):
    patterns = made([(b"a", False)], engine=engine, most=10)
    assert patterns.scan(b"a" * 100) == 10
    assert patterns.match(9) == 0
    assert (patterns.match(10), patterns.end(10), patterns.end(1 << 40)) == (-1, -1, -1)
    assert patterns.lost == 90
    assert patterns.scan(b"") == 0
    assert patterns.match(0) == -1


@pytest.mark.parametrize("state", [1, 1 << 47, (1 << 48) + (1 << 24) - 1, (1 << 63) - 1])
def test_a_state_from_nowhere_begins_anew(state):
    patterns = made([(b"evil", False)])
    assert patterns.scan_from(state, b"ilevil") == 1
    patterns.scan_from(0, b"ev")
    old = patterns.state()
    patterns.update([b"other", b"evil"])
    assert patterns.scan_from(old, b"il") == 0
    assert patterns.scan_from(patterns.state(), b"other") == 1


@ENGINES
def test_exchange_from_outside(engine):
    patterns = made([(b"first", False)], engine=engine)
    for turn in range(5):
        text = b"literal number %d, which is new" % turn
        patterns.update([text, b"x"], [True, False])
        assert matches(patterns, patterns.scan(b"first " * 20 + text.upper())) == [(120 + len(text), 0)]
    patterns.update([])
    assert patterns.scan(b"x" * 100) == 0
    with pytest.raises(GraphError, match="room for 1024 literals, not for 1025"):
        patterns.update([b"%d" % n for n in range(1025)])
    with pytest.raises(GraphError, match="room for 65536 bytes, not for 66000"):
        patterns.update([bytes(1000)] * 66)
    assert len(patterns) == 0


class Where(Record):
    state: U64


@ENGINES
def test_in_user_functions(engine):
    def outcome(interpret):
        kept = []

        @network_function
        def nf(packets):
            patterns = Patterns([b"GET ", b"host: ", b"\r\n\r\n"], [False, True, False], engine=engine)
            out = Array(U64, 8)
            kept.append(out)

            def look(window):
                found = patterns.scan_from(window.metadata.state, window.data)
                window.metadata.state = patterns.state()
                for i in range(found):
                    out[patterns.match(i)] += window.offset + patterns.end(i)
                if patterns.scan(window.data[4:]) > 0:
                    out[3 + patterns.match(0)] += 1
                    assert patterns.end(0) > 0

            stream = packets.parse(Ethernet).parse(IPv4).parse(TCP)
            return stream.window(7, None, 10.0, look, metadata=Where)

        drops = run(nf, rx="captures/mixed.pcap", tx="null:", interpret=interpret).drops
        return kept[0].totals(), drops

    compiled = outcome(False)
    assert compiled == outcome(True)
    assert compiled[0][0] > 0 < compiled[0][1]


def test_refusals_in_user_functions():
    with pytest.raises(CheckError, match=r"scan\(\) of Patterns.* takes bytes of a packet, not an integer"):
        run_function(lambda: (scan_of_a_number(),), rx=[bytes(60)])


def scan_of_a_number():
    patterns = Patterns([b"a"])
    return lambda packet: patterns.scan(packet.length)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([b""],), {}, "b'' can't be searched for"),
        ((["text"],), {}, "'text' can't be searched for"),
        (([bytes(LONGEST + 1)],), {}, "can't be searched for"),
        (([b"a", b"b"], [True]), {}, "2 literals have 1 flags"),
        (([b"a"],), {"capacity": 0}, "the capacity of a Patterns"),
        (([b"abc"],), {"room": 2}, "the room of a Patterns"),
        (([b"abc"],), {"most": 0}, "the most of a Patterns"),
        (([b"abc"],), {"engine": "grep"}, "'grep' is no engine"),
    ],
)
def test_refusals(arguments, options, message):
    with pytest.raises(GraphError, match=message):
        Patterns(*arguments, **options)


def test_without_hyperscan(monkeypatch):
    monkeypatch.setattr(hyperscan, "library", lambda: None)
    patterns = made([(b"evil", False)], engine="auto")
    assert patterns.scan(b"evil" * 100) == 100
    with pytest.raises(GraphError, match="Hyperscan is not installed"):
        made([(b"evil", False)], engine="hyperscan")


@ENGINES
def test_exchanged_while_workers_scan(engine):
    """Two workers scan all the time; every burst finds all of one list of literals."""
    kept = []

    @network_function
    def nf(packets):
        patterns = Patterns([b"\x00" * 20, b"\x00" * 21], engine=engine, once=True)
        out = Array(U64, 4)
        kept.append(out)
        turns = []

        def look(packet):
            count = patterns.scan(packet.payload)
            out[min(count, 3)] += 1
            for i in range(count):
                assert patterns.match(i) < 3

        def change(event):
            turns.append(None)
            sizes = (20, 21, 22) if len(turns) % 2 else (20, 21)
            patterns.update([b"\x00" * size for size in sizes])

        every(0.05, change, on="background")
        return packets.map(look)

    result = run(nf, rx="memory:size=500,flows=2", tx="null:", workers=2, duration=0.7)
    zero, one, two, three = kept[0].totals()
    assert result.drops == {}
    assert (zero, one) == (0, 0)
    assert two > 0 < three
