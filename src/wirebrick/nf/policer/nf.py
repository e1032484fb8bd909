"""policer: the network function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wirebrick.errors import ParameterError
from wirebrick.headers import Ethernet
from wirebrick.nf.classes import Per, classes, whole
from wirebrick.nf.dscp import mark_v4, mark_v6
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.nf.policer.meter import GREEN, YELLOW, Meter, colouring
from wirebrick.nf.policer.settings import DROP, PASS, action, buckets_of
from wirebrick.packet.packet import Packet
from wirebrick.quantities import Quantity
from wirebrick.runtime.report import Report
from wirebrick.state.counter import Counter
from wirebrick.state.table import Table
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

MOST_OVERHEAD = 1000


@network_function
def policer(
    packets: Stream,
    *,
    rate: Quantity,
    burst: Quantity = "none",
    excess: Quantity = "0",
    peak: Quantity = "none",
    peak_burst: Quantity = "none",
    per: Per = "all",
    green: str = "pass",
    yellow: str = "pass",
    red: str = "drop",
    overhead: int = 0,
    capacity: int = 65536,
) -> Stream:
    """Let packets through up to a rate, and drop or remark what is more, all together or each class by itself.

    Parameters
        ``rate``: ``10Mbit``, ``2.5Gbit/s``, or of packets ``50kpps``.

        ``burst``: how much may come at once, in bytes (``64KB``), or packets where the rate is of packets; 15,140
        bytes (10 large frames), or 10 packets, where it is not given.

        ``excess``: how much more may come at once as yellow, filled up when ``burst`` is full (RFC 2697); none where
        it is not given.

        ``peak``: a second, higher rate: what is above ``rate`` and below this is yellow (RFC 2698); none where it is
        not given.

        ``peak_burst``: how much may come at once at the peak; as ``burst`` where it is not given.

        ``per``: what has a meter of its own: ``flow`` (each direction), ``src`` or ``dst`` (IP addresses),
        ``dst_port``, ``dscp``, or ``all`` together; ``all`` where it is not given.

        ``green``: what is done with green packets: ``pass``, ``drop``, or a DSCP that is written, by name (``af12``,
        ``ef``, ``cs1``) or number; ``pass`` where it is not given.

        ``yellow``: what is done with yellow ones; ``pass`` where it is not given.

        ``red``: what is done with red ones; ``drop`` where it is not given.

        ``overhead``: bytes that count for each packet beside its frame; 0 where it is not given.

        ``capacity``: for how many classes there is room; 65,536 where it is not given.

    What it does
        Each packet is green where ``burst`` has room for it, yellow where only the second bucket has, else red; tokens
        come back by the packets' time, exactly. IPv4 and IPv6 are looked at untagged and behind one or two VLAN tags.
        A written DSCP leaves the ECN bits, and the IPv4 checksum stays right. Frames without a well-formed IP header
        are metered with ``per=all`` only, and never marked; those without an Ethernet header pass.

        With several workers, flows have their meters where their packets are; all other classes have one meter for
        all workers, which take turns at it.

    Drop reasons
        ``green``, ``yellow``, ``red``: of the colours that are to be dropped.

    State
        A table of meters, one of 24 bytes for each class. Where it is full a class that was idle for 60 seconds gives
        way, else the least recently used of 32; it begins with full buckets when it comes again. The report has the
        packets of each colour.

    Example
        ``wirebrick run policer:rate=10Mbit,per=src,red=cs1 --in in.pcap --out out.pcap``

        >>> import wirebrick
        >>> wirebrick.run(policer(rate="2pps", burst=2), rx=[bytes(60)] * 5, interpret=True).drops
        {'policer.red': 3}

    References
        RFC 2697 (a single rate three color marker), RFC 2698 (a two rate three color marker), both color-blind;
        RFC 2475 (what a policer is).
    """
    if not 0 <= overhead <= MOST_OVERHEAD:
        raise ParameterError(f"policer: overhead={overhead} bytes", cure=f"0 to {MOST_OVERHEAD}")
    if not 1 <= capacity <= 1 << 28:
        raise ParameterError(f"policer: capacity={capacity} classes", cure=f"1 to {1 << 28:,}")
    buckets, speed = buckets_of(rate, burst, excess, peak, burst if str(peak_burst) == "none" else peak_burst)
    actions = (action("green", green), action("yellow", yellow), action("red", red))
    names = ("green", "yellow", "red")
    kinds = classes(per)
    table = Table(kinds.key, Meter, capacity=capacity, idle_timeout=60.0, consistency=kinds.consistency)
    colour = colouring(buckets)
    counters = [Counter(f"{name} packets") for name in names]
    of_packets = speed.unit == "packet"
    greens, yellows, reds = counters

    def metered(
        stream: Stream, key: Callable[[Packet], Any], mark: Callable[[Packet, int], None], ip: bool = True
    ) -> Stream:
        on_green, on_yellow, on_red = (one if ip or one == DROP else PASS for one in actions)

        def work(packet: Packet) -> None:
            amount = 1 if of_packets else (packet.length + overhead) * 8
            found = colour(table[key(packet)], packet.timestamp, amount)
            if found == GREEN:
                greens.add()
                if on_green == DROP:
                    packet.drop("green")
                elif on_green != PASS:
                    mark(packet, on_green)
            elif found == YELLOW:
                yellows.add()
                if on_yellow == DROP:
                    packet.drop("yellow")
                elif on_yellow != PASS:
                    mark(packet, on_yellow)
            else:
                reds.add()
                if on_red == DROP:
                    packet.drop("red")
                elif on_red != PASS:
                    mark(packet, on_red)

        return stream.transform(work)

    def report() -> Report:
        rows = [(name, counter.value) for name, counter in zip(names, counters, strict=True)]
        return Report(f"Policer: {table.evicted} classes gave way", ["colour", "packets"], rows)

    at_end(report)
    found = ip_packets(packets.parse(Ethernet))
    rest = [metered(stream, whole, mark_v4, ip=False) if per == "all" else stream for stream in found.rest]
    return merge(metered(found.v4, kinds.v4, mark_v4), metered(found.v6, kinds.v6, mark_v6), *rest)
