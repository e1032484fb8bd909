"""What the user may have meant: the nearest of the names there are."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """The name nearest to ``word`` as a question, then all names.

    >>> did_you_mean("flow", ["count", "flows", "size"])
    "did you mean 'flows'? There are: count, flows, size"
    >>> did_you_mean("zzz", ["count", "size"])
    'there are: count, size'
    """
    known = list(names)
    near = get_close_matches(word.lower(), known, n=1)
    every = ", ".join(known)
    return f"did you mean {near[0]!r}? There are: {every}" if near else f"there are: {every}"
