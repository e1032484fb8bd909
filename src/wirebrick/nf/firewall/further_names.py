"""Names of values: types of ICMP and ICMPv6 messages (IANA), DSCPs (RFC 2474, 2597, 3246, 5865, 8622), ECN (RFC 3168).

>>> ICMP_TYPES["echo-request"], ICMP6_TYPES["echo-request"], DSCP["ef"], ECN["ce"]
(8, 128, 46, 3)
"""

from __future__ import annotations

ICMP_TYPES: dict[str, int] = {
    "echo-reply": 0,
    "destination-unreachable": 3,
    "source-quench": 4,
    "redirect": 5,
    "echo-request": 8,
    "router-advertisement": 9,
    "router-solicitation": 10,
    "time-exceeded": 11,
    "parameter-problem": 12,
    "timestamp-request": 13,
    "timestamp-reply": 14,
    "address-mask-request": 17,
    "address-mask-reply": 18,
}
"""Of ICMP."""

ICMP6_TYPES: dict[str, int] = {
    "destination-unreachable": 1,
    "packet-too-big": 2,
    "time-exceeded": 3,
    "parameter-problem": 4,
    "echo-request": 128,
    "echo-reply": 129,
    "mld-listener-query": 130,
    "mld-listener-report": 131,
    "mld-listener-done": 132,
    "router-solicitation": 133,
    "router-advertisement": 134,
    "neighbor-solicitation": 135,
    "neighbor-advertisement": 136,
    "redirect": 137,
    "mld2-listener-report": 143,
}
"""Of ICMPv6."""

ICMP_CODES: dict[str, int] = {
    "net-unreachable": 0,
    "host-unreachable": 1,
    "protocol-unreachable": 2,
    "port-unreachable": 3,
    "fragmentation-needed": 4,
    "admin-prohibited": 13,
}
"""Codes of ICMP's destination-unreachable."""

ICMP6_CODES: dict[str, int] = {
    "no-route": 0,
    "admin-prohibited": 1,
    "addr-unreachable": 3,
    "port-unreachable": 4,
}
"""Codes of ICMPv6's destination-unreachable."""

DSCP: dict[str, int] = {
    "default": 0,
    "le": 1,
    **{f"cs{number}": 8 * number for number in range(8)},
    **{f"af{one}{two}": 8 * one + 2 * two for one in range(1, 5) for two in range(1, 4)},
    "va": 44,
    "ef": 46,
}
"""Differentiated services code points."""

ECN: dict[str, int] = {"not-ect": 0, "ect1": 1, "ect0": 2, "ce": 3}
"""Explicit congestion notification."""
