"""The contents of a table as NumPy arrays: millions of entries in a moment, where ``items()`` takes minutes."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from wirebrick.packet.memory import load64
from wirebrick.state import table_native as native
from wirebrick.state.record import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from wirebrick.state.table import Table


def dtype_of(record: type[Record]) -> np.dtype[Any]:
    """The layout of a record for NumPy; a 128-bit field is a pair, ``high`` and ``low``.

    >>> from wirebrick.packet.flow import FlowKey
    >>> dtype_of(FlowKey).names
    ('src', 'dst', 'src_port', 'dst_port', 'protocol', 'version')
    """
    import numpy as np

    wide = np.dtype([("high", "<u8"), ("low", "<u8")])
    formats = [
        wide if field.size == 16 else ("<f8" if field.is_float else f"<u{field.size}")
        for field in record.fields.values()
    ]
    offsets = [field.offset for field in record.fields.values()]
    return np.dtype(
        {"names": list(record.fields), "formats": formats, "offsets": offsets, "itemsize": record.size}
    )


def rows_of(table: Table[Any, Any]) -> NDArray[Any]:
    """One row for each key: fields ``key`` and ``value``, structured like their records; the order is arbitrary.

    Where several workers have a key, numbers of its records are summed.
    """
    import numpy as np

    pair = np.dtype([("key", dtype_of(table.key)), ("value", dtype_of(table.value))])
    parts = [_partition(table, block, pair) for block in table.blocks]
    if len(parts) == 1:
        return parts[0]
    rows = np.zeros(sum(map(len, parts)), pair)  # not concatenate(): that would leave out the padding
    at = 0
    for part in parts:
        rows[at : at + len(part)] = part
        at += len(part)
    keys = np.zeros(len(rows), pair["key"])
    keys[:] = rows["key"]
    raw = keys.view(f"V{table.key.size}")
    _, first, where = np.unique(raw, return_index=True, return_inverse=True)
    united = rows[first]
    for name, field in table.value.fields.items():
        if field.address is None:
            column = rows["value"][name]
            sums = np.zeros(len(united), column.dtype)
            np.add.at(sums, where, column)
            united["value"][name] = sums
    return united


def _partition(table: Table[Any, Any], block: int, pair: np.dtype[Any]) -> NDArray[Any]:
    """The rows of one worker: copies."""
    import numpy as np

    size, value, count = (load64(block + word) for word in (native.T_ENTRY, native.T_VALUE, native.T_FRESH))
    layout = np.dtype(
        {
            "names": ["tag", "key", "value"],
            "formats": ["<u4", pair["key"], pair["value"]],
            "offsets": [native.E_TAG, native.E_KEY, value],
            "itemsize": size,
        }
    )
    memory = (ctypes.c_uint8 * (size * count)).from_address(native.table_entry(block, 1))
    entries = np.ctypeslib.as_array(memory).view(layout)
    taken = entries[entries["tag"] != 0]
    rows = np.zeros(len(taken), pair)
    rows["key"], rows["value"] = taken["key"], taken["value"]
    return rows
