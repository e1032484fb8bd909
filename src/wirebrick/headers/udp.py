"""UDP (RFC 768)."""

from __future__ import annotations

from wirebrick.fields import U16
from wirebrick.headers.checksum import Checksum
from wirebrick.headers.header import Header
from wirebrick.headers.ipv4 import IPv4
from wirebrick.headers.ipv6 import IPv6


class UDP(Header):
    """The UDP header (RFC 768).

    ::

         0                   1                   2                   3
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |           src_port            |           dst_port            |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |            length             |           checksum            |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

    - ``src_port``, ``dst_port``: the ends.
    - ``length``: header and payload in bytes, at least 8 (the zero of IPv6 jumbograms, RFC 2675, is not valid
      here).
    - ``checksum``: of pseudo-header, header and payload; zero means that there is none, and it stays so.

    >>> UDP(src_port=53, dst_port=4096, length=108).claimed_payload()
    100
    """

    src_port: U16
    dst_port: U16
    length: U16 = 8
    checksum: U16

    announced_by = (
        (IPv4.protocol == 17) & (IPv4.fragment_offset == 0),
        (IPv6.protocol == 17) & (IPv6.fragment_offset == 0),
    )
    checksum_rule = Checksum(payload=True, pseudo=True, own_length=True, optional=True)
    length_field = "length"

    def claimed_payload(self) -> int:
        """What ``length`` leaves behind the header."""
        return self.length - 8

    def valid(self) -> bool:
        """``length`` covers at least the header."""
        return self.length >= 8
