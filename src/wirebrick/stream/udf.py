"""What the operators with a user function have in common."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from wirebrick.errors import GraphError, Place, caller_place
from wirebrick.stream.graph import Node, here

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream

T = TypeVar("T", bound="FunctionNode")


class FunctionNode(Node):
    """An operator that calls a user function with each packet."""

    function: Callable[..., Any]
    may_write = False  # headers, payload, metadata
    checksums = True

    @property
    def label(self) -> str:
        """With the function's name."""
        name = getattr(self.function, "__name__", "?")
        return self.kind if name == "<lambda>" else f"{self.kind}({name})"


def check_function(function: Any, operator: str, place: Place | None, argument: str = "the packet") -> None:
    """Raise GraphError unless ``function`` is a plain function of one ``argument``."""
    if not inspect.isfunction(function):
        raise GraphError(
            f"{operator}() takes a plain function, not {function!r}",
            place=place,
            cure="def or lambda; put what it needs into variables around it",
        )
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) != 1 or parameters[0].kind not in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        raise GraphError(
            f"the function of {operator}() takes one argument, {argument}; "
            f"{function.__name__} takes {len(parameters)}",
            place=Place(function.__code__.co_filename, function.__code__.co_firstlineno),
        )


def check_reason(reason: str) -> None:
    """Raise GraphError unless ``reason`` can name a drop."""
    if not isinstance(reason, str) or not reason.isidentifier():
        raise GraphError(
            f"{reason!r} can't be a reason",
            place=caller_place(),
            cure="one word of letters, digits and _, such as ttl_expired",
        )


def function_node(kind: type[T], stream: Stream, function: Any) -> T:
    """Make an operator of ``kind`` on ``stream``."""
    graph, scope, place = here(stream)
    check_function(function, kind.kind, place)
    node = kind(graph, scope, place)
    stream._consumed_by(node)
    node.function = function
    return node
