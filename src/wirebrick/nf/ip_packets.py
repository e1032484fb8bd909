"""ip_packets: the IP packets of a stream, also those behind VLAN tags. Shared by NFs."""

from __future__ import annotations

from dataclasses import dataclass

from wirebrick.headers import VLAN, IPv4, IPv6
from wirebrick.stream.merge import merge
from wirebrick.stream.stream import Stream

MOST_TAGS = 2


@dataclass(frozen=True)
class IPPackets:
    """Streams of IPv4 and IPv6 packets (parsed: Ethernet, and IPv4 or IPv6), and the rest.

    ``rest[n]`` has the frames with ``n`` VLAN tags (parsed: Ethernet and the tags) behind which no
    well-formed IP header was found: another protocol, a further tag, or bytes that are not what the ethertype
    says.
    """

    v4: Stream
    v6: Stream
    rest: tuple[Stream, ...]


def ip_packets(frames: Stream) -> IPPackets:
    """Find IP behind Ethernet (parsed in ``frames``), and behind one or two VLAN tags (IEEE 802.1Q, QinQ).

    >>> import wirebrick
    >>> from wirebrick.headers import Ethernet
    >>> @wirebrick.network_function
    ... def only_ip(packets):
    ...     found = ip_packets(packets.parse(Ethernet))
    ...     for stream in found.rest:
    ...         stream.drop("not_ip")
    ...     return wirebrick.merge(found.v4, found.v6)
    >>> wirebrick.run(only_ip, rx=[bytes(60)], interpret=True).drops
    {'only_ip.not_ip': 1}
    """
    v4, v6, rest = ip_by_tags(frames)
    return IPPackets(merge(*v4), merge(*v6), rest)


def ip_by_tags(frames: Stream) -> tuple[list[Stream], list[Stream], tuple[Stream, ...]]:
    """The same, IPv4 and IPv6 packets each as streams by the number of tags: for NFs to look at before they merge."""
    v4, v6, rest = [], [], []
    for tags in range(MOST_TAGS + 1):
        not_v4, not_ip = Stream(), Stream()
        v4.append(frames.parse(IPv4, otherwise=not_v4))
        v6.append(not_v4.parse(IPv6, otherwise=not_ip))
        if tags < MOST_TAGS:
            untagged = Stream()
            frames = not_ip.parse(VLAN, otherwise=untagged)
            rest.append(untagged)
        else:
            rest.append(not_ip)
    return v4, v6, tuple(rest)
