"""macswap: send frames back where they came from."""

from __future__ import annotations

from wirebrick.headers import Ethernet
from wirebrick.packet.packet import Packet
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream


@network_function
def macswap(packets: Stream) -> Stream:
    """Swap source and destination of the Ethernet header.

    Parameters
        None.

    What it does
        In every frame the two MAC addresses change places, so that a switch brings it back to its sender. The
        rest of the frame is untouched. Frames shorter than an Ethernet header (14 bytes) leave unchanged. A
        broadcast or multicast destination becomes the source too: nothing is filtered.

    Drop reasons
        None.

    State
        None.

    Example
        ``wirebrick run macswap --in in.pcap --out out.pcap``

        >>> import wirebrick
        >>> from wirebrick.headers import Ethernet
        >>> frame = bytes(Ethernet(dst="02:00:00:00:00:0d", src="02:00:00:00:00:05")) + bytes(46)
        >>> Ethernet.from_bytes(wirebrick.run(macswap, rx=[frame], interpret=True).packets[0][:14])
        Ethernet(dst=02:00:00:00:00:05, src=02:00:00:00:00:0d, ethertype=0)

    References
        IEEE 802.3, 3.2.
    """

    def swap(packet: Packet) -> None:
        header = packet.header
        header.dst, header.src = header.src, header.dst

    return packets.parse(Ethernet).transform(swap)
