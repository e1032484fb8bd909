"""generate: the network function."""

from __future__ import annotations

from typing import Literal

from wirebrick.fields import U64
from wirebrick.headers import TCP, UDP, Ethernet
from wirebrick.nf.generate.arrivals import WINDOW, Arrivals, arrival
from wirebrick.nf.generate.latency import SIZE, place
from wirebrick.nf.generate.report import measured_report, sent_report
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.packet.packet import Packet
from wirebrick.runtime.report import Report
from wirebrick.state.array import Array
from wirebrick.state.consistency import Strict
from wirebrick.state.counter import Counter
from wirebrick.state.record import Record
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

MARK = 0x5742  # the first two bytes of a stamp
STAMP = 16  # bytes: the mark, a number of 48 bits, a time of 64
_48, _63 = (1 << 48) - 1, (1 << 63) - 1


class Stamp(Record):
    """What a stamp says; ``mark`` is 0 where there is none."""

    mark: U64
    number: U64
    time: U64


@network_function
def generate(
    packets: Stream,
    *,
    role: Literal["both", "send", "receive"] = "both",
    port: str = "in",
) -> Stream:
    """Stamp made packets with a number and a time, and measure loss, order, doubles and latency of those that arrive.

    Parameters
        ``role``: ``send`` stamps all packets, ``receive`` measures all; ``both`` stamps those from ``port`` and
        measures those from other ports; ``both`` where it is not given.

        ``port``: the port that made packets come from; ``in`` where it is not given.

    What it does
        Packets are made by the port ``memory:``: sizes or IMIX, flows, protocols, a rate in real time, a ramp from one
        rate to another (``rate=1kpps-100kpps,ramp=10s``). Here they get a stamp at the end of their UDP or TCP
        payload, IPv4 or IPv6, untagged or behind one or two VLAN tags; checksums follow. Packets with less than 16
        bytes of payload (64-byte frames of TCP, and of UDP over IPv6) go out without one, and are counted.

        Packets that come with a stamp are counted and end here, as ``measured``. The latency is from the time stamped,
        when the packet was made, to the time the packet has when it arrives (the kernel's, with ``afpacket:``). Let a
        run go on a little after the last packet was made, or what is on its way counts as lost: ``--duration``.

    Drop reasons
        ``measured``: it arrived. ``foreign``: it came from another port without a stamp.

    State
        The next number; of what arrived, which of the last 65,536 numbers came, counts, and a histogram of latencies
        with steps of 1.6 %. All workers share them. The report has sent, received, lost, doubles, reordered (RFC 4737:
        after one with a higher number) and the percentiles of latency; with ``role=receive``, sent is what the highest
        number says.

    Example
        ``wirebrick run generate --in memory:imix,flows=100,rate=10kpps --out xdp:left --port back=xdp:right``

        >>> import wirebrick
        >>> chain = [generate(role="send"), "link:delay=1ms,loss=10%", generate(role="receive")]
        >>> result = wirebrick.run(chain, rx="memory:size=100,count=1000")
        >>> report = result.reports[1][1].rows[0]
        >>> report[1] + result.drops["link.lost"], report[6]
        (1000, '1.00 ms')

    References
        RFC 2544 (benchmarking), RFC 2679 and 2680 (one-way delay and loss), RFC 4737 (reordering), RFC 5560
        (duplicates).
    """
    numbers = Array(U64, 1, consistency=Strict())
    seen = Array(Arrivals, 1, consistency=Strict())
    known = Array(U64, WINDOW, consistency=Strict())
    counts = Array(U64, SIZE, consistency=Strict())
    unstamped = Counter("packets without room for a stamp")
    arrived = arrival(known)

    def stamp(packet: Packet) -> None:
        at = len(packet.payload) - STAMP
        if at < 0:
            unstamped.add()
            return
        number = numbers[0]
        numbers[0] = number + 1
        packet.payload.put_u64(at, MARK << 48 | number & _48)
        packet.payload.put_u64(at + 8, packet.timestamp)

    def read(packet: Packet) -> Stamp:
        at = len(packet.payload) - STAMP
        if at < 0 or packet.payload.u16(at) != MARK:
            return Stamp(mark=0, number=0, time=0)
        return Stamp(mark=MARK, number=packet.payload.u64(at) & _48, time=packet.payload.u64(at + 8) & _63)

    def measure(packet: Packet) -> None:
        if packet.metadata.mark != MARK:
            packet.drop("foreign")
            return
        took = max(packet.timestamp - packet.metadata.time, 0)
        one = seen[0]
        if arrived(one, packet.metadata.number):
            counts[place(took)] += 1
            one.total += took
            if one.received == 1 or took < one.fastest:
                one.fastest = took
            one.slowest = max(one.slowest, took)
        packet.drop("measured")

    def sending(stream: Stream) -> Stream:
        found, rest = payloads(stream)
        return merge(*(one.transform(stamp) for one in found), *rest)

    def receiving(stream: Stream) -> Stream:
        found, rest = payloads(stream)
        merge(*rest).drop("foreign")
        return merge(*(one.metadata(Stamp, read) for one in found)).transform(measure)

    def report() -> Report:
        if role == "send":
            return sent_report(numbers.total(0), unstamped.value)
        total = seen.total(0)
        sent = numbers.total(0) if role == "both" else total.next
        return measured_report(sent, total, counts.totals())

    at_end(report)
    if role == "send":
        return sending(packets)
    if role == "receive":
        return receiving(packets)
    made, back = packets.group_by(2, lambda packet: 0 if packet.ingress == port else 1)
    return merge(sending(made), receiving(back))


def payloads(packets: Stream) -> tuple[list[Stream], list[Stream]]:
    """UDP and TCP packets, by IP version and protocol, and all others."""
    short = Stream()
    ip = ip_packets(packets.parse(Ethernet, otherwise=short))
    found, rest = [], [short, *ip.rest]
    for stream in (ip.v4, ip.v6):
        no_udp, neither = Stream(), Stream()
        found += [stream.parse(UDP, otherwise=no_udp), no_udp.parse(TCP, otherwise=neither)]
        rest.append(neither)
    return found, rest
