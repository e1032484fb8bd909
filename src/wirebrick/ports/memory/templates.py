"""Templates: all the packets of made traffic, prepared in one buffer for the native part to copy from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wirebrick.ports.memory.build import Bytes, packets
from wirebrick.ports.memory.flows import Integers, headers_size, kinds, sizes
from wirebrick.ports.memory.native import LINE
from wirebrick.ports.memory.traffic import Traffic

_CHUNK = 1 << 20  # bytes built at once: stays in a core's cache


@dataclass(frozen=True)
class Templates:
    """Packets back to back, each padded with zeros to whole lines of 64 bytes and aligned to them."""

    buffer: Bytes
    index: npt.NDArray[np.uint32]  # for each packet: offset in lines, length in bytes
    length: int  # of every packet, in bytes; 0 where they differ

    def packet(self, number: int) -> bytes:
        """The bytes of one packet.

        >>> len(make_templates(Traffic(size=100, flows=3)).packet(2))
        100
        """
        line, length = (int(value) for value in self.index[number])
        return self.buffer[line * LINE : line * LINE + length].tobytes()


def make_templates(traffic: Traffic, worker: int = 0, workers: int = 1) -> Templates:
    """The packets of a worker's flows (flow i belongs to worker i % workers), in the order they are played.

    All flows take turns; where each has several packets, it sends the next one in the next round. A worker
    without flows gets no packets.

    >>> templates = make_templates(Traffic(size="imix", flows=2))
    >>> sorted(templates.index[:, 1].tolist())[-9:]
    [594, 594, 594, 594, 594, 594, 594, 1518, 1518]
    """
    own = len(range(worker, traffic.flows, workers))
    total = own * traffic.rounds
    index = np.empty((total, 2), np.uint32)
    step = max(1, _CHUNK // (_lines(np.array([traffic.largest]))[0] * LINE))
    chunks = [(start, min(start + step, total)) for start in range(0, total, step)]

    for start, stop in chunks:
        flows, rounds = _played(start, stop, own, worker, workers)
        needed = headers_size(traffic, *kinds(traffic, flows))
        index[start:stop, 1] = np.maximum(sizes(traffic, flows, rounds), needed)
    lines = _lines(index[:, 1].astype(np.int64))
    ends = np.cumsum(lines, dtype=np.int64)
    index[:, 0] = ends - lines

    buffer = _aligned(int(ends[-1]) * LINE if total else 0)
    for start, stop in chunks:
        flows, rounds = _played(start, stop, own, worker, workers)
        part = _chunk(traffic, flows, rounds, index[start:stop, 1].astype(np.int64), lines[start:stop])
        first = int(index[start, 0]) * LINE
        buffer[first : first + len(part)] = part
    alike = total > 0 and int(index[:, 1].min()) == int(index[:, 1].max())
    return Templates(buffer, index, int(index[0, 1]) if alike else 0)


def _lines(lengths: Integers) -> Integers:
    return (lengths + (LINE - 1)) // LINE


def _played(start: int, stop: int, own: int, worker: int, workers: int) -> tuple[Integers, Integers]:
    """The flow and the round of each of the worker's templates ``start`` .. ``stop`` - 1."""
    numbers = np.arange(start, stop, dtype=np.int64)
    return worker + numbers % own * workers, numbers // own


def _chunk(traffic: Traffic, flows: Integers, rounds: Integers, lengths: Integers, lines: Integers) -> Bytes:
    """Some packets, back to back."""
    width = int(lines.max()) * LINE
    rows = np.empty((len(flows), width), np.uint8)
    protocols, ipv6 = kinds(traffic, flows)
    numbers = rounds * traffic.flows + flows
    for protocol, _ in traffic.mix:
        for version in (False, True):
            here = np.flatnonzero((protocols == protocol) & (ipv6 == version))
            if len(here):
                own = flows[here], numbers[here], lengths[here]
                rows[here] = packets(traffic, protocol, version, *own, width)
    kept = np.arange(width // LINE) < lines[:, None]
    return rows.reshape(len(flows), -1, LINE)[kept].reshape(-1)


def _aligned(size: int) -> Bytes:
    """``size`` bytes that start at a multiple of 64: so that no template lies across cache lines."""
    spare = np.empty(size + LINE, np.uint8)
    start = -spare.ctypes.data % LINE
    return spare[start : start + size]
