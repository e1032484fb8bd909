"""``wirebrick graph``: a drawing of a chain."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter as Option

from wirebrick.cli.chain import read_chain
from wirebrick.cli.chain_file import ChainFile
from wirebrick.cli.options import Text, at_least
from wirebrick.errors import WirebrickError
from wirebrick.stream.draw import FORMATS, draw
from wirebrick.stream.network_function import build_chain


def graph_command(
    *nfs: str,
    format: Annotated[Literal["mermaid", "dot", "svg"] | None, Option(name=["--format", "-f"])] = None,
    out: Text = None,
    placement: bool = False,
    workers: int | None = None,
    in_: Annotated[Text, Option(name="--in")] = None,
    reverse: Text = None,
) -> int:
    """Draw a chain: its operators, grouped by network function, and the streams between them.

    Parameters
    ----------
    nfs
        Network functions in the order packets pass them, or a chain file.
    format
        mermaid (for Markdown), dot (for Graphviz) or svg (for a browser). Else what the name given with --out
        ends in says; else mermaid.
    out
        A file for the drawing; standard output unless it is given.
    placement
        Instead of the drawing: which network function runs on which worker, and the rings between them.
    workers
        With --placement: how many workers the run has.
    in_
        With --placement: the port packets come from; a capture is read by one worker, for all.
    reverse
        The port whose packets pass the network functions from the last to the first.
    """
    at_least("--workers", workers, 1)
    setup = read_chain(nfs)
    if placement:
        text = _placement(setup, workers, in_)
    else:
        graph = build_chain(list(setup.chain), reverse=reverse or setup.run.get("reverse"))
        ending = Path(out or "").suffix.removeprefix(".")
        text = draw(graph, format or (ending if ending in FORMATS else "mermaid"))
    if out is None or out == "-":
        print(text)
        return 0
    try:
        Path(out).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise WirebrickError(f"{out} can't be written: {error.strerror}", cure="name another file") from None
    print(out, file=sys.stderr)
    return 0


def _placement(setup: ChainFile, workers: int | None, source: str | None) -> str:
    """The plan of a run of this chain, as its chain file and the options say."""
    from wirebrick.ports.spec import open_port
    from wirebrick.runtime.placement import placement

    several = int(workers or setup.run.get("workers", 1))
    spec = source or setup.ports.get("in", "memory:")
    port = open_port(spec)
    try:
        spread = several > 1 and not port.splits(several)
    finally:
        port.close()
    return placement(build_chain(list(setup.chain), spread=spread), several, spread=spread)
