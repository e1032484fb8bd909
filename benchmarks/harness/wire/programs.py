"""XDP programs that send, reflect and count frames, and the memory they share with whoever measures.

A frame carries a mark and the time at which it left (``bpf_ktime_get_ns``, CLOCK_MONOTONIC), so that the program that
takes it back knows how long it was under way. Nothing of it is done in user space.
"""

from __future__ import annotations

import mmap
import struct
import sys

import numpy as np

from wirebrick.ports.xdp.bpf import (
    MAP_ARRAY,
    R0,
    R1,
    R2,
    R3,
    R4,
    R6,
    R7,
    R8,
    R9,
    REDIRECT,
    XDP_DROP,
    XDP_PASS,
    XDP_TX,
    bpf,
    call,
    copy_register,
    instruction,
    leave,
    load,
    move,
)

MARK = 0x5742
FLOWS = 1024
BUCKET = 64  # nanoseconds, a power of two
BUCKETS = 1 << 17  # the last takes what was longer: 8.4 ms
SHORTEST = 60
_PORT, _MARK, _STAMP = 34, 42, 44  # in the frame: UDP source port; payload
_NEXT, _INTERVAL, _SENT, _LATENCY = 0, 8, 16, 8  # in the shared memory
_LATE = 200_000  # nanoseconds: a sender that is more behind than this begins anew instead of catching up
_MAP_CREATE, _MMAPABLE = 0, 1 << 10
_CLOCK, _ADD = 5, 0x0F


class Shared:
    """A map of one value, ``words`` 64-bit numbers, that both the kernel's program and this process see."""

    def __init__(self, words: int) -> None:
        self.descriptor = bpf(_MAP_CREATE, struct.pack("<IIIII", MAP_ARRAY, 4, 8 * words, 1, _MMAPABLE))
        pages = -(-8 * words // mmap.PAGESIZE) * mmap.PAGESIZE
        self.words = np.frombuffer(mmap.mmap(self.descriptor, pages), np.uint64, words)


class Sender:
    """``program`` sends frames out of an interface, one every ``interval`` nanoseconds; 0: whenever it runs.

    It is to be run all the time (``run_program``); while no frame is due it drops what it is run on.
    """

    def __init__(self, interface: int) -> None:
        self._shared = Shared(4)
        address = map_value(R9, self._shared.descriptor)
        due = (
            load(8, R1, R9, _NEXT)
            + _wait(copy_register(R2, R0) + instruction(0x1F, R2, R1))  # negative: not due yet
            + _start_anew()
            + load(8, R2, R9, _INTERVAL)
            + instruction(_ADD, R1, R2)
            + instruction(0x7B, R9, R1, _NEXT)
        )
        write = (
            load(8, R1, R9, _SENT)
            + instruction(0x07, R1, number=1)
            + instruction(0x7B, R9, R1, _SENT)
            + instruction(0x57, R1, number=FLOWS - 1)
            + instruction(0x6B, R7, R1, _PORT)
            + instruction(0x7B, R7, R0, _STAMP)
        )
        send = move(R1, interface) + move(R2, 0) + call(REDIRECT) + leave()
        self.code = _frame(XDP_DROP) + address + call(_CLOCK) + due + write + send

    @property
    def interval(self) -> int:
        """Nanoseconds between two frames."""
        return int(self._shared.words[1])

    @interval.setter
    def interval(self, nanoseconds: int) -> None:
        self._shared.words[1] = nanoseconds

    @property
    def count(self) -> int:
        """Frames that were to be sent; the interface may have had no room for some."""
        return int(self._shared.words[2])


class Receiver:
    """``code`` counts the marked frames, and how long each was under way, and drops them; the others pass."""

    def __init__(self) -> None:
        self._shared = Shared(1 + BUCKETS)
        add = instruction(0xDB, R9, R1)  # atomic: packets may come on any processor
        bucket = (
            call(_CLOCK)
            + load(8, R1, R7, _STAMP)
            + instruction(0x1F, R0, R1)
            + instruction(0x77, R0, number=BUCKET.bit_length() - 1)
            + instruction(0xB5, R0, offset=1, number=BUCKETS - 1)
            + move(R0, BUCKETS - 1)
            + instruction(0x67, R0, number=3)
            + instruction(_ADD, R9, R0)
        )
        count = (
            map_value(R9, self._shared.descriptor)
            + move(R1, 1)
            + add
            + bucket
            + move(R1, 1)
            + instruction(0xDB, R9, R1, _LATENCY)
            + move(R0, XDP_DROP)
            + leave()
        )
        others = move(R0, XDP_PASS) + leave()
        marked = load(2, R1, R7, _MARK) + instruction(0x55, R1, offset=len(count) // 8, number=MARK)
        self.code = _frame(XDP_PASS) + marked + count + others

    @property
    def count(self) -> int:
        """Frames that came back."""
        return int(self._shared.words[0])

    @property
    def latencies(self) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        """How many frames were so many times BUCKET nanoseconds under way: a copy."""
        return self._shared.words[1:].copy()


def reflector() -> bytes:
    """The kernel's own macswap: addresses change places and the frame goes back where it came from."""
    swap = (
        load(4, R1, R7, 0)
        + load(2, R2, R7, 4)
        + load(4, R3, R7, 6)
        + load(2, R4, R7, 10)
        + instruction(0x63, R7, R3, 0)
        + instruction(0x6B, R7, R4, 4)
        + instruction(0x63, R7, R1, 6)
        + instruction(0x6B, R7, R2, 10)
    )
    return _frame(XDP_PASS) + swap + move(R0, XDP_TX) + leave()


def make_frame(size: int) -> bytes:
    """UDP in IPv4 with a mark where the programs look for one; ``size`` without FCS. Its destination is nobody's.

    >>> len(make_frame(60))
    60
    """
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size - 14, 0, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    total = sum(struct.unpack(">10H", ip))
    total = (total & 0xFFFF) + (total >> 16)
    ip = ip[:10] + struct.pack(">H", ~total & 0xFFFF) + ip[12:]
    udp = struct.pack(">HHHH", 1024, 9, size - 34, 0)
    ethernet = bytes.fromhex("0200000000020200000000010800")
    return (ethernet + ip + udp + MARK.to_bytes(2, sys.byteorder)).ljust(size, b"\0")


def map_value(to: int, descriptor: int) -> bytes:
    """Register ``to`` = the address of an array's first value (two instructions)."""
    return instruction(0x18, to, 2, number=descriptor) + instruction(0)


def _frame(otherwise: int) -> bytes:
    """Register 7 = the frame; one that is too short is left with ``otherwise``."""
    leaving = move(R0, otherwise) + leave()
    return (
        load(4, R7, R1, 0)
        + load(4, R8, R1, 4)
        + copy_register(R6, R7)
        + instruction(0x07, R6, number=SHORTEST)
        + instruction(0xBD, R6, R8, len(leaving) // 8)
        + leaving
    )


def _wait(since: bytes) -> bytes:
    """Drop the frame while register 2, as ``since`` makes it, is negative."""
    leaving = move(R0, XDP_DROP) + leave()
    return since + instruction(0x65, R2, offset=len(leaving) // 8, number=-1) + leaving


def _start_anew() -> bytes:
    """Register 1, when the frame was due, = now (register 0) where that is long ago."""
    return instruction(0xA5, R2, offset=1, number=_LATE) + copy_register(R1, R0)
