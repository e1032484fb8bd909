"""The file with a NAT's static mappings and port forwards, one a line.

=============================================================== ====================================================
line                                                            meaning
=============================================================== ====================================================
``forward tcp 203.0.113.1:8080 to 10.0.0.5:80``                 a port of an external address leads to an inside one
``forward udp 203.0.113.1:5000-5010 to 10.0.0.6:5000-5010``     as many ports, in order
``forward tcp 203.0.113.1:443 to 10.0.0.5``                     the same port inside
``static 203.0.113.7 to 10.0.0.7``                              a whole address, all ports and both ways
=============================================================== ====================================================

``#`` starts a comment. What comes from inside leaves as the endpoint that leads to it; where several do, as the first.
"""

from __future__ import annotations

import ipaddress
import linecache
import re
from pathlib import Path
from typing import NoReturn

from wirebrick.errors import ParameterError
from wirebrick.nf.firewall.words import Line
from wirebrick.ports.suggest import did_you_mean
from wirebrick.state.bindings_layout import TCP, UDP
from wirebrick.state.static_mappings import Static
from wirebrick.state.static_mappings_native import ANY

PROTOCOLS = {"tcp": TCP, "udp": UDP}
LARGEST_FILE = 4 << 20


def parse_forwards(text: str, *, file: str = "<forwards>") -> list[Static]:
    """The mappings that a text has. Raises ParameterError for the first line that is wrong.

    >>> parse_forwards("forward tcp 203.0.113.1:8080 to 10.0.0.5:80")
    [Static(protocol=0, external=3405803777, external_port=8080, inside=167772165, inside_port=80)]
    >>> parse_forwards("forward tcp 203.0.113.1:0 to 10.0.0.5:80", file="nat.conf")
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: nat.conf:1:13: '203.0.113.1:0' is no address with a port
      help: write 203.0.113.1:80 or 203.0.113.1:8000-8010
    """
    found: list[Static] = []
    lines: dict[tuple[int, int, int], int] = {}
    for number, source in enumerate(text.splitlines(), start=1):
        line = Line(source, file, number)
        if not line.words:
            continue
        for mapping in _parse(line):
            end = (mapping.protocol, mapping.external, mapping.external_port)
            for other in (end, (ANY, mapping.external, 0)):
                if other in lines:
                    _refuse(
                        line,
                        _external_word(line),
                        f"{_named(mapping)} already leads elsewhere by line {lines[other]}",
                        "leave one of the two out",
                    )
            lines[end] = number
            found.append(mapping)
    return found


def load_forwards(path: Path) -> list[Static]:
    """Parse a file. Raises ParameterError where it can't be read, or has errors.

    >>> load_forwards(Path("/nowhere/nat.conf"))
    Traceback (most recent call last):
    wirebrick.errors.ParameterError: nat: forwards=/nowhere/nat.conf can't be read: No such file or directory
      help: give a file with lines such as 'forward tcp 203.0.113.1:8080 to 10.0.0.5:80'
    """
    cure = "give a file with lines such as 'forward tcp 203.0.113.1:8080 to 10.0.0.5:80'"
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or error
        raise ParameterError(f"nat: forwards={path} can't be read: {reason}", cure=cure) from None
    except UnicodeDecodeError:
        raise ParameterError(f"nat: forwards={path} is not UTF-8 text", cure=cure) from None
    if len(content) > LARGEST_FILE:
        raise ParameterError(f"nat: forwards={path} is larger than {LARGEST_FILE >> 20} MiB", cure=cure)
    linecache.checkcache(str(path))  # an error shows the line; what an earlier reading left may be old
    return parse_forwards(text, file=str(path))


def _parse(line: Line) -> list[Static]:
    kind = line.words[0].text
    if kind == "forward":
        return _forward(line)
    if kind == "static":
        return _static(line)
    return _refuse(
        line,
        0,
        f"a line starts with forward or static, not with {kind!r}",
        did_you_mean(kind, ("forward", "static")),
    )


def _forward(line: Line) -> list[Static]:
    words = [word.text for word in line.words]
    if len(words) < 2 or words[1] not in PROTOCOLS:
        _refuse(line, 1, "a forward names its protocol", "write forward tcp ... or forward udp ...")
    _shape(line, 3, "forward tcp 203.0.113.1:8080 to 10.0.0.5:80")
    external, low, high = _ports(line, 2)
    if ":" in words[4]:
        inside, first, last = _ports(line, 4)
    else:
        inside, first, last = _address(line, 4, words[4]), low, high
    if last - first != high - low:
        _refuse(
            line,
            4,
            f"{high - low + 1} ports outside lead to {last - first + 1} inside",
            "name as many on both sides, or none inside where they are the same",
        )
    protocol = PROTOCOLS[words[1]]
    return [Static(protocol, external, low + n, inside, first + n) for n in range(high - low + 1)]


def _static(line: Line) -> list[Static]:
    _shape(line, 2, "static 203.0.113.7 to 10.0.0.7")
    external, inside = (_address(line, at, line.words[at].text) for at in (1, 3))
    return [Static(ANY, external, 0, inside, 0)]


def _shape(line: Line, to: int, example: str) -> None:
    words = line.words
    if len(words) <= to or words[to].text != "to":
        _refuse(line, min(to, len(words)), "here 'to' should stand", f"write {example}")
    if len(words) != to + 2:
        at = min(to + 2, len(words))
        _refuse(line, at, "here one endpoint should stand, and then nothing", f"write {example}")


def _address(line: Line, at: int, text: str) -> int:
    try:
        address = int(ipaddress.IPv4Address(text))
    except ValueError:
        return _refuse(line, at, f"{text!r} is no IPv4 address", "write it as 203.0.113.1")
    if address == 0 or address >= 0xE0000000:
        _refuse(line, at, f"{text} is no host's address", "give a unicast address")
    return address


def _ports(line: Line, at: int) -> tuple[int, int, int]:
    """The address and the first and last port."""
    text = line.words[at].text
    address, _, ports = text.partition(":")
    found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", ports)
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 0 < low <= high < 65536:
        _refuse(
            line, at, f"{text!r} is no address with a port", "write 203.0.113.1:80 or 203.0.113.1:8000-8010"
        )
    return _address(line, at, address), low, high


def _refuse(line: Line, at: int, message: str, cure: str) -> NoReturn:
    """Raise ParameterError at a word, or behind the last one."""
    raise line.error(line.words[at] if at < len(line.words) else line.end, message, cure)


def _external_word(line: Line) -> int:
    return 2 if line.words[0].text == "forward" else 1


def _named(mapping: Static) -> str:
    address = ipaddress.IPv4Address(mapping.external)
    return str(address) if mapping.protocol == ANY else f"{address}:{mapping.external_port}"
