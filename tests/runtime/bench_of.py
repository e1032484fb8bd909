"""A worker's memory in small: runs an NF in the interpreter on packets given as bytes."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field

from wirebrick.packet.frame import (
    CONTEXT,
    D_DATA,
    D_EGRESS,
    D_FRAME,
    D_INGRESS,
    D_LENGTH,
    D_TIME,
    D_WIRE,
    DESCRIPTOR,
    NO_PORT,
    W_BURST,
    W_COPIED,
    W_COPIES,
    W_COUNT,
    W_COUNTERS,
    W_EGRESS,
    W_FRAME,
    W_FUEL,
    W_LISTS,
    W_POOL,
    W_ROOM,
    W_STRIDE,
    W_USED,
    data_address,
)
from wirebrick.packet.memory import load32, load64, store16, store32, store64
from wirebrick.runtime.interpreter import Interpreter
from wirebrick.runtime.plan import Plan, build_plan
from wirebrick.stream.network_function import build_chain

PORTS = ["in", "out", "other"]


@dataclass
class Ran:
    """What came out of it."""

    packets: dict[str, list[bytes]]
    counts: dict[str, int]
    copies: int
    copied: int
    received: int
    plan: Plan
    descriptors: list[dict[str, int]] = field(default_factory=list)

    @property
    def out(self) -> list[bytes]:
        return self.packets["out"]


def run(*chain, rx, wire=None, room=64, stride=2048, time=1_000_000_000, fuel=1000, **options) -> Ran:
    """Run NFs in a row on one burst that comes in at port ``in``; check that all are accounted for."""
    graph = build_chain(list(chain))
    ports = list(PORTS)
    plan = build_plan(graph, ports, [1, 0, 0])
    interpreter = Interpreter(graph, plan, **options)
    memory = ctypes.create_string_buffer(1 << 16)
    pool = ctypes.create_string_buffer(room * stride + 8)
    context, at = ctypes.addressof(memory), ctypes.addressof(memory) + CONTEXT
    tables = (W_BURST, room * DESCRIPTOR), (W_COUNTERS, 8 * plan.counters.room), (W_EGRESS, 24), (W_LISTS, 24)
    for word, size in tables:
        store64(context + word, at)
        at += size
    for number in range(len(ports)):
        store64(load64(context + W_LISTS) + 8 * number, at)
        store64(load64(context + W_EGRESS) + 8 * number, plan.default_egress[number])
        at += 8 + 4 * room + 4
    for word, value in (
        (W_COUNT, len(rx)), (W_USED, len(rx)), (W_ROOM, room), (W_POOL, ctypes.addressof(pool)),
        (W_STRIDE, stride), (W_FRAME, stride), (W_FUEL, fuel),
    ):  # fmt: skip
        store64(context + word, value)
    for position, data in enumerate(rx):
        descriptor = load64(context + W_BURST) + position * DESCRIPTOR
        start = data_address(ctypes.addressof(pool), stride, position)
        ctypes.memmove(start, data, len(data))
        store64(descriptor + D_DATA, start)
        store32(descriptor + D_LENGTH, len(data))
        store32(descriptor + D_WIRE, wire or len(data))
        store64(descriptor + D_TIME, time + position)
        store16(descriptor + D_INGRESS, 0)
        store16(descriptor + D_EGRESS, NO_PORT)
        store32(descriptor + D_FRAME, position)
    interpreter.process(context)
    packets = {name: _list(context, number) for number, name in enumerate(ports)}
    keys = plan.counters.read(load64(context + W_COUNTERS))
    counts = {".".join(filter(None, key)): count for key, count in keys.items() if count}
    ended = sum(count for (_, kind, _), count in keys.items() if kind in ("drop", "fault"))
    ended += keys["chain", "out", ""]
    copies = load64(context + W_COPIES)
    assert ended == len(rx) + copies == load64(context + W_USED)
    assert keys["chain", "out", ""] == sum(map(len, packets.values()))
    return Ran(packets, counts, copies, load64(context + W_COPIED), len(rx), plan)


def _list(context: int, port: int) -> list[bytes]:
    listed = load64(load64(context + W_LISTS) + 8 * port)
    packets = []
    for index in range(load64(listed)):
        descriptor = load64(context + W_BURST) + DESCRIPTOR * load32(listed + 8 + 4 * index)
        packets.append(ctypes.string_at(load64(descriptor + D_DATA), load32(descriptor + D_LENGTH)))
    return packets
