"""``wirebrick describe``: a network function's man page."""

from __future__ import annotations

import inspect
import json as json_module
from typing import Any

from wirebrick.cli.chain import ports_of
from wirebrick.cli.find import find_nf
from wirebrick.cli.nfs import headline
from wirebrick.cli.tables import Table, show
from wirebrick.errors import WirebrickError
from wirebrick.nf.load import load_nf
from wirebrick.nf.parameters import Parameter, parameters_of
from wirebrick.stream.network_function import build_chain


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
    page = inspect.getdoc(found.function) or ""
    parameters = [_parameter(parameter) for parameter in parameters_of(found)]
    reasons = _reasons(nf)
    if json:
        described = {"name": found.name, "summary": headline(found), "man_page": page}
        print(json_module.dumps({**described, "parameters": parameters, "drop_reasons": reasons}))
        return 0
    rows = [
        [one["name"], one["type"], "must be given" if one["required"] else str(one["default"])]
        for one in parameters
    ]
    if reasons is None:
        last = f"drop reasons: known with its parameters (wirebrick describe {found.name}:NAME=VALUE)"
    else:
        last = f"drop reasons: {', '.join(reasons) or 'none'}"
    title = f"{found.name}: {page}" if page else f"{found.name}: it has no docstring"
    show([title, Table("Parameters", ["name", "type", "default"], rows), last])
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


def _reasons(text: str) -> list[str] | None:
    """Its drop reasons; None where it can't be built like this: parameters are missing, or it is wrong."""
    from wirebrick.compiler.check import check_graph

    try:
        graph = build_chain([load_nf(text)])
        parts = check_graph(graph, ports_of(graph))
    except WirebrickError:
        return None
    return list(dict.fromkeys(reason for part in parts for reason in part.reasons))
