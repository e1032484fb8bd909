"""The driver with rings, in CPython and compiled: two workers driven in turn by one thread."""

import ctypes
from collections.abc import Callable

import pytest
from ring_bench import Team

from wirebrick.packet.edit import copy_packet
from wirebrick.packet.frame import (
    D_DATA,
    D_FRAME,
    DESCRIPTOR,
    FINISH,
    LIST_HEAD,
    W_BEAT,
    W_BUDGET,
    W_BURST,
    W_COUNT,
    W_DUE,
    W_ENTRY,
    W_FINISHES,
    W_FRAMES,
    W_LIMIT,
    W_LISTS,
    W_NOW,
    W_PACKETS_IN,
    W_PAUSE,
    W_PROCESS,
    W_RING_IN,
    W_RING_OUT,
    W_STOP,
    W_USED,
)
from wirebrick.packet.memory import load8, load32, load64, store32, store64
from wirebrick.ports.base import ENDED, Source
from wirebrick.runtime import codes, driver_native
from wirebrick.runtime.context import Context
from wirebrick.runtime.plan import ShufflePlan
from wirebrick.runtime.ring_native import ring_of, ring_put, ring_reserve

RECEIVE = ctypes.CFUNCTYPE(*[ctypes.c_int64] * 4)
PROCESS = ctypes.CFUNCTYPE(*[ctypes.c_int64] * 2)
Drive = Callable[[Context], int]


class Numbers(Source):
    """Brings what a script says: bursts of numbered packets, or codes; honours the table of frames."""

    def __init__(self, script: list[int], first: int = 0) -> None:
        self.script, self.next, self.state = list(script), first, 0
        self.team: Team
        self._keep = RECEIVE(self._receive)
        self.receive = ctypes.cast(self._keep, ctypes.c_void_p).value or 0

    def _receive(self, state: int, context: int, room: int) -> int:
        count = self.script.pop(0) if self.script else ENDED
        for position in range(max(count, 0)):
            self.team.place(context, position, self.next, mark=self.next & 0xFF)
            self.next += 1
        return count


class Graph:
    """A process function in Python: odd numbers to worker 1 and even ones to worker 0, then to port 0.

    It keeps what it was called with, and what came out at each worker.
    """

    def __init__(self, node: int = 5, again: int = 0) -> None:
        self.node = node
        self.again = again
        self.out: dict[int, list[int]] = {}
        self.dropped: list[int] = []
        self.entries: dict[int, list[int]] = {}
        self._keep = PROCESS(self.process)
        self.address = ctypes.cast(self._keep, ctypes.c_void_p).value or 0

    def process(self, context: int) -> int:
        entry = load64(context + W_ENTRY)
        self.entries.setdefault(context, []).append(entry)
        count = load64(context + W_COUNT)
        store64(context + W_USED, count)
        if entry >= FINISH:
            assert count == 0
            self.again -= 1
            return int(self.again >= 0)
        for position in range(count):
            at = load64(context + W_BURST) + position * DESCRIPTOR
            number = load64(at + 16)
            assert load8(load64(at + D_DATA)) == number & 0xFF
            ring = ring_of(context, 0, number % 2) if entry == 0 else 0
            if ring == 0:
                self._send(context, position)
                self.out.setdefault(context, []).append(number)
            elif slot := ring_reserve(ring):
                ring_put(context, ring, slot, position)
            else:
                self.dropped.append(number)
        return 0

    def _send(self, context: int, position: int) -> None:
        listed = load64(load64(context + W_LISTS))
        store32(listed + LIST_HEAD + 4 * load64(listed), position)
        store64(listed, load64(listed) + 1)


@pytest.fixture(params=["interpreted", "compiled"])
def drive(request: pytest.FixtureRequest) -> Drive:
    if request.param == "interpreted":
        return lambda context: driver_native.drive(context.address)
    from wirebrick.compiler.native import load_native

    address = load_native("wirebrick.runtime.driver_native", {"drive": 1})["drive"]
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)
    return lambda context: int(function(context.address))


def team_of(
    graph: Graph, *scripts: list[int], waits: bool = True, capacity: int = 16, matches: int = 0
) -> Team:
    sources = [Numbers(script, first=1000 * number) for number, script in enumerate(scripts)]
    shuffles = [ShufflePlan(0, graph.node, 0, waits, capacity)]
    team = Team(shuffles, sources=[[source] for source in sources], matches=matches)
    for source in sources:
        source.team = team
    for context in team.contexts:
        context[W_PROCESS] = graph.address
    return team


def finish(drive: Drive, team: Team) -> list[int]:
    """Drive all in turn until they have ended; the last codes."""
    ended = {codes.DONE, codes.STOPPED}
    last = [0] * len(team.contexts)
    for _ in range(1000):
        last = [old if old in ended else drive(c) for old, c in zip(last, team.contexts, strict=True)]
        if ended.issuperset(last):
            return last
    raise AssertionError(f"they don't end: {last}")


def balance(team: Team, graph: Graph) -> int:
    """Packets received by all, each accounted for."""
    received = sum(context[W_PACKETS_IN] for context in team.contexts)
    for context in team.contexts:
        out = len(graph.out.get(context.address, []))
        came, went = context[W_RING_IN], context[W_RING_OUT]
        assert context.taken(0) == out
        assert context[W_PACKETS_IN] + came >= out + went
    assert received == sum(map(len, graph.out.values())) + len(graph.dropped)
    assert team.conserved()
    return received


def test_packets_change_workers_and_all_end(drive: Drive) -> None:
    graph = Graph()
    team = team_of(graph, [8, 0, 3, 8], [5, 8, 1])
    assert finish(drive, team) == [codes.DONE, codes.DONE]
    even, odd = (graph.out[context.address] for context in team.contexts)
    for numbers, parity in ((even, 0), (odd, 1)):
        for first, count in ((0, 19), (1000, 14)):  # each source's packets keep their order
            own = [number for number in numbers if first <= number < first + 1000]
            assert own == [number for number in range(first, first + count) if number % 2 == parity]
    assert balance(team, graph) == 33


def test_entries_say_where_packets_come_from(drive: Drive) -> None:
    graph = Graph(node=7)
    team = team_of(graph, [4], [])
    finish(drive, team)
    assert [graph.entries[context.address] for context in team.contexts] == [[0], [7]]


def test_a_worker_waits_for_room_in_rings(drive: Drive) -> None:
    graph = Graph()
    team = team_of(graph, [8] * 10, [])
    sender, receiver = team.contexts
    # A burst may put as many packets as it has positions, 16: the ring must be empty.
    assert [drive(sender) for _ in range(3)] == [codes.IDLE] * 3
    assert sender[W_PACKETS_IN] == 8
    assert drive(receiver) == codes.IDLE
    assert drive(sender) == codes.IDLE
    assert sender[W_PACKETS_IN] == 16
    assert finish(drive, team) == [codes.DONE, codes.DONE]
    assert graph.dropped == []
    assert balance(team, graph) == 80


def test_or_drops_what_finds_no_room(drive: Drive) -> None:
    graph = Graph()
    team = team_of(graph, [8] * 10, [], waits=False)
    assert drive(team.contexts[0]) == codes.IDLE  # worker 1 may still send
    assert (team.contexts[0][W_RING_OUT], len(graph.dropped)) == (16, 24)
    finish(drive, team)
    assert balance(team, graph) == 80


def test_told_to_stop_it_brings_what_is_on_its_way_to_its_end(drive: Drive) -> None:
    graph = Graph()
    team = team_of(graph, [8] * 1000, [8] * 1000)
    sender, receiver = team.contexts
    sender[W_BUDGET] = receiver[W_BUDGET] = 1
    assert [drive(sender), drive(receiver)] == [codes.BUDGET] * 2
    sender[W_STOP] = receiver[W_STOP] = 1
    assert finish(drive, team) == [codes.DONE, codes.DONE]
    assert balance(team, graph) == 16
    assert not any(ring.held for ring in team.rings.rings)


def test_a_worker_that_may_receive_no_more_still_takes_from_rings(drive: Drive) -> None:
    graph = Graph()
    team = team_of(graph, [8, 8], [8])
    sender, receiver = team.contexts
    receiver[W_LIMIT] = 0
    assert drive(sender) == codes.IDLE
    assert drive(receiver) == codes.LIMITED
    assert receiver[W_RING_IN] == 4
    receiver.end_ports()
    finish(drive, team)
    assert balance(team, graph) == 16


def test_a_ring_to_a_worker_that_is_gone_holds_nobody_up(drive: Drive) -> None:
    graph = Graph()
    team = team_of(graph, [8] * 3, [])
    drive(team.contexts[0])
    team.ring(0, 1).abandon()
    team.ring(1, 0).close()
    assert drive(team.contexts[0]) == codes.DONE
    assert (len(graph.dropped), team.ring(0, 1).held) == (8, 4)


def test_pauses_between_two_bursts(drive: Drive) -> None:
    graph = Graph()
    team = team_of(graph, [8, 8], [])
    sender = team.contexts[0]
    sender[W_PAUSE] = 1
    assert [drive(sender) for _ in range(2)] == [codes.PAUSED] * 2
    assert (sender[W_BEAT], sender[W_PACKETS_IN]) == (0, 0)
    sender[W_PAUSE] = 0
    finish(drive, team)
    assert sender[W_BEAT] > 2
    assert balance(team, graph) == 16


def test_windows_give_up_what_they_have_before_rings_close(drive: Drive) -> None:
    graph = Graph(again=2)
    team = team_of(graph, [1], [])
    for context in team.contexts:
        context[W_FINISHES] = 1
    finish(drive, team)
    first, second = (graph.entries[context.address] for context in team.contexts)
    # Called again twice; then, when nothing more can come by rings, once for what is behind the shuffle.
    assert first == [0, FINISH + 5, FINISH + 5, FINISH + 5, FINISH]
    assert second == [FINISH + 5, FINISH]


def test_python_processes_the_end_too(drive: Drive) -> None:
    graph = Graph()
    team = team_of(graph, [1], [])
    for context in team.contexts:
        context[W_FINISHES] = 1
        context[W_PROCESS] = 0
    for _ in range(20):
        for context in team.contexts:
            if drive(context) == codes.PROCESS:
                graph.process(context.address)
    assert all(graph.entries[context.address][-1] == FINISH for context in team.contexts)
    assert [drive(context) for context in team.contexts] == [codes.DONE] * 2


def test_idle_it_calls_the_graph_when_an_event_is_due(drive: Drive) -> None:
    graph = Graph()
    team = team_of(graph, [0] * 50, [])
    sender = team.contexts[0]
    sender[W_BUDGET] = 3
    sender[W_DUE] = 100
    sender[W_NOW] = 99
    assert drive(sender) == codes.IDLE
    assert graph.entries == {}
    sender[W_NOW] = 100
    assert drive(sender) == codes.BUDGET  # due again and again, as the graph doesn't move the time on
    assert graph.entries[sender.address] == [0, 0, 0]


def test_filtered_packets_keep_their_frames(drive: Drive) -> None:
    def copy_all(context: int) -> int:
        graph.process(context)
        for position in range(load64(context + W_COUNT)):
            copy = copy_packet(context, load64(context + W_BURST) + position * DESCRIPTOR)
            at = load64(context + W_BURST) + copy * DESCRIPTOR
            assert load32(at + D_FRAME) == load32(load64(context + W_FRAMES) + 4 * copy)
        return 0

    graph = Graph()
    matches = RECEIVE(lambda data, length, wire: int(load8(data) % 3 == 0))
    process = PROCESS(copy_all)
    team = team_of(graph, [8, 8, 8, 7], [3], matches=ctypes.cast(matches, ctypes.c_void_p).value or 0)
    for context in team.contexts:
        context[W_PROCESS] = ctypes.cast(process, ctypes.c_void_p).value or 0
    finish(drive, team)
    even, odd = (graph.out[context.address] for context in team.contexts)
    assert sorted(even + odd) == [n for n in [*range(31), *range(1000, 1003)] if (n & 0xFF) % 3 == 0]
    assert balance(team, graph) == len(even + odd)
