"""Regexes against Python's re, by table and along all ways, and what is refused."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirebrick import Array, network_function, run
from wirebrick.errors import GraphError
from wirebrick.fields import U64
from wirebrick.headers import TCP, Ethernet, IPv4
from wirebrick.state import regexes_native as native
from wirebrick.state.regex_program import nullable
from wirebrick.state.regex_syntax import parse
from wirebrick.state.regex_tree import Choice, Flags, RegexError, Repeat, Sequence
from wirebrick.state.regexes import Regexes

ATOM_TEXTS = r"a b c A _ \x20 \n . [ab] [^a] \w \W \s \d \x41 [b-c_] ^ $ \b \A \Z"
ATOMS = st.sampled_from(ATOM_TEXTS.split())
TIMES = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "{0}"])
REGEXES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, TIMES, st.sampled_from(["", "?"])).map(
            lambda three: f"({three[0]}){three[1]}{three[2]}"
        ),
        inner.map(lambda text: f"(?i:{text})"),
    ),
    max_leaves=8,
)
DATA = st.lists(st.sampled_from(sorted(b"aabbcAB_\n 1")), max_size=16).map(bytes)
PYTHON = {"i": re.IGNORECASE, "s": re.DOTALL, "m": re.MULTILINE}


class InCPython(Regexes):
    """The native functions as they are."""

    def search(self, number, data, start=0):
        from wirebrick.state.arguments import octets

        view = octets(data)
        given = self.shown(), self.ways.changing(), number, view._at, len(view), start
        return native.regexes_search(*given)


def made(patterns, flags=None, kind=Regexes, **options):
    regexes = kind(patterns, flags, **options)
    regexes.allocate(1)
    return regexes


def repeats_nothing(node):
    """Whether something that can match nothing is repeated: there ends may differ."""
    if isinstance(node, Repeat):
        return nullable(node.part) or repeats_nothing(node.part)
    parts = node.parts if isinstance(node, Sequence) else node.ways if isinstance(node, Choice) else ()
    return any(map(repeats_nothing, parts))


@settings(max_examples=250)
@given(REGEXES, st.sets(st.sampled_from("ism")), st.lists(st.tuples(DATA, st.integers(0, 16)), max_size=6))
def test_like_re(pattern, letters, searches):
    flags = "".join(sorted(letters))
    ours = pattern.replace(r"\Z", r"\z")  # as PCRE calls it
    theirs = re.compile(pattern.encode(), sum(PYTHON[letter] for letter in flags))
    tables, ways = made([ours], [flags]), made([ours], [flags], states=0)
    exact = not repeats_nothing(parse(ours, Flags()))
    for data, at in searches:
        start = min(at, len(data))
        match = theirs.search(data, start)
        found = tables.search(0, data, start)
        assert ways.search(0, data, start) == found
        assert (found >= 0) == (match is not None)
        if match and exact:
            assert found == match.end()


CASES = [
    (r"user:\s*(root|admin)\b", "i", b"USER: root ?", 10),
    (r"a.*b", "", b"axb\nb", 3),
    (r"a.*b", "s", b"axb\nb", 5),
    (r"a.*b", "sG", b"axb\nb", 3),
    (r"(?U)a.*b", "s", b"axb\nb", 3),
    (r"end$", "", b"end\n", 3),
    (r"end$", "E", b"end\n", -1),
    (r"end\Z", "", b"end\n", 3),
    (r"end\z", "", b"end\n", -1),
    (r"^b", "m", b"a\nb", 3),
    (r"b", "A", b"ab", -1),
    ("a b # comment\n c", "x", b"abc", 3),
    (r"a(?#comment)b", "", b"ab", 2),
    (r"\Qa.b*\E+", "", b"xa.b**", 6),
    (r"[\d\-x]+", "", b"a1-x", 4),
    (r"[]a]+", "", b"]a", 2),
    (r"[^]a]", "", b"]ab", 3),
    (r"[[:alpha:]_]+[[:^digit:]]", "", b"ab_1 ", 3),
    (r"\x{41}\101\cA\e\0", "", b"AA\x01\x1b\x00", 5),
    (r"a{,3}", "", b"a{,3}", 5),
    (r"a{x", "", b"a{x", 3),
    (r"\R\R", "", b"\r\n\n", 3),
    (r"\h\H\v\V\N", "", b" a\nbc", 5),
    (r"(?i)get(?-i) X", "", b"GET X", 5),
    (r"(?P<name>a)(?<other>b)(?'third'c)", "", b"abc", 3),
    (b"\xff[\x80-\xff]", "", b"\xff\xfe", 2),
    (r"(?i:[k-m])Z", "", b"LZ", 2),
    (r"|a", "", b"a", 0),
    (r"(?:a|ab)(?:c|bcd)", "", b"abcd", 4),
    (r"\B", "", b"", 0),
]


@pytest.mark.parametrize("kind", [Regexes, InCPython])
@pytest.mark.parametrize("states", [0, 1024])
def test_what_pcre_says(kind, states):
    regexes = made([case[0] for case in CASES], [case[1] for case in CASES], kind, states=states)
    found = [regexes.search(number, data) for number, (*_, data, _) in enumerate(CASES)]
    assert found == [end for *_, end in CASES]


def test_start():
    regexes = made([r"^a", r"\ba", r"a$"], ["", "", ""])
    assert [regexes.search(n, b"xa", 1) for n in range(3)] == [-1, -1, 2]
    assert [regexes.search(n, b"a", 1) for n in range(3)] == [-1] * 3
    assert regexes.search(0, b"a", 2) == -1
    assert regexes.search(3, b"a") == -1


@pytest.mark.parametrize(
    ("pattern", "position", "message"),
    [
        (r"(a)\1", 3, "a back reference"),
        (r"(?P<n>a)(?P=n)", 8, "a back reference"),
        (r"a(?=b)", 1, "a look ahead"),
        (r"a(?!b)", 1, "a look ahead"),
        (r"(?<=a)b", 0, "a look behind"),
        (r"(?<!a)b", 0, "a look behind"),
        (r"(?>a+)", 0, "an atomic group"),
        (r"ab++", 3, "possessive"),
        (r"(?R)", 0, "recursion"),
        (r"(?1)", 0, "recursion"),
        (r"(?(1)a)", 0, "a condition"),
        (r"(*SKIP)", 0, "a verb"),
        (r"x\Gy", 1, r"\\G is not supported"),
        (r"\p{L}", 0, r"\\p is not supported"),
        (r"ab)", 2, r"a \) without"),
        (r"(ab", 0, r"a \( without"),
        (r"x[ab", 1, r"a \[ without"),
        (r"*a", 0, "nothing before"),
        (r"a**", 2, "can't be repeated again"),
        (r"a{3,2}", 1, "asks for less"),
        (r"a{70000}", 1, "more than 65535"),
        (r"[z-a]", 2, "ends before it begins"),
        (r"[[:nope:]]", 1, "is no class"),
        (r"\x{100}", 0, "is no byte"),
        (r"a(?#x", 4, "a comment has no end"),
        (r"(?y)", 2, "begins nothing"),
        ("a\\", 2, "an escape has no end"),
        ("\u20ac", 0, "is no byte"),
        ("(" * 300 + ")" * 300, 200, "200 groups"),
        (r"(?:a{1000}){1000}", 0, "more than 4096 steps"),
    ],
)
def test_refusals(pattern, position, message):
    with pytest.raises(RegexError, match=message) as caught:
        made_alone(pattern)
    assert caught.value.position == position
    with pytest.raises(ValueError, match=f"regular expression 1, at byte {position}: .*{message}"):
        Regexes(["a", pattern])


def made_alone(pattern):
    from wirebrick.state.regex_program import compiled_program

    return compiled_program(pattern, Flags())


@given(st.binary(max_size=12) | st.text("()[]{}*+?|\\^$.a1-:P<>=!Qx,", max_size=12))
def test_any_text_is_taken_or_refused(pattern):
    try:
        regexes = made([pattern])
    except ValueError:
        return
    assert -1 <= regexes.search(0, b"aa1 (") <= 5


@pytest.mark.parametrize(
    "pattern", [r"(a*)*b", r"(a|aa)+$", r"(?:a?){60}a{60}!", r".*.*.*.*x", r"a[^b]{300}c"]
)
def test_time_is_bounded(pattern):
    regexes = made([pattern])
    begin = time.perf_counter()
    assert regexes.search(0, b"a" * 1400 + b"\n!") == -1
    assert time.perf_counter() - begin < 1


def test_exchange_from_outside():
    regexes = made(["a"], room=4096)
    regexes.update(["b+", r"c(?:dd|ee){2}"], ["", "i"])
    assert (regexes.search(0, b"abb"), regexes.search(1, b"CDDEE"), len(regexes)) == (3, 5, 2)
    with pytest.raises(ValueError, match="regular expression 1, at byte 0"):
        regexes.update(["x", "("])
    with pytest.raises(GraphError, match="room for 4096 bytes"):
        regexes.update(["[a-z]+x[0-9]{800}"])
    with pytest.raises(GraphError, match="flags for 1"):
        regexes.update(["x", "y"], [""])
    with pytest.raises(ValueError, match="'R' is no flag"):
        regexes.update(["x"], ["R"])
    assert regexes.search(0, b"abb") == 3


@pytest.mark.parametrize("states", [0, 1024])
def test_in_user_functions(states):
    def outcome(interpret):
        kept = []

        @network_function
        def nf(packets):
            regexes = Regexes([r"^get\s+(\S+)", r"^host: *([a-z.]+)"], ["i", "im"], states=states)
            out = Array(U64, 4)
            kept.append(out)

            def look(packet):
                end = regexes.search(0, packet.payload)
                if end >= 0:
                    out[0] += end
                    out[1] += regexes.search(1, packet.payload, end)
                    out[2] += regexes.search(1, packet.payload[end:])

            return packets.parse(Ethernet).parse(IPv4).parse(TCP).map(look)

        run(nf, rx="captures/mixed.pcap", tx="null:", interpret=interpret)
        return kept[0].totals()

    compiled = outcome(False)
    assert compiled == outcome(True)
    assert compiled[0] > 0 < compiled[1]
