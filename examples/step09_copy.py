"""Step 9: copies, and more than one way out.

A packet is in one place: after ``send`` or ``drop`` it can't be touched any more. ``copy`` makes a
second one, which must be sent or dropped on every path. Both rules are checked before the first
packet, with file, line and column. Copies are counted: packets in + made by NFs = packets out +
dropped.

    wirebrick run examples/step09_copy.py --in captures/mixed.pcap --out /tmp/all.pcap \
        --port mirror=pcap:,/tmp/ssh.pcap
    wirebrick check examples/step09_copy.py --port mirror
"""

from wirebrick import Stream, network_function
from wirebrick.fields import U16
from wirebrick.headers import TCP, Ethernet, IPv4


@network_function
def mirror(packets: Stream, *, port: U16 = 22) -> Stream:
    """Send a copy of every TCP packet to or from ``port`` to the port named mirror."""

    def twin(packet):
        tcp = packet.header
        if tcp.src_port == port or tcp.dst_port == port:
            copy = packet.copy()
            copy.send("mirror")

    return packets.parse(Ethernet).parse(IPv4).parse(TCP).transform(twin)
