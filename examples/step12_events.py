"""Step 12: events. A detector of SYN floods: a host may get so many new connections in a period.

``every`` calls a function of the worker, compiled like the others, by the packets' clock: a capture
gives the same result however fast it is read. With ``on="control"`` it would be any Python, on the
thread that watches the workers.

    wirebrick run examples/step12_events.py:syn_guard:limit=3 --in captures/mixed.pcap \
        --out /tmp/out.pcap
"""

from wirebrick import Array, Record, Report, Stream, Table, at_end, every, network_function
from wirebrick.fields import U32, U64, IPv4Address
from wirebrick.headers import TCP, Ethernet, IPv4


class Host(Record):
    """Who is asked for connections."""

    address: IPv4Address


class Asked(Record):
    """How often, and in which period that was."""

    period: U64
    syns: U32
    alarms: U32


@network_function
def syn_guard(packets: Stream, *, limit: int = 100, seconds: float = 1.0) -> Stream:
    """Drop SYNs to a host beyond ``limit`` in ``seconds``; connections that exist go on."""
    hosts = Table(Host, Asked, capacity=65536, idle_timeout=60.0)
    period = Array(U64, 1)

    def next_period():
        period[0] += 1

    def below(packet):
        tcp = packet.header
        if not tcp.syn or tcp.ack_flag:
            return True
        asked = hosts[Host(address=packet[IPv4].dst)]
        if asked.period != period[0]:
            asked.period = period[0]
            asked.syns = 0
        asked.syns += 1
        if asked.syns == limit + 1:
            asked.alarms += 1
        return asked.syns <= limit

    def report():
        rows = [[str(host.address), asked.alarms] for host, asked in hosts.items() if asked.alarms]
        return Report("hosts under a flood", ["host", "periods"], sorted(rows, key=lambda row: -row[1]))

    every(seconds, next_period)
    at_end(report)
    return packets.parse(Ethernet).parse(IPv4).parse(TCP).filter(below, reason="syn_flood")
