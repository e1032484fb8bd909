"""An NF between several ports: frames come in one after the other, each at a port; what leaves is told by port."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scapy.packet import Packet
from scapy.utils import RawPcapNgReader, RawPcapReader

import wirebrick

FILLER = bytes(12) + b"\xff\xfd" + bytes(46)  # keeps the turn of a port that has nothing to say
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


def exchange(
    nf: Any,
    folder: Path,
    ports: Sequence[str],
    came: Sequence[tuple[Any, ...]],
    interpret: bool,
    **options: Any,
) -> tuple[Any, dict[str, list[bytes]]]:
    """Run ``nf`` on what ``came``: (port, frame) or (port, frame, seconds); totals, and what left, by port.

    Each port has a turn for each frame; those that have nothing to say bring a filler, which a filter leaves out.
    """
    specs = {}
    for name in ports:
        incoming, outgoing = folder / f"{name}-in.pcap", folder / f"{name}-out.pcap"
        rows = []
        for turn, (port, frame, *seconds) in enumerate(came):
            time = START + int(seconds[0] * SECOND) if seconds else START + turn * 1000
            rows.append((time, bytes(frame) if port == name else FILLER))
        incoming.write_bytes(capture(rows))
        specs[name] = f"pcap:{incoming},{outgoing}"
    result = wirebrick.run(
        nf, ports=specs, interpret=interpret, burst=1, filter="not ether proto 0xfffd", **options
    )
    return result, {name: frames_of(folder / f"{name}-out.pcap") for name in ports}


def capture(rows: Sequence[tuple[int, bytes]]) -> bytes:
    """The bytes of a capture with nanoseconds."""
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)]
    for time, frame in rows:
        parts.append(struct.pack("<IIII", time // SECOND, time % SECOND, len(frame), len(frame)) + frame)
    return b"".join(parts)


def frames_of(path: Path) -> list[bytes]:
    """The frames of a capture."""
    reader = RawPcapReader(str(path))
    assert isinstance(reader, RawPcapReader | RawPcapNgReader)
    return [data for data, _ in reader]


def layers(frames: Sequence[bytes], kind: type[Packet]) -> list[Packet]:
    """The frames as scapy reads them."""
    return [kind(frame) for frame in frames]
