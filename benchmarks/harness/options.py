"""What the user asks of all experiments."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.harness.machine import quiet_core


@dataclass(frozen=True)
class Options:
    """``seconds`` a measurement takes, ``repeats`` of it (or of pairs), the processor to stay on."""

    seconds: float = 0.5
    repeats: int = 7
    core: int | None = field(default_factory=quiet_core)
