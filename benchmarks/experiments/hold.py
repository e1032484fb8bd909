"""hold: packets that wait in a worker, beside the same chain in which none does, and the NFs made of it.

The packets' clock goes on by a microsecond with each: so 10 milliseconds hold 10,000 packets. The bytes of a packet
that waited are no longer in the processor's first caches.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.harness.machine import pinned
from benchmarks.harness.memory import alone, wirebrick_mpps
from benchmarks.harness.options import Options
from benchmarks.harness.pairs import interleaved
from benchmarks.harness.row import Row
from wirebrick import Random, Stream, network_function
from wirebrick.nf.load import load_nf

PACKETS = 2_000_000
WAITS = {"not at all": 0, "1 us": 1_000, "100 us": 100_000, "10 ms": 10_000_000}
NFS = {
    "link, 1 ms": "link:delay=1ms",
    "link, 1 ms, jitter, 1 % lost": "link:delay=1ms,jitter=500us,loss=1%",
    "shaper": "shaper:rate=100Gbit",
    "shaper, 1,024 flows": "shaper:rate=1Gbit,per=flow",
    "policer": "policer:rate=100Mbit",
    "policer, 1,024 flows": "policer:rate=100kbit,per=flow",
    "sample by flow": "sample:n=100,by=flow",
}


@network_function
def held(packets: Stream, *, wait: int) -> Stream:
    """Every packet waits for as long."""
    return packets.hold(lambda packet: packet.timestamp + wait, 1 << 14)


@network_function
def at_random(packets: Stream) -> Stream:
    """Each waits for up to 10 ms, another time than the one before."""
    random = Random(1)
    return packets.hold(lambda packet: packet.timestamp + 1 + random.below(10_000_000), 1 << 14)


@network_function
def passed(packets: Stream) -> Stream:
    """None waits."""
    return packets.map(lambda packet: None)


def rows(options: Options) -> Iterator[Row]:
    """A row for each way to wait, then the NFs."""
    chains = {f"hold, {name}": held(wait=wait) for name, wait in WAITS.items()}
    chains["hold, at random up to 10 ms"] = at_random()
    for name, chain in chains.items():
        with pinned(options.core):
            measured, against = interleaved(
                lambda chain=chain: wirebrick_mpps([chain], packets=PACKETS),  # type: ignore[misc]
                lambda: wirebrick_mpps([passed], packets=PACKETS),
                options.repeats,
            )
        yield Row(name, "Mpps", measured, against, None)
    for name, text in NFS.items():
        yield alone(name, [load_nf(text)], options, packets=PACKETS)
