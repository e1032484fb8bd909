"""``wirebrick lab list``: the labs there are, and those that can be made."""

from __future__ import annotations

import json as json_module

from wirebrick.cli.tables import Table, show
from wirebrick.lab.record import records
from wirebrick.lab.shipped import find_topology, shipped


def list_command(*, json: bool = False) -> int:
    """List the labs that are up, and the topologies that come with Wirebrick.

    Parameters
    ----------
    json
        Print one JSON object.
    """
    labs = records()
    topologies = [find_topology(name) for name in shipped()]
    if json:
        told = {
            "labs": [
                {
                    "name": one.name,
                    "topology": one.topology,
                    "state": one.state,
                    "process": one.owner[0] if one.owner else None,
                    "hosts": {host: space.name for host, space in one.namespaces.items()},
                }
                for one in labs
            ],
            "topologies": [
                {"name": one.name, "summary": one.summary, "hosts": list(one.hosts)} for one in topologies
            ],
        }
        print(json_module.dumps(told))
        return 0
    made = [[one.name, one.topology, one.state, ", ".join(one.namespaces)] for one in labs]
    known = [[one.name, ", ".join(one.hosts), one.summary] for one in topologies]
    show(
        [
            Table("Labs", ["name", "topology", "state", "hosts"], made) if made else "No lab is up.",
            Table("Topologies", ["name", "hosts", "what it is"], known),
        ]
    )
    return 0
