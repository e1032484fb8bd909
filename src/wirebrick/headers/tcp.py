"""TCP (RFC 9293)."""

from __future__ import annotations

from wirebrick.fields import U1, U4, U16, U32, Octets
from wirebrick.headers.checksum import Checksum
from wirebrick.headers.field import computed
from wirebrick.headers.header import Header
from wirebrick.headers.ipv4 import IPv4
from wirebrick.headers.ipv6 import IPv6


class TCP(Header):
    """The TCP header (RFC 9293, 3.1; ``cwr`` and ``ece``: RFC 3168).

    ::

         0                   1                   2                   3
         0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |           src_port            |           dst_port            |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                              seq                              |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                              ack                              |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        | data_ | rese- |c|e|u|a|p|r|s|f|                               |
        | offset| rved  |w|c|r|c|s|s|y|i|            window             |
        |       |       |r|e|g|k|h|t|n|n|                               |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |           checksum            |            urgent             |
        +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
        |                    options (0 to 40 bytes)                    |

    - ``src_port``, ``dst_port``: the ends. ``seq``: number of the first data byte (of the SYN, if that is
      set).
    - ``ack``: the next byte expected from the other end, where ``ack_flag`` is set.
    - ``data_offset``: header length in 32-bit words, 5 to 15. ``reserved``: zero.
    - ``cwr``, ``ece``: congestion seen and echoed; ``urg``: ``urgent`` means something; ``ack_flag`` (the ACK
      bit: ``ack`` is the number); ``psh``: push; ``rst``: reset; ``syn``, ``fin``: begin and end of the
      stream.
    - ``window``: bytes the sender takes, before scaling. ``checksum``: of pseudo-header, header and payload.
    - ``urgent``: where urgent data ends, from ``seq`` on.
    - ``options``: see ``find_option``.

    >>> TCP(syn=1, ack_flag=1).flags == 0x12
    True
    """

    src_port: U16
    dst_port: U16
    seq: U32
    ack: U32
    data_offset: U4 = 5
    reserved: U4
    cwr: U1
    ece: U1
    urg: U1
    ack_flag: U1
    psh: U1
    rst: U1
    syn: U1
    fin: U1
    window: U16
    checksum: U16
    urgent: U16
    options: Octets

    announced_by = (
        (IPv4.protocol == 6) & (IPv4.fragment_offset == 0),
        (IPv6.protocol == 6) & (IPv6.fragment_offset == 0),
    )
    checksum_rule = Checksum(payload=True, pseudo=True)

    @computed
    def flags(self) -> int:
        """The eight bits from ``cwr`` (0x80) to ``fin`` (0x01) as one number."""
        return self.raw.u8(13)

    def header_length(self) -> int:
        """Four bytes for each word that ``data_offset`` counts."""
        return self.data_offset * 4

    def valid(self) -> bool:
        """At least five words."""
        return self.data_offset >= 5
