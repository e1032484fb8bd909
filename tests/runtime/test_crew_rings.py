"""Workers in threads, joined by rings: a hand-written graph in native code; endings, failures, pauses, totals."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from wirebrick.compiler.native import load_source
from wirebrick.errors import PortError
from wirebrick.packet.frame import (
    D_DATA,
    DESCRIPTOR,
    LIST_HEAD,
    W_BUDGET,
    W_BURST,
    W_COUNT,
    W_COUNTERS,
    W_ENTRY,
    W_LISTS,
    W_PACKETS_IN,
    W_RING_IN,
    W_RING_OUT,
    W_USED,
)
from wirebrick.runtime import control as control_module
from wirebrick.runtime import watch
from wirebrick.runtime.control import Control
from wirebrick.runtime.crew import make_crew
from wirebrick.runtime.endpoints import endpoints
from wirebrick.runtime.opening import Opened
from wirebrick.runtime.plan import Plan, ShufflePlan, build_plan
from wirebrick.runtime.program import Program
from wirebrick.runtime.result import Result
from wirebrick.runtime.totals import Totals
from wirebrick.runtime.worker import Worker
from wirebrick.stream.graph import Graph

NODE = 3
PARITY = 35  # the last byte of a made packet's source port: it differs by flow


def process(plan: Plan) -> int:
    """Address of the graph: a byte's parity chooses the worker; what came by ring leaves by port 1."""
    out, full = (
        8 * plan.counters.number(*key) for key in (("chain", "out", ""), ("chain", "drop", "shuffle_full"))
    )
    source = f"""
def process(w):
    count = load64(w + {W_COUNT})
    store64(w + {W_USED}, count)
    counters = load64(w + {W_COUNTERS})
    listed = load64(load64(w + {W_LISTS}) + 8)
    at = load64(w + {W_BURST})
    for position in range(count):
        ring = 0
        if load64(w + {W_ENTRY}) == 0:
            ring = ring_of(w, 0, load8(load64(at + {D_DATA}) + {PARITY}) & 1)
        if ring == 0:
            store32(listed + {LIST_HEAD} + 4 * load64(listed), position)
            store64(listed, load64(listed) + 1)
            store64(counters + {out}, load64(counters + {out}) + 1)
        else:
            slot = ring_reserve(ring)
            if slot == 0:
                store64(counters + {full}, load64(counters + {full}) + 1)
            else:
                ring_put(w, ring, slot, position)
        at += {DESCRIPTOR}
    return 0
"""
    return load_source("crew rings", source, {"process": 1}, ("wirebrick.runtime.ring_native",))["process"]


@dataclass
class Team:
    """A crew, its control, and how to add up."""

    crew: list[Worker]
    control: Control
    totals: Totals

    def run(self) -> Result:
        self.control.run_threads()
        return self.totals.add(self.crew)


@pytest.fixture
def make() -> Iterator[Callable[..., Team]]:
    opens: list[Opened] = []

    def build(
        rx: str,
        workers: int = 2,
        *,
        waits: bool = True,
        capacity: int = 1024,
        count: int | None = None,
        **options: Any,
    ) -> Team:
        found = endpoints(rx, "null:", {})
        graph = Graph()
        plan = build_plan(graph, found.names, found.default_egress)
        opened = Opened(found.ends, workers)
        opens.append(opened)
        opened.open_sources()
        opened.open_sinks()
        program = Program([], 0, lambda: None, process(plan))
        program.shuffles = [ShufflePlan(0, NODE, 16, waits, capacity)]
        poll = options.pop("poll", "adaptive")
        crew = make_crew(opened, plan, program, 64, 0, count, poll)
        control = Control(crew, [1], **options)
        return Team(crew, control, Totals(graph, plan, found.ends, None, Result(workers=workers)))

    yield build
    for opened in opens:
        opened.close()


def words(team: Team, word: int) -> list[int]:
    return [worker.context[word] for worker in team.crew]


@pytest.mark.parametrize("poll", ["adaptive", "busy"])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_every_packet_is_accounted_for(make: Callable[..., Team], workers: int, poll: str) -> None:
    team = make("memory:size=60,flows=64,count=200000", workers, poll=poll)
    result = team.run()
    assert (result.packets_in, result.packets_out, result.packets_held) == (200_000, 200_000, 0)
    assert result.drops == {}
    assert team.control.warnings == []
    assert sum(words(team, W_RING_IN)) == sum(words(team, W_RING_OUT))
    assert (sum(words(team, W_RING_IN)) > 50_000) == (workers > 1)
    assert result.bytes_in == result.bytes_out == 200_000 * 60


def test_packets_of_different_lengths_keep_theirs(make: Callable[..., Team]) -> None:
    result = make("memory:size=imix,flows=64,count=50000").run()
    assert (result.packets_out, result.bytes_out) == (50_000, result.bytes_in)


def test_count_is_exact(make: Callable[..., Team]) -> None:
    assert make("memory:size=60,flows=8", count=10_001).run().packets_in == 10_001


def test_full_rings_drop_where_that_is_asked_for(make: Callable[..., Team]) -> None:
    team = make("memory:size=60,flows=64,count=300000", waits=False, capacity=128)
    real = team.crew[1]._drive
    team.crew[1]._drive = lambda address: time.sleep(0.002) or real(address)  # type: ignore[assignment,func-returns-value]
    result = team.run()
    dropped = result.drops.get("chain.shuffle_full", 0)
    assert dropped > 0
    assert result.packets_out + dropped == result.packets_in == 300_000


@pytest.mark.parametrize("how", ["duration", "event"])
def test_stopped_in_the_middle_all_come_to_an_end(make: Callable[..., Team], how: str) -> None:
    stop = threading.Event()
    if how == "duration":
        team = make("memory:size=60,flows=64", duration=0.2)
    else:
        team = make("memory:size=60,flows=64", stop=stop)
        threading.Timer(0.2, stop.set).start()
    result = team.run()
    assert result.packets_in == result.packets_out > 1000
    assert team.control.interrupted == (how == "event")


def test_a_worker_that_fails_ends_alone(make: Callable[..., Team]) -> None:
    team = make("memory:size=60,flows=64,count=2000000")
    fail_after(team.crew[1], 3, RuntimeError("defect"))
    result = team.run()
    assert isinstance(team.control.error, RuntimeError)
    assert team.control.warnings == ["worker 1 ended early: RuntimeError: defect"]
    first, second = words(team, W_PACKETS_IN)
    assert (first, second < 1_000_000) == (1_000_000, True)  # the other received all of its packets
    left = sum(words(team, W_RING_OUT)) - sum(words(team, W_RING_IN))
    lost = result.drops["chain.shuffle_full"]  # nobody is there to take them
    assert result.packets_held == left
    assert result.packets_in == result.packets_out + lost + left


def test_an_error_of_a_port_ends_all(make: Callable[..., Team]) -> None:
    team = make("memory:size=60,flows=64")
    fail_after(team.crew[1], 3, PortError("the interface is gone"))
    result = team.run()
    assert isinstance(team.control.error, PortError)
    assert team.control.warnings == []
    assert result.packets_in == result.packets_out + result.packets_dropped + result.packets_held


def fail_after(worker: Worker, rounds: int, error: Exception) -> None:
    """Have a worker fail when it comes back to Python for the ``rounds``-th time."""
    real = worker._serve
    worker.context[W_BUDGET] = 50
    left = [rounds]

    def serve(code: int) -> bool:
        left[0] -= 1
        if left[0] <= 0:
            raise error
        return real(code)

    worker._serve = serve  # type: ignore[method-assign]


def test_a_worker_that_hangs_is_named_and_left_behind(
    make: Callable[..., Team], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "HANG", 0.3)
    monkeypatch.setitem(control_module._PATIENCE, "", 0.3)
    seen: list[tuple[int, ...]] = []
    go_on = threading.Event()
    team = make(
        "memory:size=60,flows=64", progress=lambda progress: seen.append(progress.hanging), duration=1.0
    )
    real = team.crew[1]._drive

    def hang(address: int) -> int:
        go_on.wait(20)
        return int(real(address))

    team.crew[1]._drive = hang  # type: ignore[assignment]
    result = team.run()
    assert (1,) in seen
    assert team.control.warnings == ["worker 1 hangs in a burst and was left behind"]
    assert result.packets_held == team.crew[0].context[W_RING_OUT] > 0  # no more than a ring holds
    assert result.packets_in == result.packets_out + result.packets_dropped + result.packets_held
    go_on.set()


def test_a_worker_that_moves_on_is_named_no_longer(
    make: Callable[..., Team], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "HANG", 0.25)
    seen: list[tuple[int, ...]] = []
    team = make("memory:size=60,flows=64,count=100000", progress=lambda told: seen.append(told.hanging))
    real = team.crew[0]._drive
    slow = [0.8]
    team.crew[0]._drive = lambda address: time.sleep(slow.pop() if slow else 0) or real(address)  # type: ignore[assignment,func-returns-value]
    result = team.run()
    assert (0,) in seen
    assert seen[-1] == ()
    assert team.control.warnings == []
    assert result.packets_out == 100_000


def test_paused_all_stand_still_and_then_go_on(make: Callable[..., Team]) -> None:
    team = make("memory:size=60,flows=64,count=3000000")
    found: list[Any] = []

    def look() -> None:
        while not any(words(team, W_PACKETS_IN)):
            time.sleep(0.001)
        for _ in range(5):
            with team.control.paused() as moving, team.control.paused():
                before = words(team, W_PACKETS_IN)
                time.sleep(0.01)
                found.append((moving, before == words(team, W_PACKETS_IN)))
            time.sleep(0.002)

    looker = threading.Thread(target=look)
    looker.start()
    result = team.run()
    looker.join()
    assert found == [(frozenset(), True)] * 5
    assert result.packets_out == 3_000_000
    with team.control.paused() as moving:  # all have finished
        assert moving == frozenset()


def test_a_pause_does_not_wait_for_ever(make: Callable[..., Team], monkeypatch: pytest.MonkeyPatch) -> None:
    team = make("memory:size=60,flows=64,count=1000")
    team.control._pause._patience = 0.05
    begun, go_on = threading.Event(), threading.Event()
    real = team.crew[1]._drive

    def hang(address: int) -> int:
        begun.set()
        go_on.wait(20)
        return int(real(address))

    team.crew[1]._drive = hang  # type: ignore[assignment]
    runner = threading.Thread(target=team.run)
    runner.start()
    begun.wait(10)
    with team.control.paused() as moving:
        assert moving == {1}
    go_on.set()
    runner.join(10)
    assert not runner.is_alive()
