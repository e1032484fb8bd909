"""What operators with state of their own have counted, as a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirebrick.runtime.report import Report


def totals_report(title: str, totals: dict[str, int]) -> Report | None:
    """A row for each count that is not zero; nothing where all are.

    >>> totals_report("Streams", {"streams": 2, "gaps": 0}).rows
    [('streams', 2)]
    """
    # Imported here: a graph is built without the runtime.
    from wirebrick.runtime.report import Report

    rows = [(name.replace("_", " "), count) for name, count in totals.items() if count]
    return Report(title, ["what", "count"], rows) if rows else None
