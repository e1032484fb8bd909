"""Step 14: shuffle. Work is shared out to several workers: each has a core, and its part of the state.

Packets of a flow stay together, so they keep their order and find their record. Without a shuffle
the packets of a capture are shared out by flow where they come in; here hosts count instead, so all
packets from one host must come to one worker.

    wirebrick run examples/step14_shuffle.py --in captures/mixed.pcap --out /tmp/out.pcap --workers 2
    wirebrick graph examples/step14_shuffle.py --placement --workers 2
"""

from wirebrick import Record, Report, Stream, Table, at_end, network_function
from wirebrick.fields import U64, IPv4Address
from wirebrick.headers import Ethernet, IPv4


class Host(Record):
    """Who sends."""

    address: IPv4Address


class Sent(Record):
    """How much."""

    packets: U64
    bytes: U64


@network_function
def talkers(packets: Stream, *, top: int = 5) -> Stream:
    """Count what each host sends; every host is in one worker's table only."""
    hosts = Table(Host, Sent, capacity=65536)

    def by_host(packet):
        return packet.header.src  # modulo the number of workers

    def count(packet):
        sent = hosts[Host(address=packet.header.src)]
        sent.packets += 1
        sent.bytes += packet.length

    def report():
        rows = [[str(host.address), sent.packets, sent.bytes] for host, sent in hosts.items()]
        rows.sort(key=lambda row: (-row[2], row[0]))
        return Report("top talkers", ["host", "packets", "bytes"], rows[:top])

    at_end(report)
    return packets.parse(Ethernet).parse(IPv4).shuffle(by_host).map(count)
