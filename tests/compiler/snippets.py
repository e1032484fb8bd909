"""User functions from text: written into a file, loaded as users' files are, and run both ways."""

from __future__ import annotations

import importlib.util
import itertools
import sys
import textwrap
from pathlib import Path

import pytest

import wirebrick
from wirebrick.errors import CheckError, WirebrickError

PRELUDE = """\
import enum, functools, ipaddress, math
from wirebrick import *
from wirebrick.fields import *
from wirebrick.headers import *
"""
FIRST = PRELUDE.count("\n") + 1  # the line of a snippet's beginning
IPV4 = bytes.fromhex("4500001c000000004011b85c0a0000010a000002 04d2003500080000")
PACKETS = [
    bytes(range(1, 13)) + b"\x08\x00" + IPV4 + bytes(18),
    bytes(range(1, 13)) + b"\x08\x00" + IPV4 + bytes(range(90)),
    bytes(range(1, 13)) + b"\x86\xdd" + bytes(range(200)),
]
_numbers = itertools.count()


def load(folder: Path, text: str):
    """A module of its own from ``text``."""
    name = f"snippet_{next(_numbers)}"
    path = folder / f"{name}.py"
    path.write_text(PRELUDE + text)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def nf_text(body: str, before: str = "", operator: str = "transform", parse: str = ".parse(Ethernet)") -> str:
    """An NF whose function has ``body``: its first line is FIRST + 1 plus the lines of ``before``."""
    lines = textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
    end = f"@network_function\ndef nf(packets):\n    return packets{parse}.{operator}(work)\n"
    return f"{before}def work(packet):\n{lines}\n{end}"


def run_both(nf, count: int = len(PACKETS)) -> tuple[object, object]:
    """Totals, interpreted and compiled, of the first ``count`` packets."""
    found = []
    for interpret in (True, False):
        result = wirebrick.run(nf, rx=PACKETS[:count], ports={"mirror": "null:"}, interpret=interpret)
        found.append((result.packets, result.drops, result.packets_copied))
    return found[0], found[1]


def same(folder: Path, text: str, count: int = len(PACKETS)) -> tuple[list[bytes], dict[str, int], int]:
    """Run interpreted and compiled; assert that both do the same."""
    interpreted, compiled = run_both(load(folder, text).nf, count)
    assert compiled == interpreted
    return compiled


def refused(folder: Path, text: str) -> WirebrickError:
    """The error that an NF is refused with, interpreted and compiled."""
    nf = load(folder, text).nf
    errors = []
    for interpret in (True, False):
        with pytest.raises(CheckError) as caught:
            wirebrick.run(nf, rx=PACKETS, ports={"mirror": "null:"}, interpret=interpret)
        errors.append(str(caught.value))
    assert errors[0] == errors[1]
    return caught.value
