"""``wirebrick describe``: a network function's man page."""

from __future__ import annotations

import inspect
import json as json_module
from typing import Any

from wirebrick.cli.chain import ports_of
from wirebrick.cli.nfs import headline
from wirebrick.cli.tables import Table, show
from wirebrick.errors import WirebrickError
from wirebrick.nf.load import find_nf
from wirebrick.nf.parameters import Parameter, parameters_of
from wirebrick.stream.network_function import Configured, build_chain


def describe_command(nf: str, *, json: bool = False) -> int:
    """Show a network function's man page, its parameters with types and defaults, and its drop reasons.

    Parameters
    ----------
    nf
        A name (ttl), a file (my_nf.py), or one of several in a file (my_nf.py:limiter).
    json
        Print one JSON object.
    """
    found = find_nf(nf)
    page = inspect.getdoc(found.nf.function) or ""
    parameters = [_parameter(parameter) for parameter in parameters_of(found.nf)]
    reasons = _reasons(found)
    if json:
        described = {"name": found.nf.name, "summary": headline(found.nf), "man_page": page}
        print(json_module.dumps({**described, "parameters": parameters, "drop_reasons": reasons}))
        return 0
    rows = [[p["name"], p["type"], "must be given" if p["required"] else str(p["default"])] for p in parameters]
    show(
        [
            f"{found.nf.name}: {page}" if page else f"{found.nf.name}: it has no docstring",
            Table("Parameters", ["name", "type", "default"], rows),
            f"drops with: {', '.join(reasons) or 'nothing'}" if reasons is not None else "",
        ]
    )
    return 0


def _parameter(parameter: Parameter) -> dict[str, Any]:
    default = None if parameter.required else parameter.default
    plain = default if default is None or isinstance(default, int | float | str) else str(default)
    return {
        "name": parameter.name,
        "type": parameter.allowed,
        "required": parameter.required,
        "default": plain,
    }


def _reasons(nf: Configured) -> list[str] | None:
    """Its drop reasons; None where it can't be built as it is: parameters are missing, or it has a mistake."""
    from wirebrick.compiler.check import check_graph

    try:
        graph = build_chain([nf])
        return list(dict.fromkeys(reason for part in check_graph(graph, ports_of(graph)) for reason in part.reasons))
    except (WirebrickError, TypeError):
        return None
