"""IPv6 (RFC 8200) with its extension headers."""

from __future__ import annotations

from wirebrick.fields import U4, U8, U16, U20, IPProtocol, IPv6Address, Octets
from wirebrick.headers.ethernet import Ethernet
from wirebrick.headers.field import computed
from wirebrick.headers.header import Header
from wirebrick.headers.ipv4 import IPv4
from wirebrick.headers.mpls import MPLS
from wirebrick.headers.vlan import VLAN


class IPv6(Header):
    """The IPv6 header (RFC 8200, 3) and the extension headers behind it (RFC 8200, 4; RFC 4302; RFC 6275).

    ::

         0                   1                   2                   3
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |version| traffic_class |              flow_label               |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |        payload_length         |  next_header  |   hop_limit   |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                        src (128 bits)                         |
        +                                                               +
        |                                                               |
        +                                                               +
        |                                                               |
        +                                                               +
        |                                                               |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                        dst (128 bits)                         |
        +                                                               +
        |                                                               |
        +                                                               +
        |                                                               |
        +                                                               +
        |                                                               |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                 extensions (0 or more bytes)                  |

    - ``version``: 6. ``traffic_class``: differentiated services (6 bits) and congestion notification (2
      bits).
    - ``flow_label``: the same for all packets of a flow, or 0 (RFC 6437).
    - ``payload_length``: bytes behind the first 40, so the extension headers count; what lies behind is
      padding.
    - ``next_header``: what follows the first 40 bytes: an extension header, or what ``protocol`` then is too.
    - ``hop_limit``: hops it may still make.
    - ``extensions``: hop-by-hop options (0), routing (43), fragment (44), authentication (51), destination
      options (60) and mobility (135) headers. Up to 16 of them count; a longer chain ends as if the 17th were
      the payload, and so it does behind the fragment header of a fragment that is not the first.
    - ``protocol``, ``fragment_offset`` (in units of 8 bytes), ``more_fragments``, ``identification``:
      computed from the extension headers; they can be read and named in conditions, not stored.

    Jumbograms (RFC 2675: ``payload_length`` 0 and a hop-by-hop option) are not supported: ``claimed_payload``
    is negative for them, and so the packet is malformed.

    >>> ip = IPv6(src="2001:db8::1", next_header=60, extensions=bytes.fromhex("0600010400000000"))
    >>> ip.next_header, ip.protocol, ip.header_length()
    (60, 6, 48)
    """

    version: U4 = 6
    traffic_class: U8
    flow_label: U20
    payload_length: U16
    next_header: IPProtocol = 59
    hop_limit: U8 = 64
    src: IPv6Address
    dst: IPv6Address
    extensions: Octets

    announced_by = (
        Ethernet.ethertype == 0x86DD,
        VLAN.ethertype == 0x86DD,
        MPLS.s == 1,
        (IPv4.protocol == 41) & (IPv4.fragment_offset == 0),
    )
    pseudo_header = ("src", "dst", "payload_length")
    length_field = "payload_length"
    length_includes_header = False  # of the first 40 bytes; the extension headers it does count

    @computed
    def chain(self) -> int:
        """What one walk over the extension headers finds, in one number.

        Bits 0 to 7: the protocol behind them; 8 to 31: their length in bytes; from 32 on: where the fragment
        header is, in bytes from the start of the IPv6 header, or 0.
        """
        at = 40
        kind = self.next_header
        fragment = 0
        for _ in range(16):
            if kind == 44:
                size = 8
                if fragment == 0:
                    fragment = at
            elif kind == 51:
                size = (self.raw.u8(at + 1) + 2) * 4  # RFC 4302, 2.2
            elif kind == 0 or kind == 43 or kind == 60 or kind == 135:
                size = (self.raw.u8(at + 1) + 1) * 8
            else:
                break
            later_fragment = kind == 44 and self.raw.u16(at + 2) >> 3 != 0
            kind = self.raw.u8(at)
            at += size
            if later_fragment:
                break  # what follows is the middle of something
        return fragment << 32 | (at - 40) << 8 | kind

    @computed
    def protocol(self) -> int:
        """What follows the extension headers: 6 TCP, 17 UDP, 58 ICMPv6, 59 nothing, ...

        Of a fragment that is not the first: what the fragments begin with, put together.
        """
        return self.chain & 0xFF

    @computed
    def fragment_offset(self) -> int:
        """Where the fragment belongs, in units of 8 bytes; 0 where there is no fragment header."""
        fragment = self.chain >> 32
        if fragment == 0:
            return 0
        return self.raw.u16(fragment + 2) >> 3

    @computed
    def more_fragments(self) -> int:
        """1 if this is a fragment and not the last, else 0."""
        fragment = self.chain >> 32
        if fragment == 0:
            return 0
        return self.raw.u8(fragment + 3) & 1

    @computed
    def identification(self) -> int:
        """Which packet the fragment is of; 0 where there is no fragment header."""
        fragment = self.chain >> 32
        if fragment == 0:
            return 0
        return self.raw.u32(fragment + 4)

    def header_length(self) -> int:
        """40 bytes and the extension headers."""
        return 40 + (self.chain >> 8 & 0xFFFFFF)

    def claimed_payload(self) -> int:
        """What ``payload_length`` leaves behind the extension headers."""
        return self.payload_length - (self.chain >> 8 & 0xFFFFFF)

    def valid(self) -> bool:
        """Version 6."""
        return self.version == 6


IPv4.also_announced_by((IPv6.protocol == 4) & (IPv6.fragment_offset == 0))
IPv6.also_announced_by((IPv6.protocol == 41) & (IPv6.fragment_offset == 0))
