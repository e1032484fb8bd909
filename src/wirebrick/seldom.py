"""seldom: a mark on functions that few packets need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "_wirebrick_seldom"


def seldom(function: F) -> F:
    """Keep a user function, or one that it calls, out of the way of the packets that don't need it.

    Its machine code stands apart and is called, where that of other functions becomes a part of the chain's, and is
    made small rather than fast. It means the same with the mark and without.

    >>> @seldom
    ... def mend(number):
    ...     return number + 1
    >>> mend(1), is_seldom(mend), is_seldom(print)
    (2, True, False)
    """
    setattr(function, _MARK, True)
    return function


def is_seldom(function: Any) -> bool:
    """Whether a function has the mark."""
    return getattr(function, _MARK, False) is True
