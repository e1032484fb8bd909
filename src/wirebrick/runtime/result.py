"""Result: what a run did, in numbers that add up."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from wirebrick.runtime.report import Report
from wirebrick.runtime.timer import EventTotals


@dataclass(frozen=True)
class NFTotals:
    """One NF's packets: in + copies it made = out (sends included) + dropped (faults included) + held."""

    name: str
    packets_in: int
    packets_out: int
    packets_dropped: int
    faults: int


@dataclass(frozen=True)
class PortTotals:
    """One port's packets; ``statistics``: what the kernel or the card counted at it, where there is one."""

    name: str
    port: str
    packets_in: int
    bytes_in: int
    packets_out: int
    bytes_out: int
    statistics: dict[str, int]


@dataclass
class Result:
    """What a run did: ``packets_`` in + copied + made = out + dropped + held.

    Made are packets that didn't come in and are no copies: those of events, and of what windows emit. Held are
    those that are kept at the end, and those that were on their way to a worker that failed. Bytes are those on
    the wire; ``elapsed_s`` is packet processing alone, ``compile_s`` what compiling took before. ``drops``
    counts by "nf.reason", faults included. ``packets`` are those that left, where Python gave the ones that
    came in and no port was named for output. ``warnings`` tell what was wrong with the input, and with workers;
    ``notices`` what happened to ports and was survived.

    >>> result = Result(packets_in=3_000_000, packets_out=3_000_000, elapsed_s=0.5)
    >>> result.mpps
    6.0
    """

    packets_in: int = 0
    packets_out: int = 0
    packets_dropped: int = 0
    packets_held: int = 0
    packets_copied: int = 0
    packets_made: int = 0
    drops: dict[str, int] = field(default_factory=dict)
    bytes_in: int = 0
    bytes_out: int = 0
    bytes_copied: int = 0
    elapsed_s: float = 0.0
    compile_s: float = 0.0
    nfs: list[NFTotals] = field(default_factory=list)
    ports: list[PortTotals] = field(default_factory=list)
    workers: int = 1
    interrupted: bool = False
    warnings: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    reports: list[tuple[str, Report]] = field(default_factory=list)
    events: list[EventTotals] = field(default_factory=list)
    packets: list[bytes] = field(default_factory=list)

    @property
    def mpps(self) -> float:
        """Million packets received a second; 0 where nothing was."""
        return self.packets_in / self.elapsed_s / 1e6 if self.elapsed_s > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The object that ``wirebrick run --json`` prints."""
        return {
            "packets_in": self.packets_in,
            "packets_out": self.packets_out,
            "packets_dropped": self.packets_dropped,
            "packets_held": self.packets_held,
            "packets_copied": self.packets_copied,
            "packets_made": self.packets_made,
            "drops": dict(self.drops),
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "bytes_copied": self.bytes_copied,
            "elapsed_s": self.elapsed_s,
            "compile_s": self.compile_s,
            "nfs": [asdict(nf) for nf in self.nfs],
            "ports": [asdict(port) for port in self.ports],
            "workers": self.workers,
            "interrupted": self.interrupted,
            "warnings": list(self.warnings),
            "notices": list(self.notices),
            "events": [asdict(event) for event in self.events],
            "reports": [{"nf": name, **report.to_dict()} for name, report in self.reports],
        }


def attach(error: BaseException, result: Result) -> None:
    """Let an error that ended a run carry the run's totals."""
    error.__dict__["result"] = result


def result_of(error: BaseException) -> Result | None:
    """The totals of the run that ``error`` ended, or None where it ended before it began.

    >>> result_of(ValueError()) is None
    True
    """
    found = error.__dict__.get("result")
    return found if isinstance(found, Result) else None
