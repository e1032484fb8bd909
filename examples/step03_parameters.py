"""Step 3: parameters, given on the command line.

Keyword-only arguments of the network function are its parameters. Their annotations are checked
before the first packet: ``U6`` takes 0 to 63, ``IPv4Network`` a prefix. User functions may use
them, as they may use any constant around them. ``packet[IPv4]`` is a header that was parsed before
the last one.

    wirebrick run examples/step03_parameters.py --in captures/mixed.pcap --out /tmp/marked.pcap
    wirebrick run examples/step03_parameters.py:mark:port=80,dscp=10 --in captures/mixed.pcap \
        --out /tmp/marked.pcap
    wirebrick describe examples/step03_parameters.py
"""

from wirebrick import IPv4Network, Stream, network_function
from wirebrick.fields import U6, U16
from wirebrick.headers import TCP, Ethernet, IPv4

LAN = IPv4Network("192.0.2.0/24")


@network_function
def mark(packets: Stream, *, port: U16 = 22, dscp: U6 = 46, source: IPv4Network = LAN) -> Stream:
    """Give TCP packets from ``source`` to ``port`` the DSCP ``dscp`` (46: expedited forwarding, RFC 3246)."""

    def set_dscp(packet):
        ip = packet[IPv4]
        if packet.header.dst_port == port and ip.src in source:
            ip.dscp = dscp

    return packets.parse(Ethernet).parse(IPv4).parse(TCP).transform(set_dscp)
