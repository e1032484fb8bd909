"""The table of results, printed row by row as they come.

>>> from benchmarks.harness.row import Row, Target
>>> print(line(Row("ttl", "Mpps", (90.0,), (100.0,), Target(">=", 0.97, "ratio"))))
ttl                             90.00 Mpps    100.00 Mpps  0.900 (0.900..0.900)   ratio >= 0.97: missed
>>> print(line(Row("monitor, 1k flows", "Mpps", (40.0,))))
monitor, 1k flows               40.00 Mpps              -  -                      -
"""

from __future__ import annotations

from benchmarks.harness.row import Row

_FORMAT = "{:27} {:>14} {:>14}  {:22} {}"

HEADING = _FORMAT.format("experiment", "wirebrick", "baseline", "ratio median (min..max)", "target")


def line(row: Row) -> str:
    """A row of the table."""
    ratio = (
        f"{row.ratio:.3f} ({min(row.ratios):.3f}..{max(row.ratios):.3f})" if row.ratio is not None else "-"
    )
    target = f"{row.target}: {'met' if row.met else 'missed'}" if row.target else "-"
    return _FORMAT.format(row.name, _value(row.wirebrick, row), _value(row.baseline, row), ratio, target)


def _value(value: float | None, row: Row) -> str:
    return "-" if value is None else f"{value:.2f} {row.unit}"
