"""What of a packet the firewall compares with its rules: the keys of its classifiers.

What is always compared is put together as whole words: these stay in registers. The fields from ``length`` on are
filled in only while some rule looks at one of them.

>>> hex(ends(src_port=0x1234, dst_port=80, protocol=6, upper=1))
'0x1000600501234'
"""

from __future__ import annotations

from wirebrick.fields import U16, U64, IPv6Address, MacAddress
from wirebrick.state.record import Record

RARE = "length"  # the first field that few rules look at
WHOLE, FIRST, LATER, TINY = range(4)
"""``fragment``: no fragment, the first one, a later one, one of TCP whose flags could follow the first (RFC 3128)."""


class KeyV4(Record):
    """An IPv4 packet."""

    addresses: U64  # the source's, above it (from bit 32 on) the destination's
    ends: U64  # see ``ends``
    length: U16
    ttl: U16
    dscp: U16
    ecn: U16
    vlan: U16  # 0 where there is no tag, else one more than the number in the outermost one
    fragment: U16
    ingress: U16  # 0, or the number of a port that a rule names
    flags: U16  # 1 where those of TCP can be read:
    fin: U16
    syn: U16
    rst: U16
    psh: U16
    ack: U16
    urg: U16
    ece: U16
    cwr: U16
    src_mac: MacAddress
    dst_mac: MacAddress


class KeyV6(Record):
    """An IPv6 packet; fields as of :class:`KeyV4`."""

    src: IPv6Address
    dst: IPv6Address
    ends: U64
    spare: U64
    length: U16
    ttl: U16
    dscp: U16
    ecn: U16
    vlan: U16
    fragment: U16
    ingress: U16
    flags: U16
    fin: U16
    syn: U16
    rst: U16
    psh: U16
    ack: U16
    urg: U16
    ece: U16
    cwr: U16
    src_mac: MacAddress
    dst_mac: MacAddress


Key = KeyV4 | KeyV6


def ends(src_port: int, dst_port: int, protocol: int, upper: int) -> int:
    """The word of ports and protocol.

    ``upper`` is 1 where the ports (or an ICMP message's type and code, which stand in their place) can be read, and 0
    in fragments behind the first and in packets that are cut short.
    """
    return src_port | dst_port << 16 | protocol << 32 | upper << 48


FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr")
"""The flags of TCP, from the lowest bit of their byte on."""
