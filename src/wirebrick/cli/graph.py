"""``wirebrick graph``: a drawing of a chain."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter as Option

from wirebrick.cli.chain import read_chain
from wirebrick.cli.options import Text
from wirebrick.errors import WirebrickError
from wirebrick.stream.draw import FORMATS, draw
from wirebrick.stream.network_function import build_chain


def graph_command(
    *nfs: str,
    format: Annotated[Literal["mermaid", "dot", "svg"] | None, Option(name=["--format", "-f"])] = None,
    out: Text = None,
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
    """
    graph = build_chain(list(read_chain(nfs).chain))
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
