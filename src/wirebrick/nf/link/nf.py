"""link: the network function."""

from __future__ import annotations

from wirebrick.errors import ParameterError
from wirebrick.nf.link.jitter import Distribution
from wirebrick.nf.link.one_way import Direction
from wirebrick.nf.link.settings import one_way
from wirebrick.quantities import Quantity
from wirebrick.runtime.report import Report
from wirebrick.stream.graph import at_end
from wirebrick.stream.hold import LARGEST
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

MOST_OVERHEAD = 1000


@network_function
def link(
    packets: Stream,
    *,
    delay: Quantity = "0",
    jitter: Quantity = "0",
    distribution: Distribution = "uniform",
    ordered: bool = True,
    loss: Quantity = "0",
    bad: Quantity = "0",
    good: Quantity = "25%",
    loss_bad: Quantity = "100%",
    duplicate: Quantity = "0",
    corrupt: Quantity = "0",
    reorder: Quantity = "0",
    rate: Quantity = "none",
    overhead: int = 0,
    queue: Quantity = "100ms",
    limit: int = 16384,
    port: str = "in",
    seed: int = 1,
) -> Stream:
    """Be a line with delay, jitter, losses and a rate: a link emulator.

    Parameters
        What is marked * may be given as ``FORTH:BACK``: for packets that come from the port ``port``, and for all
        others, as in ``delay=10ms:50ms``. Durations: ``10ms``, ``250us``, ``1.5s``, a number of seconds. Chances:
        ``0.5%``, ``0.005``.

        ``delay``: * how long a packet is on its way, up to an hour; 0 where it is not given.

        ``jitter``: * by how much the delay varies: to both sides where it is ``uniform``, else the standard deviation;
        0 where it is not given. No delay is below 0.

        ``distribution``: of the delay: ``uniform``, ``normal`` or ``pareto`` (a long tail, shape 3); ``uniform`` where
        it is not given.

        ``ordered``: whether packets of a direction arrive in order in spite of jitter, as on most lines; yes where it
        is not given.

        ``loss``: * the chance that a packet is lost; 0 where it is not given.

        ``bad``: * losses in bursts: the chance, with each packet, that the line becomes bad; 0 where it is not given.

        ``good``: * the chance, with each packet, that a bad line becomes good again; 25% where it is not given: a bad
        state lasts for 4 packets on average.

        ``loss_bad``: * the chance that a packet is lost while the line is bad; 100% where it is not given.

        ``duplicate``: * the chance that a packet arrives twice; 0 where it is not given.

        ``corrupt``: * the chance that one bit of a packet, any of its frame, is turned over; 0 where it is not given.
        Checksums are left as they are.

        ``reorder``: * the chance that a packet skips the delay and so overtakes those before it; 0 where it is not
        given.

        ``rate``: * ``10Mbit``, ``2.5Gbit/s``: packets leave one after the other, no faster; without limit where it is
        not given.

        ``overhead``: bytes that each packet takes on the line beside its frame: 24 for Ethernet's preamble, checksum
        and gap; 0 where it is not given.

        ``queue``: * how long packets wait for the line, as a duration or in bytes (``64KB``); 100ms where it is not
        given. What would wait longer is dropped.

        ``limit``: packets on their way and waiting, in each direction and worker, 1 to 1,048,576; 16,384 where it is
        not given.

        ``port``: the port from which packets go forth; ``in`` where it is not given.

        ``seed``: where the random numbers begin; 1 where it is not given. The same seed, packets and number of
        workers give the same fates.

    What it does
        A packet waits until those before it are sent (``rate``), is lost or not, and arrives after its delay: it goes
        on through the chain then, with the time of its arrival. All frames are treated alike, whatever is in them.
        The two directions have a line each. Losses take up the line, as on a real one; what a full queue drops does
        not. The times of captures are kept to the nanosecond; on interfaces see ``docs/operators.md``, hold.

        With several workers the line's rate is shared by all, and random numbers are each worker's own.

    Drop reasons
        ``lost``: by ``loss`` or in a bad state. ``queue_full``: it would have waited for longer than ``queue``.
        ``limit``: there was no room for it.

    State
        For each direction, the packets on their way, and when the line is free again. The report says how many were
        duplicated, corrupted and reordered.

    Example
        ``wirebrick run link:delay=10ms,jitter=2ms,loss=0.1% --in xdp:left --out xdp:right``

        >>> import wirebrick
        >>> slow = link(rate="8Mbit", delay="1ms")
        >>> result = wirebrick.run(slow, rx=[(0, bytes(1000)), (0, bytes(1000))], interpret=True)
        >>> result.packets_out
        2

    References
        tc-netem(8), whose options these are; S. Hemminger, Network Emulation with NetEm (2005). The bad state:
        E. N. Gilbert (1960), E. O. Elliott (1963).
    """
    if not 0 <= overhead <= MOST_OVERHEAD:
        raise ParameterError(f"link: overhead={overhead} bytes", cure=f"0 to {MOST_OVERHEAD}")
    if not 1 <= limit <= LARGEST:
        raise ParameterError(f"link: limit={limit} packets", cure=f"1 to {LARGEST:,}")
    ways = [
        one_way(
            number,
            distribution=distribution,
            ordered=ordered,
            overhead=overhead,
            limit=limit,
            delay=delay,
            jitter=jitter,
            loss=loss,
            bad=bad,
            good=good,
            loss_bad=loss_bad,
            duplicate=duplicate,
            corrupt=corrupt,
            reorder=reorder,
            rate=rate,
            queue=queue,
        )
        for number in range(2)
    ]
    directions = [Direction(way, 2 * seed + number) for number, way in enumerate(ways)]

    def report() -> Report:
        rows = [
            (name, one.duplicated.value, one.corrupted.value, one.reordered.value)
            for name, one in zip(("forth", "back"), directions, strict=True)
        ]
        return Report("Link", ["direction", "duplicated", "corrupted", "reordered"], rows)

    if any(way.duplicate or way.corrupt or way.reorder for way in ways):
        at_end(report)
    streams = packets.group_by(2, lambda packet: 0 if packet.ingress == port else 1)
    return merge(*(one.build(stream) for one, stream in zip(directions, streams, strict=True)))
