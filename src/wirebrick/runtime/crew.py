"""The crew: the workers of a run, each with its memory, its sources and its sinks."""

from __future__ import annotations

import os

from wirebrick.packet.frame import W_DUE, W_FINISHES, W_PROCESS
from wirebrick.runtime.allowance import Allowance
from wirebrick.runtime.context import Context, frames_for
from wirebrick.runtime.events import first_due
from wirebrick.runtime.hold import make_holds
from wirebrick.runtime.opening import Opened
from wirebrick.runtime.plan import Plan
from wirebrick.runtime.program import Program
from wirebrick.runtime.rest import Poll
from wirebrick.runtime.ring import Rings
from wirebrick.runtime.worker import Worker


def make_crew(
    opened: Opened,
    plan: Plan,
    program: Program,
    burst: int,
    matches: int,
    count: int | None,
    poll: Poll = "adaptive",
) -> list[Worker]:
    """The workers; several are each pinned to a processor. Raises PortError where memory is short.

    ``matches``: address of a filter or 0. ``count``: packets they may receive together. Where packets move
    between workers, into rings of ports, or are held, all share one mempool.
    """
    workers = opened.workers
    opened.least_frame = max((state.least_frame for state in program.states), default=0)
    allowance = Allowance(count, workers) if count is not None else None
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    each = frames_for(burst, program.room, matches)
    rings = None
    if program.shuffles and workers > 1:
        rings = Rings(program.shuffles, workers, burst * program.room, first=workers * each)
    holds = make_holds(program.holds, program.shuffles if rings else [], workers, burst)
    first = workers * each + (rings.frames if rings else 0)
    for one in holds:
        one.own(first)
        first += one.frames
    pool = opened.mempool(workers * each, first - workers * each)
    opened.start()
    ring_length = _common_length(opened) if program.keeps_lengths else 0
    crew = []
    for index in range(workers):
        context = Context(
            burst=burst,
            frame_size=opened.frame_size,
            ports=len(opened.ends),
            counters=plan.counters.room,
            scratch=program.scratch,
            matches=matches,
            room=program.room,
            shared=(pool, index * each) if pool is not None else None,
        )
        context[W_PROCESS] = program.process
        context[W_FINISHES] = int(program.finishes)
        context[W_DUE] = first_due(program.states)
        context.set_worker(index, workers)
        context.set_states([state.word(index) for state in program.states])
        context.set_egress(plan.default_egress)
        context.set_sources(opened.sources[index], program.keeps_lengths, rings, ring_length)
        if program.shuffles:
            context.set_rings(rings.table(index) if rings else [0] * len(program.shuffles))
        if holds:
            context.set_holds(holds[index], rings)
        for port, sink in opened.sinks[index].items():
            context.set_sink(port, sink)
        worker = Worker(
            index,
            context,
            [source for _, source in opened.sources[index]],
            opened.sinks[index],
            interpreter=program.interpreter(),
            allowance=allowance,
            cpu=cpus[index % len(cpus)] if workers > 1 and cpus else None,
            rings=rings,
            poll=poll,
            live=opened.live,
            receiving=[port for port, _ in opened.sources[index]],
        )
        crew.append(worker)
    return crew


def _common_length(opened: Opened) -> int:
    """Bytes on the wire of every packet of the run, or 0 where they differ."""
    lengths = {source.wire_length for sources in opened.sources for _, source in sources}
    return lengths.pop() if len(lengths) == 1 else 0


def problems(crew: list[Worker]) -> list[str]:
    """What was wrong with the inputs, without ending the run."""
    return [source.problem for worker in crew for source in worker.sources if source.problem]
