"""nat64: the network function."""

from __future__ import annotations

import random
from typing import Literal

from wirebrick.addresses import IPv4Address, IPv6Network
from wirebrick.fields import U8
from wirebrick.headers import VLAN, Ethernet, IPv4, IPv6
from wirebrick.nf.ip_packets import MOST_TAGS
from wirebrick.nf.nat64.mapping import make_mapping, parse_mappings, parse_prefix
from wirebrick.nf.nat64.to_v4 import make_to_v4
from wirebrick.nf.nat64.to_v6 import make_to_v6
from wirebrick.packet.packet import Packet
from wirebrick.state.fragmenter import Fragmenter
from wirebrick.state.random import Random
from wirebrick.state.record import Record
from wirebrick.stream.graph import most_copies
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.remake import remake
from wirebrick.stream.stream import Stream

LEAST_MTU = 1280  # of IPv6
PIECES = 64  # of every packet of a burst there is room for so many


class Size(Record):
    """What is known of an IPv4 packet before it is translated."""

    split: U8


@network_function
def nat64(
    packets: Stream,
    *,
    prefix: IPv6Network | None = None,
    mappings: str | None = None,
    routers: IPv4Address | None = None,
    other: Literal["allow", "drop"] = "allow",
    inside: str = "in",
    outside: str = "out",
) -> Stream:
    """Translate between IPv4 and IPv6 packets, without state (SIIT, stateless NAT64).

    Parameters
        ``prefix``: IPv4 addresses are IPv6 addresses of this prefix, of 32, 40, 48, 56, 64 or 96 bits; ``64:ff9b::/96``
        where it is not given, which is for public addresses alone: packets with others are dropped.

        ``mappings``: IPv6 addresses that are hosts' own, and their IPv4 addresses: ``192.0.2.1=2001:db8::1``, or whole
        networks of one size, ``192.0.2.0/24=2001:db8::/120``, with spaces between. They come before the prefix. None
        where it is not given.

        ``routers``: the source of ICMP errors from IPv6 routers that have no IPv4 address; ``192.0.0.8`` (RFC 7600)
        where it is not given.

        ``other``: IPv6 packets whose destination has no IPv4 address, and what isn't IP: ``allow``, it passes
        unchanged, or ``drop``; ``allow`` where it is not given.

        ``inside``: the name of the port of the IPv6 side, ``in`` where it is not given.

        ``outside``: that of the IPv4 side; ``out`` where it is not given. What becomes IPv4 leaves there, what
        becomes IPv6 inside; what passes leaves by the other side.

    What it does
        The header of one version takes the place of the other's, and checksums of TCP, UDP and ICMP follow;
        UDP's zero, which IPv6 doesn't have, is computed. DSCP, ECN, and TTL or hop limit stay: a ``router``
        or ``ttl`` beside it ages. Options and extension headers go, but for fragments: fragment headers are
        translated. An IPv4 packet that may be fragmented becomes IPv6 packets of at most 1,280 bytes; an IPv6
        packet becomes one that may not be fragmented, where it has more than 1,260 bytes. Echo requests and
        answers, and ICMP errors with what they quote, become those of the other version; MTUs they tell are
        corrected by the 20 bytes of the difference, and are never less than 1,280 in IPv6. Errors lose
        extensions (RFC 4884). VLAN tags are looked behind.

        Each inside host needs an IPv4 address of its own. A ``nat`` behind it shares one among many.

    Drop reasons
        ``no_address``: the source, or an address that an error quotes, has no counterpart. ``not_unicast``:
        IPv4 to or from no host. ``protocol``: IGMP. ``icmp_type``: messages that the other version doesn't
        have. ``icmp_fragment``: fragments of ICMP, whose checksum can't follow. ``icmp_quote``,
        ``icmp_checksum``: an error that quotes too little, or an error, or is damaged. ``udp_checksum``: a
        fragment of UDP without checksum, or with a wrong length too. ``source_routed``. ``bad_checksum``: of
        an IPv4 header. ``truncated``: cut when it was captured, or headers that are no headers.
        ``too_large``: more than 65,535 bytes. ``malformed``: not the IP header that the ethertype says.
        ``no_prefix``, ``not_ip``: by ``other``. ``cut_short``, ``no_room``, ``mtu_too_small``: of what is
        fragmented, see ``fragment``.

    State
        None that packets change, but the source of IPv4's identifications, random in each worker.

    Example
        ``wirebrick run nat64:prefix=2001:db8:64::/96,mappings=192.0.2.1=2001:db8::1 --in xdp:lan --out xdp:wan``

        >>> import wirebrick
        >>> ip = IPv6(src="2001:db8::1", dst="64:ff9b::8.8.8.8", next_header=59)
        >>> frame = bytes(Ethernet(ethertype=0x86DD)) + bytes(ip)
        >>> result = wirebrick.run(nat64(mappings="192.0.2.1=2001:db8::1"), rx=[frame], interpret=True)
        >>> found = IPv4.from_bytes(result.packets[0][14:])
        >>> found.src, found.dst
        (IPv4Address('192.0.2.1'), IPv4Address('8.8.8.8'))

    References
        RFC 7915 (translation), RFC 6052 (addresses), RFC 7757 (explicit mappings), RFC 6791 and 7600 (where errors
        come from).
    """
    chosen = parse_prefix(IPv6Network("64:ff9b::/96") if prefix is None else prefix)
    mapping = make_mapping(chosen, parse_mappings(mappings))
    source = IPv4Address("192.0.0.8") if routers is None else routers
    to_v4 = make_to_v4(mapping, source, Random(random.SystemRandom().getrandbits(62)))
    to_v6 = make_to_v6(mapping)
    known = mapping.to_v4
    fragmenter = Fragmenter(LEAST_MTU)
    most_copies(PIECES)

    def cross(packet: Packet) -> None:
        if packet.ingress == outside:
            packet.egress = inside
        else:
            packet.egress = outside

    def to_inside(packet: Packet) -> None:
        packet.egress = inside

    def to_outside(packet: Packet) -> None:
        packet.egress = outside

    def has_v4(packet: Packet) -> bool:
        return known(packet.header.dst) >= 0

    runts, no_prefix, rest = Stream(), [], []
    done = []
    frames = packets.parse(Ethernet, otherwise=runts)
    for tags in range(MOST_TAGS + 1):
        not_v4, not_ip, native = Stream(), Stream(), Stream()
        hosts = frames.parse(IPv4, otherwise=not_v4).filter(_between_hosts, reason="not_unicast")
        made = hosts.metadata(Size, _may_be_split).deparse().transform(to_v6)
        whole, split = made.group_by(2, _is_split)
        done.append(whole.transform(to_inside))
        done.append(remake(split.parse(IPv6, otherwise="drop"), fragmenter, "split").transform(to_inside))
        v6 = not_v4.parse(IPv6, otherwise=not_ip).filter(has_v4, otherwise=native)
        done.append(v6.deparse().transform(to_v4).transform(to_outside))
        no_prefix.append(native)
        if tags < MOST_TAGS:
            untagged = Stream()
            frames = not_ip.parse(VLAN, otherwise=untagged)
            rest.append(untagged)
        else:
            rest.append(not_ip)
    honest = [stream.filter(_is_not_ip, reason="malformed") for stream in rest]
    if other == "drop":
        merge(*no_prefix).drop("no_prefix")
        merge(runts, *honest).drop("not_ip")
        return merge(*done)
    return merge(*done, *(stream.transform(cross) for stream in (runts, *no_prefix, *honest)))


def _between_hosts(packet: Packet) -> bool:
    """Whether both addresses are of single hosts."""
    return _is_host(packet.header.src) and _is_host(packet.header.dst)


def _is_host(address: int) -> bool:
    return address != 0 and address < 0xE0000000 and address >> 24 != 127


def _may_be_split(packet: Packet) -> Size:
    """Whether what it becomes is too large for some IPv6 networks, and nobody has forbidden to split it."""
    ip = packet.header
    header = 48 if ip.fragment_offset != 0 or ip.more_fragments != 0 else 40
    split = ip.flags & 2 == 0 and ip.total_length - ip.ihl * 4 + header > LEAST_MTU
    return Size(split=1 if split else 0)


def _is_split(packet: Packet) -> int:
    return int(packet.metadata.split)


def _is_not_ip(packet: Packet) -> bool:
    return packet.header.ethertype not in (0x0800, 0x86DD)
