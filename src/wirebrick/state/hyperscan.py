"""Hyperscan (Debian's libhyperscan5), where it is installed: a database of literals for Patterns."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from functools import cache

from wirebrick.errors import GraphError, caller_place
from wirebrick.state.patterns_tables import Literal

LIBRARY = "libhs.so.5"
CASELESS, SINGLEMATCH = 1, 8  # hs_compile.h
BLOCK_MODE = 1
MATCH_MODULE = "wirebrick.state.hyperscan_native"


@cache
def library() -> ctypes.CDLL | None:
    """The library, or None where it isn't installed or this processor is not one it runs on."""
    try:
        found = ctypes.CDLL(LIBRARY)
        return found if found.hs_valid_platform() == 0 and hasattr(found, "hs_compile_lit_multi") else None
    except (OSError, AttributeError):
        return None


class Database:
    """Literals compiled for ``hs_scan``, with scratch memory for each of so many workers; freed with this object.

    Raises GraphError where Hyperscan isn't there, or refuses the literals.
    """

    def __init__(self, literals: Sequence[Literal], workers: int, *, once: bool) -> None:
        from wirebrick.compiler.native import load_native

        hs = library()
        if hs is None:
            raise GraphError(
                "Hyperscan is not installed here, or does not run on this processor",
                place=caller_place(),
                cure='install it (apt-get install libhyperscan5), or leave engine="builtin"',
            )
        count = len(literals)
        self.database = _compiled(hs, literals, once)
        self.scratches = (ctypes.c_uint64 * max(1, workers))()
        first = ctypes.c_void_p()
        if hs.hs_alloc_scratch(self.database, ctypes.byref(first)) != 0:
            raise GraphError(
                f"there is no memory for Hyperscan's scratch ({count} literals)", place=caller_place()
            )
        self.scratches[0] = first.value or 0
        for number in range(1, workers):
            other = ctypes.c_void_p()
            if hs.hs_clone_scratch(first, ctypes.byref(other)) != 0:
                raise GraphError("there is no memory for Hyperscan's scratch", place=caller_place())
            self.scratches[number] = other.value or 0
        self.scan = ctypes.cast(hs.hs_scan, ctypes.c_void_p).value or 0
        self.callback = load_native(MATCH_MODULE, {"hyperscan_match": 5})["hyperscan_match"]
        self.close = weakref.finalize(self, _free, hs, self.database, list(self.scratches))

    def words(self) -> tuple[int, int, int, int]:
        """What ``hyperscan_native`` needs, in the order of ``patterns_layout``."""
        return self.scan, self.database.value or 0, self.callback, ctypes.addressof(self.scratches)


def _compiled(hs: ctypes.CDLL, literals: Sequence[Literal], once: bool) -> ctypes.c_void_p:
    """``hs_database_t`` of literals. Raises GraphError with Hyperscan's words."""
    count = len(literals)
    kept = [ctypes.create_string_buffer(text, len(text)) for text, _ in literals]
    texts = (ctypes.c_void_p * count)(*map(ctypes.addressof, kept))
    flags = (ctypes.c_uint * count)(*(CASELESS * nocase | SINGLEMATCH * once for _, nocase in literals))
    numbers = (ctypes.c_uint * count)(*range(count))
    sizes = (ctypes.c_size_t * count)(*(len(text) for text, _ in literals))
    database, error = ctypes.c_void_p(), ctypes.POINTER(_Error)()
    outcome = hs.hs_compile_lit_multi(
        texts, flags, numbers, sizes, count, BLOCK_MODE, None, ctypes.byref(database), ctypes.byref(error)
    )
    if outcome != 0:
        reason = error.contents.message.decode(errors="replace") if error else f"error {outcome}"
        raise GraphError(f"Hyperscan refuses the literals: {reason}", place=caller_place())
    return database


class _Error(ctypes.Structure):
    """``hs_compile_error_t``."""

    _fields_ = [("message", ctypes.c_char_p), ("expression", ctypes.c_int)]


def _free(hs: ctypes.CDLL, database: ctypes.c_void_p, scratches: list[int]) -> None:
    for scratch in scratches:
        hs.hs_free_scratch(ctypes.c_void_p(scratch))
    hs.hs_free_database(database)
