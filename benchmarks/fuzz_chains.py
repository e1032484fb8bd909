"""The chains that ``benchmarks.fuzz`` sends frames through: every header, options, stores, pushes, pops, resizing."""

from __future__ import annotations

from wirebrick import Array, FlowKey, Record, Stream, Table, merge, network_function
from wirebrick.fields import U64, IPv4Address
from wirebrick.headers import (
    ARP,
    GRE,
    ICMP,
    MPLS,
    TCP,
    UDP,
    VLAN,
    VXLAN,
    Ethernet,
    Geneve,
    ICMPv6,
    IPv4,
    IPv6,
    find_option,
)


class Seen(Record):
    """What is counted of a flow."""

    packets: U64
    bytes: U64


def touch_payload(packet):
    """Read and write the payload's ends."""
    payload = packet.payload
    total = 0
    for octet in payload[0:64]:
        total += octet
    if len(payload) > 9:
        payload.put_u64(1, (payload.u64(0) + total) & 0xFFFFFFFFFFFFFFFF)
        payload[-1] ^= 0x5A
    if payload.find(b"\r\n") > 0:
        payload[0] = total


def options(packet):
    """Look for an option and change it."""
    at = find_option(packet.header.options, 2)
    if at >= 0:
        packet.header.options.put_u16(at + 2, 1200)
    touch_payload(packet)


def age(packet):
    """Change what the checksums cover."""
    packet.header.ttl -= 1
    packet.header.src = packet.header.dst + 1
    touch_payload(packet)


def hop(packet):
    """The same of IPv6, with its extension headers."""
    header = packet.header
    header.hop_limit -= 1
    header.src, header.dst = header.dst, header.src
    if header.protocol == 58 and header.fragment_offset == 0:
        header.flow_label += 1
    touch_payload(packet)


@network_function
def transports(packets: Stream) -> Stream:
    """All that may follow IPv4 and IPv6, each stored to."""
    six, udp, icmp, other = Stream(), Stream(), Stream(), Stream()
    six_udp, six_icmp, six_other = Stream(), Stream(), Stream()

    def ports(packet):
        packet.header.src_port, packet.header.dst_port = packet.header.dst_port, packet.header.src_port
        touch_payload(packet)

    def echo(packet):
        packet.header.code += 1
        touch_payload(packet)

    four = packets.parse(Ethernet).parse(IPv4, otherwise=six).transform(age)
    first = four.parse(TCP, otherwise=udp).transform(options)
    second = udp.parse(UDP, otherwise=icmp).transform(ports)
    third = icmp.parse(ICMP, otherwise=other).transform(echo)
    v6 = six.parse(IPv6).transform(hop)
    fourth = v6.parse(TCP, otherwise=six_udp).transform(options)
    fifth = six_udp.parse(UDP, otherwise=six_icmp).transform(ports)
    sixth = six_icmp.parse(ICMPv6, otherwise=six_other).transform(echo)
    fours = merge(first.deparse(), second.deparse(), third.deparse(), other)
    sixes = merge(fourth.deparse(), fifth.deparse(), sixth.deparse(), six_other)
    return merge(fours.deparse().deparse(), sixes.deparse().deparse())


@network_function
def layers(packets: Stream) -> Stream:
    """VLAN, MPLS and ARP."""
    label, address = Stream(), Stream()

    def tag(packet):
        packet.header.vid += 1
        touch_payload(packet)

    def switch(packet):
        packet.header.label += 1
        packet.header.ttl -= 1
        touch_payload(packet)

    def reply(packet):
        packet.header.operation = 2
        touch_payload(packet)

    tagged = packets.parse(Ethernet).parse(VLAN, otherwise=label).transform(tag)
    labelled = label.parse(MPLS, otherwise=address).transform(switch)
    asked = address.parse(ARP, otherwise="drop").transform(reply)
    return merge(tagged.deparse().deparse(), labelled.deparse().deparse(), asked.deparse().deparse())


@network_function
def tunnels(packets: Stream) -> Stream:
    """The inner packet of VXLAN, Geneve and GRE."""
    geneve, gre = Stream(), Stream()

    def inner(packet):
        packet.header.dst += 1
        touch_payload(packet)

    outer = packets.parse(Ethernet).parse(IPv4)
    vxlan = outer.parse(UDP, otherwise=gre).parse(VXLAN, otherwise=geneve)
    one = vxlan.parse(Ethernet).transform(inner).deparse().deparse().deparse()
    two = geneve.parse(Geneve).parse(Ethernet).transform(inner).deparse().deparse().deparse()
    three = gre.parse(GRE).parse(IPv4).transform(age).deparse().deparse()
    return merge(one, two, three).deparse().deparse()


@network_function
def wrap(packets: Stream) -> Stream:
    """50 bytes in front of every packet."""

    def outer(packet):
        packet.header.src = IPv4Address("198.51.100.1")
        packet.header.dst = IPv4Address("198.51.100.2")

    def udp(packet):
        packet.header.src_port = packet.length & 0xFFFF

    return packets.push(Ethernet).push(IPv4, outer).push(UDP, udp).push(VXLAN).parse(Ethernet)


@network_function
def unwrap(packets: Stream) -> Stream:
    """Outer headers off, and a tag off what is inside."""
    return packets.parse(Ethernet).parse(IPv4).parse(UDP).parse(VXLAN).parse(Ethernet).parse(VLAN).pop()


@network_function
def resize(packets: Stream) -> Stream:
    """Payloads that grow, shrink, and are moved apart."""

    def change(packet):
        kind = packet.length & 3
        size = len(packet.payload)
        if kind == 0:
            packet.payload.resize(size + 48)
        elif kind == 1:
            packet.payload.insert(size // 2, 31)
        elif kind == 2:
            packet.payload.delete(size // 3, size // 4)
        else:
            packet.payload.resize(size // 2)
        touch_payload(packet)

    return packets.parse(Ethernet).parse(IPv4).transform(change)


@network_function
def flows(packets: Stream) -> Stream:
    """State by flow, copies, sends and drops."""
    table = Table(FlowKey, Seen, capacity=1024)
    sizes = Array(U64, 64)

    def count(packet):
        stats = table[packet.flow()]
        stats.packets += 1
        stats.bytes += packet.length
        sizes[packet.length >> 5] += 1
        if packet.header.ttl == 1:
            packet.drop("old")
        elif packet.header.ttl & 7 == 3:
            twin = packet.copy()
            twin[Ethernet].dst = 5
            twin.send("out")

    return packets.parse(Ethernet).parse(IPv4, otherwise="drop").transform(count)


# Name: NFs, bytes that may change in front of the frame and behind it.
CHAINS = {
    "transports": ([transports], 0, 0),
    "layers": ([layers], 0, 0),
    "tunnels": ([tunnels], 0, 0),
    "encapsulate": ([wrap, unwrap], 50, 0),
    "resize": ([resize], 0, 48),
    "flows": ([flows], 0, 0),
}
