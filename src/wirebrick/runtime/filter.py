"""Filters in tcpdump's syntax, pcap-filter(7): libpcap compiles them, Wirebrick makes native code of that.

>>> [instruction.code for instruction in bpf("ip")]
[40, 21, 6, 6]
>>> bpf("ip and and")
Traceback (most recent call last):
wirebrick.errors.ParameterError: the filter 'ip and and' is not right: ... syntax error
  help: it is tcpdump's syntax: man 7 pcap-filter
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from wirebrick.errors import ParameterError
from wirebrick.runtime.filter_native import filter_source

DLT_EN10MB = 1  # Ethernet, what every port brings
SNAPLEN = 262144  # tcpdump's: what a filter returns where it matches
NETMASK_UNKNOWN = 0xFFFFFFFF
_INSTALL = "on Debian and Ubuntu: apt-get install libpcap0.8; filters need it, nothing else does"


class Instruction(NamedTuple):
    """An instruction of classic BPF (McCanne and Jacobson, USENIX Winter 1993).

    Jumps count from the next one.
    """

    code: int
    jt: int
    jf: int
    k: int


class _Insn(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jt", ctypes.c_ubyte),
        ("jf", ctypes.c_ubyte),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint), ("instructions", ctypes.POINTER(_Insn)))


@cache
def _libpcap() -> Any:
    name = ctypes.util.find_library("pcap") or "libpcap.so.0.8"
    try:
        library = ctypes.CDLL(name)
    except OSError:
        raise ParameterError("filters need libpcap, which is not installed", cure=_INSTALL) from None
    library.pcap_open_dead.restype = ctypes.c_void_p
    library.pcap_open_dead.argtypes = [ctypes.c_int, ctypes.c_int]
    library.pcap_compile.argtypes = [
        ctypes.c_void_p,
        ctypes.POINTER(_Program),
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_uint32,
    ]
    library.pcap_geterr.restype = ctypes.c_char_p
    library.pcap_geterr.argtypes = [ctypes.c_void_p]
    library.pcap_freecode.argtypes = [ctypes.POINTER(_Program)]
    library.pcap_close.argtypes = [ctypes.c_void_p]
    return library


def bpf(expression: str) -> list[Instruction]:
    """What libpcap compiles ``expression`` to, for Ethernet frames.

    Raises ParameterError with libpcap's own text where the expression is wrong, and where libpcap is absent.
    """
    if "\0" in expression:
        raise ParameterError(f"the filter {expression!r} has a zero byte in it")
    library = _libpcap()
    handle = library.pcap_open_dead(DLT_EN10MB, SNAPLEN)
    if not handle:
        raise ParameterError("libpcap has no memory left for a filter")
    program = _Program()
    try:
        if library.pcap_compile(handle, ctypes.byref(program), expression.encode(), 1, NETMASK_UNKNOWN) < 0:
            said = library.pcap_geterr(handle).decode(errors="replace").strip()
            raise ParameterError(
                f"the filter {expression!r} is not right: {said}",
                cure="it is tcpdump's syntax: man 7 pcap-filter",
            )
        try:
            found = program.instructions[: program.length]
            return [Instruction(one.code, one.jt, one.jf, one.k) for one in found]
        finally:
            library.pcap_freecode(ctypes.byref(program))
    finally:
        library.pcap_close(handle)


def interpret_filter(expression: str) -> Callable[[int, int, int], int]:
    """``matches(data, length, wire)`` of ``compile_filter`` as a Python function. Raises ParameterError."""
    space: dict[str, Any] = {}
    exec(filter_source(bpf(expression)), space)
    matches: Callable[[int, int, int], int] = space["matches"]
    return matches


def compile_filter(expression: str) -> int:
    """Address of native ``matches(data, length, wire) -> int64``: 1 where the packet matches, else 0.

    ``data``: address of the first byte of an Ethernet frame; ``length``: bytes there are; ``wire``: bytes it
    had on the wire (``len`` in the expression). Raises ParameterError as ``bpf`` does.
    """
    source = filter_source(bpf(expression))
    # Imported here: a filter with a mistake is refused without the compiler.
    from wirebrick.compiler.native import load_source

    return load_source("filter", source, {"matches": 3})["matches"]
