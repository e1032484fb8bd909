"""The bpf(2) system call: maps, programs and links, and the instructions that programs are made of.

Instructions are those of the kernel's Documentation/bpf/standardization/instruction-set.rst (RFC 9669); what the
system call takes is ``union bpf_attr`` of linux/bpf.h.

>>> move(R0, 2) + leave()
b'\\xb7\\x00\\x00\\x00\\x02\\x00\\x00\\x00\\x95\\x00\\x00\\x00\\x00\\x00\\x00\\x00'
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

from wirebrick.errors import PortError

_SYSCALL = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "ppc64le": 361, "s390x": 351}
_MAP_CREATE, _MAP_LOOKUP, _MAP_UPDATE, _MAP_DELETE, _PROG_LOAD, _TEST_RUN, _LINK_CREATE = (
    0,
    1,
    2,
    3,
    5,
    10,
    28,
)
_ATTRIBUTES = 128  # bytes: more than any command used here needs; those behind must be zero
_LOG = 1 << 20

MAP_ARRAY, MAP_PERCPU_ARRAY, MAP_XSKMAP = 2, 6, 17
PROGRAM_XDP, ATTACH_XDP = 6, 37
GENERIC, NATIVE = 2, 4  # XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE
XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT = 1, 2, 3, 4
LOOKUP_ELEMENT, REDIRECT, REDIRECT_MAP = 1, 23, 51  # helper functions, by number

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = range(11)


def bpf(command: int, attributes: bytes) -> int:
    """The system call: a descriptor, or 0. Raises OSError."""
    number = _SYSCALL.get(platform.machine())
    if number is None:
        raise PortError(f"bpf(2) isn't known on {platform.machine()}", cure="use afpacket: instead of xdp:")
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(attributes, _ATTRIBUTES)
    got = libc.syscall(ctypes.c_long(number), ctypes.c_long(command), buffer, ctypes.c_long(_ATTRIBUTES))
    if got < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(got)


def create_map(kind: int, key: int, value: int, entries: int) -> int:
    """A map's descriptor; ``key`` and ``value``: their sizes in bytes."""
    return bpf(_MAP_CREATE, struct.pack("<IIII", kind, key, value, entries))


def update_map(descriptor: int, key: int, value: bytes) -> None:
    """Store at a 32-bit key."""
    number, data = ctypes.c_uint32(key), ctypes.create_string_buffer(value, len(value))
    bpf(
        _MAP_UPDATE, struct.pack("<IxxxxQQQ", descriptor, ctypes.addressof(number), ctypes.addressof(data), 0)
    )


def look_up(descriptor: int, key: int, size: int) -> bytes:
    """The ``size`` bytes at a 32-bit key."""
    number, data = ctypes.c_uint32(key), ctypes.create_string_buffer(size)
    bpf(
        _MAP_LOOKUP, struct.pack("<IxxxxQQQ", descriptor, ctypes.addressof(number), ctypes.addressof(data), 0)
    )
    return data.raw


def delete_entry(descriptor: int, key: int) -> None:
    """Take a 32-bit key out."""
    number = ctypes.c_uint32(key)
    bpf(_MAP_DELETE, struct.pack("<IxxxxQQQ", descriptor, ctypes.addressof(number), 0, 0))


def load_xdp(program: bytes) -> int:
    """Descriptor of an XDP program. Raises OSError, with what the kernel's verifier says, where it refuses it."""
    code = ctypes.create_string_buffer(program, len(program))
    licence = ctypes.create_string_buffer(b"Dual BSD/GPL")

    def load(log: ctypes.Array[ctypes.c_char] | None) -> int:
        size, at = (len(log), ctypes.addressof(log)) if log is not None else (0, 0)
        return bpf(
            _PROG_LOAD,
            struct.pack(
                "<IIQQIIQII16sII",
                PROGRAM_XDP,
                len(program) // 8,
                ctypes.addressof(code),
                ctypes.addressof(licence),
                int(log is not None),
                size,
                at,
                0,
                0,
                b"wirebrick",
                0,
                ATTACH_XDP,
            ),
        )

    try:
        return load(None)
    except OSError as error:
        log = ctypes.create_string_buffer(_LOG)
        try:
            return load(log)
        except OSError:
            said = log.value.decode(errors="replace").strip()
            raise OSError(error.errno, f"{error.strerror} {said[-2000:]}".strip()) from None


def link_xdp(program: int, interface: int, mode: int) -> int:
    """Attach a program to an interface by a link: it goes when the last descriptor of the link is closed."""
    return bpf(_LINK_CREATE, struct.pack("<IIII", program, interface, ATTACH_XDP, mode))


def run_program(program: int, data: bytes, repeat: int, batch: int) -> None:
    """Run a program ``repeat`` times on a frame as if it had come in, and do with each what it says (Linux 5.18).

    Redirected frames really leave: a generator inside the kernel (BPF_F_TEST_XDP_LIVE_FRAMES).
    """
    frame = ctypes.create_string_buffer(data, len(data))
    live_frames = 2
    bpf(
        _TEST_RUN,
        struct.pack(
            "<IIIIQQIIIIQQIII",
            program,
            0,
            len(data),
            0,
            ctypes.addressof(frame),
            0,
            repeat,
            0,
            0,
            0,
            0,
            0,
            live_frames,
            0,
            batch,
        ),
    )


def instruction(code: int, to: int = 0, source: int = 0, offset: int = 0, number: int = 0) -> bytes:
    """One instruction, 8 bytes."""
    number = number - (1 << 32) if number >= 1 << 31 else number
    return struct.pack("<BBhi", code, to | source << 4, offset, number)


def move(to: int, number: int) -> bytes:
    """Register ``to`` = number, 32 bits."""
    return instruction(0xB7, to, number=number)


def copy_register(to: int, source: int) -> bytes:
    """Register ``to`` = register ``source``."""
    return instruction(0xBF, to, source)


def load(size: int, to: int, source: int, offset: int) -> bytes:
    """Register ``to`` = the ``size`` bytes (1, 2, 4, 8) at register ``source`` + offset, host order."""
    return instruction({1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79}[size], to, source, offset)


def map_address(to: int, descriptor: int) -> bytes:
    """Register ``to`` = the map (two instructions)."""
    return instruction(0x18, to, 1, number=descriptor) + instruction(0)


def call(helper: int) -> bytes:
    """Call a helper function of the kernel's."""
    return instruction(0x85, number=helper)


def leave() -> bytes:
    """Return register 0."""
    return instruction(0x95)
