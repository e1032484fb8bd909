"""fragment: split IP packets that are larger than an MTU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.errors import ParameterError
from wirebrick.headers import Ethernet
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.packet.packet import Packet
from wirebrick.state.fragmenter import Fragmenter
from wirebrick.stream.graph import at_end, most_copies
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.remake import remake
from wirebrick.stream.stream import Stream

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report

LEAST, LEAST_V6, MOST = 68, 1280, 65535
PIECES = 32  # of every packet of a burst there is room for so many


@network_function
def fragment(packets: Stream, *, mtu: int = 1500, ipv6: bool = False, force: bool = False) -> Stream:
    """Split IP packets that are larger than an MTU into fragments.

    Parameters
        ``mtu``: bytes of the largest IP packet that leaves, 68 to 65,535 (with ``ipv6`` from 1,280 on); 1500 where it
        is not given.

        ``ipv6``: ``yes``: IPv6 packets are split too. RFC 8200 lets only their sender do that, as behind a
        tunnel's end or in a test; ``no`` where it is not given: larger ones are dropped.

        ``force``: ``yes``: IPv4 packets that say "don't fragment" are split all the same; ``no`` where it is
        not given: they are dropped.

    What it does
        Looks at IPv4 and IPv6 packets, untagged or behind one or two VLAN tags. Those of at most ``mtu`` bytes
        leave unchanged, others as fragments, in their order, the first one in the packet's own frame. Fragments
        that are still too large are split further. Later fragments have the options of IPv4 that every
        fragment must have, and the extension headers of IPv6 that routers look at. No ICMP message is sent
        about packets that are dropped: the ``router`` does that.

    Drop reasons
        ``dont_fragment``: larger, and may not be split. ``cut_short``: larger than what was captured of it.
        ``no_room``: more fragments than a burst has room for. ``mtu_too_small``: its headers alone fill the
        MTU.

    State
        Counters of packets that were split and fragments, reported at the end of a run.

    Example
        ``wirebrick run fragment:mtu=576 --in in.pcap --out out.pcap``

        >>> import wirebrick
        >>> from wirebrick.headers import IPv4
        >>> ip = bytes(IPv4(src="192.0.2.1", dst="192.0.2.2", protocol=17, total_length=120)) + bytes(100)
        >>> frame = bytes(Ethernet(ethertype=0x0800)) + ip
        >>> result = wirebrick.run(fragment(mtu=68), rx=[frame], interpret=True)
        >>> [IPv4.from_bytes(packet[14:]).total_length for packet in result.packets]
        [68, 68, 24]

    References
        RFC 791, 3.2 (IPv4); RFC 8200, 4.5 (IPv6).
    """
    least = LEAST_V6 if ipv6 else LEAST
    if isinstance(mtu, bool) or not isinstance(mtu, int) or not least <= mtu <= MOST:
        raise ParameterError(
            f"fragment: the mtu can't be {mtu!r}", cure=f"give a whole number from {least} to {MOST}"
        )
    state = Fragmenter(mtu)
    most_copies(PIECES)
    at_end(lambda: _report(state))

    def allow(packet: Packet) -> None:
        if packet.header.total_length > mtu:
            packet.header.flags &= 5

    def fits(packet: Packet) -> bool:
        return bool(packet.header.payload_length + 40 <= mtu)

    found = ip_packets(packets.parse(Ethernet))
    v4 = found.v4.transform(allow) if force else found.v4
    v6 = found.v6 if ipv6 else found.v6.filter(fits, reason="dont_fragment")
    return merge(remake(v4, state, "split"), remake(v6, state, "split") if ipv6 else v6, *found.rest)


def _report(state: Fragmenter) -> Report:
    from wirebrick import Report

    return Report("fragmentation", ["packets split", "fragments"], [(state.split, state.pieces)])
