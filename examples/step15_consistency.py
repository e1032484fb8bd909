"""Step 15: consistency. State that all workers share, in the paper's three ways.

- ``Partitioned``, the default: each worker has its own; nothing is shared, nothing waits.
- ``Strict``: one copy for all; the function that uses it is alone with it while it runs.
- ``Bounded``: one worker writes, the others read a copy no older than the staleness.

Here no more than ``limit`` packets of each protocol pass, whichever workers they come to: that is
exact with ``Strict`` only. With ``Partitioned`` each worker would let ``limit`` through.

    wirebrick run examples/step15_consistency.py:shared_quota:limit=100 --in captures/mixed.pcap \
        --out /tmp/out.pcap --workers 2
"""

from wirebrick import Array, Report, Stream, Strict, at_end, network_function
from wirebrick.fields import U64
from wirebrick.headers import Ethernet, IPv4


@network_function
def shared_quota(packets: Stream, *, limit: int = 1000) -> Stream:
    """Let ``limit`` packets of each IP protocol through, counted over all workers."""
    passed = Array(U64, 256, consistency=Strict())

    def within(packet):
        protocol = packet.header.protocol
        if passed[protocol] >= limit:
            return False
        passed[protocol] += 1
        return True

    def report():
        rows = [[protocol, count] for protocol, count in enumerate(passed.totals()) if count]
        return Report("packets let through", ["protocol", "packets"], rows)

    at_end(report)
    return packets.parse(Ethernet).parse(IPv4).filter(within, reason="over_quota")
