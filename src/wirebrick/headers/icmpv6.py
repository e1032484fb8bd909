"""ICMPv6 (RFC 4443)."""

from __future__ import annotations

from wirebrick.fields import U8, U16
from wirebrick.headers.checksum import Checksum
from wirebrick.headers.field import computed
from wirebrick.headers.header import Header
from wirebrick.headers.ipv6 import IPv6


class ICMPv6(Header):
    """The first eight bytes of an ICMPv6 message (RFC 4443, 2.1): those that all messages in use have.

    ::

         0                   1                   2                   3
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |     type      |     code      |           checksum            |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |          identifier           |           sequence            |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

    - ``type``: 1 unreachable, 2 too big, 3 time exceeded, 128 echo, 129 echo reply, 133 to 137 neighbour
      discovery (RFC 4861), ...; below 128 an error. ``code``: which of its kind.
    - ``checksum``: of the IPv6 pseudo-header and the whole message.
    - ``identifier``, ``sequence``: which echo; in messages of other types these 32 bits (``rest`` as one
      number) mean something else: the MTU of "too big", flags of neighbour discovery.

    The payload of an error message is the beginning of the packet it is about.

    >>> ICMPv6(type=2, sequence=1280).rest
    1280
    """

    type: U8
    code: U8
    checksum: U16
    identifier: U16
    sequence: U16

    announced_by = ((IPv6.protocol == 58) & (IPv6.fragment_offset == 0),)
    checksum_rule = Checksum(payload=True, pseudo=True)

    @computed
    def rest(self) -> int:
        """The last four bytes as one number, for messages that are no echo."""
        return self.identifier << 16 | self.sequence
