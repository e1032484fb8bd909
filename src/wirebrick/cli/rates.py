"""Rates: what a run does now, from two snapshots of its counters; for the live view and for ``--stats``."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from wirebrick.runtime.live import Snapshot

SPAN = 1.0  # seconds that rates are taken over


@dataclass(frozen=True)
class PortRates:
    """A port: packets and bits a second, in and out."""

    name: str
    in_pps: float
    in_bps: float
    out_pps: float
    out_bps: float


@dataclass(frozen=True)
class NFRates:
    """An NF: packets a second."""

    name: str
    in_pps: float
    out_pps: float
    dropped_pps: float


@dataclass(frozen=True)
class WorkerRates:
    """A worker: packets a second, the share of its time with packets, what it waits for."""

    worker: int
    in_pps: float
    load: float
    waits: str


@dataclass(frozen=True)
class Rates:
    """What a run does now, a second; ``drops``: by reason."""

    ports: list[PortRates]
    nfs: list[NFRates]
    drops: dict[str, float]
    workers: list[WorkerRates]


def rates(before: Snapshot, now: Snapshot) -> Rates:
    """The rates between two snapshots. Counts read in the middle of a burst may run backwards: then 0."""
    seconds = now.elapsed_s - before.elapsed_s

    def rate(new: int, old: int) -> float:
        return max(0.0, (new - old) / seconds) if seconds > 0 else 0.0

    return Rates(
        ports=[
            PortRates(
                new.name,
                rate(new.packets_in, old.packets_in),
                rate(8 * new.bytes_in, 8 * old.bytes_in),
                rate(new.packets_out, old.packets_out),
                rate(8 * new.bytes_out, 8 * old.bytes_out),
            )
            for new, old in zip(now.ports, before.ports, strict=True)
        ],
        nfs=[
            NFRates(
                new.name,
                rate(new.packets_in, old.packets_in),
                rate(new.packets_out, old.packets_out),
                rate(new.packets_dropped, old.packets_dropped),
            )
            for new, old in zip(now.nfs, before.nfs, strict=True)
        ],
        drops={reason: rate(count, before.drops.get(reason, 0)) for reason, count in now.drops.items()},
        workers=[
            WorkerRates(new.index, rate(new.packets, old.packets), load, new.waits)
            for new, old, load in zip(now.workers, before.workers, now.load(before), strict=True)
        ],
    )


class Recent:
    """The snapshots of the last second."""

    def __init__(self) -> None:
        self._seen: deque[Snapshot] = deque()

    def add(self, now: Snapshot) -> Rates:
        """Rates from the newest snapshot that is a second old, or else the oldest."""
        seen = self._seen
        seen.append(now)
        while len(seen) > 2 and now.elapsed_s - seen[1].elapsed_s >= SPAN:
            seen.popleft()
        return rates(seen[0], now)
