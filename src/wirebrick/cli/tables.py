"""Tables: plain text in a pipe, drawn by rich on a terminal.

>>> print(plain(Table("Drops", ["reason", "packets"], [["ttl.ttl_expired", 12000]])))
Drops
reason           packets
ttl.ttl_expired   12,000
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO


@dataclass
class Table:
    """A title, names of columns and rows; a table without names of columns is a list of facts.

    ``grouped``: the columns whose whole numbers are written with commas; None for all. (Not port numbers.)
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]] = field(default_factory=list)
    grouped: Sequence[str] | None = None

    def texts(self) -> list[list[str]]:
        """The cells of all rows as a person reads them."""
        names = self.columns or [""] * max(map(len, self.rows), default=0)
        plain = [self.grouped is not None and name not in self.grouped for name in names]
        return [
            [
                str(one) if bare and isinstance(one, int) else cell(one)
                for one, bare in zip(row, plain, strict=True)
            ]
            for row in self.rows
        ]


def show(parts: Sequence[Table | str], file: TextIO | None = None) -> None:
    """Print tables and texts, with an empty line between them."""
    to = sys.stdout if file is None else file
    shown = [part for part in parts if isinstance(part, str) or part.rows]
    if to.isatty():
        _show_rich(shown, to)
    else:
        print("\n\n".join(part if isinstance(part, str) else plain(part) for part in shown), file=to)


def cell(value: Any) -> str:
    """A cell as a person reads it.

    >>> cell(1234567), cell(0.25), cell(True), cell(None)
    ('1,234,567', '0.25', 'yes', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def plain(table: Table) -> str:
    """A table in columns, numbers to the right."""
    rows = [list(map(str, table.columns))] if table.columns else []
    rows += table.texts()
    right = _right(table)
    widths = [max(len(row[at]) for row in rows) for at in range(len(right))]
    lines = [table.title] if table.title else []
    for row in rows:
        words = [
            word.rjust(width) if to_right else word.ljust(width)
            for word, width, to_right in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(words).rstrip())
    return "\n".join(lines)


def _right(table: Table) -> list[bool]:
    """Which columns hold numbers."""
    return [
        all(value == "" or isinstance(value, int | float | None) for value in column)
        for column in zip(*table.rows, strict=True)
    ]


def _show_rich(parts: Sequence[Table | str], to: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(file=to, highlight=False)
    for part in parts:
        if isinstance(part, str):
            console.print(Text(part))
            continue
        drawn = RichTable(title=part.title or None, title_justify="left", show_header=bool(part.columns))
        for at, to_right in enumerate(_right(part)):
            name = str(part.columns[at]) if part.columns else ""
            drawn.add_column(name, justify="right" if to_right else "left", overflow="fold")
        for row in part.texts():
            drawn.add_row(*map(Text, row))
        console.print(drawn)
