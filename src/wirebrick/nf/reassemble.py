"""reassemble: join fragments of IP packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.errors import ParameterError
from wirebrick.headers import Ethernet
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.state.reassembler import MOST, Reassembler
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.remake import remake
from wirebrick.stream.stream import Stream

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report

LEAST, LARGEST = 1500, 65535


@network_function
def reassemble(packets: Stream, *, capacity: int = 256, timeout: float = 30.0, largest: int = 9000) -> Stream:
    """Join fragments of IP packets.

    Parameters
        ``capacity``: how many packets each worker puts together at once, 1 to 65,536; 256 where it is not given.
        Each takes 74 KB once it is used.

        ``timeout``: after so many seconds (of the packets' time) a packet with missing fragments is given up,
        0.1 to 120; 30 where it is not given.

        ``largest``: bytes of the largest packet that leaves, 1,500 to 65,535; 9,000 where it is not given. Frames
        of the run are made that large, where its ports let them be (``xdp:`` does not).

    What it does
        Fragments of IPv4 and IPv6 packets, untagged or behind one or two VLAN tags, are kept until all of a
        packet are there; the packet with the last of them leaves as the whole, with the headers of the first.
        All else leaves unchanged, an IPv6 packet that is whole with its fragment header without that. So NFs
        behind it see ports and payloads; ``fragment`` splits what is too large for the output again.

        A fragment that overlaps another, or that does not fit the end that another told, spoils its packet: what
        comes of it until the timeout is dropped (RFC 5722; for IPv4 too). The same fragment again is dropped
        alone. No ICMP message is sent about packets that are given up. All fragments of a packet must come to
        one worker, which they do unless a port splits them otherwise.

    Drop reasons
        ``fragment_kept``: a fragment whose bytes leave with its packet, if that becomes whole. ``overlapping``,
        ``duplicate``: see above. ``malformed``: no bytes, a length that can't be in the middle, or more than
        65,535 bytes in all. ``too_large``: the whole packet fits no frame. ``cut_short``: not all of the
        fragment was captured.

    State
        In each worker, the packets that are being put together. Where there are more than ``capacity``, the oldest
        of eight makes room. Reported at the end of a run.

    Example
        ``wirebrick run reassemble --in in.pcap --out out.pcap``

        >>> import wirebrick
        >>> from wirebrick.headers import IPv4
        >>> head = bytes(Ethernet(ethertype=0x0800))
        >>> first = head + bytes(IPv4(total_length=28, flags=1)) + b"abcdefgh"
        >>> last = head + bytes(IPv4(total_length=22, fragment_offset=1)) + b"ij"
        >>> (packet,) = wirebrick.run(reassemble, rx=[last, first], interpret=True).packets
        >>> packet[34:], IPv4.from_bytes(packet[14:]).total_length
        (b'abcdefghij', 30)

    References
        RFC 791, 3.2; RFC 815 (IPv4); RFC 8200, 4.5; RFC 5722; RFC 6946 (IPv6).
    """
    _check("capacity", capacity, 1, MOST)
    _check("largest", largest, LEAST, LARGEST)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0.1 <= timeout <= 120:
        raise ParameterError(f"reassemble: the timeout can't be {timeout!r}", cure="give seconds, 0.1 to 120")
    state = Reassembler(capacity, int(timeout * 1e9), largest + 14 + 8)
    at_end(lambda: _report(state))
    found = ip_packets(packets.parse(Ethernet))
    return merge(remake(found.v4, state, "join"), remake(found.v6, state, "join"), *found.rest)


def _check(name: str, value: int, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        cure = f"give a whole number from {least} to {most}"
        raise ParameterError(f"reassemble: the {name} can't be {value!r}", cure=cure)


def _report(state: Reassembler) -> Report:
    from wirebrick import Report

    totals = state.totals()
    return Report("reassembly", list(totals), [tuple(totals.values())])
