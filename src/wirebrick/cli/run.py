"""``wirebrick run``: packets through a chain."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any, TextIO, cast

from cyclopts import Parameter as Option

from wirebrick.cli.chain import check_ports, named_ports, read_chain
from wirebrick.cli.main import FAILED, INTERRUPTED, tell
from wirebrick.cli.options import Text, Texts, at_least
from wirebrick.cli.progress import ProgressLine, progress_on
from wirebrick.cli.signals import Interrupts
from wirebrick.cli.stats import Stats
from wirebrick.cli.summary import summary
from wirebrick.cli.tables import show as show_tables
from wirebrick.errors import ParameterError


def run_command(
    *nfs: str,
    in_: Annotated[Text, Option(name="--in")] = None,
    out: Text = None,
    workers: int | None = None,
    duration: float | None = None,
    count: int | None = None,
    interpret: bool = False,
    filter: Text = None,
    poll: Text = None,
    burst: int | None = None,
    reverse: Text = None,
    port: Texts = (),
    stats: float | None = None,
    show: bool = False,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Run network functions on packets, from port to port.

    Ports are captures (in.pcap, - for a pipe), memory: (made packets) and null: (nothing, nowhere).

    Parameters
    ----------
    nfs
        Network functions in the order packets pass them: ttl, firewall:rules=acl.rules, my_nf.py:limiter; or
        a chain file, chain.toml.
    in_
        The port packets come from.
    out
        The port they leave by; nowhere, where it is not given.
    workers
        How many threads, each on a core of its own.
    duration
        End after so many seconds.
    count
        End after so many packets.
    interpret
        In plain Python: breakpoint() and print() work in user functions.
    filter
        Only packets that match, in tcpdump's syntax; the others are not taken in.
    poll
        adaptive: idle workers sleep; busy: they look for packets without a break.
    burst
        How many packets to ask of a port at once.
    reverse
        The port whose packets pass the network functions from the last to the first: out, for example.
    port
        NAME=PORT: another port, for network functions that send to it. May be given several times.
    stats
        Print counts and rates to standard error each so many seconds, as a line of JSON.
    show
        Print the function that is compiled.
    json
        Print one JSON object.
    quiet
        Print nothing but errors.
    """
    setup = read_chain(nfs)
    ports = {**setup.ports, **named_ports(port)}
    source, target = in_ or ports.pop("in", None), out or ports.pop("out", None)
    for name in ("in", "out"):
        ports.pop(name, None)
    given = {
        "workers": workers,
        "duration": duration,
        "count": count,
        "filter": filter,
        "poll": poll,
        "burst": burst,
        "reverse": reverse,
    }
    options = {**setup.run, **{key: value for key, value in given.items() if value is not None}}
    if interpret:
        options["interpret"] = True
    at_least("--stats", stats, 0, above=True)
    _check(options, source, target, ports)
    # Where standard output is a capture, what people read goes to standard error.
    capture = "-" in _outputs(source, target, ports)
    to = sys.stderr if capture else sys.stdout
    progress: Stats | ProgressLine | None = None
    if stats is not None:
        progress = Stats(stats, sys.stderr)
    elif not quiet and not options.get("interpret"):  # interpreted, the terminal belongs to the debugger
        progress = progress_on(sys.stderr)
    return _run(
        setup.chain, source, target, ports, options, to, progress, show=show, as_json=json, quiet=quiet
    )


def _check(options: dict[str, Any], source: str | None, target: str | None, ports: dict[str, str]) -> None:
    at_least("--workers", options.get("workers"), 1)
    at_least("--duration", options.get("duration"), 0, above=True)
    at_least("--count", options.get("count"), 1)
    if source is None and not ports:
        raise ParameterError(
            "run: --in is missing: where do packets come from?",
            cure="--in FILE.pcap, or --in memory: for made packets",
        )
    named = {"in": source, "out": target}
    check_ports({**{name: spec for name, spec in named.items() if spec is not None}, **ports})


def _run(
    chain: list[Any],
    source: str | None,
    target: str | None,
    ports: dict[str, str],
    options: dict[str, Any],
    to: TextIO,
    progress: Stats | ProgressLine | None,
    *,
    show: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    from wirebrick.runtime.result import result_of
    from wirebrick.runtime.run import run

    # What user functions print must not get into the JSON, nor into the capture.
    aside = _aside(as_json or to is sys.stderr)
    failure: Exception | None = None
    with Interrupts() as interrupts, aside, progress or contextlib.nullcontext():
        try:
            result = run(
                chain,
                rx=source,
                tx=target,
                ports=ports,
                progress=progress,
                stop=interrupts.stop,
                notice=progress.note if progress is not None else tell,
                captures=True,
                show=(lambda text: print(text, file=sys.stderr if as_json else to)) if show else None,
                **options,
            )
        except Exception as error:
            totals = result_of(error)
            if totals is None:
                raise
            result, failure = totals, error
    if as_json:
        print(json.dumps(result.to_dict()), file=to)
    elif not quiet:
        show_tables(summary(result, [name for name in _outputs(source, target, ports) if name != "-"]), to)
    for warning in result.warnings:
        tell(f"warning: {warning}")
    if failure is not None:
        raise failure
    if interrupts.status:
        return interrupts.status
    if result.interrupted:
        tell("the debugger was quit")
        return INTERRUPTED
    return FAILED if result.warnings else 0


def _outputs(source: str | None, target: str | None, ports: dict[str, str]) -> list[str]:
    """The captures that are written."""
    from wirebrick.ports.spec import kind_of

    pair = [source] if source is not None and source.startswith("pcap:") and "," in source else []
    found = []
    for spec in [*pair, target, *ports.values()]:
        if spec is not None and kind_of(spec) == "pcap":
            found.append(spec.removeprefix("pcap:").split(",")[-1] if spec.startswith("pcap:") else spec)
    return [name for name in dict.fromkeys(found) if name]


class _Aside:
    """Standard output for what user functions print: their text goes to standard error, raw bytes stay."""

    def __init__(self, real: TextIO) -> None:
        self._real = real

    def write(self, text: str) -> int:
        """Text: to standard error."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Both."""
        sys.stderr.flush()
        self._real.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@contextlib.contextmanager
def _aside(wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    with contextlib.redirect_stdout(cast("TextIO", _Aside(sys.stdout))):
        yield
