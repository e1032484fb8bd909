"""What stands behind ``xdp:``: ``IF[@QUEUE][,option=value]...``.

>>> parse("xdp:eth0@2,mode=generic,kernel=arp or tcp port 22")
Options(interface='eth0', queue=2, mode='generic', copy=False, ring=2048, kernel='arp or tcp port 22', checksum='auto')
>>> parse("xdp:eth0,mod=native")
Traceback (most recent call last):
wirebrick.errors.PortError: 'xdp:eth0,mod=native': there is no option 'mod'
  help: did you mean 'mode'? There are: mode, copy, ring, kernel, checksum
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wirebrick.errors import PortError
from wirebrick.ports.suggest import did_you_mean

FORM = "write xdp:IF or xdp:IF@QUEUE, with options behind it: xdp:eth0@1,mode=native"
MODES = "auto", "native", "generic"
CHECKSUMS = "auto", "complete", "keep"
RINGS = tuple(1 << bits for bits in range(6, 16))
_NEXT = re.compile(r",(?=[a-z]+=)")  # a filter may have commas in it


@dataclass
class Options:
    """``queue``: the only one that is used; None: all. ``kernel``: a filter of what the kernel keeps."""

    interface: str
    queue: int | None = None
    mode: str = "auto"
    copy: bool = False
    ring: int = 2048
    kernel: str = ""
    checksum: str = "auto"


def parse(spec: str) -> Options:
    """The options of a spec. Raises PortError."""
    name, *rest = _NEXT.split(spec.removeprefix("xdp:"))
    interface, at, queue = name.partition("@")
    if not interface or (at and not queue.isdigit()):
        raise PortError(f"{spec!r}: names no {'queue' if interface else 'interface'}", cure=FORM)
    if "," in interface:
        raise PortError(f"{spec!r}: {name.partition(',')[2]!r} is no option", cure=FORM)
    found = Options(interface, int(queue) if at else None)
    for option in rest:
        key, _, value = option.partition("=")
        if key == "mode":
            found.mode = _one_of(spec, key, value, MODES)
        elif key == "copy":
            found.copy = _one_of(spec, key, value, ("auto", "yes")) == "yes"
        elif key == "ring":
            found.ring = int(_one_of(spec, key, value, tuple(map(str, RINGS))))
        elif key == "kernel":
            found.kernel = value
        elif key == "checksum":
            found.checksum = _one_of(spec, key, value, CHECKSUMS)
        else:
            names = ("mode", "copy", "ring", "kernel", "checksum")
            raise PortError(f"{spec!r}: there is no option {key!r}", cure=did_you_mean(key, names))
    return found


def _one_of(spec: str, key: str, value: str, values: tuple[str, ...]) -> str:
    if value not in values:
        raise PortError(f"{spec!r}: {key}={value} is not right", cure=f"it is one of {', '.join(values)}")
    return value
