"""``wirebrick check``: is each network function isolated, and what may it touch?"""

from __future__ import annotations

import json as json_module
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from wirebrick.cli.chain import is_chain_file, named_ports, ports_of, read_chain
from wirebrick.cli.find import nfs_of
from wirebrick.cli.main import FAILED, tell
from wirebrick.cli.options import Texts
from wirebrick.cli.tables import Table, show
from wirebrick.errors import CheckError, GraphError, HeaderError, ParameterError
from wirebrick.stream.network_function import Configured, build_chain

if TYPE_CHECKING:
    from wirebrick.compiler.check import Footprint


def check_command(*nfs: str, port: Texts = (), json: bool = False) -> int:
    """Check network functions: unique packets, allowed Python, bounds, types; and print what each may touch.

    Nothing is run. The exit status is 1 where a network function does not pass.

    Parameters
    ----------
    nfs
        Network functions (ttl, firewall:rules=acl.rules), Python files (all network functions in them are
        checked), or a chain file.
    port
        NAME or NAME=PORT: a port that the run will have, besides in and out. May be given several times.
    json
        Print one JSON object.
    """
    named = list(named_ports(port, "null:"))
    chains, extra = _chains(nfs)
    footprints: list[Footprint] = []
    errors: list[str] = []
    for chain in chains:
        try:
            footprints += _check(chain, [*named, *extra])
        except (CheckError, GraphError, HeaderError) as error:
            errors.append(str(error))
    if json:
        print(json_module.dumps({"nfs": [asdict(found) for found in footprints], "errors": errors}))
    else:
        show([Table(f"{found.nf}: passes", [], _rows(found)) for found in footprints])
    for text in [*(f"warning: {text}" for found in footprints for text in found.remarks), *errors]:
        tell(text)
    return FAILED if errors else 0


def _chains(nfs: tuple[str, ...]) -> tuple[list[list[Configured]], list[str]]:
    """What is checked together: a chain file as a whole, other NFs one by one; and the ports of the file."""
    if not nfs:
        raise ParameterError("check: nothing is named", cure="name network functions, or their Python files")
    if any(is_chain_file(text) for text in nfs):
        setup = read_chain(nfs)
        return [setup.chain], list(setup.ports)
    return [[nf] for text in nfs for nf in nfs_of(text)], []


def _check(chain: list[Configured], named: list[str]) -> list[Footprint]:
    from wirebrick.compiler.check import check_graph

    graph = build_chain(list(chain))
    return check_graph(graph, list(dict.fromkeys([*ports_of(graph), *named])))


def _rows(found: Footprint) -> list[list[Any]]:
    """A footprint as facts."""

    def names(values: list[str]) -> str:
        return ", ".join(values) or "nothing"

    can = {"drop": found.can_drop, "send": found.can_send, "copy": found.can_copy, "make": found.can_make}
    return [
        ["reads", names(found.reads)],
        ["writes", names(found.writes)],
        ["state", names(found.state)],
        ["ports", names(found.ports)],
        ["can", names([verb for verb, allowed in can.items() if allowed])],
        ["drops with", names(found.reasons)],
        ["operators", " > ".join(found.operators)],
    ]
