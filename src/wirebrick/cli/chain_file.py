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
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wirebrick.errors import ParameterError, Place, WirebrickError
from wirebrick.nf.load import load_nf
from wirebrick.ports.suggest import did_you_mean
from wirebrick.stream.network_function import Configured

RUN: dict[str, tuple[type, ...]] = {
    "workers": (int,),
    "poll": (str,),
    "duration": (int, float),
    "count": (int,),
    "interpret": (bool,),
    "filter": (str,),
}
_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
_SECTIONS = ("ports", "chain", "run")
_AT = re.compile(r" \(at line (\d+), column (\d+)\)$")
_HEADING = re.compile(r"\s*\[\[?\s*([^\]\s]+)\s*\]")


@dataclass
class ChainFile:
    """What a chain file says: the NFs, ports by name, options of ``run``."""

    chain: list[Configured]
    ports: dict[str, str] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)


def read_chain_file(name: str) -> ChainFile:
    """Read a chain file. Raises ParameterError, with the line, for everything that is wrong with it."""
    path = Path(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        cure = "give the path of a chain file"
        raise ParameterError(f"{name} can't be read: {reason}", cure=cure) from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        place = Place(name, int(found[1]), int(found[2])) if found else Place(name, text.count("\n") + 1)
        raise ParameterError(_AT.sub("", str(error)), place=place) from None
    reader = _Reader(name, text)
    reader.known(data, _SECTIONS, "", 0)
    ports = reader.ports(reader.section(data, "ports", dict, "[ports]"))
    run = reader.run(reader.section(data, "run", dict, "[run]"))
    chain = reader.section(data, "chain", list, "[[chain]]")
    if not chain:
        raise ParameterError(f"{name} names no NF", cure='write [[chain]] and use = "ttl" below it')
    return ChainFile([reader.nf(number, entry) for number, entry in enumerate(chain)], ports, run)


class _Reader:
    """Checks the parts of a file, and knows at which line they are."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._lines = text.splitlines()
        self._folder = Path(name).parent

    def section(self, data: dict[str, Any], name: str, kind: type, heading: str) -> Any:
        """A section, empty where there is none. Raises ParameterError where it is something else."""
        value = data.get(name, kind())
        if not isinstance(value, kind):
            raise ParameterError(f"{name} is a section: write {heading}", place=self._place(name, name, 0))
        return value

    def known(self, data: dict[str, Any], names: Any, section: str, number: int) -> None:
        """Raise ParameterError for a key that is not one of ``names``."""
        for key in data:
            if key not in names:
                where = f" in [{section}]" if section else ""
                raise ParameterError(
                    f"there is no {key!r}{where}",
                    place=self._place(section or key, key, number),
                    cure=did_you_mean(key, names),
                )

    def ports(self, data: dict[str, Any]) -> dict[str, str]:
        """Ports by name."""
        for key, value in data.items():
            if not isinstance(value, str):
                raise ParameterError(
                    f"the port {key} is {value!r}, not a text",
                    place=self._place("ports", key, 0),
                    cure=f'write {key} = "in.pcap", for example',
                )
        return dict(data)

    def run(self, data: dict[str, Any]) -> dict[str, Any]:
        """Options of the command ``run``."""
        self.known(data, RUN, "run", 0)
        for key, value in data.items():
            if type(value) not in RUN[key]:
                raise ParameterError(
                    f"{key} = {value!r} is not {_KINDS[RUN[key][-1]]}", place=self._place("run", key, 0)
                )
        return data

    def nf(self, number: int, entry: Any) -> Configured:
        """The NF of one ``[[chain]]``, configured."""
        if not isinstance(entry, dict) or not isinstance(entry.get("use"), str):
            raise ParameterError(
                f"[[chain]] number {number + 1} does not say which NF",
                place=self._place("chain", "use", number),
                cure='write use = "ttl", for example',
            )
        values = {key: value for key, value in entry.items() if key not in ("use", "workers")}
        try:
            nf = self._beside(load_nf(self._use(entry["use"]), values), values)
            return nf.on(*self._workers(entry["workers"], number)) if "workers" in entry else nf
        except WirebrickError as error:
            if error.place is None:  # an error of the user's own file has the better place
                told = (key for key in values if re.search(rf"\b{re.escape(key)}\b", error.message))
                error.place = self._place("chain", next(told, "use"), number)
            raise

    def _workers(self, value: Any, number: int) -> list[int]:
        """The workers that an NF is placed on."""
        if isinstance(value, list) and value and all(type(one) is int and one >= 0 for one in value):
            return value
        raise ParameterError(
            f"workers = {value!r} does not say where the NF runs",
            place=self._place("chain", "workers", number),
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

    def _place(self, section: str, key: str, number: int) -> Place:
        """The line of ``key`` in the ``number``-th section of a name, or of its heading."""
        seen, at, inside = -1, 1, False
        for line, text in enumerate(self._lines, 1):
            heading = _HEADING.match(text)
            if heading:
                inside = heading[1] == section
                seen += inside
                if inside and seen == number:
                    at = line
            is_key = re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", text)
            if is_key and ((inside and seen == number) or seen < 0):
                return Place(self._name, line, len(text) - len(text.lstrip()) + 1)
        return Place(self._name, at)
