"""The ring: order, frames, what is full, closed or left; in CPython and compiled, and between two threads."""

import ctypes
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ring_bench import BURST, Team, number_at

from wirebrick.compiler.native import load_native, load_source
from wirebrick.packet.frame import (
    D_FRAME,
    D_TIME,
    DESCRIPTOR,
    W_BURST,
    W_FRAMES,
    W_RING_IN,
    W_RING_OUT,
    W_SPILL,
    W_SPILL_SIZE,
)
from wirebrick.packet.memory import load32, load64
from wirebrick.ports.base import ENDED
from wirebrick.runtime import ring_native
from wirebrick.runtime.plan import ShufflePlan
from wirebrick.runtime.ring import slots_for
from wirebrick.runtime.ring_native import R_CLOSED

ARGUMENTS = {
    "ring_of": 3,
    "ring_reserve": 1,
    "ring_put": 4,
    "ring_publish": 1,
    "ring_has_room": 2,
    "ring_receive": 3,
}
COMPILED = {
    name: ctypes.CFUNCTYPE(*[ctypes.c_int64] * (count + 1))(address)
    for (name, count), address in zip(
        ARGUMENTS.items(), load_native("wirebrick.runtime.ring_native", ARGUMENTS).values(), strict=True
    )
}
Functions = Callable[[str], Callable[..., int]]
WAYS: dict[str, Functions] = {
    "interpreted": lambda name: getattr(ring_native, name),
    "compiled": lambda name: COMPILED[name],
}


@pytest.fixture(params=list(WAYS))
def native(request: pytest.FixtureRequest) -> Functions:
    return WAYS[request.param]


def put(native: Functions, team: Team, number: int, position: int = 0) -> bool:
    """Put a packet from worker 0 to worker 1, if there is room."""
    sender = team.contexts[0]
    ring = native("ring_of")(sender.address, 0, 1)
    slot = native("ring_reserve")(ring)
    if slot == 0:
        return False
    team.place(sender.address, position, number)
    frame = load32(sender[W_FRAMES] + 4 * position)
    empty = load32(slot + D_FRAME)
    native("ring_put")(sender.address, ring, slot, position)
    assert load32(slot + D_FRAME) == frame
    assert load32(sender[W_FRAMES] + 4 * position) == empty
    return True


def receive(native: Functions, team: Team, room: int = BURST) -> list[int] | int:
    """What worker 1 gets: numbers, or a code."""
    receiver = team.contexts[1]
    count = native("ring_receive")(team.ring(0, 1).address, receiver.address, room)
    if count <= 0:
        return count
    for position in range(count):
        frame = load32(receiver[W_FRAMES] + 4 * position)
        at = load64(receiver.address) + position * DESCRIPTOR
        assert load32(at + D_FRAME) == frame
        assert load64(at) == team.pool.address + frame * team.pool.stride + 256
    return [number_at(receiver, position) for position in range(count)]


def publish(native: Functions, team: Team) -> None:
    native("ring_publish")(team.ring(0, 1).address)


def team_of(capacity: int = 16, spill: int = 0, waits: bool = True) -> Team:
    return Team([ShufflePlan(0, 5, spill, waits, capacity)])


def test_what_is_put_comes_out_in_order_once_it_is_published(native: Functions) -> None:
    team = team_of()
    for number in range(5):
        assert put(native, team, number, position=number)
    assert receive(native, team) == 0
    publish(native, team)
    assert receive(native, team, room=3) == [0, 1, 2]
    assert receive(native, team) == [3, 4]
    assert receive(native, team) == 0
    assert (team.contexts[0][W_RING_OUT], team.contexts[1][W_RING_IN]) == (5, 5)
    assert team.conserved()


def test_a_full_ring_gives_no_slot(native: Functions) -> None:
    team = team_of(capacity=16)
    ring = team.ring(0, 1).address
    assert native("ring_has_room")(ring, 16) == 1
    assert [put(native, team, number) for number in range(17)] == [True] * 16 + [False]
    assert native("ring_has_room")(ring, 1) == 0
    publish(native, team)
    assert receive(native, team, room=1) == [0]
    assert (native("ring_has_room")(ring, 1), native("ring_has_room")(ring, 2)) == (1, 0)
    assert put(native, team, 16)
    assert team.ring(0, 1).held == 16
    assert team.conserved()


def test_a_closed_ring_ends_when_it_is_empty(native: Functions) -> None:
    team = team_of()
    put(native, team, 7)
    publish(native, team)
    team.ring(0, 1).close()
    assert receive(native, team) == [7]
    assert receive(native, team) == ENDED


def test_a_ring_without_a_consumer_takes_nothing_and_keeps_nobody_waiting(native: Functions) -> None:
    team = team_of(capacity=16)
    for number in range(16):
        put(native, team, number)
    team.ring(0, 1).abandon()
    assert native("ring_has_room")(team.ring(0, 1).address, 16) == 1
    assert not put(native, team, 16)
    assert team.ring(0, 1).held == 16


@pytest.mark.parametrize("spill", [1, 16, 40])
def test_spills_come_along(native: Functions, spill: int) -> None:
    team = team_of(spill=spill)
    ring = team.ring(0, 1).address
    for number in range(3):
        slot = native("ring_reserve")(ring)
        put(native, team, number, position=number)
        ctypes.memmove(slot + DESCRIPTOR, bytes([65 + number]) * spill, spill)
    publish(native, team)
    receive(native, team)
    receiver = team.contexts[1]
    size = receiver[W_SPILL_SIZE]
    assert size == -(-spill // 16) * 16
    brought = [ctypes.string_at(receiver[W_SPILL] + number * size, spill) for number in range(3)]
    assert brought == [bytes([65 + number]) * spill for number in range(3)]


def test_rings_are_found_by_shuffle_and_worker(native: Functions) -> None:
    team = Team([ShufflePlan(0, 5, 0), ShufflePlan(1, 9, 0, waits=False)], workers=3)
    for source in range(3):
        for shuffle in range(2):
            for target in range(3):
                found = native("ring_of")(team.contexts[source].address, shuffle, target)
                assert found == (0 if source == target else team.ring(source, target, shuffle).address)
    assert team.rings.needed(0, 0) == [team.ring(0, 1).address, team.ring(0, 2).address]
    assert team.rings.needed(0, 5) == []
    assert team.conserved()


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(list(WAYS)),
    st.lists(
        st.one_of(st.integers(0, BURST - 1), st.just("publish"), st.sampled_from([-1, -3, -8])), max_size=80
    ),
)
def test_any_order_of_calls_is_a_queue(way: str, steps: list[Any]) -> None:
    native = WAYS[way]
    team = team_of(capacity=16)
    hidden: deque[int] = deque()
    seen: deque[int] = deque()
    number = 0
    for step in steps:
        if step == "publish":
            publish(native, team)
            seen += hidden
            hidden.clear()
        elif step >= 0:
            fits = len(hidden) + len(seen) < 16
            assert put(native, team, number, position=step) == fits
            if fits:
                hidden.append(number)
                number += 1
        else:
            expected = [seen.popleft() for _ in range(min(-step, len(seen)))]
            assert receive(native, team, room=-step) == (expected or 0)
    assert team.ring(0, 1).held == len(hidden) + len(seen)
    assert team.conserved()


def test_slots_hold_a_burst() -> None:
    assert [slots_for(1024, 16), slots_for(64, 65), slots_for(2, 2)] == [1024, 128, 2]


THREADS = f"""
def produce(w, ring, packets, burst):
    number = 0
    while number < packets:
        position = 0
        while position < burst and number < packets:
            slot = ring_reserve(ring)
            if slot == 0:
                pause()
                ring_publish(ring)
            else:
                at = load64(w + {W_BURST}) + position * {DESCRIPTOR}
                store64(at + {D_TIME}, number)
                store32(at + {D_FRAME}, load32(load64(w + {W_FRAMES}) + 4 * position))
                store64(slot + {DESCRIPTOR}, number)
                ring_put(w, ring, slot, position)
                number += 1
                position += 1
        ring_publish(ring)
    store64(ring + {R_CLOSED}, 1)
    return 0


def consume(w, ring, burst):
    expected = 0
    wrong = 0
    got = 0
    while got >= 0:
        got = ring_receive(ring, w, burst)
        for position in range(got):
            if load64(load64(w + {W_BURST}) + position * {DESCRIPTOR} + {D_TIME}) != expected:
                wrong += 1
            if load64(load64(w + {W_SPILL}) + position * load64(w + {W_SPILL_SIZE})) != expected:
                wrong += 1
            expected += 1
        if got == 0:
            pause()
    return expected if wrong == 0 else -wrong
"""
PACKETS = 100_000  # through 256 slots; on one core a turn of both threads takes milliseconds


def test_two_threads_exchange_packets_in_order() -> None:
    functions = {"produce": 4, "consume": 3}
    native = load_source("ring threads", THREADS, functions, ("wirebrick.runtime.ring_native",))
    produce = ctypes.CFUNCTYPE(*[ctypes.c_int64] * 5)(native["produce"])
    consume = ctypes.CFUNCTYPE(*[ctypes.c_int64] * 4)(native["consume"])
    team = team_of(capacity=256, spill=8)
    ring = team.ring(0, 1).address
    sender, receiver = team.contexts
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: produce(sender.address, ring, PACKETS, 7)),
        threading.Thread(target=lambda: found.append(consume(receiver.address, ring, 8))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [PACKETS]
    assert (sender[W_RING_OUT], receiver[W_RING_IN]) == (PACKETS, PACKETS)
    assert team.conserved()
