"""The contents of a table as NumPy arrays: millions of entries in a moment, where ``items()`` takes minutes."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from wirebrick.packet.memory import load64
from wirebrick.state import table_layout as layout
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


def pair_of(table: Table[Any, Any]) -> np.dtype[Any]:
    """The layout of a key and its value, behind one another."""
    import numpy as np

    return np.dtype([("key", dtype_of(table.key)), ("value", dtype_of(table.value))])


def rows_of(table: Table[Any, Any], united: bool = True) -> NDArray[Any]:
    """One row for each key: fields ``key`` and ``value``, structured like their records; the order is arbitrary.

    Where several workers have a key, numbers of its records are summed, unless they are not to be ``united``.
    """
    import numpy as np

    pair = pair_of(table)
    with table._reading():
        parts = [_partition(table, block, pair) for block in table.blocks]
    if len(parts) == 1:
        return parts[0]
    rows = np.zeros(sum(map(len, parts)), pair)  # not concatenate(): that would leave out the padding
    at = 0
    for part in parts:
        rows[at : at + len(part)] = part
        at += len(part)
    if not united:
        return rows
    keys = np.zeros(len(rows), pair["key"])
    keys[:] = rows["key"]
    raw = keys.view(f"V{table.key.size}")
    _, first, where = np.unique(raw, return_index=True, return_inverse=True)
    found = np.zeros(len(first), pair)  # rows[first] alone would leave the padding to chance
    found[:] = rows[first]
    for name, field in table.value.fields.items():
        if field.address is None:
            column = rows["value"][name]
            sums = np.zeros(len(found), column.dtype)
            np.add.at(sums, where, column)
            found["value"][name] = sums
    return found


def _partition(table: Table[Any, Any], block: int, pair: np.dtype[Any]) -> NDArray[Any]:
    """The rows of one worker: copies."""
    import numpy as np

    slots = _slots(table, block, pair)
    taken = np.flatnonzero(slots["next"] & layout.TAKEN)
    rows = np.zeros(len(taken), pair)
    rows["key"], rows["value"] = slots["key"][taken], slots["value"][taken]
    return rows


def taken_slots(table: Table[Any, Any], block: int) -> list[int]:
    """The addresses of the slots of one worker that have a key."""
    import numpy as np

    slots = _slots(table, block, np.dtype([]))
    taken = np.flatnonzero(slots["next"] & layout.TAKEN) * table.stride
    return (taken + slots.ctypes.data).tolist()


def _slots(table: Table[Any, Any], block: int, pair: np.dtype[Any]) -> NDArray[Any]:
    """All slots of one worker that were ever used, where they lie, with those fields that ``pair`` has."""
    import numpy as np

    names = list(pair.names or ())
    places = {"key": layout.S_KEY, "value": layout.S_KEY + table.key.size}
    slot = np.dtype(
        {
            "names": ["next", *names],
            "formats": ["<u4", *(pair[name] for name in names)],
            "offsets": [layout.S_NEXT, *(places[name] for name in names)],
            "itemsize": table.stride,
        }
    )
    count = load64(block + layout.T_HOMES) + load64(block + layout.T_FRESH)
    first = block + load64(block + layout.T_SLOTS) + table.stride
    memory = (ctypes.c_uint8 * (table.stride * count)).from_address(first)
    return np.ctypeslib.as_array(memory).view(slot)
