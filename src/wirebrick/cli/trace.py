"""``wirebrick trace``: a packet's way through a chain."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter as Option

from wirebrick.cli.chain import check_ports, named_ports, ports_of, read_chain
from wirebrick.cli.main import FAILED, tell
from wirebrick.cli.options import Text, Texts, at_least
from wirebrick.cli.signals import Interrupts
from wirebrick.errors import ParameterError, WirebrickError
from wirebrick.runtime.hops import with_ports
from wirebrick.runtime.plan import scope_name
from wirebrick.stream.graph import Input, Output
from wirebrick.stream.network_function import build_chain

if TYPE_CHECKING:
    from wirebrick.cli.way import Change, Way
    from wirebrick.runtime.trace import Fate


def trace_command(
    *nfs: str,
    in_: Annotated[Text, Option(name="--in")] = None,
    packet: int = 1,
    count: int = 1,
    filter: Text = None,
    port: Texts = (),
    json: bool = False,
) -> int:
    """Show a packet's way: every operator, what came of the packet there, and each byte that it changed.

    The packets before it are run too, so that tables and counters are as they were. Nothing is sent.

    Parameters
    ----------
    nfs
        Network functions in the order packets pass them, or a chain file.
    in_
        The port packets come from, mostly a capture.
    packet
        The number of the packet, from 1.
    count
        How many packets to show, from that one on.
    filter
        Only packets that match, in tcpdump's syntax; the others are not counted.
    port
        NAME or NAME=PORT: a port that network functions send to. May be given several times.
    json
        Print one JSON object.
    """
    at_least("--packet", packet, 1)
    at_least("--count", count, 1)
    setup = read_chain(nfs)
    source = in_ or setup.ports.get("in")
    if source is None:
        raise ParameterError("trace: --in is missing: where do packets come from?", cure="--in FILE.pcap")
    check_ports({"in": source})
    chain, _ = with_ports(setup.chain)  # the ports of hops outside aren't opened either
    names = [*ports_of(build_chain(chain)), *setup.ports, *named_ports(port, "null:")]
    others = {name: "null:" for name in names if name not in ("in", "out")}
    ways, seen, warnings, status = _watch(chain, source, others, packet, count, filter)
    if not ways and not status:
        cure = f"--packet 1 to {seen}" if seen else ""
        raise WirebrickError(f"there is no packet {packet}: {source} has {seen}", cure=cure)
    if json:
        print(json_module.dumps({"packets": [_object(way) for way in ways]}))
    else:
        print("\n\n".join("\n".join(_lines(way)) for way in ways))
    for warning in warnings:
        tell(f"warning: {warning}")
    return status or (FAILED if warnings else 0)


def _watch(
    chain: list[Any], source: str, others: dict[str, str], first: int, count: int, expression: str | None
) -> tuple[list[Way], int, list[str], int]:
    """The ways, how many packets there were, warnings, and the exit status."""
    from wirebrick.cli.way import Watcher
    from wirebrick.runtime.run import run

    last = first + count - 1
    watcher = Watcher(first, last)
    with Interrupts() as interrupts:
        result = run(
            chain,
            rx=source,
            tx="null:",
            ports=others,
            count=last,
            interpret=True,
            filter=expression,
            observer=watcher,
            stop=interrupts.stop,
        )
    return watcher.ways, watcher.seen, result.warnings, interrupts.status


def _lines(way: Way) -> Iterator[str]:
    """A way as text."""
    yield f"packet {way.number}: {len(way.steps[0].data)} bytes from port {way.ingress}"
    for at, step in enumerate(way.steps):
        outside = isinstance(step.node, Input | Output)
        name = step.node.label if outside else f"{scope_name(step.node)}: {step.node.label}"
        outcome = _outcome(step.fate)
        yield f"  {name}{outcome and f'  ->  {outcome}'}"
        yield from (f"      {line}" for line in _table(way.changes(at)))


def _outcome(fate: Fate) -> str:
    """What became of the packet; nothing where it simply went on."""
    if fate.kind == "on":
        return fate.detail
    if fate.kind in ("out", "sent"):
        return f"leaves by port {fate.detail}"
    if fate.kind == "held":
        return "held until its time has come"
    if fate.kind == "drop":
        return f"dropped: {fate.detail}"
    return f"fault: {fate.detail}" + (f" ({type(fate.error).__name__}: {fate.error})" if fate.error else "")


def _table(changes: list[Change]) -> Iterator[str]:
    """Bytes of a field that lie side by side in one line: offset, old, new, field."""
    runs: list[list[Change]] = []
    for change in changes:
        last = runs[-1][-1] if runs else None
        together = last is not None and (last.offset + 1, last.field) == (change.offset, change.field)
        if together:
            runs[-1].append(change)
        else:
            runs.append([change])
    for run in runs:
        old = "".join("--" if one.old is None else f"{one.old:02x}" for one in run)
        new = "".join("--" if one.new is None else f"{one.new:02x}" for one in run)
        yield f"byte {run[0].offset:4}  {old} -> {new}  {run[0].field}"


def _object(way: Way) -> dict[str, Any]:
    """A way as JSON holds it."""
    steps = []
    for at, step in enumerate(way.steps):
        fate = {"kind": step.fate.kind, "detail": step.fate.detail}
        error = {"error": f"{type(step.fate.error).__name__}: {step.fate.error}"} if step.fate.error else {}
        changes = [asdict(change) for change in way.changes(at)]
        place = str(step.node.place) if step.node.place else None
        steps.append(
            {
                "nf": scope_name(step.node),
                "operator": step.node.label,
                "place": place,
                **fate,
                **error,
                "changes": changes,
            }
        )
    return {"packet": way.number, "port": way.ingress, "bytes": len(way.steps[0].data), "steps": steps}
