"""find_option: where an option of a TCP or IPv4 header is."""

from __future__ import annotations

from wirebrick.packet.octets import Octets


def find_option(options: Octets, kind: int) -> int:
    """The offset of the first option of that kind in ``packet.header.options``, or -1: for user functions.

    Options of TCP (RFC 9293, 3.1) and IPv4 (RFC 791, 3.1) are built alike: a kind, then, but for 0 (end) and
    1 (no operation), a length that counts kind and length too. One found lies in ``options`` whole: its
    length is the byte at the offset plus 1, its data begins at the offset plus 2. A malformed option ends the
    search.

    >>> from wirebrick.headers import TCP
    >>> tcp = TCP(data_offset=7, options=bytes.fromhex("0101 0402 0204 05b4"))
    >>> at = find_option(tcp.options, 2)
    >>> at, tcp.options.u16(at + 2), find_option(tcp.options, 8)
    (4, 1460, -1)
    """
    at = 0
    while at < len(options):
        found = options.u8(at)
        if found == 0 or found == 1:
            if found == kind:
                return at
            if found == 0:
                return -1
            at += 1
        else:
            if at + 1 >= len(options):
                return -1
            length = options.u8(at + 1)
            if length < 2 or at + length > len(options):
                return -1
            if found == kind:
                return at
            at += length
    return -1
