"""Step 5: state. A Table keeps a record for each key, here for each flow.

Its size is fixed beforehand, so nothing grows while packets pass. ``table[key]`` makes the record
on first sight, all zero. When the table is full, the entry that was used least recently makes room.
``at_end`` reports after the run.

    wirebrick run examples/step05_state.py:quota:packets_each=20 --in captures/mixed.pcap \
        --out /tmp/quota.pcap
"""

from wirebrick import FlowKey, Record, Report, Stream, Table, at_end, network_function
from wirebrick.fields import U64
from wirebrick.headers import Ethernet, IPv4


class Usage(Record):
    """What is kept for a flow."""

    packets: U64
    bytes: U64


@network_function
def quota(packets: Stream, *, packets_each: int = 100, flows: int = 4096) -> Stream:
    """Let the first ``packets_each`` packets of every IPv4 flow through."""
    table = Table(FlowKey, Usage, capacity=flows, idle_timeout=30.0)

    def within(packet):
        usage = table[packet.flow()]
        usage.packets += 1
        usage.bytes += packet.length
        return usage.packets <= packets_each

    def report():
        over = [(key, usage) for key, usage in table.items() if usage.packets > packets_each]
        over.sort(key=lambda item: -item[1].packets)
        rows = [[str(key.src), str(key.dst), key.protocol, usage.packets] for key, usage in over[:5]]
        return Report("over the quota", ["src", "dst", "protocol", "packets"], rows)

    at_end(report)
    return packets.parse(Ethernet).parse(IPv4).filter(within, reason="over_quota")
