"""The crew: the workers of a run, each with its memory, its sources and its sinks."""

from __future__ import annotations

import os

from wirebrick.packet.frame import W_PROCESS
from wirebrick.runtime.allowance import Allowance
from wirebrick.runtime.context import Context
from wirebrick.runtime.opening import Opened
from wirebrick.runtime.plan import Plan
from wirebrick.runtime.program import Program
from wirebrick.runtime.worker import Worker


def make_crew(
    opened: Opened, plan: Plan, program: Program, burst: int, matches: int, count: int | None
) -> list[Worker]:
    """The workers; several are each pinned to a processor. Raises PortError where memory is short.

    ``matches``: address of a filter or 0. ``count``: packets they may receive together.
    """
    workers = opened.workers
    allowance = Allowance(count, workers) if count is not None else None
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    crew = []
    for index in range(workers):
        context = Context(
            burst=burst,
            frame_size=opened.frame_size,
            ports=len(opened.ends),
            counters=plan.counters.room,
            scratch=program.scratch,
            matches=matches,
        )
        context[W_PROCESS] = program.process
        context.set_states([state.blocks[index] for state in program.states])
        context.set_egress(plan.default_egress)
        context.set_sources(opened.sources[index], program.keeps_lengths)
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
        )
        crew.append(worker)
    return crew


def problems(crew: list[Worker]) -> list[str]:
    """What was wrong with the inputs, without ending the run."""
    return [source.problem for worker in crew for source in worker.sources if source.problem]
