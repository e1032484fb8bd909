"""Network functions that between them use every feature of the subset: for the differential tests."""

from __future__ import annotations

from wirebrick import Array, Counter, FlowKey, Record, Stream, Table, merge, network_function
from wirebrick.addresses import IPv4Address, IPv4Network, IPv6Address, IPv6Network, MacAddress
from wirebrick.fields import F64, U1, U3, U4, U12, U16, U24, U32, U64
from wirebrick.headers import (
    GRE,
    ICMP,
    MPLS,
    TCP,
    UDP,
    VLAN,
    VXLAN,
    Ethernet,
    Header,
    IPv4,
    IPv6,
    find_option,
)

LIMIT = 5
NETWORK = IPv4Network("10.0.0.0/8")
NETWORK6 = IPv6Network("2001:db8::/32")


class Odd(Header):
    """A header of three bytes: everything behind it is at odd offsets."""

    kind: U4 = 1
    flag: U1
    rest: U3
    value: U16
    announced_by = UDP.dst_port == 7777


class Wide(Header):
    """Fields that straddle bytes."""

    a: U3
    b: U12
    c: U1
    d: U24
    e: U64
    f: U4
    g: U4
    announced_by = UDP.dst_port == 8888


class Stats(Record):
    packets: U64
    bytes: U64
    last: U32
    share: F64


class Pair(Record):
    src: IPv4Address
    port: U16


class Meta(Record):
    words: U16
    mark: U32


def double(value):
    if value > 1000:
        return 1000
    return value * 2


def swap_ports(header):
    header.src_port, header.dst_port = header.dst_port, header.src_port


def classify(packet, low, high=1024):
    if packet.length < low:
        return 0
    if packet.length < high:
        return 1
    return 2


@network_function
def ttl(packets: Stream) -> Stream:
    def alive(packet):
        return packet.header.ttl > 1

    def age(packet):
        packet.header.ttl -= 1

    return packets.parse(Ethernet).parse(IPv4).filter(alive, reason="ttl_expired").transform(age)


@network_function
def rewrite(packets):
    """NAT-like: addresses above a parsed and an unparsed transport header."""

    def addresses(packet):
        packet.header.src = IPv4Address("192.0.2.1")
        packet.header.dst += 256

    def ports(packet):
        packet.header.dst_port = 53
        packet[IPv4].src = IPv4Address("203.0.113.9")

    return packets.parse(Ethernet).parse(IPv4).transform(addresses).parse(UDP).transform(ports)


@network_function
def rewrite6(packets):
    def addresses(packet):
        h = packet.header
        h.src, h.dst = h.dst, h.src
        h.src = IPv6Address("2001:db8::99")
        h.hop_limit = 300
        h.flow_label ^= 0xFFFFF

    return packets.parse(Ethernet).parse(IPv6).transform(addresses)


@network_function
def tcp_fields(packets):
    def change(packet):
        tcp = packet.header
        tcp.seq += 0x80000000
        tcp.ack = tcp.seq * 3 + 1
        tcp.syn = 1 - tcp.syn
        tcp.window >>= 1
        if len(tcp.options) > 3:
            tcp.options[1] = 77
        swap_ports(tcp)

    return packets.parse(Ethernet).parse(IPv4).parse(TCP).transform(change)


@network_function
def arithmetic(packets):
    def work(packet):
        n = packet.length
        a = (n * 2654435761) & 0xFFFFFFFF
        h = 0xCBF29CE484222325
        for b in packet.payload[0:16]:
            h = ((h ^ b) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
        x = -n // 7 + n % -5 - (-n) % 5
        y = (n << 3) ^ (a >> 5) | (x & 255)
        z = abs(x) + min(n, 100, a) + max(x, y)
        f = n / 3.0
        if f > 20.5 and not z == 3:  # noqa: SIM201
            z += int(f * 1.5)
        if 10 < n < 80 or n in (90, 91, 92):
            z -= 1
        q = z if z > 0 else -z
        packet.header.dst = h
        packet.header.src = (q << 20) + a

    return packets.parse(Ethernet).transform(work)


@network_function
def faults(packets):
    def work(packet):
        kind = packet.payload[0] & 7
        if kind == 0:
            packet.payload[len(packet.payload)] = 1
        elif kind == 1:
            packet.payload[1] = 5 // (packet.payload[1] - packet.payload[1])
        elif kind == 2:
            while packet.length > 0:
                kind = 2
        elif kind == 3:
            raise ValueError("no")
        elif kind == 4:
            big = packet.length << 58
            packet.payload[0] = big & 255
        elif kind == 5:
            packet.payload[0] = 1 << (packet.payload[1] - 300)
        elif kind == 6:
            assert packet.length > 100
        packet.payload.put_u16(-2, 0xABCD)

    return packets.parse(Ethernet).transform(work)


@network_function
def loops(packets):
    def work(packet):
        total = 0
        for i in range(len(packet.payload)):
            if packet.payload[i] == 0:
                continue
            if i > 40:
                break
            for j in range(10, 0, -3):
                total += packet.payload[i] * j
        n = 0
        while True:
            n += 1
            if n * n > total or n > 50:
                break
        for v in (3, 5, 7):
            n += v
        packet.header.dst = total
        packet.header.src = n

    return packets.parse(Ethernet).transform(work)


@network_function
def helpers(packets):
    def work(packet):
        c = classify(packet, 64)
        c += classify(packet, low=100, high=200)
        packet.header.dst = double(packet.length) + c

    return packets.parse(Ethernet).transform(work)


@network_function
def state(packets):
    table = Table(FlowKey, Stats, capacity=64)
    pairs = Table(Pair, Stats, capacity=4, full="refuse")
    array = Array(U32, 16)
    records = Array(Stats, 4)
    total = Counter("total")

    def work(packet):
        key = packet.flow()
        known = key in table
        stats = table[key]
        stats.packets += 1
        stats.bytes += packet.length
        stats.last = packet.timestamp
        stats.share = stats.bytes / stats.packets
        array[stats.packets % 16] += packet.length
        records[key.protocol & 3].packets += 1
        total.add(2)
        pair = Pair(src=packet.header.src, port=key.dst_port)
        pairs[pair].packets += 1
        if pairs[pair].packets > 2:
            del pairs[pair]
        packet[Ethernet].dst = stats.packets * 1000 + len(table) + int(stats.share)
        if known:
            packet[Ethernet].src = array[stats.packets % 16]

    nf = packets.parse(Ethernet).parse(IPv4).transform(work)
    return nf


@network_function
def state6(packets):
    table = Table(FlowKey, Stats, capacity=8)

    def work(packet):
        key = packet.flow()
        stats = table[key]
        stats.packets += 1
        packet[Ethernet].dst = stats.packets
        if key.src in NETWORK6 and key.src_port > 0:
            packet[Ethernet].src = (key.src >> 64) & 0xFFFF

    return packets.parse(Ethernet).parse(IPv6).transform(work)


@network_function
def groups(packets):
    def which(packet):
        return packet.length % 4

    def mark(packet):
        packet.header.src = MacAddress("02:00:00:00:00:01")

    a, b, c = packets.parse(Ethernet).group_by(3, which)
    c.drop("third")
    return merge(a, b.transform(mark))


@network_function
def metadata(packets):
    def make(packet):
        return Meta(words=packet.length // 2, mark=packet.header.ethertype << 20)

    def use(packet):
        packet.metadata.mark += packet.metadata.words
        packet.header.dst = packet.metadata.mark

    return (
        packets.parse(Ethernet).metadata(Meta, make).transform(use).filter(lambda p: p.metadata.words != 35)
    )


@network_function
def fates(packets):
    def work(packet):
        if packet.length > 200:
            packet.drop("long")
        elif packet.length == 60:
            packet.send("out")
        elif packet.length % 3 == 0:
            packet.egress = "out"
            if packet.length == 99:
                return
            packet.drop("third")

    return packets.transform(work)


@network_function
def mirror(packets):
    def work(packet):
        twin = packet.copy()
        twin.header.src = 1
        if packet.length > 100:
            twin.send("out")
        else:
            twin.drop("small")
        packet.header.dst = 2

    return packets.parse(Ethernet).transform(work)


@network_function
def tag(packets):
    def fill(packet):
        packet.header.vid = 77
        packet.header.pcp = 5

    return packets.parse(Ethernet).push(VLAN, fill)


@network_function
def untag(packets):
    return packets.parse(Ethernet).parse(VLAN).pop()


@network_function
def tunnel(packets):
    def outer(packet):
        packet.header.src = IPv4Address("198.51.100.1")
        packet.header.dst = IPv4Address("198.51.100.2")
        packet.header.identification = packet.length

    return packets.parse(Ethernet).push(IPv4, outer).push(GRE)


@network_function
def vxlan(packets):
    def ethernet(packet):
        packet.header.src = 5
        packet.header.dst = 6

    def ip(packet):
        packet.header.src = IPv4Address("198.51.100.1")
        packet.header.dst = IPv4Address("198.51.100.2")

    def udp(packet):
        packet.header.src_port = 49152 + (packet.length & 0xFFF)

    def vni(packet):
        packet.header.vni = 4242

    return packets.push(Ethernet, ethernet).push(IPv4, ip).push(UDP, udp).push(VXLAN, vni)


@network_function
def unvxlan(packets):
    def inner(packet):
        packet.header.ttl = 9
        packet[Ethernet].dst = 12345

    stream = packets.parse(Ethernet).parse(IPv4).parse(UDP).parse(VXLAN).parse(Ethernet).parse(IPv4)
    return stream.transform(inner).deparse().deparse().pop()


@network_function
def resize(packets):
    def work(packet):
        kind = packet.length % 4
        if kind == 0:
            packet.payload.resize(len(packet.payload) + 11)
            packet.payload[-1] = 0x5A
        elif kind == 1:
            packet.payload.insert(2, 3)
            packet.payload.put_u16(2, 0xBEEF)
        elif kind == 2:
            packet.payload.delete(1, 2)
        else:
            packet.payload.resize(3)

    return packets.parse(Ethernet).parse(IPv4).parse(UDP).transform(work)


@network_function
def payloads(packets):
    def work(packet):
        p = packet.payload
        if p.startswith(b"GET ") or p[0:2] == b"HT":
            p[0] = 0x50
        at = p.find(b"\x00\x01")
        if at >= 0:
            p.put_u16(at, 0x4242)
        part = p[1:-1]
        if len(part) > 8:
            part.put_u32(3, part.u32(2) + 1)
            part.put_u64(0, part.u64(0) * 3)
        part[len(part) - 1] ^= 0xFF

    return packets.parse(Ethernet).parse(IPv4).parse(UDP).transform(work)


@network_function
def odd(packets):
    def work(packet):
        packet.header.value += 1
        packet.header.flag ^= 1
        if len(packet.payload) > 2:
            packet.payload[1] = 9
            packet.payload.put_u16(0, packet.payload.u16(0) + 1)

    return packets.parse(Ethernet).parse(IPv4).parse(UDP).parse(Odd).transform(work)


@network_function
def wide(packets):
    def work(packet):
        h = packet.header
        h.a += 1
        h.b = h.b * 5 + 1
        h.c ^= 1
        h.d -= 1
        h.e = h.e * 0x9E3779B97F4A7C15 + 1
        h.f, h.g = h.g, h.f
        if h.e == 0xFFFFFFFFFFFFFFFF or h.e > 1 << 63:
            h.d = 5

    return packets.parse(Ethernet).parse(IPv4).parse(UDP).parse(Wide).transform(work)


@network_function
def vlans(packets):
    """Two ways to IPv4 merged; IPv6 by the other way out."""
    tagged, rest = Stream(), Stream()

    def age(packet):
        packet.header.ttl -= 1
        packet[Ethernet].src = 7

    def hop(packet):
        packet.header.hop_limit -= 1

    plain = packets.parse(Ethernet).parse(IPv4, otherwise=tagged)
    behind = tagged.parse(VLAN, otherwise=rest).parse(IPv4)
    four = merge(plain, behind).transform(age)
    six = rest.parse(IPv6, otherwise="drop").transform(hop)
    return merge(four, six)


@network_function
def structure(packets):
    """Stores to what was parsed from: the next NF must parse anew."""

    def change(packet):
        if packet.header.ttl & 1:
            packet[Ethernet].ethertype = 0x1234
        else:
            packet.header.ihl = 6

    return packets.parse(Ethernet).parse(IPv4).transform(change)


@network_function
def options(packets):
    def work(packet):
        at = find_option(packet.header.options, 2)
        if at >= 0:
            packet.header.options.put_u16(at + 2, 1200)

    return packets.parse(Ethernet).parse(IPv4).parse(TCP).transform(work)


@network_function
def checksum_own(packets):
    def work(packet):
        packet.header.ttl = 3
        packet.header.checksum = 0x1111

    return packets.parse(Ethernet).parse(IPv4).transform(work)


@network_function
def checksum_off(packets):
    def work(packet):
        packet.header.ttl = 3

    return packets.parse(Ethernet).parse(IPv4).transform(work, checksums=False)


@network_function
def labels(packets):
    def work(packet):
        packet.header.ttl -= 1
        packet.header.label += 1

    return packets.parse(Ethernet).parse(MPLS).transform(work)


@network_function
def neighbours(packets):
    """Fields side by side assigned together."""

    def work(packet):
        ethernet = packet[Ethernet]
        ethernet.dst, ethernet.src = ethernet.src, ethernet.dst
        ethernet.dst, ethernet.src, ethernet.ethertype = packet.length * 0x123456789, -1, 0x0800
        tcp = packet.header
        tcp.seq, tcp.ack = tcp.ack, tcp.seq

    def ports(packet):
        udp = packet.header
        udp.src_port, udp.dst_port, udp.length = udp.dst_port, udp.src_port + 70000, udp.length

    rest = Stream()
    tcp = packets.parse(Ethernet).parse(IPv4).parse(TCP, otherwise=rest).transform(work)
    return merge(tcp, rest.parse(UDP).transform(ports, checksums=False))


@network_function
def icmp(packets):
    def work(packet):
        packet.header.type = 0
        packet.header.sequence += 1
        if len(packet.payload) > 0:
            packet.payload[0] += 1

    return packets.parse(Ethernet).parse(IPv4).parse(ICMP).transform(work)


@network_function
def nested(packets):
    inner = ttl(packets)
    return tag(ttl(inner)).parse(Ethernet).parse(VLAN).parse(IPv4).filter(lambda p: p.header.ttl > LIMIT)


@network_function
def reads(packets):
    seen = Counter("seen")

    def look(packet):
        if packet.ingress == "in" and packet.egress is None and packet.header.src in NETWORK:
            seen.add(packet.header.protocol)

    return packets.parse(Ethernet).parse(IPv4).map(look)


ZOO = {name: nf for name, nf in list(globals().items()) if type(nf).__name__ == "NetworkFunction"}
