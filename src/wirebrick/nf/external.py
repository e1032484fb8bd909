"""external: an NF outside of Wirebrick, as a hop of the chain."""

from __future__ import annotations

from wirebrick.packet.packet import Packet
from wirebrick.stream.network_function import Hop
from wirebrick.stream.stream import Stream


def _external(packets: Stream, returned: Stream, *, inside: str, outside: str) -> Stream:
    """Let packets pass through a network function that is not part of Wirebrick.

    Parameters
        ``inside``: where the other NF's inner interface is reached: ``xdp:veth0``, ``afpacket:veth0``, ``tap:wb0``,
        or the name of a port of the run. Packets that came in at ``in`` leave to the NF by it. Must be given.

        ``outside``: the same for its outer interface, where they come back from the NF. Must be given.

    What it does
        A legacy NF (a Linux bridge, router or firewall, a middlebox in a container or virtual machine) has two
        interfaces, and Wirebrick stands at the other end of each. A packet on its way from ``in`` to ``out``
        leaves by ``inside``; what the NF sends to ``outside`` goes on with the next NF of the chain and leaves by
        ``out``. A packet on its way from ``out`` to ``in`` goes to it by ``outside`` and comes back at
        ``inside``. Frames are handed over as they are: what the NF does with them, and how many it gives back, is
        its own affair.

        What comes back is a new packet: metadata and the port it first came in by are forgotten; ``packet.ingress``
        is the hop's port, ``packet.egress`` the port of its direction. Such packets count as received once more,
        and those that leave to the NF as sent.

    Drop reasons
        None.

    State
        None.

    Example
        ``wirebrick run external:inside=xdp:ids0,outside=xdp:ids1 monitor --in xdp:left --out xdp:right``

    References
        Seed paper, section 2: NFs in Wirebrick live beside legacy NFs.
    """

    def outward(packet: Packet) -> int:
        if packet.egress == "out":
            return 0
        return 1 if packet.egress == "in" or packet.ingress == "out" else 0

    def came_back(packet: Packet) -> None:
        if packet.ingress == inside:
            packet.egress = "in"
        else:
            packet.egress = "out"

    to_inside, to_outside = packets.group_by(2, outward)
    to_inside.send(inside)
    to_outside.send(outside)
    return returned.transform(came_back)


_external.__name__ = "external"
external = Hop(_external)
