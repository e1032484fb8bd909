"""Connections asked packet by packet, as a user function asks them."""

from __future__ import annotations

import ctypes

from scapy.packet import Packet

from wirebrick.headers import IPv4, IPv6
from wirebrick.packet.flow import FlowKey
from wirebrick.packet.octets import Octets
from wirebrick.state import connections_layout as layout
from wirebrick.state.base import worker
from wirebrick.state.connections import Connections

WORDS = {
    layout.PASS: "pass",
    layout.NEW: "new",
    layout.UNTRACKED: "untracked",
    layout.INVALID: "invalid",
    layout.OUT_OF_WINDOW: "window",
    layout.UNRELATED: "unrelated",
}
SECOND = 1_000_000_000
BEGIN = 1_800_000_000 * SECOND


def made(**options: object) -> Connections:
    """Connections in memory."""
    connections = Connections(**{"capacity": 1000, **options})  # type: ignore[arg-type]
    connections.allocate(1)
    return connections


def judge(connections: Connections, packet: Packet | bytes, at: float = 0.0, opens: bool = True) -> str:
    """What becomes of an IP packet at a time (seconds); a new connection is entered: "full" where it can't be."""
    raw = bytes(packet)
    v6 = raw[0] >> 4 == 6
    ip = (IPv6 if v6 else IPv4).from_bytes(raw)
    size = ip.header_length()
    body = raw[size:]
    key = FlowKey(src=ip.src, dst=ip.dst, protocol=ip.protocol, version=6 if v6 else 4)
    if ip.protocol in (6, 17, 132) and len(body) >= 4:
        key.src_port, key.dst_port = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big")
    buffer = ctypes.create_string_buffer(body, len(body) + 1)
    worker.now = BEGIN + round(at * SECOND)
    payload = Octets(ctypes.addressof(buffer), len(body))
    word = WORDS[connections.track(key, payload, ip.claimed_payload(), ip.more_fragments)]
    if word == "new" and opens:
        return "new" if connections.open() else "full"
    return word
