"""Two hosts with a run between them, and what tests ask of its totals."""

from __future__ import annotations

import socket
from types import SimpleNamespace

from namespace import inside
from running import Running

from wirebrick import Stream, network_function
from wirebrick.headers import Ethernet


@network_function
def wire(packets: Stream) -> Stream:
    """Everything, unchanged."""
    return packets.parse(Ethernet)


def between(hosts: SimpleNamespace, options: str = "", **more: object) -> Running:
    return Running(hosts.box, wire, rx=f"afpacket:in0{options}", tx=f"afpacket:out0{options}", **more)


def port_of(result, name: str):
    return next(port for port in result.ports if port.name == name)


def counter(namespace: str, device: str, name: str, net) -> int:
    return int(net.run(namespace, "cat", f"/sys/class/net/{device}/statistics/{name}"))


def balanced(result) -> bool:
    return result.packets_in == result.packets_out + result.packets_dropped + result.packets_held


def raw_frames(hosts: SimpleNamespace, frames: list[bytes]) -> None:
    with inside(hosts.a), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("eth0", 0))
        for frame in frames:
            sender.send(frame)
