"""The flows that a monitor saw, in order, and its report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from wirebrick.addresses import IPv6Address

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wirebrick.runtime.report import Report


class Flow(NamedTuple):
    """A flow and what was counted: the columns of the report and of the file."""

    src: str
    dst: str
    src_port: int
    dst_port: int
    protocol: int
    packets: int
    bytes: int


class Flows(Sequence[Flow]):
    """The flows of a table, most bytes first; equal ones by version, addresses, ports and protocol.

    They are sorted as numbers; a flow's text is made when it is asked for.
    """

    def __init__(self, rows: NDArray[Any]) -> None:
        import numpy as np

        key, value = rows["key"], rows["value"]
        src, dst = key["src"], key["dst"]
        last_first = [key["protocol"], key["dst_port"], key["src_port"], dst["low"], dst["high"], src["low"]]
        order = np.lexsort([*last_first, src["high"], key["version"], ~value["bytes"]])
        self._rows = rows[order]

    def __len__(self) -> int:
        """How many."""
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        """A flow, or the list of a slice of them."""
        if isinstance(index, slice):
            return [_flow(row) for row in self._rows[index]]
        return _flow(self._rows[index])

    def __iter__(self) -> Iterator[Flow]:
        """One after the other."""
        return map(_flow, self._rows)


def _flow(row: Any) -> Flow:
    (src, dst, src_port, dst_port, protocol, version), (packets, size, *_) = row.item()
    ends = address_text(version, *src), address_text(version, *dst)
    return Flow(*ends, src_port, dst_port, protocol, packets, size)


def address_text(version: int, high: int, low: int) -> str:
    """An address of two 64-bit halves as people write it.

    >>> address_text(4, 0, 0xC0000207), address_text(6, 0x20010DB8 << 32, 1)
    ('192.0.2.7', '2001:db8::1')
    """
    if version == 4:
        return f"{low >> 24}.{low >> 16 & 255}.{low >> 8 & 255}.{low & 255}"
    return str(IPv6Address(high << 64 | low))


def summary(flows: Sequence[Flow], top: int, expired: int, evicted: int, refused: int) -> Report:
    """The report: the ``top`` largest flows; its title says how many there are and what was forgotten.

    >>> flow = Flow("192.0.2.1", "192.0.2.2", 4711, 53, 17, 2, 180)
    >>> report = summary([flow, flow, flow], 1, 0, 12, 0)
    >>> report.title
    'top 1 of 3 flows by bytes; the table was full: 12 evicted (raise capacity)'
    >>> report.rows
    [('192.0.2.1', '192.0.2.2', 4711, 53, 17, 2, 180)]
    """
    from wirebrick import Report

    title = f"top {min(top, len(flows)):,} of {len(flows):,} flows by bytes"
    lost = {"idle forgotten": expired, "evicted": evicted, "refused": refused}
    named = [f"{count:,} {what}" for what, count in lost.items() if count]
    if named:
        title += f"; the table was full: {', '.join(named)} (raise capacity)"
    return Report(title, Flow._fields, [tuple(flow) for flow in flows[:top]])
