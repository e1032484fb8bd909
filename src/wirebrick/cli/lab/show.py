"""``wirebrick lab show``: a topology, and what there is of it."""

from __future__ import annotations

from wirebrick.cli.tables import Table, show
from wirebrick.lab.look import interfaces_in
from wirebrick.lab.manage import find_record
from wirebrick.lab.privileges import missing_capabilities
from wirebrick.lab.processes import processes_in
from wirebrick.lab.record import Record, read_record
from wirebrick.lab.shipped import find_topology, shipped


def show_command(name: str, /) -> int:
    """Show a lab's topology file, its interfaces and what runs in it.

    Parameters
    ----------
    name
        A lab that is up, or a topology that comes with Wirebrick.
    """
    if name in shipped() and read_record(name) is None:
        show([find_topology(name).text.rstrip(), f"It is not up: wirebrick lab up {name}"])
        return 0
    record = find_record(name)
    parts = [record.text.rstrip(), f"{name} is {record.state}."]
    if missing_capabilities():
        show([*parts, "Only root sees its interfaces."])
        return 0
    show([*parts, *_tables(record)])
    return 0


def _tables(record: Record) -> list[Table]:
    names = ["host", "namespace", "interface", "MAC address", "MTU", "state", "addresses"]
    there = {host: one for host, one in record.namespaces.items() if one.exists()}
    interfaces = [
        [host, space.name, one.name, one.mac, one.mtu, "up" if one.up else "down", " ".join(one.addresses)]
        for host, space in there.items()
        for one in interfaces_in(space)
        if one.name != "lo"
    ]
    running = [[one.host, one.pid, one.command] for one in processes_in(record.namespaces)]
    return [
        Table("Interfaces", names, interfaces, grouped=()),
        Table("Programs", ["host", "process", "command"], running, grouped=()),
    ]
