"""Why a NAT drops a packet, by what the state object says."""

from __future__ import annotations

from wirebrick.packet.packet import Packet
from wirebrick.state.bindings_native import FILTERED, NO_BINDING
from wirebrick.state.bindings_records_native import FULL, LIMIT, NO_PORT, NO_SESSION


def refuse(packet: Packet, why: int) -> None:
    """Drop a packet with its reason."""
    if why == FULL:
        packet.drop("table_full")
    elif why == NO_PORT:
        packet.drop("no_port")
    elif why == LIMIT:
        packet.drop("host_limit")
    elif why == NO_SESSION:
        packet.drop("no_session")
    elif why == FILTERED:
        packet.drop("filtered")
    elif why == NO_BINDING:
        packet.drop("no_binding")
    else:
        packet.drop("not_unicast")
