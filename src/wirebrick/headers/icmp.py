"""ICMP (RFC 792)."""

from __future__ import annotations

from wirebrick.fields import U8, U16
from wirebrick.headers.checksum import Checksum
from wirebrick.headers.field import computed
from wirebrick.headers.header import Header
from wirebrick.headers.ipv4 import IPv4


class ICMP(Header):
    """The first eight bytes of an ICMP message (RFC 792): those that all messages have.

    ::

         0                   1                   2                   3
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |     type      |     code      |           checksum            |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |          identifier           |           sequence            |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

    - ``type``: 0 echo reply, 3 destination unreachable, 5 redirect, 8 echo, 11 time exceeded, ... ``code``:
      which of its kind. ``checksum``: of the whole message, without a pseudo-header.
    - ``identifier``, ``sequence``: which echo; in messages of other types these 32 bits (``rest`` as one
      number) mean something else: the gateway of a redirect, unused 16 bits and the next hop's MTU of
      "fragmentation needed" (RFC 1191).

    The payload of an error message is the beginning of the packet it is about.

    >>> bytes(ICMP(type=8, identifier=1, sequence=2)).hex(" ")
    '08 00 00 00 00 01 00 02'
    """

    type: U8
    code: U8
    checksum: U16
    identifier: U16
    sequence: U16

    announced_by = ((IPv4.protocol == 1) & (IPv4.fragment_offset == 0),)
    checksum_rule = Checksum(payload=True)

    @computed
    def rest(self) -> int:
        """The last four bytes as one number, for messages that are no echo."""
        return self.identifier << 16 | self.sequence
