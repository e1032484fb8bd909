"""The driver in CPython and compiled, against ports made of ctypes callbacks."""

import ctypes
from collections.abc import Callable

import pytest

from wirebrick.packet.edit import copy_packet
from wirebrick.packet.frame import (
    D_DATA,
    D_FRAME,
    D_INGRESS,
    D_LENGTH,
    D_WIRE,
    DESCRIPTOR,
    LIST_HEAD,
    W_BUDGET,
    W_BURST,
    W_COUNT,
    W_LIMIT,
    W_LISTS,
    W_PACKETS_IN,
    W_POOL,
    W_PROCESS,
    W_STOP,
    W_STRIDE,
    W_USED,
)
from wirebrick.packet.memory import load8, load16, load32, load64, store8, store16, store32, store64
from wirebrick.ports.base import ENDED, REFILL, Sink, Source
from wirebrick.runtime import codes
from wirebrick.runtime import driver_native as driver
from wirebrick.runtime.context import Context

RECEIVE = ctypes.CFUNCTYPE(*[ctypes.c_int64] * 4)
TRANSMIT = ctypes.CFUNCTYPE(*[ctypes.c_int64] * 5)
PROCESS = ctypes.CFUNCTYPE(*[ctypes.c_int64] * 2)
SIZE = 70


class Script(Source):
    """A source that brings what a script says: numbers of packets, or codes."""

    def __init__(self, script: list[int], first: int = 0) -> None:
        self.script, self.next, self.state = list(script), first, 0
        self._keep = RECEIVE(self._receive)
        self.receive = ctypes.cast(self._keep, ctypes.c_void_p).value or 0

    def _receive(self, state: int, context: int, room: int) -> int:
        count = self.script.pop(0) if self.script else ENDED
        if count <= 0:
            return count
        assert count <= room
        for position in range(count):
            data = load64(context + W_POOL) + position * load64(context + W_STRIDE) + 256
            at = load64(context + W_BURST) + position * DESCRIPTOR
            store8(data, self.next)
            store64(at + D_DATA, data)
            store32(at + D_LENGTH, SIZE)
            store32(at + D_WIRE, SIZE)
            store16(at + D_INGRESS, 0)
            store32(at + D_FRAME, position)
            self.next += 1
        return count


class Slow(Sink):
    """A sink that takes ``room`` packets, then asks to be flushed."""

    def __init__(self, room: int = 1 << 30) -> None:
        self.room, self.left, self.state, self.got = room, room, 0, list[int]()
        self._keep = TRANSMIT(self._transmit)
        self.transmit = ctypes.cast(self._keep, ctypes.c_void_p).value or 0

    def _transmit(self, state: int, context: int, listed: int, start: int) -> int:
        count = min(load64(listed) - start, self.left)
        for index in range(start, start + count):
            position = load32(listed + LIST_HEAD + 4 * index)
            self.got.append(load8(load64(load64(context + W_BURST) + position * DESCRIPTOR + D_DATA)))
        self.left -= count
        return count

    def flush(self) -> None:
        self.left = self.room


def send(context: int, position: int, port: int) -> None:
    listed = load64(load64(context + W_LISTS) + 8 * port)
    store32(listed + LIST_HEAD + 4 * load64(listed), position)
    store64(listed, load64(listed) + 1)


def send_all(context: int) -> int:
    """A process function: everything to port 0."""
    for position in range(load64(context + W_COUNT)):
        send(context, position, 0)
    return 0


@pytest.fixture(params=["interpreted", "compiled"])
def drive(request: pytest.FixtureRequest) -> Callable[[Context], int]:
    if request.param == "interpreted":
        return lambda context: driver.drive(context.address)
    from wirebrick.compiler.native import load_native

    address = load_native("wirebrick.runtime.driver_native", {"drive": 1})["drive"]
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)
    return lambda context: int(function(context.address))


def setup(
    sources: list[Source], sinks: list[Sink | None], process: object = None, matches: int = 0
) -> Context:
    context = Context(burst=8, frame_size=100, ports=len(sinks), counters=1, matches=matches)
    context.set_sources(list(enumerate(sources)))
    for port, sink in enumerate(sinks):
        if sink is not None:
            context.set_sink(port, sink)
    if process is not None:
        context[W_PROCESS] = ctypes.cast(process, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
    return context


def test_runs_to_the_end(drive: Callable[[Context], int]) -> None:
    sink, process = Slow(), PROCESS(send_all)
    context = setup([Script([8, 3, 1])], [sink], process)
    assert drive(context) == codes.DONE
    assert sink.got == list(range(12))
    assert (context[W_PACKETS_IN], context.taken(0), context.waiting(0)) == (12, 12, 0)


def test_asks_for_refills_and_goes_on_with_the_same_port(drive: Callable[[Context], int]) -> None:
    sink, process = Slow(), PROCESS(send_all)
    context = setup([Script([2, REFILL, 2]), Script([1, REFILL, 1], first=100)], [sink], process)
    asked = [drive(context) for _ in range(3)]
    assert asked == [codes.NEED_REFILL, codes.NEED_REFILL + 1, codes.DONE]
    assert sink.got == [0, 1, 100, 2, 3, 101]


def test_takes_up_a_list_where_the_sink_left_it(drive: Callable[[Context], int]) -> None:
    sink, process = Slow(room=3), PROCESS(send_all)
    context = setup([Script([8])], [sink], process)
    for left in (5, 2):
        assert drive(context) == codes.NEED_FLUSH
        assert context.waiting(0) == left
        sink.flush()
    assert drive(context) == codes.DONE
    assert sink.got == list(range(8))


def test_stops_idles_and_looks_up(drive: Callable[[Context], int]) -> None:
    process = PROCESS(send_all)
    context = setup([Script([0, 1, 1, 1, 1, 1])], [Slow()], process)
    context[W_BUDGET] = 2
    assert [drive(context) for _ in range(2)] == [codes.IDLE, codes.BUDGET]
    context[W_STOP] = 1
    assert drive(context) == codes.STOPPED
    context[W_STOP] = 0
    context[W_LIMIT] = 1
    assert drive(context) == codes.LIMITED
    assert context[W_PACKETS_IN] == 3


def test_leaves_processing_to_python(drive: Callable[[Context], int]) -> None:
    sink = Slow()
    context = setup([Script([4, 2])], [sink])
    for _ in range(2):
        assert drive(context) == codes.PROCESS
        send_all(context.address)
    assert drive(context) == codes.DONE
    assert sink.got == list(range(6))


def test_says_where_packets_came_in(drive: Callable[[Context], int]) -> None:
    seen: list[int] = []

    def look(context: int) -> int:
        seen.append(load16(load64(context + W_BURST) + D_INGRESS))
        return send_all(context)

    process = PROCESS(look)
    context = setup([Script([1]), Script([1, 1])], [Slow()], process)
    assert drive(context) == codes.DONE
    assert seen == [0, 1, 1]


def test_a_port_without_a_sink_drops(drive: Callable[[Context], int]) -> None:
    process = PROCESS(send_all)
    context = setup([Script([5])], [None], process)
    assert drive(context) == codes.DONE
    assert (context.taken(0), context.waiting(0)) == (5, 0)


def test_filtered_packets_are_not_received_and_copies_are_safe(drive: Callable[[Context], int]) -> None:
    def copy_all(context: int) -> int:
        store64(context + W_USED, load64(context + W_COUNT))
        for position in range(load64(context + W_COUNT)):
            at = load64(context + W_BURST) + position * DESCRIPTOR
            copy = copy_packet(context, at)
            store8(load64(load64(context + W_BURST) + copy * DESCRIPTOR + D_DATA), 200 + position)
            send(context, position, 0)
            send(context, copy, 0)
        return 0

    matches = RECEIVE(lambda data, length, wire: int(load8(data) % 2 == 1 and length == wire == SIZE))
    sink, process = Slow(), PROCESS(copy_all)
    address = ctypes.cast(matches, ctypes.c_void_p).value or 0
    context = setup([Script([8, 1, 3])], [sink], process, address)
    assert drive(context) == codes.DONE
    assert sink.got == [1, 200, 3, 201, 5, 202, 7, 203, 9, 200, 11, 201]
    assert context[W_PACKETS_IN] == 6
