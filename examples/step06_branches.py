"""Step 6: branches. ``group_by`` splits a stream, ``merge`` joins streams.

The function of ``group_by`` gives the number of the branch. Every branch needs a consumer, and no
stream may be used twice: both are errors before the first packet. Merged packets keep their order.

    wirebrick run examples/step06_branches.py --in captures/mixed.pcap --out /tmp/classes.pcap
    wirebrick graph examples/step06_branches.py
"""

from wirebrick import Stream, merge, network_function
from wirebrick.headers import Ethernet, IPv4

OTHER, TCP, UDP = range(3)


@network_function
def classes(packets: Stream) -> Stream:
    """Mark IPv4 by protocol: UDP is urgent, TCP is bulk; drop large packets of other protocols."""

    def protocol(packet):
        if packet.header.protocol == 6:
            return TCP
        if packet.header.protocol == 17:
            return UDP
        return OTHER

    def urgent(packet):
        packet.header.dscp = 46

    def bulk(packet):
        packet.header.dscp = 8

    def small(packet):
        return packet.length <= 512

    other, tcp, udp = packets.parse(Ethernet).parse(IPv4).group_by(3, protocol)
    return merge(tcp.transform(bulk), udp.transform(urgent), other.filter(small, reason="large"))
