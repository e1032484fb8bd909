"""shuffle in the interpreter: into the ring of the chosen worker, or on in this one; and what its rings need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wirebrick.headers.ipv4 import IPv4
from wirebrick.headers.ipv6 import IPv6
from wirebrick.packet.flow_hash import frame_flow_hash, ip_flow_hash, share
from wirebrick.packet.frame import DESCRIPTOR, FINISH, W_ENTRY, W_WORKERS
from wirebrick.packet.memory import load64
from wirebrick.packet.packet import Packet
from wirebrick.runtime.plan import ShufflePlan
from wirebrick.runtime.ring_native import ring_of, ring_put, ring_reserve
from wirebrick.runtime.spill import Spill, spill_size
from wirebrick.stream.graph import Graph, Node
from wirebrick.stream.shuffle import Shuffle


def entry_number(graph: Graph, node: Node) -> int:
    """The number that packets go on under behind ``node``, when they have been elsewhere (W_ENTRY)."""
    return node.number + len(graph.nodes)


def shuffle_plans(graph: Graph) -> list[ShufflePlan]:
    """What the rings of each shuffle of a complete graph need."""
    found = [node for node in graph.nodes if isinstance(node, Shuffle)]
    return [
        ShufflePlan(
            number,
            entry_number(graph, node),
            spill_size(graph, node.inputs[0].stack, node.inputs[0].schema),
            node.full == "wait",
            node.capacity,
        )
        for number, node in enumerate(found)
    ]


class Shuffling:
    """One shuffle, interpreted; ``function`` is its user function, prepared, ``ports`` the run's by number."""

    def __init__(
        self, graph: Graph, node: Shuffle, function: Callable[..., Any] | None, ports: list[str]
    ) -> None:
        self.spill = Spill(graph, node.outputs[0])
        self._node = node
        self._function = function
        self._ports = ports
        self._number = [n for n in graph.nodes if isinstance(n, Shuffle)].index(node)

    def moved(self, packet: Packet) -> bool | None:
        """Whether the packet is on its way to another worker; None: the ring is full."""
        context = packet._context
        crew = load64(context + W_WORKERS)
        queues = self._node.queues
        if queues is None and crew == 1:
            return False
        count = len(queues) if queues is not None else crew
        queue = self._queue(packet, count)
        target = queue if queues is None else queues[queue] % crew
        ring = ring_of(context, self._number, target)
        if ring == 0 or load64(context + W_ENTRY) == FINISH:
            return False
        slot = ring_reserve(ring)
        if slot == 0:
            return None
        ring_put(context, ring, slot, packet._position)
        self.spill.write(packet, slot + DESCRIPTOR)
        return True

    def _queue(self, packet: Packet, count: int) -> int:
        if self._function is not None:
            return int(self._function(packet)) % count
        if self._node.ports is not None:
            return self._node.ports.get(self._ports[packet._descriptor.ingress], 0) % count
        start = packet._descriptor.data
        found = [layer for layer in packet._layers if layer.header in (IPv4, IPv6)]
        if found:
            number = ip_flow_hash(start + found[-1].start, start + found[-1].end)
        else:
            number = frame_flow_hash(start, packet._descriptor.length)
        return share(number, count)
