"""Spills (``runtime/spill.py``) in the fused function: headers, metadata and pending numbers, written and read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wirebrick.runtime.spill import SLOT, spaces_of

if TYPE_CHECKING:
    from wirebrick.compiler.emit.fused import Fused
    from wirebrick.stream.stream import Stream


def write(f: Fused, stream: Stream, at: str) -> None:
    """Write down the packets of ``stream`` at an address."""
    for offset, name in _places(f, stream):
        f.code.line(f"store32({at} + {offset}, {name})")
    if stream.schema:
        held = f"scratch + {f.shared.metadata_offset(stream.schema)}"
        f.code.line(f"copy({at} + {SLOT * len(stream.stack)}, {held}, {stream.schema.size})")
    for offset, name in _numbers(f, stream):
        f.code.line(f"store64({at} + {offset}, {name})")


def read(f: Fused, stream: Stream, at: str) -> None:
    """Read what was written down: the packet has the headers of ``stream``, parsed."""
    for offset, name in _places(f, stream):
        f.code.line(f"{name} = load32({at} + {offset})")
    if stream.schema:
        held = f"scratch + {f.shared.metadata_offset(stream.schema)}"
        f.code.line(f"copy({held}, {at} + {SLOT * len(stream.stack)}, {stream.schema.size})")
    for offset, name in _numbers(f, stream):
        f.code.line(f"{name} = load64({at} + {offset})")


def _places(f: Fused, stream: Stream) -> Iterator[tuple[int, str]]:
    """Offset and name of each header's places."""
    for number, slot in enumerate(stream.stack):
        for word, name in enumerate(vars(f.unit.slot_names(slot)).values()):
            yield SLOT * number + 4 * word, name


def _numbers(f: Fused, stream: Stream) -> Iterator[tuple[int, str]]:
    """Offset and name of each registry's number."""
    begin = SLOT * len(stream.stack) + (stream.schema.size if stream.schema else 0)
    for number, space in enumerate(spaces_of(f.graph)):
        f.spaces.add(space)
        yield begin + 8 * number, f"k_{space}"
