"""What leaves an NF with its time: captures are kept to the nanosecond."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import wirebrick
from wirebrick.nf.load import load_nf


def numbered(number: int, size: int = 60) -> bytes:
    """A packet that begins with its number."""
    return number.to_bytes(4, "big") + bytes(size - 4)


def through(
    folder: Path, nf: str, packets: list[tuple[int, bytes]], **options: Any
) -> tuple[wirebrick.Result, list[tuple[int, int]]]:
    """The result, and (number, nanoseconds) of what left."""
    path = folder / "out.pcap"
    result = wirebrick.run(load_nf(nf), rx=packets, tx=str(path), **options)
    data = path.read_bytes()
    assert struct.unpack("<I", data[:4])[0] == 0xA1B23C4D
    at, found = 24, []
    while at < len(data):
        seconds, nanoseconds, size, _ = struct.unpack_from("<4I", data, at)
        number = int.from_bytes(data[at + 16 : at + 20], "big")
        found.append((number, seconds * 10**9 + nanoseconds))
        at += 16 + size
    return result, found
