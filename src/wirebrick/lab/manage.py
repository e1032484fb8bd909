"""Labs are made and removed, whatever happened before: nothing is touched that no lab made."""

from __future__ import annotations

import re

from wirebrick.errors import LabError, ParameterError
from wirebrick.lab.build import build
from wirebrick.lab.namespace import Namespace, make, remove
from wirebrick.lab.privileges import need_privileges
from wirebrick.lab.processes import end, processes_in
from wirebrick.lab.record import Record, locked, read_record, records, started
from wirebrick.lab.topology import Topology
from wirebrick.ports.suggest import did_you_mean

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,30}")


def up(topology: Topology, name: str, owner: int | None = None) -> Record:
    """Make a lab; ``owner`` is the process that it ends with. Removes first what a killed ``up`` left of it.

    Raises ParameterError for a name that can't be one, LabError for what is in the way; nothing is left then.
    """
    if not _NAME.fullmatch(name):
        cure = "use small letters, digits, - and _, 31 at most: --name NAME"
        raise ParameterError(f"{name!r} can't be the name of a lab", cure=cure)
    need_privileges()
    with locked():
        old = read_record(name)
        if old and old.complete and not old.left_over:
            cure = (
                f"take it down first, wirebrick lab down {name}; or give this one another name, --name NAME"
            )
            raise LabError(f"the lab {name} is {'up already' if old.state == 'up' else old.state}", cure=cure)
        if old:
            _remove(old, kill=old.left_over)
        since = started(owner) if owner is not None else None
        record = Record(name, topology.name, topology.text, (owner, since) if owner and since else None)
        try:
            _make(topology, record)
        except BaseException:
            _remove(record, kill=False)
            raise
    return record


def down(name: str, *, kill: bool = False) -> list[str]:
    """Remove a lab. Returns the names of namespaces that are left alone: others have made them since.

    Raises ParameterError where there is none of that name, LabError where something runs in it and ``kill`` is
    false: a namespace without a name would live on with its processes.
    """
    need_privileges()
    with locked():
        return _remove(find_record(name), kill=kill)


def find_record(name: str) -> Record:
    """What there is of a lab. Raises ParameterError where there is none of that name."""
    record = read_record(name) if _NAME.fullmatch(name) else None
    if record is None:
        names = [one.name for one in records()]
        cure = did_you_mean(name, names) if names else "none is up; wirebrick lab up pair makes one"
        raise ParameterError(f"there is no lab {name!r}", cure=cure)
    return record


def remove_leftovers() -> list[str]:
    """Remove the labs whose process was killed before it could; returns their names."""
    gone = []
    for name in [record.name for record in records() if record.left_over]:
        with locked():
            record = read_record(name)
            if record and record.left_over:  # still: another process may have been quicker
                _remove(record, kill=True)
                gone.append(name)
    return gone


def _make(topology: Topology, record: Record) -> None:
    record.write()
    for host in topology.hosts:

        def keep(made: Namespace, host: str = host) -> None:
            record.namespaces[host] = made
            record.write()

        try:
            make(f"wb-{record.name}-{host}", keep)
        except OSError as error:
            cure = (
                "in a container, start that with --privileged" if isinstance(error, PermissionError) else ""
            )
            raise LabError(f"the namespace of {host} can't be made: {error}", cure=cure) from error
    build(topology, record.namespaces)
    record.complete = True
    record.write()


def _remove(record: Record, *, kill: bool) -> list[str]:
    running = end(record.namespaces) if kill else processes_in(record.namespaces)
    if running:
        listed = "\n".join(f"    {one.host}  {one.pid}  {one.command}" for one in running)
        cure = "end them, and then the lab: wirebrick lab down --kill does both"
        raise LabError(f"programs run in the lab {record.name}:\n{listed}", cure=cure)
    alone = [one.name for one in record.namespaces.values() if not remove(one)]
    record.forget()
    return alone
