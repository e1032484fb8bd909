"""Expressions in payloads, native."""

from __future__ import annotations


def ids_pcre(book: int, desk: int, step: int, base: int, size: int, cursor: int, resume: int) -> int:
    """Where an expression's match ends, or -1."""
    return -1
