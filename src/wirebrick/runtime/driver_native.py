"""The worker's loop: receive a burst, process it, transmit; compiled for runs, and runs as it is in CPython.

``drive`` goes round the worker's receiving ports and rings and returns to Python only where that has to do
something; the code it returns says what. Called again it goes on from where it was (``W_PHASE``), so nothing is
lost between.

The end comes in stages, one for each shuffle and a last one. When nothing more can come from before a shuffle
(ports and the rings of earlier shuffles have ended here), the windows before it give up what they have and the
rings of the shuffle are closed, which ends them for the workers that receive from them. Shuffles are numbered in
the order packets pass them, so the stages end one after the other whatever the workers do. When told to stop a
worker takes its ports for ended: what is on its way still comes to its end.

>>> import ctypes
>>> words = (ctypes.c_int64 * (CONTEXT // 8))()
>>> words[W_BUDGET // 8] = words[W_LIMIT // 8] = 1
>>> drive(ctypes.addressof(words)) == DONE  # no port to receive from
True
>>> words[W_STOP // 8] = 1
>>> drive(ctypes.addressof(words)) == STOPPED
True
"""

from __future__ import annotations

from wirebrick.packet.frame import (
    CONTEXT,
    FINISH,
    RX_ENDED,
    RX_ENTRY,
    RX_NODE,
    W_AGAIN,
    W_ASIDE,
    W_BEAT,
    W_BUDGET,
    W_CLOCK,
    W_CLOCK_CELL,
    W_COUNT,
    W_DUE,
    W_ENTRY,
    W_FINISHES,
    W_IDLE,
    W_IDLE_SINCE,
    W_LENGTH,
    W_LIMIT,
    W_NODES,
    W_NOW,
    W_PAUSE,
    W_PHASE,
    W_PROCESS,
    W_RINGS,
    W_ROOM,
    W_RX_PORTS,
    W_RX_TABLE,
    W_SHUFFLES,
    W_SPIN,
    W_STAGE_ENDED,
    W_STOP,
    W_USED,
    W_WORKERS,
    W_YIELD,
)
from wirebrick.packet.memory import call0, call1, cycles, load64, pause, store64, store64_release
from wirebrick.ports.clock_native import clock
from wirebrick.runtime.codes import BUDGET, DONE, GO_ON, IDLE, PAUSED, PROCESS, STOPPED, TRANSMITTING
from wirebrick.runtime.receive_native import receive_burst
from wirebrick.runtime.ring_native import R_CLOSED, R_WAITS, ring_has_room
from wirebrick.runtime.transmit_native import publish_rings, transmit_lists

__all__ = ["CONTEXT", "DONE", "STOPPED", "W_BUDGET", "W_LIMIT", "W_STOP", "drive"]

SOON = 60_000  # nanoseconds: how much longer a sleep lasts than it should
_POLITE = 32  # rounds without a packet after which other threads of the processor get a turn


def drive(context: int) -> int:
    """Run bursts until Python is needed; a code that says what for."""
    code = GO_ON
    if load64(context + W_PHASE) == TRANSMITTING:
        code = after_process(context)
    budget = load64(context + W_BUDGET)
    empty = 0
    while code == GO_ON:
        if load64(context + W_PAUSE) != 0:
            return PAUSED
        if load64(context + W_STOP) != 0 and ends_at_once(context) != 0:
            return STOPPED
        if budget <= 0:
            return BUDGET
        budget -= 1
        store64(context + W_BEAT, load64(context + W_BEAT) + 1)
        code = receive_burst(context)
        if code == GO_ON:
            empty = 0
            if load64(context + W_IDLE_SINCE) != 0:
                count_idle(context)
                store64(context + W_IDLE_SINCE, 0)
            if load64(context + W_COUNT) > 0:
                code = process_burst(context)
        elif code <= IDLE:
            store64(context + W_IDLE_SINCE, count_idle(context))
            code = nothing_came(context, code)
            if code == IDLE and soon(context) != 0:
                spin(context, 0)
                code = GO_ON
            elif code == IDLE and empty < load64(context + W_SPIN):
                empty += 1
                spin(context, empty)
                code = GO_ON
    return code


def count_idle(context: int) -> int:
    """Count the cycles since nothing comes in; the time. Asked for only then: busy rounds pay nothing for it."""
    now = cycles()
    since = load64(context + W_IDLE_SINCE)
    if since != 0:
        store64(context + W_IDLE, load64(context + W_IDLE) + now - since)
    return now


def ends_at_once(context: int) -> int:
    """Whether a worker that is told to stop has nothing else to do."""
    return 1 if load64(context + W_SHUFFLES) == 0 and load64(context + W_FINISHES) == 0 else 0


def spin(context: int, empty: int) -> int:
    """Wait for a moment, politely; returns 0."""
    pause()
    others = load64(context + W_YIELD)
    if others != 0 and empty % _POLITE == 0:
        call0(others)
    return 0


def process_burst(context: int) -> int:
    """Run the graph on the burst, then transmit."""
    store64(context + W_PHASE, TRANSMITTING)
    process = load64(context + W_PROCESS)
    if process == 0:
        return PROCESS
    store64(context + W_AGAIN, call1(process, context))
    return after_process(context)


def after_process(context: int) -> int:
    """Hand on what the graph gave: rings, then lists."""
    publish_rings(context)
    if load64(context + W_ENTRY) >= FINISH:
        store64(context + W_ENTRY, 0)
        if load64(context + W_AGAIN) == 0:
            end_stage(context)
    return transmit_lists(context)


def nothing_came(context: int, code: int) -> int:
    """What there is to do when no packets are there (for the reason ``code``): what is due, or to end a stage."""
    stage = load64(context + W_STAGE_ENDED)
    shuffles = load64(context + W_SHUFFLES)
    if code == IDLE and load64(context + W_DUE) != 0:
        follow_wall(context)
    if code == IDLE and due(context) != 0 and stage_has_room(context, stage) != 0:
        return process_nothing(context, 0)
    if ends_at_once(context) != 0 or stage > shuffles:
        return code
    node = 0  # the last stage: of all
    if stage < shuffles:
        node = load64(load64(context + W_NODES) + 8 * stage)
    if live_before(context, node) != 0:
        return code
    if load64(context + W_FINISHES) == 0:
        end_stage(context)
        return GO_ON
    if stage_has_room(context, stage) == 0:
        return IDLE
    return process_nothing(context, FINISH + node)


def follow_wall(context: int) -> int:
    """Nothing came: the packets' clock goes on as the wall's does, where packets are live. Returns 0."""
    function = load64(context + W_CLOCK)
    if function != 0:
        now = clock(function, context + W_CLOCK_CELL)
        if now > load64(context + W_NOW):
            store64(context + W_NOW, now)
    return 0


def soon(context: int) -> int:
    """Whether something is due in so short a time that it is waited for here: sleep would last longer."""
    if load64(context + W_CLOCK) == 0:
        return 0
    left = load64(context + W_DUE) - load64(context + W_NOW)
    return 1 if left > 0 and left < SOON else 0


def due(context: int) -> int:
    """Whether there are events and the next one's time has come."""
    at = load64(context + W_DUE)
    return 1 if at != 0 and load64(context + W_NOW) >= at else 0


def process_nothing(context: int, entry: int) -> int:
    """Call the graph without packets."""
    store64(context + W_COUNT, 0)
    store64(context + W_USED, 0)
    store64(context + W_LENGTH, 0)
    store64(context + W_ENTRY, entry)
    return process_burst(context)


def live_before(context: int, node: int) -> int:
    """Whether packets may still come from a port or ring of before ``node`` (0: from any)."""
    if load64(context + W_ASIDE) != 0:
        return 1
    entry = load64(context + W_RX_TABLE)
    for _ in range(load64(context + W_RX_PORTS)):
        if load64(entry + RX_ENDED) == 0 and (node == 0 or load64(entry + RX_NODE) < node):
            return 1
        entry += RX_ENTRY
    return 0


def stage_has_room(context: int, stage: int) -> int:
    """Whether all rings that are open still, and make producers wait, have room for a whole burst."""
    workers = load64(context + W_WORKERS)
    room = load64(context + W_ROOM)
    for index in range(stage * workers, load64(context + W_SHUFFLES) * workers):
        ring = load64(load64(context + W_RINGS) + 8 * index)
        if ring != 0 and load64(ring + R_WAITS) != 0 and ring_has_room(ring, room) == 0:
            return 0
    return 1


def end_stage(context: int) -> int:
    """Close the rings of the next shuffle, if there is one; the stage is over. Returns 0."""
    stage = load64(context + W_STAGE_ENDED)
    workers = load64(context + W_WORKERS)
    if stage < load64(context + W_SHUFFLES):
        at = load64(context + W_RINGS) + 8 * stage * workers
        for _ in range(workers):
            ring = load64(at)
            if ring != 0:
                store64_release(ring + R_CLOSED, 1)
            at += 8
    store64(context + W_STAGE_ENDED, stage + 1)
    return 0
