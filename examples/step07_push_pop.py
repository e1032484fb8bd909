"""Step 7: headers put in and taken out, in place: ``push`` and ``pop``.

The bytes before the new header move into the frame's headroom; nothing else is copied. The
EtherType before the tag and the one in it, length fields and checksums are set right by themselves:
the function fills in what only you know.

    wirebrick run examples/step07_push_pop.py:tag:vid=42 --in captures/mixed.pcap --out /tmp/tagged.pcap
    wirebrick run examples/step07_push_pop.py:untag --in /tmp/tagged.pcap --out /tmp/untagged.pcap
"""

from wirebrick import Stream, network_function
from wirebrick.fields import U3, U12
from wirebrick.headers import VLAN, Ethernet


@network_function
def tag(packets: Stream, *, vid: U12 = 100, priority: U3 = 0) -> Stream:
    """Put a VLAN tag into every frame (IEEE 802.1Q), before any that is there."""

    def fill(packet):
        packet.header.vid = vid
        packet.header.pcp = priority

    return packets.parse(Ethernet).push(VLAN, fill)


@network_function
def untag(packets: Stream) -> Stream:
    """Take the outer VLAN tag out of frames that have one."""
    return packets.parse(Ethernet).parse(VLAN).pop()
