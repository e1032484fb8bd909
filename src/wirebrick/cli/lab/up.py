"""``wirebrick lab up``: make a lab."""

from __future__ import annotations

from wirebrick.cli.options import Text
from wirebrick.lab.manage import up
from wirebrick.lab.shipped import find_topology


def up_command(topology: str, /, *, name: Text = None) -> int:
    """Make network namespaces and the links between them, and tell what to try next. Needs root.

    Parameters
    ----------
    topology
        The name of one that comes with Wirebrick (wirebrick lab list), or the path of a file, NAME.toml.
    name
        What the lab is called; else as its topology.
    """
    found = find_topology(topology)
    record = up(found, name or found.name)
    print(f"{record.name} is up: {', '.join(found.hosts)}. Next:")
    for command in (*found.commands, "wirebrick lab down {lab}"):
        print(f"  {command.replace('{lab}', record.name)}")
    return 0
