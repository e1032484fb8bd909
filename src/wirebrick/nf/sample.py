"""sample: let a part of the packets, or of the flows, through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from wirebrick.errors import ParameterError
from wirebrick.fields import U64
from wirebrick.headers import Ethernet
from wirebrick.nf.ip_packets import ip_packets
from wirebrick.packet.packet import Packet
from wirebrick.runtime.report import Report
from wirebrick.state.array import Array
from wirebrick.state.counter import Counter
from wirebrick.state.random import Random, odds
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream

MOST = 1 << 31
_ODD = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio: multiplying by it mixes all bits
_62 = (1 << 62) - 1


@network_function
def sample(
    packets: Stream,
    *,
    n: int,
    by: Literal["count", "random", "flow"] = "random",
    to: str = "",
    seed: int = 1,
) -> Stream:
    """Let one in so many packets through, or one in so many flows.

    Parameters
        ``n``: of how many one is taken, 1 to 2,147,483,648.

        ``by``: how they are chosen: ``count``, each n-th of a worker's; ``random``, each with a chance of 1 in n; or
        ``flow``, all packets of about one flow in n, both directions alike; ``random`` where it is not given.

        ``to``: a port that copies of the chosen packets leave by, while all packets go on; none where it is not given.

        ``seed``: where random numbers begin, and which flows are chosen; 1 where it is not given.

    What it does
        The packets that are not chosen are dropped, or with ``to``, copies of those that are are sent elsewhere. By
        ``flow``, addresses, ports and protocol are hashed, of IPv4 and IPv6, untagged and behind one or two VLAN tags;
        the fragments of a packet behind the first have no ports and count as a flow of their own, and frames without a
        well-formed IP header are all chosen. Chosen flows are the same on every worker, and with the same seed in
        every run.

    Drop reasons
        ``not_sampled``: it was not chosen.

    State
        Counters, for the report: the packets and bytes seen (sFlow's sample pool) and chosen, and what the chosen ones
        stand for: n times as many, with the error that has a chance of 5 % of being exceeded, 1.96 / sqrt(chosen).

    Example
        ``wirebrick run sample:n=100,by=flow monitor --in in.pcap --out out.pcap``

        >>> import wirebrick
        >>> wirebrick.run(sample(n=3, by="count"), rx=[bytes(60)] * 10, interpret=True).packets_out
        3

    References
        RFC 3176 (sFlow), 3.1 and 4.2.2; RFC 5475 (systematic, random and hash-based sampling).
    """
    if not 1 <= n <= MOST:
        raise ParameterError(f"sample: n={n}", cure=f"1 to {MOST:,}")
    seen, seen_bytes = Counter("packets seen"), Counter("bytes seen")
    chosen, chosen_bytes = Counter("packets chosen"), Counter("bytes chosen")
    random, left, chance = Random(seed), Array(U64, 1), odds(1 / n)
    salt = seed & _62

    def every_nth(packet: Packet) -> bool:
        left[0] += 1
        if left[0] < n:
            return False
        left[0] = 0
        return True

    def at_random(packet: Packet) -> bool:
        return random.happens(chance)

    def flow(packet: Packet) -> bool:
        key = packet.flow()
        # The sum of what both ends are mixed to is the same in both directions.
        one = mix(mix(mix(salt ^ key.src & _62) ^ key.src >> 66) ^ key.src_port)
        other = mix(mix(mix(salt ^ key.dst & _62) ^ key.dst >> 66) ^ key.dst_port)
        return (mix(one + other & _62 ^ key.protocol) >> 30) % n == 0

    def of(stream: Stream, choose: Callable[[Packet], bool]) -> Stream:
        def counted(packet: Packet) -> bool:
            seen.add()
            seen_bytes.add(packet.length)
            if not choose(packet):
                return False
            chosen.add()
            chosen_bytes.add(packet.length)
            return True

        if not to:
            return stream.filter(counted, reason="not_sampled")
        rest = Stream()
        return merge(stream.filter(counted, otherwise=rest).transform(copy), rest)

    def copy(packet: Packet) -> None:
        packet.copy().send(to)

    def report() -> Report:
        error = 1.96 / chosen.value**0.5 if chosen.value else 1.0
        rows = [
            ("packets", seen.value, chosen.value, n * chosen.value),
            ("bytes", seen_bytes.value, chosen_bytes.value, n * chosen_bytes.value),
        ]
        return Report(f"Sampled 1 in {n:,}, within {error:.1%}", ["", "seen", "chosen", "stands for"], rows)

    at_end(report)
    if by == "count":
        return of(packets, every_nth)
    if by == "random":
        return of(packets, at_random)
    found = ip_packets(packets.parse(Ethernet))
    others = [of(stream, every) for stream in found.rest]
    return merge(of(found.v4, flow), of(found.v6, flow), *others)


def every(packet: Packet) -> bool:
    """Every packet is chosen."""
    return True


def mix(x: int) -> int:
    """62 bits mixed."""
    x = x * _ODD & _62
    return x ^ x >> 31
