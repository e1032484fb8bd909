"""GRE (RFC 2784, RFC 2890)."""

from __future__ import annotations

from wirebrick.fields import U1, U3, U9, EtherType, Octets
from wirebrick.headers.ethernet import Ethernet
from wirebrick.headers.field import computed
from wirebrick.headers.header import Header
from wirebrick.headers.ipv4 import IPv4
from wirebrick.headers.ipv6 import IPv6
from wirebrick.headers.mpls import MPLS


class GRE(Header):
    """The GRE header (RFC 2784, 2; key and sequence number: RFC 2890, 2).

    ::

         0                   1                   2                   3
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |c|r|k|s|    reserved     |versi|           protocol            |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |     checksum (if c is set)    |      reserved (if c is)       |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                        key (if k is set)                      |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                     sequence (if s is set)                    |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

    - ``checksum_present`` (c), ``key_present`` (k), ``sequence_present`` (s): which of the optional parts
      there are; together they are ``optional``, and ``checksum``, ``key`` and ``sequence`` read them (0 where
      absent).
    - ``routing_present`` (r): the source routes of RFC 1701, given up since; not ``valid`` here.
    - ``reserved``: zero; the first two bits must be, the others are ignored.
    - ``version``: 0 (1 is PPTP's, RFC 2637, and not ``valid`` here).
    - ``protocol``: what follows, an EtherType (0x6558: an Ethernet frame).

    The optional checksum covers all that GRE carries; it does not follow what an NF writes there.

    >>> GRE(key_present=1, protocol=0x0800, optional=bytes.fromhex("0000002a")).key
    42
    """

    checksum_present: U1
    routing_present: U1
    key_present: U1
    sequence_present: U1
    reserved: U9
    version: U3
    protocol: EtherType
    optional: Octets

    announced_by = (
        (IPv4.protocol == 47) & (IPv4.fragment_offset == 0),
        (IPv6.protocol == 47) & (IPv6.fragment_offset == 0),
    )

    @computed
    def checksum(self) -> int:
        """The checksum, or 0 where there is none."""
        if self.checksum_present == 0:
            return 0
        return self.raw.u16(4)

    @computed
    def key(self) -> int:
        """The key, or 0 where there is none."""
        if self.key_present == 0:
            return 0
        return self.raw.u32(4 + self.checksum_present * 4)

    @computed
    def sequence(self) -> int:
        """The sequence number, or 0 where there is none."""
        if self.sequence_present == 0:
            return 0
        return self.raw.u32(4 + self.checksum_present * 4 + self.key_present * 4)

    def header_length(self) -> int:
        """Four bytes, and four for each optional part."""
        return 4 + self.checksum_present * 4 + self.key_present * 4 + self.sequence_present * 4

    def valid(self) -> bool:
        """Version 0, and none of the bits with which a receiver must discard (RFC 2784, 2.2)."""
        return self.version == 0 and self.routing_present == 0 and self.reserved >> 7 == 0


Ethernet.also_announced_by(GRE.protocol == 0x6558)
MPLS.also_announced_by(GRE.protocol == 0x8847, GRE.protocol == 0x8848)
IPv4.also_announced_by(GRE.protocol == 0x0800)
IPv6.also_announced_by(GRE.protocol == 0x86DD)
