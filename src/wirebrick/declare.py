"""Annotations of headers and records: resolved where the class stands, functions included."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any, ClassVar, get_origin

from wirebrick.errors import HeaderError, caller_place


def annotations_of(cls: type, depth: int = 2) -> Iterator[tuple[str, Any]]:
    """Name and type of each field that the body of ``cls`` declares, in order (call from __init_subclass__)."""
    frame = sys._getframe(depth)
    for name, hint in inspect.get_annotations(cls).items():
        if name.startswith("_"):
            continue
        if isinstance(hint, str):
            try:
                hint = eval(hint, frame.f_globals, frame.f_locals)
            except NameError as error:
                raise HeaderError(f"{cls.__name__}.{name}: {error}", place=caller_place()) from None
        if ClassVar in (hint, get_origin(hint)):
            continue
        yield name, hint
