"""Captures to measure with: made packets in a classic pcap file."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from wirebrick.ports.memory.templates import make_templates
from wirebrick.ports.memory.traffic import START_TIME, Traffic

_CHUNK = 100_000  # packets written at once
_MAGIC, _SNAPLEN, _ETHERNET = 0xA1B2C3D4, 65535, 1


def write_capture(path: Path, packets: int, flows: int = 1024) -> int:
    """Write ``packets`` 64-byte packets, one a microsecond; the bytes written.

    >>> import tempfile, wirebrick
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     size = write_capture(Path(folder) / "ten.pcap", 10)
    ...     size, wirebrick.run("ttl", rx=Path(folder) / "ten.pcap", interpret=True).packets_in
    (824, 10)
    """
    templates = make_templates(Traffic(size=64, flows=flows)).buffer.reshape(-1, 64)
    record = np.dtype([("s", "<u4"), ("us", "<u4"), ("kept", "<u4"), ("wire", "<u4"), ("bytes", "u1", 64)])
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, _SNAPLEN, _ETHERNET))
        for first in range(0, packets, _CHUNK):
            numbers = np.arange(first, min(first + _CHUNK, packets))
            chunk = np.empty(len(numbers), record)
            times = START_TIME // 1000 + numbers
            chunk["s"], chunk["us"] = times // 1_000_000, times % 1_000_000
            chunk["kept"] = chunk["wire"] = 64
            chunk["bytes"] = templates[numbers % flows]
            file.write(chunk.tobytes())
        return file.tell()
