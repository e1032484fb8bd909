"""The rule language on made-up rules: round trip, and/or/not against their truth tables, any text at all."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given, settings
from hypothesis import strategies as st

from wirebrick.errors import ParameterError
from wirebrick.nf.firewall.names import PROTOCOLS
from wirebrick.nf.firewall.rules import Match, PacketFields, Rule, parse_rules, reference_match


def one_rule(text: str) -> Rule:
    (rule,) = parse_rules(text)
    return rule


@st.composite
def prefixes(draw: st.DrawFn, bits: int) -> tuple[int, int]:
    length = draw(st.integers(0, bits))
    mask = ((1 << length) - 1) << (bits - length)
    return draw(st.integers(0, (1 << bits) - 1)) & mask, mask


@st.composite
def matches(draw: st.DrawFn) -> Match:
    version = draw(st.sampled_from([0, 4, 6]))
    source = destination = (0, 0)
    if version:
        bits = 32 if version == 4 else 128
        source, destination = draw(prefixes(bits)), draw(prefixes(bits))
    protocol = draw(st.sampled_from([-1, 6, 17]) | st.integers(0, 255))
    ports = [0, 65535, 0, 65535]
    if protocol in (6, 17):
        pairs = st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(sorted)
        ports = [*draw(pairs), *draw(pairs)]
    return Match(version, protocol, *source, *destination, *ports)


@settings(deadline=None)
@given(matches())
def test_round_trip(match: Match) -> None:
    assert one_rule(f"allow {match}").matches == (match,)


ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.1.0.1", "2001:db8::1", "::1"]
PRIMITIVES = ["ip", "ip6", "tcp", "udp", "icmp", "proto 58"]
PRIMITIVES += ["host 10.0.0.1", "src net 10.0.0.0/15", "dst 10.1.0.1"]
PRIMITIVES += ["src 2001:db8::1", "net 2001:db8::/126"]
TREES = st.recursive(
    st.sampled_from(PRIMITIVES),
    lambda inner: st.tuples(st.sampled_from(["and", "or"]), inner, inner) | st.tuples(st.just("not"), inner),
    max_leaves=4,
)


def spell(tree: str | tuple) -> str:
    if isinstance(tree, str):
        return tree
    if tree[0] == "not":
        return f"not ({spell(tree[1])})"
    return f"({spell(tree[1])}) {tree[0]} ({spell(tree[2])})"


def holds(tree: str | tuple, fields: PacketFields) -> bool:
    if isinstance(tree, str):
        return any(match.covers(fields) for match in one_rule(f"allow {tree}").matches)
    if tree[0] == "not":
        return not holds(tree[1], fields)
    one, other = holds(tree[1], fields), holds(tree[2], fields)
    return (one and other) if tree[0] == "and" else (one or other)


FIELDS = st.tuples(*map(st.sampled_from, (ADDRESSES, ADDRESSES, ["tcp", "udp", "icmp", "gre"])))


@settings(deadline=None)
@given(TREES, st.lists(FIELDS, min_size=8, max_size=8))
def test_and_or_not_mean_what_they_say(tree: str | tuple, samples: list[tuple[str, str, str]]) -> None:
    same_version = [sample for sample in samples if (":" in sample[0]) == (":" in sample[1])]
    try:
        rules = parse_rules(f"allow {spell(tree)}")
    except ParameterError as error:
        # Conditions that no packet can satisfy, and what is too large, are refused; nothing else is wrong.
        reasons = ("mixed in one rule", "only one", "never match", "simple ones")
        assert any(reason in error.message for reason in reasons)  # noqa: PT017
        return
    for sample in same_version:
        source, destination = map(ip_address, sample[:2])
        fields = PacketFields(source.version, PROTOCOLS[sample[2]], int(source), int(destination))
        assert bool(reference_match(rules, fields)) == holds(tree, fields)


WORDS = ["allow", "deny", "tcp", "icmp6", "ip", "proto", "src", "dst", "host", "net", "port"]
WORDS += ["from", "to", "any", "and", "or", "not", "(", ")", "80", "1-5", "http"]
WORDS += ["10.0.0.1", "10.0.0.0/8", "::1", "/", "#", "é", "\n"]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join) | st.text())
def test_any_text_is_rules_or_a_clear_error(text: str) -> None:
    try:
        rules = parse_rules(text)
    except ParameterError as error:
        complete = error.place and error.message and error.cure
        assert complete and "\n" not in error.message + error.cure  # noqa: PT017, PT018
        return
    for rule in rules:
        assert rule.matches
        again = [match for row in rule.matches for match in one_rule(f"allow {row}").matches]
        assert again == list(rule.matches)
