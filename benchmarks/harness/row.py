"""Row: one line of the table, with all that was measured for it.

>>> row = Row("ttl", "Mpps", (98.0, 100.0, 102.0), (100.0, 100.0, 100.0), Target(">=", 0.97, "ratio"))
>>> row.wirebrick, row.ratio, row.met
(100.0, 1.0, True)
>>> str(row.target)
'ratio >= 0.97'
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """What is to be reached: ``relation`` is ``>=`` or ``<=``, ``of`` is ``ratio`` or the row's unit."""

    relation: str
    limit: float
    of: str

    def met(self, value: float) -> bool:
        """Whether ``value`` reaches it."""
        return value >= self.limit if self.relation == ">=" else value <= self.limit

    def __str__(self) -> str:
        if self.of == "ratio":
            return f"ratio {self.relation} {self.limit:g}"
        return f"{self.relation} {self.limit:g} {self.of}"


@dataclass(frozen=True)
class Row:
    """Measurements of Wirebrick and, where there is one, of the baseline, pair by pair, in ``unit``."""

    name: str
    unit: str
    measured: tuple[float, ...]
    against: tuple[float, ...] = ()
    target: Target | None = None

    @property
    def wirebrick(self) -> float:
        """The median of Wirebrick's measurements."""
        return statistics.median(self.measured)

    @property
    def baseline(self) -> float | None:
        """The median of the baseline's."""
        return statistics.median(self.against) if self.against else None

    @property
    def ratios(self) -> tuple[float, ...]:
        """Wirebrick divided by the baseline, pair by pair."""
        return tuple(a / b for a, b in zip(self.measured, self.against, strict=True)) if self.against else ()

    @property
    def ratio(self) -> float | None:
        """The median of the ratios."""
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        value = self.ratio if self.target.of == "ratio" else self.wirebrick
        return value is not None and self.target.met(value)

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "name": self.name,
            "unit": self.unit,
            "wirebrick": self.wirebrick,
            "baseline": self.baseline,
            "ratio": self.ratio,
            "ratio_min": min(self.ratios, default=None),
            "ratio_max": max(self.ratios, default=None),
            "target": str(self.target) if self.target else None,
            "met": self.met,
            "wirebrick_runs": list(self.measured),
            "baseline_runs": list(self.against),
        }
