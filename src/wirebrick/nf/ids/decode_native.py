"""What rules look at in a packet, native: addresses, ports, payload, and fields by number."""

from __future__ import annotations

from wirebrick.nf.ids.layout import (
    FIELD_ACK,
    FIELD_CODE,
    FIELD_DSIZE,
    FIELD_FLAGS,
    FIELD_FRAGMENT,
    FIELD_FRAGMENT_BITS,
    FIELD_ICMP_ID,
    FIELD_ICMP_SEQ,
    FIELD_ID,
    FIELD_PROTOCOL,
    FIELD_SEQ,
    FIELD_TOS,
    FIELD_TTL,
    FIELD_TYPE,
    FIELD_WINDOW,
    OF_ICMP,
    OF_OTHER,
    OF_TCP,
    OF_UDP,
    P_DATA,
    P_DST,
    P_DST_PORT,
    P_FRAGMENT,
    P_IP,
    P_IP_SIZE,
    P_KIND,
    P_PROTOCOL,
    P_SIZE,
    P_SRC,
    P_SRC_PORT,
    P_STREAM,
    P_UPPER,
    P_VERSION,
)
from wirebrick.packet.memory import load8, load16be, load32be, load64, load64be, store64

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58


def ids_decode(desk: int, ip: int, ip_size: int, data: int, size: int, protocol: int, fragment: int) -> int:
    """Take down a packet: its IP header, and the bytes behind that and its extensions."""
    version = load8(ip) >> 4
    store64(desk + P_STREAM, 0)
    store64(desk + P_VERSION, version)
    store64(desk + P_PROTOCOL, protocol)
    store64(desk + P_FRAGMENT, fragment)
    store64(desk + P_IP, ip)
    store64(desk + P_IP_SIZE, ip_size)
    if version == 4:
        store64(desk + P_SRC, 0)
        store64(desk + P_SRC + 8, load32be(ip + 12))
        store64(desk + P_DST, 0)
        store64(desk + P_DST + 8, load32be(ip + 16))
    else:
        for word in range(4):
            store64(desk + P_SRC + 8 * word, load64be(ip + 8 + 8 * word))
    return ids_decode_upper(desk, data, size, protocol, fragment)


def ids_decode_upper(desk: int, data: int, size: int, protocol: int, fragment: int) -> int:
    """Take down what is behind the IP header."""
    kind = OF_OTHER
    upper = 0
    src_port = -1
    dst_port = -1
    begin = 0
    if fragment == 0:
        if protocol == TCP and size >= 20:
            header = load8(data + 12) >> 4 << 2
            if header >= 20 and header <= size:
                kind = OF_TCP
                begin = header
        elif protocol == UDP and size >= 8:
            length = load16be(data + 4)
            kind = OF_UDP
            begin = 8
            if length >= 8:
                size = min(size, length)
        elif protocol in (ICMP, ICMPV6) and size >= 4:
            kind = OF_ICMP
            begin = min(8, size)
        if kind in (OF_TCP, OF_UDP):
            src_port = load16be(data)
            dst_port = load16be(data + 2)
        if kind != OF_OTHER:
            upper = data
    store64(desk + P_KIND, kind)
    store64(desk + P_UPPER, upper)
    store64(desk + P_SRC_PORT, src_port)
    store64(desk + P_DST_PORT, dst_port)
    store64(desk + P_DATA, data + begin)
    store64(desk + P_SIZE, size - begin)
    return kind


def ids_field(desk: int, field: int) -> int:
    """A field of the packet by its number (FIELD_...), or -1 where the packet has none."""
    ip = load64(desk + P_IP)
    if ip == 0:
        return -1
    if field == FIELD_DSIZE:
        return load64(desk + P_SIZE)
    if field == FIELD_PROTOCOL:
        return load64(desk + P_PROTOCOL)
    if field <= FIELD_PROTOCOL or field == FIELD_FRAGMENT_BITS:
        return ids_ip_field(desk, ip, field)
    upper = load64(desk + P_UPPER)
    if upper == 0:
        return -1
    kind = load64(desk + P_KIND)
    if kind == OF_TCP:
        return ids_tcp_field(upper, field)
    if kind == OF_ICMP:
        return ids_icmp_field(desk, upper, field)
    return -1


def ids_ip_field(desk: int, ip: int, field: int) -> int:
    """A field of the IP header."""
    if field == FIELD_FRAGMENT:
        return load64(desk + P_FRAGMENT)
    if load64(desk + P_VERSION) == 4:
        if field == FIELD_TTL:
            return load8(ip + 8)
        if field == FIELD_TOS:
            return load8(ip + 1)
        if field == FIELD_ID:
            return load16be(ip + 4)
        return load16be(ip + 6) >> 13
    if field == FIELD_TTL:
        return load8(ip + 7)
    if field == FIELD_TOS:
        return load16be(ip) >> 4 & 255
    return -1


def ids_tcp_field(tcp: int, field: int) -> int:
    """A field of the TCP header."""
    if field == FIELD_FLAGS:
        return load8(tcp + 13)
    if field == FIELD_SEQ:
        return load32be(tcp + 4)
    if field == FIELD_ACK:
        return load32be(tcp + 8)
    if field == FIELD_WINDOW:
        return load16be(tcp + 14)
    return -1


def ids_icmp_field(desk: int, icmp: int, field: int) -> int:
    """A field of the ICMP header; identifier and sequence number of echo and its like only."""
    kind = load8(icmp)
    if field == FIELD_TYPE:
        return kind
    if field == FIELD_CODE:
        return load8(icmp + 1)
    if field != FIELD_ICMP_ID and field != FIELD_ICMP_SEQ:
        return -1
    four = kind == 0 or kind == 8 or (kind >= 13 and kind <= 18)
    six = kind == 128 or kind == 129
    whole = load64(desk + P_DATA) - icmp >= 8
    asked = six if load64(desk + P_VERSION) == 6 else four
    if not asked or not whole:
        return -1
    return load16be(icmp + (4 if field == FIELD_ICMP_ID else 6))


def ids_has_option(desk: int, number: int) -> int:
    """1 where the IPv4 header has the option; -1 is any."""
    ip = load64(desk + P_IP)
    if ip == 0 or load64(desk + P_VERSION) != 4:
        return 0
    at = ip + 20
    stop = ip + min((load8(ip) & 15) << 2, load64(desk + P_IP_SIZE))
    if number < 0:
        return 1 if at < stop else 0
    while at < stop:
        kind = load8(at)
        if kind == number:
            return 1
        if kind == 0:
            return 0
        if kind == 1:
            at += 1
            continue
        if at + 1 >= stop or load8(at + 1) < 2:
            return 0
        at += load8(at + 1)
    return 0
