"""The hosts that send and receive the most, of all flows that a monitor counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wirebrick.nf.monitor.flows import address_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from wirebrick.runtime.report import Report


def talkers(rows: NDArray[Any], top: int) -> Report:
    """A report of the ``top`` hosts with the most bytes sent and received, of rows of a table of flows."""
    import numpy as np

    from wirebrick import Report

    key, value = rows["key"], rows["value"]
    hosts = np.zeros(2 * len(rows), [("version", "u1"), ("high", "<u8"), ("low", "<u8")])
    for half, name in ((hosts[: len(rows)], "src"), (hosts[len(rows) :], "dst")):
        half["version"] = key["version"]
        half["high"], half["low"] = key[name]["high"], key[name]["low"]
    found, where = np.unique(hosts, return_inverse=True)
    sent = _sums(where[: len(rows)], value["bytes"], len(found))
    received = _sums(where[len(rows) :], value["bytes"], len(found))
    flows = np.bincount(where, minlength=len(found))
    order = np.argsort(-(sent + received).astype(np.int64), kind="stable")[:top]
    lines = [
        (
            address_text(found[n]["version"].item(), found[n]["high"].item(), found[n]["low"].item()),
            int(sent[n]),
            int(received[n]),
            int(flows[n]),
        )
        for n in order
    ]
    title = f"top {len(lines):,} of {len(found):,} hosts by bytes"
    return Report(title, ("host", "bytes sent", "bytes received", "flows"), lines)


def _sums(where: NDArray[Any], amounts: NDArray[Any], count: int) -> NDArray[Any]:
    import numpy as np

    sums = np.zeros(count, np.uint64)
    np.add.at(sums, where, amounts)
    return sums
