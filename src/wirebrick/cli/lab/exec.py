"""``wirebrick lab exec``: a program at a host."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter as Option

from wirebrick.errors import ParameterError
from wirebrick.lab.hosts import Hosts
from wirebrick.lab.manage import find_record
from wirebrick.lab.privileges import need_privileges


def exec_command(name: str, host: str, /, *command: Annotated[str, Option(allow_leading_hyphen=True)]) -> int:
    """Run a program at a host of a lab; the exit status is the program's. Needs root.

    Parameters
    ----------
    name
        The lab.
    host
        The host in it.
    command
        The program and its arguments, behind --.
    """
    if not command:
        raise ParameterError("exec: there is no command", cure=f"wirebrick lab exec {name} {host} -- ip addr")
    record = find_record(name)
    need_privileges()
    Hosts(record).become(host, command)
