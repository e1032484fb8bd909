"""The rule language: fields besides addresses, protocol and ports; lists with commas; errors."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirebrick.errors import ParameterError
from wirebrick.nf.firewall.further import HIGHEST
from wirebrick.nf.firewall.keys import FLAGS
from wirebrick.nf.firewall.rules import Match, PacketFields, Rule, parse_rules, reference_match


def one_rule(text: str) -> Rule:
    (rule,) = parse_rules(text)
    return rule


MEANINGS = [
    ("icmp type echo-request", ["ip proto 1 type 8"]),
    ("icmp6 type echo-request", ["ip6 proto 58 type 128"]),
    ("type echo-request", ["ip proto 1 type 8", "ip6 proto 58 type 128"]),
    ("type packet-too-big", ["ip6 proto 58 type 2"]),
    ("icmp type 3 code port-unreachable", ["ip proto 1 code 3 type 3"]),
    ("icmp type 0 or 8", ["ip proto 1 type 0", "ip proto 1 type 8"]),
    ("icmp type 0,8,3-5", ["ip proto 1 type 0", "ip proto 1 type 8", "ip proto 1 type 3-5"]),
    ("tcp flags syn,!ack", ["tcp flags !ack,syn"]),
    ("flags !syn", ["tcp flags !syn"]),
    ("tcp flags syn/syn,ack,rst,fin", ["tcp flags !ack,!fin,!rst,syn"]),
    ("flags syn,ack dst port 80", ["tcp from any to any port 80 flags ack,syn"]),
    ("dscp ef", ["dscp 46"]),
    ("ip dscp af41 or 0-7", ["ip dscp 34", "ip dscp 0-7"]),
    ("ecn ce", ["ecn 3"]),
    ("ttl 1-5", ["ttl 1-5"]),
    ("hop-limit 255", ["ttl 255"]),
    ("not ttl 10-20", ["ttl 0-9", "ttl 21-255"]),
    ("length 1000-65535", ["length 1000-65535"]),
    ("frag", ["frag"]),
    ("not frag", ["(not frag)"]),
    ("frag first", ["frag first"]),
    ("udp frag later", ["udp frag later"]),
    ("vlan", ["vlan"]),
    ("not vlan", ["(not vlan)"]),
    ("vlan 10 or 20-30", ["vlan 10", "vlan 20-30"]),
    ("vlan 5 tcp", ["tcp vlan 5"]),
    ("ether src 02:00:00:00:00:05", ["ether src 02:00:00:00:00:05"]),
    ("ether 02:00:00:00:00:05", ["ether src 02:00:00:00:00:05", "ether dst 02:00:00:00:00:05"]),
    ("ether dst 01:00:5e:00:00:00/25", ["ether dst 01:00:5e:00:00:00/25"]),
    ("ingress outSide", ["ingress outSide"]),
    ("tcp dst port 80,443,8000-8080", [
        "tcp from any to any port 80", "tcp from any to any port 443", "tcp from any to any port 8000-8080",
    ]),
    ("sctp dst port 5060", ["proto 132 from any to any port 5060"]),
    ("proto 33 src port 1 dst port 2", ["proto 33 from any port 1 to any port 2"]),
    ("(tcp or sctp) and dst port 7", ["tcp from any to any port 7", "proto 132 from any to any port 7"]),
    ("not udp and dst port 7", ["tcp from any to any port 7"]),
    ("from 10.0.0.1,10.0.0.2 to any", ["ip from 10.0.0.1 to any", "ip from 10.0.0.2 to any"]),
    ("proto 6,17", ["tcp", "udp"]),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "rows"), MEANINGS)
def test_meanings(condition: str, rows: list[str]) -> None:
    rule = one_rule(f"allow {condition}")
    assert [str(match) for match in rule.matches] == rows
    for match in rule.matches:
        assert one_rule(f"allow {match}").matches == (match,)


REFUSALS = [
    ("allow icmp type echo-reqest", 17, "'echo-reqest' is no type", "did you mean 'echo-"),
    ("allow icmp type", 16, "a type is missing here", "0 to 255"),
    ("allow icmp type 256", 17, "256 is too great for a type", "0 to 255"),
    ("allow icmp type packet-too-big", 17, "IPv4 and IPv6 are mixed", "icmp6"),
    ("allow tcp type 8", 16, "a packet has only one protocol", "join them"),
    ("allow not type 8", 16, "'not' can't be said of '8'", "name the other values"),
    ("allow not flags syn", 11, "'not' can't be said of 'flags'", "!syn"),
    ("allow tcp flags", 16, "flags are missing here", "fin, syn"),
    ("allow tcp flags sny", 17, "'sny' is no flag", "did you mean 'syn'?"),
    ("allow tcp flags syn,!syn", 17, "syn can't be both", "once"),
    ("allow udp flags syn", 11, "a packet has only one protocol", "join"),
    ("allow dscp eff", 12, "'eff' is no DSCP", "did you mean 'ef'?"),
    ("allow dscp 64", 12, "64 is too great", "0 to 63"),
    ("allow ttl 9-5", 11, "the range '9-5' is reversed", "write 5-9"),
    ("allow ttl 1 and ttl 2", 21, "only one ttl", "join them"),
    ("allow length", 13, "a length is missing", "0 to 65535"),
    ("allow vlan 4096", 12, "4096 is too great for a VLAN", "0 to 4095"),
    ("allow ether src 02:00:00:00:00", 17, "is no MAC address", "02:00:00:00:00:01"),
    ("allow ether src 02:00:00:00:00:05/24", 17, "bits set behind its first 24", "to 0"),
    ("allow ingress", 14, "the name of a port is missing", "ingress in"),
    ("allow dst port 80,,81", 19, "a value is missing beside the comma", "A,B,C"),
    ("allow from 10.0.0.1, to any", 21, "a value is missing beside the comma", "A,B,C"),
]


@pytest.mark.parametrize(("text", "column", "message", "cure"), REFUSALS)
def test_refusals(text: str, column: int, message: str, cure: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parse_rules(text, file="acl.rules")
    error = caught.value
    assert message in error.message
    assert cure in error.cure
    assert error.place is not None
    assert (error.place.line, error.place.column) == (1, column)


@st.composite
def further(draw: st.DrawFn) -> Match:
    found = {}
    for name in draw(st.sets(st.sampled_from(sorted({*HIGHEST} - {"ingress", "icmp_type", "icmp_code"})))):
        low, high = sorted(draw(st.tuples(st.integers(0, HIGHEST[name]), st.integers(0, HIGHEST[name]))))
        if name in FLAGS:
            high = low
        elif name == "fragment":
            low, high = draw(st.sampled_from([(0, 0), (1, 3), (1, 1), (2, 3)]))
        elif name == "vlan":
            low, high = draw(
                st.sampled_from([(0, 0), (1, 4096), (1, 1), (7, 4096), (max(low, 1), max(high, 1))])
            )
        elif name.endswith("mac"):
            rest = (1 << draw(st.integers(0, 47))) - 1
            low, high = low & ~rest, low | rest
        if (low, high) != (0, HIGHEST[name]):
            found[name] = (low, high)
    protocol = 6 if any(name in FLAGS for name in found) else draw(st.sampled_from([-1, 6, 17, 47]))
    return Match(protocol=protocol, further=tuple((name, *found[name]) for name in sorted(found)))


@settings(deadline=None, max_examples=60)
@given(further())
def test_round_trip(match: Match) -> None:
    assert one_rule(f"allow {match}").matches == (match,)


def test_what_cannot_be_read_is_not_matched() -> None:
    rules = parse_rules("allow tcp flags syn\nallow icmp type 8\ndeny ttl 5")
    fragment = PacketFields(4, 6, 1, 2, has_ports=False, further={"ttl": 5})
    assert reference_match(rules, fragment) is rules[2]
    assert reference_match(rules, PacketFields(4, 6, 1, 2, further={"ttl": 5, "syn": 1})) is rules[0]
    assert reference_match(rules, PacketFields(4, 1, 1, 2, further={"icmp_type": 8})) is rules[1]
