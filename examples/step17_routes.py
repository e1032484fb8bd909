"""Step 17: longest prefix match. Packets are sorted by where they go; the longest prefix counts.

The table may be changed while packets pass, by another thread or an event on the control thread:
each worker sees a change as a whole, from its next burst on.

    wirebrick run examples/step17_routes.py --in captures/mixed.pcap --out /tmp/out.pcap
"""

from wirebrick import Array, LongestPrefixMatch, Report, Stream, at_end, network_function
from wirebrick.fields import U64
from wirebrick.headers import Ethernet, IPv4

ROUTES = {
    "192.0.2.0/24": 0,
    "203.0.113.0/24": 1,
    "203.0.113.64/26": 2,
}


@network_function
def routes(packets: Stream) -> Stream:
    """Drop IPv4 packets to where no route leads; count the others by route."""
    table = LongestPrefixMatch(ROUTES)
    taken = Array(U64, len(ROUTES))

    def known(packet):
        route = table.lookup(packet.header.dst)
        if route < 0:
            return False
        taken[route] += 1
        return True

    def report():
        rows = [[prefix, taken.total(route)] for prefix, route in ROUTES.items()]
        return Report("packets by route", ["prefix", "packets"], rows)

    at_end(report)
    return packets.parse(Ethernet).parse(IPv4).filter(known, reason="no_route")
