"""What DPDK logs: kept out of the terminal, and read when something fails: the reason stands there alone."""

from __future__ import annotations

import ctypes
import os
import re

_CHUNK = 1 << 16
_UNBUFFERED = 2  # _IONBF of Linux
# What follows from the line before it, or names a function of DPDK's.
_CONSEQUENCES = re.compile(r"Failed to attach device|Driver cannot attach the device|Failed to detach device")
_WHERE = re.compile(r"^(EAL|[A-Z_]+): |^\w+\(\): *")


class Log:
    """A pipe that DPDK writes its log into; when it is full, what comes is lost, and nothing waits."""

    def __init__(self) -> None:
        self._read, write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(write, False)
        libc = ctypes.CDLL(None)
        libc.fdopen.restype = ctypes.c_void_p
        self.stream = ctypes.c_void_p(libc.fdopen(write, b"w"))  # the C library's FILE
        libc.setvbuf(self.stream, None, _UNBUFFERED, ctypes.c_size_t(0))

    def take(self) -> str:
        """All that was logged since the last time."""
        parts = []
        try:
            while part := os.read(self._read, _CHUNK):
                parts.append(part)
        except BlockingIOError:
            pass
        return b"".join(parts).decode(errors="replace")


def reason(text: str) -> str:
    """The part of a log that says why something failed, in one line; empty where it doesn't say.

    >>> reason("open_pcap(): Couldn't open a.pcap: No such file\\nEAL: Driver cannot attach the device (net_pcap0)\\n")
    "Couldn't open a.pcap: No such file"
    """
    lines = [_WHERE.sub("", line).strip() for line in text.splitlines() if not _CONSEQUENCES.search(line)]
    return "; ".join(dict.fromkeys(line for line in lines if line))
