"""Report: a table that a network function gives at the end of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Report:
    """A titled table, returned by a function given to ``at_end``: printed after the totals, part of the JSON.

    Cells are numbers, texts, or anything whose ``str`` is what a person wants to read (addresses).

    >>> Report("Top flows", ["src", "packets"], [["10.0.0.1", 12]]).to_dict()
    {'title': 'Top flows', 'columns': ['src', 'packets'], 'rows': [['10.0.0.1', 12]]}
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it: numbers stay numbers, everything else is text."""
        rows = [[_plain(cell) for cell in row] for row in self.rows]
        return {"title": self.title, "columns": list(self.columns), "rows": rows}


def _plain(cell: Any) -> Any:
    # By exact type: addresses are integers too, but are to be read as people write them.
    return cell if cell is None or type(cell) in (bool, int, float, str) else str(cell)
