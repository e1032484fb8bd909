"""The fused function that lets packets be watched: compiled when a capture begins, in the other's place till it ends.

It does the same on the same memory, and tells ``tap`` (``runtime/tap_native.py``) of every packet that it counts, in
the moment it does. What comes from the ports, and what is listed for them, is told around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wirebrick.packet import frame

if TYPE_CHECKING:
    from wirebrick.compiler.emit.fused import Fused

_INNER = "process_burst"


def beginning(f: Fused) -> list[str]:
    """The first lines of the function over a burst."""
    if not f.shared.tapped:
        return ["def process(w):"]
    return [f"def {_INNER}(w, taps):"]


def around(f: Fused) -> list[str]:
    """The function that is called, where it is another one."""
    if not f.shared.tapped:
        return []
    return [
        "",
        "def process(w):",
        f"    taps = load64(w + {frame.W_TAPS})",
        "    tap_received(w, taps)",
        f"    again = {_INNER}(w, taps)",
        "    tap_listed(w, taps)",
        "    return again",
        "",
    ]
