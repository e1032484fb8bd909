"""nptv6: the network function."""

from __future__ import annotations

from typing import Literal

from wirebrick.addresses import IPv6Address
from wirebrick.headers import Ethernet, ICMPv6
from wirebrick.nf.icmp_error import IcmpErrors
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.nf.nptv6.addresses import Side
from wirebrick.nf.nptv6.pairs import parse_pairs
from wirebrick.nf.nptv6.translate import VERDICTS, Way, make_border
from wirebrick.packet.packet import Packet
from wirebrick.state.token_bucket import TokenBucket
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

ERRORS, AT_ONCE = 100, 10  # errors a second, each worker


@network_function
def nptv6(
    packets: Stream,
    *,
    prefixes: str | None = None,
    address: IPv6Address | None = None,
    other: Literal["allow", "drop"] = "allow",
    inside: str = "in",
    outside: str = "out",
) -> Stream:
    """Exchange the IPv6 prefixes of an inside network for external ones, and back, without state (NPTv6).

    Parameters
        ``prefixes``: what is inside and what it is outside, ``fd01:203:405::/48=2001:db8:1::/48``, or several such
        pairs with spaces between; must be given. Prefixes of 1 to 64 bits, none of which overlap; of two lengths the
        shorter one counts as the longer one with zeros behind it.

        ``address``: the address from which hosts are told that a packet of theirs can't be translated (ICMPv6,
        unreachable; at most 100 a second in each worker), unless it has VLAN tags. Without it they are not told.

        ``other``: what has no address of these prefixes, and what isn't IPv6, such as ARP: ``allow``, it passes
        unchanged, or ``drop``; ``allow`` where it is not given.

        ``inside``: the name of the inside port; ``in`` where it is not given. What comes in by a port that is neither
        counts as inside.

        ``outside``: the name of the outside port; ``out`` where it is not given. What comes in by one of the two
        leaves by the other, or comes back inside (hairpin).

    What it does
        In the sources of packets from inside, and the destinations of packets from outside, one prefix takes the
        place of the other. One word of the address is adjusted so that the sum of the words stays: no checksum of any
        protocol changes, none is looked at, and nothing is remembered. The word is that of the subnet, bits 48 to 63,
        where both prefixes have 48 bits or fewer; else the first of the interface identifier that isn't 0xFFFF. One
        inside address is one outside address, so connections may begin on both sides: what a ``firewall`` is for.

        What is sent from inside to an outside address of these prefixes comes back inside, with both addresses
        translated (hairpin). The packets that ICMPv6 errors quote are translated with them. Fragments are packets like
        others. Neighbour discovery, link-local addresses and multicasts on the link pass unchanged. VLAN tags are
        looked behind. Hop limits are left to a ``router`` or ``ttl`` beside it; and so is the neighbour discovery of
        outside addresses: the router outside has a route for them. What carries addresses in its payload, or signs
        them, doesn't work behind it: SIP, FTP with EPRT, the authentication header.

    Drop reasons
        ``untranslatable``: the subnet is 0xFFFF, or the whole interface identifier is (RFC 6296, 3.5 and 4.2), or it is
        none of the subnets that the longer of the two prefixes has. ``icmp_quote``: an error that quotes no IPv6
        header, or such an address. ``no_prefix``, ``not_ipv6``: by ``other``. ``malformed``: not the IPv6 header that
        the ethertype says. ``no_error``, ``error_limited``: by ``address``, untranslatable packets about which no
        error may be sent, or no more now.

    State
        None that packets change. The prefixes, which all workers read.

    Example
        ``wirebrick run nptv6:prefixes=fd01:203:405::/48=2001:db8:1::/48 --in xdp:lan --out xdp:wan``

        >>> import wirebrick
        >>> from wirebrick.headers import Ethernet, IPv6
        >>> ip = IPv6(src="fd01:203:405:1::1234", dst="2001:db8:ffff::1", next_header=59)
        >>> frame = bytes(Ethernet(ethertype=0x86DD)) + bytes(ip)
        >>> pair = "fd01:203:405::/48=2001:db8:1::/48"
        >>> result = wirebrick.run(nptv6(prefixes=pair), rx=[frame], interpret=True)
        >>> IPv6.from_bytes(result.packets[0][14:]).src
        IPv6Address('2001:db8:1:d550::1234')

    References
        RFC 6296; RFC 4787, REQ-9 (hairpins); RFC 4443, RFC 4861; RFC 4193 (unique local addresses).
    """
    pairs = parse_pairs(prefixes)
    teller = IPv6Address(0) if address is None else IPv6Address(address)
    border = make_border(Side(pairs, out=True), Side(pairs, out=False), teller, inside, outside)
    runts = Stream()
    found = ip_packets(packets.parse(Ethernet, otherwise=runts))
    decided = found.v6.metadata(Way, border.decide)
    passed, translated, untranslatable, told, no_prefix = decided.group_by(VERDICTS, border.verdict)
    untranslatable.drop("untranslatable")
    errors = IcmpErrors(TokenBucket(rate=ERRORS, burst=AT_ONCE)).v6(told)
    plain = Stream()
    icmp = translated.parse(ICMPv6, otherwise=plain)
    # By its construction no checksum changes (RFC 6296, 3.1).
    done = [
        plain.transform(border.translate, checksums=False),
        icmp.transform(border.error, checksums=False),
        errors.transform(_back),
    ]
    honest = [stream.filter(_is_not_ipv6, reason="malformed") for stream in found.rest]
    if other == "drop":
        merge(found.v4, runts, *honest).drop("not_ipv6")
        no_prefix.drop("no_prefix")
    else:
        done += [stream.transform(border.cross) for stream in (found.v4, runts, *honest, no_prefix)]
    return merge(passed.transform(border.cross), *done)


def _back(packet: Packet) -> None:
    packet.egress = packet.ingress


def _is_not_ipv6(packet: Packet) -> bool:
    return bool(packet.header.ethertype != 0x86DD)
