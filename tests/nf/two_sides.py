"""Packets from two sides through an NF, one after the other, and what became of each.

Both ports are captures, from which a worker takes one packet in turn. Where one side has a packet the other has a
filler, a frame that is no IP.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wirebrick

FILLER = bytes(12) + b"\x88\xb5" + bytes(46)  # an ethertype for experiments (IEEE 802)
START = 1_700_000_000 * 10**9
HEAD = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)  # nanoseconds
_numbers = itertools.count()


@dataclass(frozen=True)
class Sent:
    """A frame, from ``"in"`` or ``"out"``, some seconds after the beginning."""

    side: str
    frame: bytes
    at: float = 0.0


@dataclass(frozen=True)
class Exchange:
    """What left by each port, in order, and the totals."""

    inside: list[bytes]
    outside: list[bytes]
    result: Any

    @property
    def drops(self) -> dict[str, int]:
        """Drop reasons without the NF's name."""
        return {name.partition(".")[2]: count for name, count in self.result.drops.items()}


def exchange(
    nf: Any, packets: Sequence[Sent], folder: Path, *, interpret: bool = False, workers: int = 1
) -> Exchange:
    """Run an NF on packets in the order they are given."""
    folder = folder / f"exchange-{next(_numbers)}"
    folder.mkdir()
    specs = {}
    for side in ("in", "out"):
        records = [HEAD]
        for sent in packets:
            frame = sent.frame if sent.side == side else FILLER
            time = START + round(sent.at * 1e9)
            records.append(struct.pack("<IIII", time // 10**9, time % 10**9, len(frame), len(frame)) + frame)
        (folder / f"{side}.pcap").write_bytes(b"".join(records))
        specs[side] = f"pcap:{folder}/{side}.pcap,{folder}/{side}-sent.pcap"
    result = wirebrick.run(nf, ports=specs, burst=1, interpret=interpret, workers=workers)
    inside, outside = (
        [frame for frame in _frames(folder / f"{side}-sent.pcap") if frame != FILLER]
        for side in ("in", "out")
    )
    return Exchange(inside, outside, result)


def _frames(path: Path) -> list[bytes]:
    from scapy.utils import RawPcapReader

    with RawPcapReader(str(path)) as reader:
        return [frame for frame, _ in reader]
