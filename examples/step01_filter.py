"""Step 1: a network function is a Python function from packets to packets.

``filter`` calls a function with each packet and keeps those for which it is true. The others are
dropped, and counted under the reason that you give: every packet of a run is accounted for.

    wirebrick run examples/step01_filter.py --in captures/mixed.pcap --out /tmp/short.pcap
"""

from wirebrick import Stream, network_function


@network_function
def short(packets: Stream) -> Stream:
    """Let frames of up to 128 bytes through."""

    def is_short(packet):
        return packet.length <= 128

    return packets.filter(is_short, reason="too_long")
