"""Flows as a Parquet file, by Apache Arrow's library (the extra ``wirebrick[parquet]``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wirebrick.errors import ParameterError

CURE = "pip install 'wirebrick[parquet]', or end the file in .csv or .json"


def check_library() -> None:
    """Raise ParameterError where the library isn't there."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise ParameterError(
            "monitor: a .parquet file needs pyarrow, which is not installed", cure=CURE
        ) from None


def write_parquet(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write rows to ``path``: texts as dictionaries, numbers as int64 or float64."""
    import pyarrow
    import pyarrow.parquet

    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    arrays = []
    for column in values:
        array = pyarrow.array(column)
        arrays.append(array.dictionary_encode() if pyarrow.types.is_string(array.type) else array)
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(arrays, names=list(columns)), path)
