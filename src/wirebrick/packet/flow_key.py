"""flow_key: the 5-tuple of a packet."""

from __future__ import annotations

from wirebrick.headers.ipv4 import IPv4
from wirebrick.headers.ipv6 import IPv6
from wirebrick.packet.flow import FlowKey
from wirebrick.packet.layer import Layer
from wirebrick.packet.memory import load16be

WITH_PORTS = (6, 17, 132)  # TCP, UDP, SCTP


def flow_key(data: int, layers: list[Layer]) -> FlowKey:
    """The flow of the innermost IPv4 or IPv6 header of the packet at ``data``. Raises TypeError without.

    The ports are the first four bytes behind it, whether TCP, UDP or SCTP is parsed or not.
    """
    for layer in reversed(layers):
        if layer.header not in (IPv4, IPv6):
            continue
        ip = layer.view(data)
        assert isinstance(ip, IPv4 | IPv6)
        protocol = ip.protocol
        key = FlowKey(version=4 if layer.header is IPv4 else 6, src=ip.src, dst=ip.dst, protocol=protocol)
        if protocol in WITH_PORTS and layer.begin + 4 <= layer.end and ip.fragment_offset == 0:
            key.src_port = load16be(data + layer.begin)
            key.dst_port = load16be(data + layer.begin + 2)
        return key
    raise TypeError("flow() needs IPv4 or IPv6 parsed")
