"""Where packets go on: the worker that has their connection, and the port that they leave by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wirebrick.nf.maglev.ways import NUMBER
from wirebrick.packet.packet import Packet
from wirebrick.state.maglev import Maglev
from wirebrick.stream.merge import merge
from wirebrick.stream.stream import Stream

GOLDEN = 0x9E3779B1


def by_client(maglev: Maglev) -> Callable[[Packet], int]:
    """A number of the client's address, the same for what it sends to a service and what backends send back."""

    def number(packet: Any) -> int:
        ip = packet.header
        client = ip.src if maglev.owns(ip.dst) else ip.dst
        folded = (client ^ client >> 32 ^ client >> 64 ^ client >> 96) & 0xFFFFFFFF
        return (folded * GOLDEN & 0xFFFFFFFF) >> 16  # type: ignore[no-any-return]

    return number


def to_servers(packets: Stream, maglev: Maglev, egresses: tuple[str, ...]) -> Stream:
    """Packets for backends leave by the port that the configuration has for each."""
    if not egresses:
        return packets

    def egress(packet: Any) -> int:
        return maglev.backend(packet.metadata.verdict >> NUMBER).egress

    usual, *groups = packets.group_by(len(egresses) + 1, egress)
    return merge(
        usual, *(group.transform(_leave_by(name)) for group, name in zip(groups, egresses, strict=True))
    )


def to_clients(packets: Stream, clients: str) -> Stream:
    """Packets that don't come from the port that clients are behind leave by it, where there is one."""
    if not clients:
        return packets

    def leave(packet: Any) -> None:
        if packet.ingress != clients:
            packet.egress = clients

    return packets.transform(leave)


def _leave_by(name: str) -> Callable[[Packet], None]:
    def leave(packet: Any) -> None:
        packet.egress = name

    return leave
