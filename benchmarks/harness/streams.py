"""Captures of many TCP streams at once, out of order here and there, and what tshark makes of them."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.errors import BenchmarkError

_MAGIC, _SNAPLEN, _ETHERNET = 0xA1B2C3D4, 65535, 1
_START = 1_700_000_000  # seconds
_GAP = 5  # microseconds from packet to packet
_RECORD, _HEADERS = 16, 54  # bytes of a pcap record's header; of Ethernet, IPv4 and TCP
_FIN, _SYN, _PSH, _ACK = 0x01, 0x02, 0x08, 0x10
_CHUNK = 8192  # packets made at once
_POOL = 1_000_003  # bytes that the texts are cut from: prime, so that no two streams are alike
_BEHIND = 16  # segments that an acknowledgement is behind: nothing is acknowledged before it is captured
SERVER, PORT = 0xC0000201, 9  # 192.0.2.1, discard
Column = NDArray[np.int64]


@dataclass(frozen=True)
class Streams:
    """``count`` clients send ``size`` bytes each, at once; some segments are ``late`` or come ``twice``.

    The same arguments give the same capture. Reordered segments come one to three places later in their
    stream, second copies up to eight. The server acknowledges each second segment, 16 later, and
    closes too.

    >>> few = Streams(count=2, size=10)
    >>> few.text(0) != few.text(1), len(few.text(1))
    (True, 10)
    """

    count: int = 1000
    size: int = 200_000
    segment: int = 1460  # bytes of payload
    late: float = 0.02
    twice: float = 0.01
    seed: int = 1

    @cached_property
    def _pool(self) -> NDArray[np.uint8]:
        pool = np.random.default_rng(self.seed).integers(0, 256, _POOL, np.uint8)
        return np.concatenate([pool, pool[: self.segment]])

    @cached_property
    def numbers(self) -> Column:
        """The initial sequence number of each client; the first one wraps around."""
        isns = np.random.default_rng(self.seed + 1).integers(0, 1 << 32, self.count)
        isns[0] = (1 << 32) - min(self.size // 2, 1 << 16)
        return isns

    def client(self, number: int) -> tuple[int, int]:
        """Address and port of a client."""
        return 0x0A000001 + number, 1024 + number * 7 % 60_000

    def text(self, number: int) -> bytes:
        """What a client sends."""
        begin = self._begin(np.int64(number))
        at = (begin + np.arange(self.size)) % _POOL
        return self._pool[at].tobytes()

    def _begin(self, stream: Any) -> Any:
        return stream * 7919 % _POOL

    def write(self, path: Path) -> int:
        """Write the capture; the number of packets.

        Of each of three streams here 3 packets open it, 20 are segments, 2 acknowledge some, and 3 close it.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Streams(count=3, size=20 * 1460, late=0, twice=0).write(Path(folder) / "three.pcap")
        84
        """
        packets = _in_time(self)
        with path.open("wb") as file:
            file.write(struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, _SNAPLEN, _ETHERNET))
            for first in range(0, len(packets["stream"]), _CHUNK):
                chunk = {name: column[first : first + _CHUNK] for name, column in packets.items()}
                file.write(b"".join(_records(self, chunk, first)))
        return len(packets["stream"])


def _in_time(streams: Streams) -> dict[str, Column]:
    """All packets as columns, in the order of the capture: whose, which way, flags, offset and length.

    ``offset`` counts from the SYN, as sequence numbers do: data begins at 1. ``acked`` is the other way's.
    """
    random = np.random.default_rng(streams.seed + 2)
    segments = -(-streams.size // streams.segment)
    stream, place = (part.ravel() for part in np.mgrid[: streams.count, :segments])
    begin = place * streams.segment
    length = np.minimum(streams.segment, streams.size - begin)
    when = place + 3 + random.random(len(place)) * 0.3
    delayed = when + (random.random(len(place)) < streams.late) * random.uniform(1.3, 3.3, len(place))
    again = random.random(len(place)) < streams.twice
    second = when + random.uniform(0.4, 8, len(place))
    parts = [
        (stream, 0, _ACK | _PSH, begin + 1, length, 1, delayed),
        (stream[again], 0, _ACK | _PSH, begin[again] + 1, length[again], 1, second[again]),
    ]
    acks = (place % 2 == 1) & (place > _BEHIND)
    parts.append((stream[acks], 1, _ACK, 1, 0, begin[acks] + 1 - _BEHIND * streams.segment, when[acks] + 0.4))
    every = np.arange(streams.count)
    end = segments + 20
    for moment, back, flags, offset, acked in (
        (0, 0, _SYN, 0, 0),
        (1, 1, _SYN | _ACK, 0, 1),
        (2, 0, _ACK, 1, 1),
        (end, 0, _FIN | _ACK, streams.size + 1, 1),
        (end + 1, 1, _FIN | _ACK, 1, streams.size + 2),
        (end + 2, 0, _ACK, streams.size + 2, 2),
    ):
        parts.append((every, back, flags, offset, 0, acked, moment + np.zeros(streams.count)))
    names = ("stream", "back", "flags", "offset", "length", "acked", "when")
    columns = {
        name: np.concatenate([np.broadcast_to(np.asarray(part[at]), part[0].shape) for part in parts])
        for at, name in enumerate(names)
    }
    start = random.random(streams.count) * 3  # the streams are not in step
    order = np.argsort(columns["when"] + start[columns["stream"]], kind="stable")
    return {name: column[order] for name, column in columns.items() if name != "when"}


def _records(streams: Streams, packets: dict[str, Column], first: int) -> Iterator[memoryview]:
    """The records of some packets, headers and all; ``first`` is the number of the first one."""
    made: dict[int, memoryview] = {}
    for length in np.unique(packets["length"]):
        chosen = np.flatnonzero(packets["length"] == length)
        part = {name: column[chosen] for name, column in packets.items()}
        for at, row in zip(chosen.tolist(), _rows(streams, part, first + chosen, int(length)), strict=True):
            made[at] = row.data
    for at in range(len(made)):
        yield made[at]


def _rows(streams: Streams, packets: dict[str, Column], positions: Column, length: int) -> NDArray[np.uint8]:
    """Packets with the same length of payload, a row of bytes for each."""
    rows = np.zeros((len(positions), _RECORD + _HEADERS + length), np.uint8)
    stream, back = packets["stream"], packets["back"] == 1
    time = positions * _GAP
    kept = np.full(len(positions), _HEADERS + length)
    for at, value in ((0, _START + time // 1_000_000), (4, time % 1_000_000), (8, kept), (12, kept)):
        rows[:, at : at + 4] = value.astype("<u4")[:, None].view(np.uint8)

    def put(at: int, size: int, value: Any) -> None:
        wide = np.broadcast_to(np.asarray(value, ">i8"), (len(positions),))
        bytes_ = np.ascontiguousarray(wide)[:, None].view(np.uint8)
        rows[:, _RECORD + at : _RECORD + at + size] = bytes_[:, 8 - size :]

    client, port = streams.client(stream)  # type: ignore[arg-type]
    ours, theirs = streams.numbers[stream], streams.numbers[stream] * 3 + 1
    put(0, 6, 0x020000000001 + back)
    put(6, 6, 0x020000000002 - back)
    put(12, 2, 0x0800)
    put(14, 2, 0x4500)
    put(16, 2, 40 + length)
    put(18, 2, positions)
    put(20, 2, 0x4000)  # don't fragment
    put(22, 2, 0x4006)  # TTL, TCP
    put(26, 4, np.where(back, SERVER, client))
    put(30, 4, np.where(back, client, SERVER))
    put(34, 2, np.where(back, PORT, port))
    put(36, 2, np.where(back, port, PORT))
    put(38, 4, np.where(back, theirs, ours) + packets["offset"])
    has_ack = packets["flags"] & _ACK != 0
    put(42, 4, np.where(has_ack, np.where(back, ours, theirs) + packets["acked"], 0))
    put(46, 2, 0x5000 | packets["flags"])
    put(48, 2, 0xFFFF)
    if length:
        begin = (streams._begin(stream) + packets["offset"] - 1) % _POOL
        texts = np.lib.stride_tricks.sliding_window_view(streams._pool, length)
        rows[:, _RECORD + _HEADERS :] = texts[begin]
    put(24, 2, _checksum(rows[:, _RECORD + 14 : _RECORD + 34], 0))
    pseudo = _sum(rows[:, _RECORD + 26 : _RECORD + 34]) + 6 + 20 + length
    put(50, 2, _checksum(rows[:, _RECORD + 34 :], pseudo))
    return rows


def _sum(rows: NDArray[np.uint8]) -> Column:
    """The sum of each row's 16-bit words; an odd last byte is the upper half of one."""
    even = np.ascontiguousarray(rows[:, : rows.shape[1] // 2 * 2]).view(">u2")
    total = even.sum(axis=1, dtype=np.int64)
    return total + (rows[:, -1].astype(np.int64) << 8) if rows.shape[1] % 2 else total


def _checksum(rows: NDArray[np.uint8], more: Any) -> Column:
    """The Internet checksum (RFC 1071) of each row and what else is summed."""
    total = _sum(rows) + more
    for _ in range(3):
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tshark_texts(path: Path, count: int) -> dict[tuple[str, int], bytes]:
    """What tshark's "Follow TCP stream" gives of what each of ``count`` clients sent, by address and port.

    Raises BenchmarkError where tshark is missing or fails.
    """
    if shutil.which("tshark") is None:
        raise BenchmarkError("tshark is not installed", cure="apt-get install tshark")
    follow = [word for number in range(count) for word in ("-z", f"follow,tcp,raw,{number}")]
    done = subprocess.run(["tshark", "-n", "-r", str(path), "-q", *follow], capture_output=True, text=True)
    if done.returncode:
        raise BenchmarkError(f"tshark failed: {done.stderr.strip()}")
    texts = {}
    for part in re.split(r"^=+$", done.stdout, flags=re.MULTILINE):
        node = re.search(r"^Node 0: ([0-9.]+):(\d+)$", part, re.MULTILINE)
        if node is not None:
            lines = re.findall(r"^[0-9a-f]+$", part, re.MULTILINE)  # the other way's are indented
            texts[node[1], int(node[2])] = bytes.fromhex("".join(lines))
    return texts
