"""mirror: send copies of packets out of another port."""

from __future__ import annotations

from wirebrick.errors import ParameterError
from wirebrick.packet.packet import Packet
from wirebrick.runtime.report import Report
from wirebrick.state.counter import Counter
from wirebrick.stream.graph import at_end
from wirebrick.stream.merge import merge
from wirebrick.stream.network_function import network_function
from wirebrick.stream.stream import Stream


@network_function
def mirror(packets: Stream, *, to: str, match: str = "", length: int = 0) -> Stream:
    """Send copies of packets out of another port, as a switch's mirror port does.

    Parameters
        ``to``: the port the copies leave by, one of the run (``--port NAME=PORT``).

        ``match``: which packets are copied, in tcpdump's syntax (needs libpcap); all where it is not given.

        ``length``: to how many bytes copies are cut, 14 or more; 0 copies all; 0 where it is not given.

    What it does
        The packets themselves go on unchanged. Their copies are as the packets are at this place of the chain, and
        take no further part in it. A copy that is cut is shorter on the wire too; lengths and checksums in its headers
        are left as they were, so that tools see what the packet was.

    Drop reasons
        None. (Where no frame is free for a copy it is the packet's fault, ``fault_room``.)

    State
        A counter of copies, and of their bytes, for the report.

    Example
        ``wirebrick run mirror:to=tap,match="tcp port 80",length=96 --in in.pcap --out out.pcap --port tap=null:``

        >>> import wirebrick
        >>> tap = mirror(to="tap", length=60)
        >>> result = wirebrick.run(tap, rx=[bytes(100), bytes(60)], ports={"tap": "null:"}, interpret=True)
        >>> [(port.name, port.packets_out, port.bytes_out) for port in result.ports]
        [('in', 0, 0), ('out', 2, 160), ('tap', 2, 120)]

    References
        RFC 7011 has the word observation point for such a place; pcap-filter(7).
    """
    if length != 0 and not 14 <= length <= 1 << 16:
        raise ParameterError(f"mirror: length={length} bytes", cure="14 to 65,536, or 0: whole packets")
    copies, size = Counter("copies"), Counter("bytes of copies")

    def cut(packet: Packet) -> None:
        if length and len(packet.payload) > length:
            packet.payload.resize(length)
        copies.add()
        size.add(packet.length)

    def mirrored(stream: Stream) -> Stream:
        seconds = Stream()
        stream = stream.duplicate(lambda packet: True, seconds)
        seconds.transform(cut).send(to)
        return stream

    at_end(lambda: Report(f"Mirrored to {to}", ["packets", "bytes"], [(copies.value, size.value)]))
    if not match:
        return mirrored(packets)
    rest = Stream()
    return merge(mirrored(packets.filter(match, otherwise=rest)), rest)
