"""shaper: hold packets back so that they keep to a rate."""

from __future__ import annotations

from wirebrick.errors import ParameterError
from wirebrick.fields import U64
from wirebrick.headers import Ethernet
from wirebrick.nf.classes import Class, Per, classes, whole
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.packet.packet import Packet
from wirebrick.quantities import Quantity, amount, backlog
from wirebrick.quantities import rate as read_rate
from wirebrick.runtime.report import Report
from wirebrick.state.consistency import Strict
from wirebrick.state.record import Record
from wirebrick.state.table import Table
from wirebrick.stream.graph import at_end
from wirebrick.stream.hold import LARGEST
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

MOST_OVERHEAD = 1000
SECOND = 10**9


class Bucket(Record):
    """When a class has sent what it may have sent by then: nanoseconds, and parts of one."""

    free: U64
    part: U64


@network_function
def shaper(
    packets: Stream,
    *,
    rate: Quantity,
    burst: Quantity = "none",
    queue: Quantity = "100ms",
    per: Per = "all",
    overhead: int = 0,
    limit: int = 16384,
    capacity: int = 65536,
) -> Stream:
    """Hold packets back so that they keep to a rate, all together or each class by itself.

    Parameters
        ``rate``: ``10Mbit``, ``2.5Gbit/s``, or of packets ``50kpps``.

        ``burst``: how much may go on at once after a pause, in bytes (``64KB``), or packets where the rate is of
        packets; 0 spaces all packets evenly; 15,140 bytes (10 large frames), or 10 packets, where it is not given.

        ``queue``: how long packets of a class wait, as a duration or in bytes; 100ms where it is not given. What
        would wait longer is dropped.

        ``per``: what has a rate of its own: ``flow`` (each direction), ``src`` or ``dst`` (IP addresses),
        ``dst_port``, ``dscp``, or ``all`` together; ``all`` where it is not given.

        ``overhead``: bytes that count for each packet beside its frame; 0 where it is not given.

        ``limit``: how many packets wait in each worker, of all classes, 1 to 1,048,576; 16,384 where it is not given.

        ``capacity``: for how many classes there is room; 65,536 where it is not given.

    What it does
        Packets of a class go on in their order, as soon as a token bucket has room for them: in any time t no more
        than ``burst`` and t times ``rate`` (and a packet larger than ``burst``). Times are exact. A packet goes on
        through the chain with the time at which it does. IPv4 and IPv6 are looked at untagged and behind one or two
        VLAN tags. With ``per=all`` every frame counts, else frames without a well-formed IP header go on at once.

        With several workers, flows have their rates where their packets are; all other classes have one rate for all
        workers.

    Drop reasons
        ``queue_full``: it would have waited for longer than ``queue``. ``limit``: there was no room for it.

    State
        A table of buckets, one of 16 bytes for each class, and the packets that wait. Where the table is full a class
        that was idle for 60 seconds gives way, else the least recently used of 32; it begins anew when it comes again.

    Example
        ``wirebrick run shaper:rate=10Mbit,per=src --in xdp:left --out xdp:right``

        >>> import wirebrick
        >>> slow = shaper(rate="1pps", burst=1, queue="2s")
        >>> wirebrick.run(slow, rx=[bytes(60)] * 5, interpret=True).drops
        {'shaper.queue_full': 2}

    References
        RFC 2475, 2.3.3.3 (shapers); tc-tbf(8). Virtual scheduling: ITU-T I.371, 5.4.
    """
    if not 0 <= overhead <= MOST_OVERHEAD:
        raise ParameterError(f"shaper: overhead={overhead} bytes", cure=f"0 to {MOST_OVERHEAD}")
    if not 1 <= limit <= LARGEST:
        raise ParameterError(f"shaper: limit={limit} packets", cure=f"1 to {LARGEST:,}")
    if not 1 <= capacity <= 1 << 28:
        raise ParameterError(f"shaper: capacity={capacity} classes", cure=f"1 to {1 << 28:,}")
    speed = read_rate("shaper", "rate", rate)
    most = backlog("shaper", "queue", queue, speed)
    ahead = amount("shaper", "burst", burst, speed) * SECOND // speed.amount
    kinds = classes(per)
    key, consistency = (Class, Strict()) if per == "all" else (kinds.key, kinds.consistency)
    table = Table(
        key, Bucket, capacity=1 if per == "all" else capacity, idle_timeout=60.0, consistency=consistency
    )
    each, of_packets = speed.amount, speed.unit == "packet"

    def departure(packet: Packet) -> int | None:
        now = packet.timestamp
        bucket = table[packet.metadata]
        free = max(bucket.free, now)
        part = bucket.part if free > now else 0
        part += SECOND if of_packets else (packet.length + overhead) * 8 * SECOND
        free += part // each
        at = max(now, free - ahead)
        if at - now > most:
            packet.drop("queue_full")
            return None
        bucket.free = free
        bucket.part = part % each
        return at

    def report() -> Report:
        return Report("Shaper", ["classes that gave way"], [(table.evicted,)])

    if per == "all":
        return packets.metadata(Class, whole).hold(departure, limit, reason="limit")
    at_end(report)
    found = ip_packets(packets.parse(Ethernet))
    ip = merge(found.v4.metadata(kinds.key, kinds.v4), found.v6.metadata(kinds.key, kinds.v6))
    return merge(ip.hold(departure, limit, reason="limit"), *found.rest)
