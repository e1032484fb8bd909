"""run: network functions on packets, from ports to ports.

>>> from wirebrick import run
>>> result = run("ttl", rx=[bytes(60)], interpret=True)
>>> result.packets_in, result.packets_out, result.packets == [bytes(60)]
(1, 1, True)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from wirebrick.errors import GraphError
from wirebrick.runtime.arguments import check_arguments
from wirebrick.runtime.at_end import call_at_end
from wirebrick.runtime.background import Background
from wirebrick.runtime.control import Control
from wirebrick.runtime.crew import make_crew, problems
from wirebrick.runtime.endpoints import Endpoints, Received, Transmitted, endpoints
from wirebrick.runtime.events import ControlEvents, event_totals
from wirebrick.runtime.hops import with_ports
from wirebrick.runtime.live import Snapshots
from wirebrick.runtime.opening import Opened
from wirebrick.runtime.plan import Plan, build_plan
from wirebrick.runtime.program import Program, make_program
from wirebrick.runtime.progress import Progress
from wirebrick.runtime.rest import Poll
from wirebrick.runtime.result import Result, attach, result_of
from wirebrick.runtime.totals import Totals
from wirebrick.runtime.trace import Observer
from wirebrick.runtime.worker import Worker
from wirebrick.state.around import pausing
from wirebrick.stream.graph import Graph
from wirebrick.stream.network_function import Configured, NetworkFunction, build_chain
from wirebrick.stream.send import Send

__all__ = ["Progress", "Result", "result_of", "run"]

NF = NetworkFunction | Configured | str
MOST_WORKERS = 1024


def run(
    chain: NF | Sequence[NF],
    rx: Received | None = None,
    tx: Transmitted | None = None,
    *,
    ports: Mapping[str, str | Path] | None = None,
    workers: int = 1,
    duration: float | None = None,
    count: int | None = None,
    interpret: bool = False,
    filter: str | None = None,
    burst: int | None = None,
    reverse: str | None = None,
    poll: Poll = "adaptive",
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    show: Callable[[str], None] | None = None,
    observer: Observer | None = None,
    notice: Callable[[str], None] | None = None,
    captures: bool = False,
) -> Result:
    """Run a chain of NFs until the input ends, and return the totals.

    ``chain``: an NF, a text that names one (``"firewall:rules=acl.rules"``, ``"my_nf.py:limiter"``), or a
    list. ``rx``, ``tx``: the ports ``in`` and ``out``: what ``--in`` and ``--out`` take, a Path of a capture,
    or for ``rx`` an iterable of packets (bytes, or (nanoseconds since 1970, bytes)) and for ``tx`` a list to
    append to. Without ``tx``, packets go back out of a port that can do both, else into ``result.packets`` if
    they came from Python, else nowhere. ``ports``: more of them, by name. ``workers``: threads, each with its
    part of the packets. ``duration``: seconds, at most. ``count``: packets, at most. ``interpret``: in
    CPython, where breakpoints work, in this thread if there is one worker. ``filter``: only packets that
    match are received (tcpdump's syntax). ``burst``: packets asked of a port at once. ``reverse``: the port whose
    packets pass the NFs from the last to the first. ``poll``: whether idle workers rest (``"adaptive"``) or look
    for packets without a break (``"busy"``). ``progress`` is called some times a second, ``show`` with the text
    of the compiled function, ``observer`` for every packet and operator (interpreted only), ``notice`` with what
    happens meanwhile: an interface went down, came back, a file was read again. ``captures``: whether
    ``wirebrick capture`` finds the run. ``stop`` ends the run when it is set, as KeyboardInterrupt does: both
    give totals with ``interrupted``.

    Raises WirebrickError: GraphError, CheckError and ParameterError before anything is received, PortError
    also when a port fails on the way; ``result_of(error)`` has the totals up to there.
    """
    check_arguments(workers, duration, count, burst, poll, observer if not interpret else None)
    nfs, hops = with_ports(_chain(chain))
    found = endpoints(rx, tx, {**(ports or {}), **hops})
    opened = Opened(found.ends, workers)
    abandoned: frozenset[int] = frozenset()
    failure: BaseException | None = None
    try:
        # Some ports must be open to say whether they split.
        _check_reverse(reverse, found.names)
        spread = workers > 1 and not found.split(workers)
        graph = build_chain(nfs, spread=spread, alone=workers == 1, reverse=reverse)
        plan = build_plan(graph, found.names, found.default_egress)
        _refuse_dead_ends(graph, found)
        matches = _matches(filter)
        opened.open_sources()
        program = make_program(graph, plan, workers, interpret=interpret, live=opened.live, observer=observer)
        if show is not None and program.source:
            show(program.source)
        opened.open_sinks()
        crew = make_crew(opened, plan, program, burst or opened.burst, matches, count, poll)
        transmitting = [number for number, end in enumerate(found.ends) if end.transmits]
        events, background = ControlEvents(graph), Background(graph)
        control = Control(
            crew,
            transmitting,
            duration=duration,
            stop=stop,
            progress=progress,
            events=events,
            background=background,
            ports=opened.ports,
            notice=notice,
            remarks=[text for scope in graph.scopes for text in scope.remarks],
            snapshots=Snapshots(graph, plan, found.ends, program.derive, crew),
        )
        watchable = _captures(graph, plan, found, program, crew, control) if captures else nullcontext()
        with pausing(program.states, control.paused), watchable:
            if interpret and workers == 1:
                control.run_here()
            else:
                control.run_threads()
        abandoned = frozenset(worker.index for worker in control.abandoned)
        failure = control.error
    finally:
        closing = opened.close(abandoned)
    result = Result(
        packets=found.collected,
        elapsed_s=control.elapsed,
        compile_s=program.compile_s,
        workers=workers,
        interrupted=control.interrupted,
        warnings=[*problems(crew), *control.warnings, *events.warnings, *background.warnings],
        notices=control.notices,
        events=event_totals(program.states, events, background),
    )
    return _finish(Totals(graph, plan, found.ends, program.derive, result), crew, failure or closing)


def _check_reverse(reverse: str | None, names: Sequence[str]) -> None:
    if reverse is not None and reverse not in names:
        raise GraphError(
            f"no packets can come in by {reverse!r}, which is to be passed in reverse",
            cure=f"name one of the ports of this run: {', '.join(names)}",
        )


def _finish(totals: Totals, crew: list[Worker], failure: BaseException | None) -> Result:
    """Add up and report; raise what ended the run, with the totals."""
    result = totals.result
    try:
        totals.add(crew)
        call_at_end(totals.graph, result.reports)
    except Exception as error:
        if failure is None:
            attach(error, result)
            raise
    if failure is not None:
        attach(failure, result)
        raise failure
    return result


def _captures(
    graph: Graph, plan: Plan, found: Endpoints, program: Program, crew: list[Worker], control: Control
) -> AbstractContextManager[None]:
    """While this lasts, packets can be watched from outside."""
    # Imported here: most runs from Python do without.
    from wirebrick.runtime.points import points_of
    from wirebrick.runtime.tap_server import listening
    from wirebrick.runtime.taps import Taps

    points = points_of(graph, plan, found.ends)
    room = plan.counters.room
    taps = Taps(points, crew, control.paused, program.tapped, counters=room, ports=len(found.ends))
    return listening(taps, [scope.name for scope in graph.scopes if scope.parent is None])


def _chain(chain: NF | Sequence[NF]) -> list[NetworkFunction | Configured]:
    """The NFs of a chain, those named by texts loaded. Raises ParameterError, GraphError."""
    several = chain if isinstance(chain, list | tuple) else [chain]
    found: list[NetworkFunction | Configured] = []
    for nf in several:
        if isinstance(nf, str):
            from wirebrick.nf.load import load_nf

            found.append(load_nf(nf))
        elif isinstance(nf, NetworkFunction | Configured):
            found.append(nf)
        else:
            raise GraphError(
                f"{nf!r} is not a network function",
                cure="decorate it with @network_function, or name one, as in run('ttl', ...)",
            )
    return found


def _refuse_dead_ends(graph: Graph, found: Endpoints) -> None:
    """Refuse to send to a port that only receives. Raises GraphError."""
    for node in graph.nodes:
        if isinstance(node, Send):
            end = found.ends[found.names.index(node.port)]
            if not end.transmits:
                raise GraphError(
                    f"nothing can be sent to {node.port!r}: it only receives in this run",
                    place=node.place,
                    cure="send to another port, or open this one both ways (pcap:IN,OUT)",
                )


def _matches(expression: str | None) -> int:
    """Address of the compiled filter, or 0 where there is none. Raises ParameterError."""
    if expression is None:
        return 0
    from wirebrick.runtime.filter import compile_filter

    return compile_filter(expression)
