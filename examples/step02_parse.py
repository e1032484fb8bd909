"""Step 2: parse headers, then look at their fields and change them.

``parse`` recognises one header after the other. Frames that are not IPv4 leave the network function
unchanged (``otherwise="bypass"``, the default), so the functions behind it see IPv4 only.
``packet.header`` is the header that was parsed last. The IPv4 checksum follows what ``transform``
writes: there is nothing to do for it.

    wirebrick run examples/step02_parse.py --in captures/mixed.pcap --out /tmp/aged.pcap
    wirebrick trace examples/step02_parse.py --in captures/mixed.pcap --filter ip
"""

from wirebrick import Stream, network_function
from wirebrick.headers import Ethernet, IPv4


@network_function
def age(packets: Stream) -> Stream:
    """Age IPv4 packets by one hop and drop those whose lifetime is over (RFC 1812, 5.3.1)."""

    def alive(packet):
        return packet.header.ttl > 1

    def one_hop(packet):
        packet.header.ttl -= 1

    return packets.parse(Ethernet).parse(IPv4).filter(alive, reason="ttl_expired").transform(one_hop)
