"""Chain files: a chain, its ports and how it is run, in TOML.

::

    [ports]                      # what --in, --out and --port say
    in  = "in.pcap"
    out = "out.pcap"

    [[chain]]                    # one for each NF, in the packets' order
    use   = "firewall"           # as on the command line: a name, or FILE.py:NAME
    rules = "acl.rules"          # its parameters
    workers = [0, 1]             # where it runs: packets are shuffled there by flow; else they stay where they are

    [run]                        # what the options of the same names say
    workers = 1
    filter  = "ip"

Python files of NFs and files that parameters name are first looked for beside the chain file; everything else
is relative to the folder the command runs in. Options of the command line come before what the file says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wirebrick.errors import ParameterError, WirebrickError
from wirebrick.nf.load import load_nf
from wirebrick.stream.network_function import Configured
from wirebrick.toml_file import TomlFile

RUN: dict[str, tuple[type, ...]] = {
    "workers": (int,),
    "poll": (str,),
    "burst": (int,),
    "reverse": (str,),
    "duration": (int, float),
    "count": (int,),
    "interpret": (bool,),
    "filter": (str,),
}
_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
_SECTIONS = ("ports", "chain", "run")


@dataclass
class ChainFile:
    """What a chain file says: the NFs, ports by name, options of ``run``."""

    chain: list[Configured]
    ports: dict[str, str] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)


def read_chain_file(name: str) -> ChainFile:
    """Read a chain file. Raises ParameterError, with the line, for everything that is wrong with it."""
    file = TomlFile(name, "a chain file")
    reader = _Reader(file)
    file.known(file.data, _SECTIONS, "")
    ports = reader.ports(file.section("ports", dict, "[ports]"))
    run = reader.run(file.section("run", dict, "[run]"))
    chain = file.section("chain", list, "[[chain]]")
    if not chain:
        raise ParameterError(f"{name} names no NF", cure='write [[chain]] and use = "ttl" below it')
    return ChainFile([reader.nf(number, entry) for number, entry in enumerate(chain)], ports, run)


class _Reader:
    """Checks the parts of a file."""

    def __init__(self, file: TomlFile) -> None:
        self._file = file
        self._folder = Path(file.name).parent

    def ports(self, data: dict[str, Any]) -> dict[str, str]:
        """Ports by name."""
        for key, value in data.items():
            if not isinstance(value, str):
                raise ParameterError(
                    f"the port {key} is {value!r}, not a text",
                    place=self._file.place("ports", key),
                    cure=f'write {key} = "in.pcap", for example',
                )
        return dict(data)

    def run(self, data: dict[str, Any]) -> dict[str, Any]:
        """Options of the command ``run``."""
        self._file.known(data, RUN, "run")
        for key, value in data.items():
            if type(value) not in RUN[key]:
                raise ParameterError(
                    f"{key} = {value!r} is not {_KINDS[RUN[key][-1]]}", place=self._file.place("run", key)
                )
        return data

    def nf(self, number: int, entry: Any) -> Configured:
        """The NF of one ``[[chain]]``, configured."""
        if not isinstance(entry, dict) or not isinstance(entry.get("use"), str):
            raise ParameterError(
                f"[[chain]] number {number + 1} does not say which NF",
                place=self._file.place("chain", "use", number),
                cure='write use = "ttl", for example',
            )
        values = {key: value for key, value in entry.items() if key not in ("use", "workers")}
        try:
            nf = self._beside(load_nf(self._use(entry["use"]), values), values)
            return nf.on(*self._workers(entry["workers"], number)) if "workers" in entry else nf
        except WirebrickError as error:
            if error.place is None:  # an error of the user's own file has the better place
                told = (key for key in values if re.search(rf"\b{re.escape(key)}\b", error.message))
                error.place = self._file.place("chain", next(told, "use"), number)
            raise

    def _workers(self, value: Any, number: int) -> list[int]:
        """The workers that an NF is placed on."""
        if isinstance(value, list) and value and all(type(one) is int and one >= 0 for one in value):
            return value
        raise ParameterError(
            f"workers = {value!r} does not say where the NF runs",
            place=self._file.place("chain", "workers", number),
            cure="list them by number, from 0: workers = [0, 1]",
        )

    def _use(self, text: str) -> str:
        """The NF's name, with the path of its file as seen from here."""
        path, suffix, rest = text.partition(".py")
        beside = self._folder / f"{path}.py"
        return f"{beside}{rest}" if suffix and beside.is_file() else text

    def _beside(self, nf: Configured, values: dict[str, Any]) -> Configured:
        """The same, with the paths among ``values`` that lie beside the chain file."""
        for key in values:
            value = nf.parameters.get(key)
            if isinstance(value, Path) and (self._folder / value).exists():
                nf.parameters[key] = self._folder / value
        return nf
