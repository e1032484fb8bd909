"""Rules evaluated in plain Python, slowly and obviously: what the Snort manual says, one packet and one rule at a time.

It shares with ids how rules are read, and nothing of how they are evaluated: packets are taken apart by scapy, all
places of all contents are tried, expressions are Python's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether

from wirebrick.nf.ids.rule import (
    Bits,
    ByteExtract,
    ByteJump,
    Bytes,
    ByteTest,
    Content,
    InRange,
    IpOption,
    IsDataAt,
    Pcre,
    Rule,
    SameIp,
)

EXTENSIONS = (0, 43, 60)


@dataclass
class Facts:
    """A packet as rules see it."""

    version: int
    protocol: int
    src: int
    dst: int
    kind: str = "ip"
    src_port: int | None = None
    dst_port: int | None = None
    payload: bytes = b""
    fields: dict[str, int] | None = None
    options: tuple[int, ...] = ()


def facts_of(frame: bytes) -> Facts | None:
    """What scapy says of a frame; None where it is no IP."""
    layer: Any = Ether(frame)
    offset = 14
    while isinstance(layer.payload, Dot1Q | Dot1AD):
        layer, offset = layer.payload, offset + 4
    ip = layer.payload
    if isinstance(ip, IP) and ip.version == 4 and ip.ihl >= 5 and 4 * ip.ihl <= ip.len <= len(frame) - offset:
        raw = frame[offset : offset + ip.len]
        upper, protocol, fragment = raw[ip.ihl * 4 :], ip.proto, ip.frag
        fields = {"ttl": ip.ttl, "tos": ip.tos, "id": ip.id, "fragbits": ip.flags.value}
        found = Facts(4, protocol, int(ip_address(ip.src)), int(ip_address(ip.dst)))
        found.options = tuple(
            # Where scapy's IGMP is loaded, it shows a router alert that isn't there.
            option.copy_flag << 7 | option.optclass << 5 | option.option
            for option in ip.options
            if ip.ihl > 5
        )
    elif isinstance(ip, IPv6):
        raw = frame[offset : offset + 40 + ip.plen]
        upper, protocol, fragment = raw[40:], ip.nh, 0
        while protocol in EXTENSIONS or protocol == 44:
            if protocol == 44:
                fragment = int.from_bytes(upper[2:4], "big") >> 3
            size = 8 if protocol == 44 else 8 * (upper[1] + 1)
            protocol, upper = upper[0], upper[size:]
            if fragment:
                break
        fields = {"ttl": ip.hlim, "tos": ip.tc}
        found = Facts(6, protocol, int(ip_address(ip.src)), int(ip_address(ip.dst)))
    else:
        return None
    found.fields = fields | {"fragoffset": fragment, "ip_proto": protocol}
    _upper(found, upper, fragment)
    found.fields["dsize"] = len(found.payload)
    return found


def _upper(found: Facts, upper: bytes, fragment: int) -> None:
    fields, found.payload = found.fields, upper
    assert fields is not None
    if fragment:
        return
    if found.protocol == 6 and len(upper) >= 20:
        tcp = TCP(upper)
        if 20 <= tcp.dataofs * 4 <= len(upper):
            found.kind, found.payload = "tcp", upper[tcp.dataofs * 4 :]
            found.src_port, found.dst_port = tcp.sport, tcp.dport
            fields.update(flags=tcp.flags.value & 255, seq=tcp.seq, ack=tcp.ack, window=tcp.window)
    elif found.protocol == 17 and len(upper) >= 8:
        udp = UDP(upper)
        found.kind, found.payload = "udp", upper[8 : udp.len if udp.len >= 8 else None]
        found.src_port, found.dst_port = udp.sport, udp.dport
    elif found.protocol in (1, 58) and len(upper) >= 4:
        found.kind, found.payload = "icmp", upper[8:]
        fields.update(itype=upper[0], icode=upper[1])
        echo = (128, 129) if found.version == 6 else (0, 8, *range(13, 19))
        if upper[0] in echo and len(upper) >= 8:
            fields.update(icmp_id=ICMP(upper).id or 0, icmp_seq=ICMP(upper).seq or 0)
            fields.update(
                icmp_id=int.from_bytes(upper[4:6], "big"), icmp_seq=int.from_bytes(upper[6:8], "big")
            )


def header_matches(rule: Rule, facts: Facts) -> bool:
    if rule.protocol != "ip" and facts.kind != rule.protocol:
        return False

    def inside(number: int | None, ranges: Any) -> bool:
        return number is not None and any(low <= number <= high for low, high in ranges)

    def way(src: Any, src_ports: Any, dst: Any, dst_ports: Any) -> bool:
        version = "v4" if facts.version == 4 else "v6"
        everywhere = ((0, 65535),)
        return (
            inside(facts.src, getattr(src, version))
            and inside(facts.dst, getattr(dst, version))
            and (src_ports == everywhere or inside(facts.src_port, src_ports))
            and (dst_ports == everywhere or inside(facts.dst_port, dst_ports))
        )

    return way(rule.src, rule.src_ports, rule.dst, rule.dst_ports) or (
        rule.both_ways and way(rule.dst, rule.dst_ports, rule.src, rule.src_ports)
    )


def tests_match(rule: Rule, facts: Facts) -> bool:
    for test in rule.tests:
        if isinstance(test, SameIp):
            ok = facts.src == facts.dst
        elif isinstance(test, IpOption):
            ok = facts.version == 4 and (
                test.number in facts.options if test.number >= 0 else bool(facts.options)
            )
        else:
            assert facts.fields is not None
            value = facts.fields.get(test.field)
            if value is None:
                return False
            if isinstance(test, InRange):
                ok = (test.low <= value <= test.high) != test.negated
            else:
                ok = bits_match(test, value)
        if not ok:
            return False
    return True


def bits_match(test: Bits, value: int) -> bool:
    value, bits = value & ~test.ignored, test.bits & ~test.ignored
    ways = {
        "exactly": value == bits,
        "all": value & bits == bits,
        "any": value & bits != 0,
        "none": value & bits == 0,
    }
    return ways[test.how]


def payload_matches(rule: Rule, data: bytes, begin: int = 0, new: int = -1) -> bool:
    """Whether some way satisfies all options; ``begin``: of the payload, ``new``: what must be touched behind it."""
    return any(new < 0 or reach > new for reach in ways(rule.payload, data, begin, begin, -1, {}))


def ways(
    options: Any, data: bytes, begin: int, cursor: int, reach: int, named: dict[str, int]
) -> Iterator[int]:
    """How far each way that satisfies the options reaches."""
    if not options:
        yield reach
        return
    option, rest = options[0], options[1:]

    def number(value: Any) -> int:
        return named[value] if isinstance(value, str) else value

    def base(relative: bool) -> int:
        return cursor if relative else begin

    if isinstance(option, Content):
        low = base(option.relative) + number(option.offset)
        high = len(data) if option.depth is None else min(len(data), low + number(option.depth))
        text, where = option.data, data
        if option.nocase:
            text, where = text.lower(), data.lower()
        places = [at for at in range(max(low, 0), high - len(text) + 1) if where[at : at + len(text)] == text]
        if option.negated:
            if not places:
                yield from ways(rest, data, begin, cursor, reach, named)
            return
        for at in places:
            end = at + len(text)
            yield from ways(rest, data, begin, end, max(reach, end), named)
    elif isinstance(option, Pcre):
        flags = sum(getattr(re, letter.upper()) for letter in option.flags if letter in "ismx")
        first = cursor if option.relative else 0
        found = re.search(option.pattern.encode(), data[first:], flags)
        if (found is None) != option.negated:
            return
        end = first + found.end() if found else cursor
        yield from ways(rest, data, begin, end, reach if option.negated else max(reach, end), named)
    elif isinstance(option, IsDataAt):
        at = base(option.relative) + number(option.offset)
        if (begin <= at < len(data)) != option.negated:
            yield from ways(rest, data, begin, cursor, reach if option.negated else max(reach, at + 1), named)
    else:
        read = value_of(option.bytes, data, base(option.bytes.relative) + number(option.bytes.offset))
        if read is None:
            return
        value, after = read
        reach = max(reach, after)
        if isinstance(option, ByteTest):
            other = number(option.value)
            holds = {
                "<": value < other, ">": value > other, "=": value == other, "<=": value <= other,
                ">=": value >= other, "&": value & other != 0, "^": value ^ other != 0,
            }[option.operator]  # fmt: skip
            if holds != option.negated:
                yield from ways(rest, data, begin, cursor, reach, named)
            return
        value = value * option.multiplier % (1 << 32)
        if option.align:
            value = -(-value // option.align) * option.align
        if isinstance(option, ByteExtract):
            yield from ways(rest, data, begin, cursor, reach, named | {option.name: value})
            return
        assert isinstance(option, ByteJump)
        start = {"here": after, "beginning": begin, "end": len(data)}[option.origin]
        cursor = start + value + number(option.post_offset)
        if begin <= cursor <= len(data):
            yield from ways(rest, data, begin, cursor, reach, named)


def value_of(read: Bytes, data: bytes, at: int) -> tuple[int, int] | None:
    """A number and where it ends."""
    if not 0 <= at < len(data):
        return None
    if read.base:
        digits = {8: "[0-7]", 10: "[0-9]", 16: "(?:0[xX](?=[0-9a-fA-F]))?[0-9a-fA-F]"}[read.base]
        found = re.match(rf"[ \t-\r]*{digits}+".encode(), data[at : at + read.count])
        if found is None:
            return None
        value, after = min(int(found[0], read.base), (1 << 32) - 1), at + found.end()
    else:
        if at + read.count > len(data):
            return None
        value = int.from_bytes(data[at : at + read.count], "little" if read.little else "big")
        after = at + read.count
    if read.mask:
        value = (value & read.mask) >> ((read.mask & -read.mask).bit_length() - 1)
    return value, after


def matches(rule: Rule, frame: bytes) -> bool:
    """Whether a rule that asks for no flow matches a frame."""
    facts = facts_of(frame)
    return (
        facts is not None
        and header_matches(rule, facts)
        and tests_match(rule, facts)
        and payload_matches(rule, facts.payload)
    )
