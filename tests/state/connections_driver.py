"""Connections asked packet by packet, as a user function asks them."""

from __future__ import annotations

import ctypes

from scapy.packet import Packet

from wirebrick.headers import IPv4, IPv6
from wirebrick.headers.header import Header
from wirebrick.packet.flow import FlowKey
from wirebrick.packet.octets import Octets
from wirebrick.state import connections_layout as layout
from wirebrick.state.base import worker
from wirebrick.state.connections import Connections
from wirebrick.state.connections_key_native import key_ends, key_home, key_slot
from wirebrick.state.connections_known_native import connection_known

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
    """What becomes of an IP packet at a time (seconds); a new connection is entered: "full" where it can't be.

    What is known without being tracked must be what tracking finds, and leave the same behind.
    """
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
    block, room = connections.blocks[0], connections.block_size()
    before = ctypes.string_at(block, room)
    known = not v6 and not ip.more_fragments and not ip.fragment_offset and _is_known(block, ip, payload)
    after = ctypes.string_at(block, room)
    assert known or after == before
    ctypes.memmove(block, before, room)
    word = WORDS[connections.track(key, payload, ip.claimed_payload(), ip.more_fragments)]
    assert not known or (word == "pass" and ctypes.string_at(block, room) == after)
    if word == "new" and opens:
        return "new" if connections.open() else "full"
    return word


def _is_known(block: int, ip: Header, payload: Octets) -> bool:
    """What compiled code asks first of a packet whose connection was looked for ahead."""
    sport, dport = (payload.u16(at) if len(payload) >= at + 2 else 0 for at in (0, 2))
    first, second, _ = key_ends(ip.src << 16 | sport, ip.dst << 16 | dport, ip.protocol << 32 | 4 << 40)
    slot = key_slot(block, first, second) or key_home(block, first, second)
    note = ctypes.c_int64(slot - block)
    found = connection_known(
        block,
        ctypes.addressof(note),
        0,
        worker.now,
        ip.src,
        ip.dst,
        ip.protocol,
        payload._at,
        payload._size,
        ip.claimed_payload(),
    )
    return found == 1
