"""Topologies that come with Wirebrick, and those of files."""

from __future__ import annotations

from pathlib import Path

from wirebrick.errors import ParameterError
from wirebrick.lab.topology import Topology
from wirebrick.lab.topology_file import read_topology
from wirebrick.ports.suggest import did_you_mean


def shipped() -> dict[str, Path]:
    """The files of the topologies that come with Wirebrick, by name.

    >>> [name for name in shipped() if name.startswith("pa")]
    ['pair']
    """
    return {path.stem: path for path in sorted((Path(__file__).parent / "topologies").glob("*.toml"))}


def find_topology(text: str | Path) -> Topology:
    """A topology by its name, or by the path of its file. Raises ParameterError where there is none.

    >>> find_topology("farm").interfaces("box")
    ['left', 'one', 'two', 'three']
    """
    known = shipped()
    if text in known:
        return read_topology(str(known[str(text)]))
    if isinstance(text, str) and not text.endswith(".toml"):
        cure = f"{did_you_mean(text, known)}; or give the path of a file, NAME.toml"
        raise ParameterError(f"there is no topology {text!r}", cure=cure)
    return read_topology(str(text))
