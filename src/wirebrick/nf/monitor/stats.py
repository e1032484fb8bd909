"""What a monitor keeps of a flow."""

from __future__ import annotations

from wirebrick.fields import U8, U64
from wirebrick.state.record import Record


class FlowStats(Record):
    """What is known of a flow."""

    packets: U64
    bytes: U64


class ExportedStats(Record):
    """What is known of a flow that is exported: the sums, and what the collector was told of them."""

    packets: U64
    bytes: U64
    octets: U64  # of IP packets: without Ethernet, tags and padding
    told_packets: U64
    told_octets: U64
    since: U64  # time of the first packet that the collector doesn't know
    last: U64  # and of the last one (ns since 1970)
    tcp_flags: U8  # of all packets, or'ed
