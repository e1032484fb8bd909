"""Step 13: a token bucket. Each host may send ``rate`` bytes a second, ``burst`` of them at once.

The bucket of a host is made on first sight, full, and fills by the packets' clock, to the nanosecond.

    wirebrick run examples/step13_rate_limiter.py:rate_limiter:rate=5000 --in captures/mixed.pcap \
        --out /tmp/out.pcap
"""

from wirebrick import Record, Report, Stream, TokenBucket, at_end, network_function
from wirebrick.fields import IPv4Address
from wirebrick.headers import Ethernet, IPv4


class Host(Record):
    """Who sends."""

    address: IPv4Address


@network_function
def rate_limiter(packets: Stream, *, rate: float = 1e6, burst: int = 15000) -> Stream:
    """Drop what a host sends beyond ``rate`` bytes a second."""
    bucket = TokenBucket(rate=rate, burst=burst, Key=Host, capacity=65536)

    def conforms(packet):
        return bucket.take(Host(address=packet.header.src), packet.length)

    at_end(lambda: Report("packets", ["conform", "exceed"], [[bucket.conformed, bucket.exceeded]]))
    return packets.parse(Ethernet).parse(IPv4).filter(conforms, reason="over_rate")
