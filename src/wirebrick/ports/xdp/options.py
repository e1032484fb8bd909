"""What stands behind ``xdp:``: ``IF[@QUEUE][,option=value]...``.

>>> options = parse("xdp:eth0@2,mode=generic,kernel=arp or tcp port 22")
>>> options.interface, options.queue, options.mode, options.kernel
('eth0', 2, 'generic', 'arp or tcp port 22')
"""

from __future__ import annotations

from dataclasses import dataclass

from wirebrick.errors import PortError
from wirebrick.ports.options import Allowed, between, on_off, one_of, split_options

_FORM = "write xdp:IF or xdp:IF@QUEUE, with options behind it: xdp:eth0@1,mode=native"
_LEAST, _MOST = 64, 32768


@dataclass
class Options:
    """``queue``: the only one that is used; None: all. ``kernel``: a filter of what the kernel keeps."""

    interface: str
    queue: int | None = None
    mode: str = "auto"
    copy: bool = False
    ring: int = 1024  # more bridges longer pauses, but leaves the cache
    kernel: str = ""
    checksum: str = "auto"
    promisc: bool = True


def parse(spec: str) -> Options:
    """The options of a spec. Raises PortError."""
    name, given = split_options(spec, _ALLOWED)
    interface, at, queue = name.partition("@")
    if not interface or (at and not (queue.isascii() and queue.isdigit())):
        raise PortError(f"{spec}: names no {'queue' if interface else 'interface'}", cure=_FORM)
    return Options(interface, int(queue) if at else None, **given)


def _entries(text: str) -> int:
    size = between(_LEAST, _MOST)(text)
    if size & (size - 1):
        raise ValueError(text)
    return size


_ALLOWED: Allowed = {
    "mode": (one_of("auto", "native", "generic"), "auto, native or generic"),
    "copy": (on_off, "on (no zero-copy) or off (where the driver can)"),
    "ring": (_entries, f"entries of each ring, a power of two from {_LEAST} to {_MOST}"),
    "kernel": (str, "what the kernel keeps, in tcpdump's syntax"),
    "checksum": (one_of("auto", "complete", "keep"), "auto, complete or keep"),
    "promisc": (on_off, "on or off: frames for other stations too, or not"),
}
