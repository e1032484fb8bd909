"""The rule language: what rules mean, and which rule decides."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from wirebrick.nf.firewall.names import PROTOCOLS, SERVICES
from wirebrick.nf.firewall.rules import (
    Match,
    PacketFields,
    Rule,
    parse_rules,
    reference_match,
)

FULL32 = 2**32 - 1
FULL128 = 2**128 - 1


def one_rule(text: str) -> Rule:
    (rule,) = parse_rules(text)
    return rule


def rows(condition: str) -> list[str]:
    return [str(match) for match in one_rule(f"allow {condition}").matches]


def packet(
    src: str = "10.0.0.1",
    dst: str = "192.168.1.1",
    protocol: str = "tcp",
    src_port: int = 4711,
    dst_port: int = 80,
    has_ports: bool = True,
) -> PacketFields:
    source, destination = ip_address(src), ip_address(dst)
    number = PROTOCOLS[protocol]
    return PacketFields(source.version, number, int(source), int(destination), src_port, dst_port, has_ports)


@pytest.mark.parametrize(
    ("word", "action"),
    [
        ("allow", "allow"),
        ("accept", "allow"),
        ("permit", "allow"),
        ("deny", "deny"),
        ("drop", "deny"),
        ("DENY", "deny"),
    ],
)
@pytest.mark.parametrize("condition", ["", " all", " ANY", "  any # everything"])
def test_actions_and_everything(word: str, action: str, condition: str) -> None:
    rule = one_rule(word + condition)
    assert (rule.action, rule.matches) == (action, (Match(),))


MEANINGS = [
    ("ip", ["ip"]),
    ("ip6", ["ip6"]),
    ("tcp", ["tcp"]),
    ("icmp", ["ip proto 1"]),
    ("icmp6", ["ip6 proto 58"]),
    ("proto icmp", ["proto 1"]),
    ("gre", ["proto 47"]),
    ("proto 47", ["proto 47"]),
    ("proto 6 or 17", ["tcp", "udp"]),
    ("proto 0", ["proto 0"]),
    ("proto 255", ["proto 255"]),
    ("tcp or udp", ["tcp", "udp"]),
    ("tcp || udp", ["tcp", "udp"]),
    ("ip proto 50", ["ip proto 50"]),
    ("src 10.0.0.1", ["ip from 10.0.0.1 to any"]),
    ("dst host 10.0.0.1", ["ip from any to 10.0.0.1"]),
    ("src net 10.0.0.0/8", ["ip from 10.0.0.0/8 to any"]),
    ("src net 0.0.0.0/0", ["ip"]),
    ("dst net ::/0", ["ip6"]),
    ("from 2001:db8::/32 to any", ["ip6 from 2001:db8::/32 to any"]),
    ("from any to any", ["all"]),
    ("src any", ["all"]),
    ("from any port 53 to any", ["tcp from any port 53 to any", "udp from any port 53 to any"]),
    ("host 10.0.0.1", ["ip from 10.0.0.1 to any", "ip from any to 10.0.0.1"]),
    ("10.0.0.1", ["ip from 10.0.0.1 to any", "ip from any to 10.0.0.1"]),
    ("src or dst 10.0.0.1", ["ip from 10.0.0.1 to any", "ip from any to 10.0.0.1"]),
    ("src and dst net 10.0.0.0/8", ["ip from 10.0.0.0/8 to 10.0.0.0/8"]),
    ("dst && src net 10.0.0.0/8", ["ip from 10.0.0.0/8 to 10.0.0.0/8"]),
    (
        "host 10.0.0.1 and 10.0.0.2",
        ["ip from 10.0.0.1 to 10.0.0.2", "ip from 10.0.0.2 to 10.0.0.1"],
    ),
    ("from 10.0.0.1 or 10.0.0.2 to any", ["ip from 10.0.0.1 to any", "ip from 10.0.0.2 to any"]),
    ("src 10.0.0.1 or ::1", ["ip from 10.0.0.1 to any", "ip6 from ::1 to any"]),
    ("src net 10.0.0.0/8 and src net 10.1.0.0/16", ["ip from 10.1.0.0/16 to any"]),
    ("udp dst port domain", ["udp from any to any port 53"]),
    ("dst port 53 and udp", ["udp from any to any port 53"]),
    ("tcp portrange 1-5", ["tcp from any port 1-5 to any", "tcp from any to any port 1-5"]),
    ("tcp dst port 0-1023", ["tcp from any to any port 0-1023"]),
    ("tcp dst port 1024-65535", ["tcp from any to any port 1024-65535"]),
    ("tcp dst port 0-65535", ["tcp"]),
    ("dst port 0-65535", ["tcp", "udp"]),
    ("tcp dst port 10-30 and dst port 20-40", ["tcp from any to any port 20-30"]),
    ("tcp src and dst port 53", ["tcp from any port 53 to any port 53"]),
    ("tcp dst port 80 or 443", ["tcp from any to any port 80", "tcp from any to any port 443"]),
    ("tcp dst port http or http", ["tcp from any to any port 80"]),
    (
        "tcp dst port 80 or udp dst port 53",
        ["tcp from any to any port 80", "udp from any to any port 53"],
    ),
    (
        "tcp from 10.0.0.0/8 port 1024-65535 to net 192.168.1.0/24 port ssh",
        ["ip tcp from 10.0.0.0/8 port 1024-65535 to 192.168.1.0/24 port 22"],
    ),
    ("to 10.0.0.1", ["ip from any to 10.0.0.1"]),
    ("(tcp or icmp) and dst port 80", ["tcp from any to any port 80"]),
    ("tcp and (dst port 80 or 443)", ["tcp from any to any port 80", "tcp from any to any port 443"]),
    ("((tcp))", ["tcp"]),
    ("not ip", ["ip6"]),
    ("!ip6", ["ip"]),
    ("not not tcp", ["tcp"]),
    ("not src net 128.0.0.0/1", ["ip6", "ip from 0.0.0.0/1 to any"]),
    ("ip6 and not dst net 8000::/2", ["ip6 from any to ::/1", "ip6 from any to c000::/2"]),
    ("not (ip or dst net 8000::/1)", ["ip6 from any to ::/1"]),
    ("not (ip and tcp) and tcp", ["ip6 tcp"]),
]


@pytest.mark.parametrize(("condition", "expected"), MEANINGS)
def test_meaning(condition: str, expected: list[str]) -> None:
    assert rows(condition) == expected


def test_negated_protocol_is_every_other_one() -> None:
    matches = one_rule("deny not (tcp or udp)").matches
    assert [match.protocol for match in matches] == [n for n in range(256) if n not in (6, 17)]


def test_match_fields() -> None:
    (match,) = one_rule("allow udp from 2001:db8::/32 port 5000-5010 to ::1 port 53").matches
    network = ip_network("2001:db8::/32")
    assert match == Match(
        version=6,
        protocol=17,
        src=int(network.network_address),
        src_mask=int(network.netmask),
        dst=1,
        dst_mask=FULL128,
        src_port_low=5000,
        src_port_high=5010,
        dst_port_low=53,
        dst_port_high=53,
    )
    (match,) = one_rule("allow src 10.0.0.1").matches
    assert (match.version, match.src, match.src_mask) == (4, 0x0A000001, FULL32)


def test_numbers_lines_and_text() -> None:
    text = "\ufeff".lstrip("\ufeff") + "# head\r\n\r\nallow tcp   # web\n\t deny\tudp\t\n\n   # tail\rdrop"
    found = [(rule.number, rule.line, rule.text) for rule in parse_rules(text)]
    assert found == [(1, 3, "allow tcp"), (2, 4, "deny\tudp"), (3, 7, "drop")]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_name(name: str) -> None:
    assert rows(f"tcp dst port {name}") == rows(f"tcp dst port {SERVICES[name]}")


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_every_protocol_name(name: str) -> None:
    assert {match.protocol for match in one_rule(f"deny {name}").matches} == {PROTOCOLS[name]}
    assert rows(f"proto {name}") == rows(f"proto {PROTOCOLS[name]}")


ACCESS_LIST = """
allow tcp from 10.0.0.0/8 to 192.168.1.1 port 80
deny  udp src net 10.1.0.0/16 dst port 5000-5010
allow src net 10.0.0.0/8 and dst port 53 and udp
deny  ip6 from 2001:db8::/32 to any
allow icmp
deny  proto 47
deny  tcp port 22
allow tcp
"""


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        (packet(), 1),
        (packet(src="11.0.0.1"), 8),
        (packet(dst="192.168.1.2"), 8),
        (packet(dst_port=81), 8),
        (packet(has_ports=False), 8),
        (packet(protocol="udp"), None),
        (packet(protocol="udp", src="10.1.255.255", dst_port=5000), 2),
        (packet(protocol="udp", src="10.1.0.0", dst_port=5010), 2),
        (packet(protocol="udp", src="10.1.0.0", dst_port=5011), None),
        (packet(protocol="udp", src="10.1.0.0", dst_port=5005, has_ports=False), None),
        (packet(protocol="udp", dst_port=53), 3),
        (packet(src="2001:db8::1", dst="::1"), 4),
        (packet(src="2001:db9::1", dst="::1"), 8),
        (packet(src="::a00:1", dst="::1"), 8),
        (packet(protocol="icmp"), 5),
        (packet(protocol="icmp", src="::1", dst="::1"), None),
        (packet(protocol="gre"), 6),
        (packet(src="11.0.0.1", dst_port=22), 7),
        (packet(src="11.0.0.1", src_port=22), 7),
    ],
)
def test_first_match_decides(fields: PacketFields, number: int | None) -> None:
    rule = reference_match(parse_rules(ACCESS_LIST), fields)
    assert (rule.number if rule else None) == number
