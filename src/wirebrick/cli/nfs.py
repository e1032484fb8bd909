"""``wirebrick nfs``: the network functions that come with Wirebrick."""

from __future__ import annotations

import inspect
import json as json_module
import sys

from wirebrick.cli.tables import Table, show
from wirebrick.nf.load import library
from wirebrick.nf.parameters import parameters_of
from wirebrick.stream.network_function import NetworkFunction


def nfs_command(*, json: bool = False) -> int:
    """List the network functions that come with Wirebrick.

    Parameters
    ----------
    json
        Print one JSON object.
    """
    found = library()
    if json:
        listed = [
            {
                "name": name,
                "summary": headline(nf),
                "parameters": [parameter.name for parameter in parameters_of(nf)],
            }
            for name, nf in found.items()
        ]
        print(json_module.dumps({"nfs": listed}))
        return 0
    show([Table("", ["name", "what it does"], [[name, headline(nf)] for name, nf in found.items()])])
    if sys.stdout.isatty():
        print("\nwirebrick describe NAME tells more about one.")
    return 0


def headline(nf: NetworkFunction) -> str:
    """The first line of its man page."""
    return inspect.getdoc(nf.function).partition("\n")[0] if nf.function.__doc__ else ""  # type: ignore[union-attr]
