"""Events: functions that a network function has called at certain times, in the workers or on other threads."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from wirebrick.durations import nanoseconds
from wirebrick.errors import GraphError, Place, caller_place
from wirebrick.stream.graph import Graph, Scope, current_scope

if TYPE_CHECKING:
    On = Literal["worker", "control", "background"]

_numbers = itertools.count()


@dataclass(eq=False)
class Event:
    """A function to be called every ``period`` nanoseconds, or once after them, ``on`` a thread of that kind."""

    function: Callable[..., Any]
    period: int
    repeats: bool
    on: On
    scope: Scope
    place: Place | None
    takes_event: bool  # its function has a parameter
    number: int = field(default_factory=lambda: next(_numbers))  # in the order they are declared

    @property
    def name(self) -> str:
        """What totals and warnings call it: its function."""
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    @property
    def operator(self) -> str:
        """What declared it: ``every`` or ``after``."""
        return "every" if self.repeats else "after"

    @property
    def label(self) -> str:
        """What lists of operators call it.

        >>> Event(print, 1_500_000_000, True, "control", Scope("nf", None, None), None, False).label
        'every(1.5 s, print)'
        """
        name = "" if self.name == "<lambda>" else f", {self.name}"
        return f"{self.operator}({self.period / 1e9:g} s{name})"


def every(seconds: float, function: Callable[..., Any], on: On = "worker") -> None:
    """Call ``function()``, or ``function(event)``, every so many seconds while a run lasts.

    To be called while a network function is built. Of ``event`` there are ``event.now``, the time at which it
    was due (nanoseconds since 1970), and ``event.late``, how long ago that was (nanoseconds).

    ``on="worker"``: a user function, compiled like those of operators, called in each worker with that
    worker's state. Its time is that of the worker's packets, as for the idle times of tables: it begins with
    the time of the first packet, and what is due at a time is called before the first packet of that time or
    a later one is processed, in the order of due times, then of declaration. A clock that goes back changes
    nothing. Where it jumps over many periods, the last 64 of them are called, those before are counted as
    ``overruns``. ``event.make(b"...", Ethernet, IPv4)`` gives a new packet of constant bytes with these
    headers parsed, to be changed, and sent or dropped on every path. Checksums in it that are zero are filled
    in. A fault ends this call, and is counted with the event.

    ``on="control"``: any Python, called on the thread that called ``run``, by the clock of the system, while
    the workers stand still between two bursts: all state is consistent, and packets wait as long as it takes.
    What is due while it still runs is left out, counted as an overrun. An exception is a warning and counted;
    the run goes on. ``event.tell(text)`` has the user told something at once.

    ``on="background"``: the same in a thread of its own, while the workers go on: for what takes long or waits
    (files, programs, other hosts). It may change state only by what that allows from outside during a run, as
    ``LongestPrefixMatch.update``. When the workers have ended, a call that goes on is waited for, 5 seconds.

    The n-th call is due n times ``seconds`` after the beginning, however late others were: nothing drifts.
    Calls more than a period late are counted as ``late``. ``Result.events`` has the counts. Raises GraphError
    outside of an NF and for wrong arguments.

    >>> from wirebrick import Array, network_function, run
    >>> from wirebrick.fields import U32
    >>> @network_function
    ... def limited(packets, *, rate: int = 2):
    ...     left = Array(U32, values=[rate])
    ...     def refill():
    ...         left[0] = rate
    ...     def take(packet):
    ...         if left[0] == 0:
    ...             packet.drop("too_fast")
    ...         else:
    ...             left[0] -= 1
    ...     every(1.0, refill)
    ...     return packets.transform(take)
    >>> times = (0, 1, 2, 3, 1_000_000_000)  # four at once, one a second later
    >>> run(limited, rx=[(time, bytes(60)) for time in times], interpret=True).drops
    {'limited.too_fast': 2}
    """
    _declare(seconds, function, on, repeats=True)


def after(seconds: float, function: Callable[..., Any], on: On = "worker") -> None:
    """Call a function once, ``seconds`` after the beginning: of a worker's packets, or (``control``) of the run.

    In everything else as ``every``.

    >>> from wirebrick import Counter, network_function, run
    >>> @network_function
    ... def warm(packets):
    ...     warm = Counter("warm")
    ...     after(10.0, lambda: warm.add(1))
    ...     return packets
    >>> result = run(warm, rx=[(0, bytes(60)), (10_000_000_000, bytes(60))], interpret=True)
    >>> [(event.name, event.fired) for event in result.events]
    [('<lambda>', 1)]
    """
    _declare(seconds, function, on, repeats=False)


def events_of(graph: Graph, on: On) -> list[Event]:
    """The events of a graph on threads of that kind, in the order of declaration."""
    found = [event for scope in graph.scopes for event in scope.events if event.on == on]
    return sorted(found, key=lambda event: event.number)


def _declare(seconds: float, function: Callable[..., Any], on: On, repeats: bool) -> None:
    operator = "every" if repeats else "after"
    place = caller_place()
    scope = current_scope()
    if scope is None:
        raise GraphError(
            f"{operator}() belongs into a network function",
            place=place,
            cure="call it in the function that @network_function decorates",
        )
    period = nanoseconds(seconds)
    if period is None:
        raise GraphError(
            f"{operator}() can't wait {seconds!r} seconds",
            place=place,
            cure="give seconds, from more than 0 to a billion",
        )
    if on not in ("worker", "control", "background"):
        raise GraphError(
            f"events don't run on {on!r}",
            place=place,
            cure='on="worker" (compiled, with the worker\'s state), on="control" or on="background" (any Python)',
        )
    takes_event = _check_function(function, operator, on, place)
    if scope.again is None:
        scope.events.append(Event(function, period, repeats, on, scope, place, takes_event))


def _check_function(function: Any, operator: str, on: On, place: Place | None) -> bool:
    """Whether the function takes the event. Raises GraphError for what can't be called with it or nothing."""
    if on == "worker" and not inspect.isfunction(function):
        raise GraphError(
            f"{operator}() takes a plain function, not {function!r}",
            place=place,
            cure='def or lambda; anything that can be called with on="control"',
        )
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        _refuse_function(function, operator, place, "can't be looked at")
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if len(parameters) > 1 or any(parameter.kind not in positional for parameter in parameters):
        _refuse_function(function, operator, place, f"takes {len(parameters)}")
    return bool(parameters)


def _refuse_function(function: Any, operator: str, place: Place | None, why: str) -> NoReturn:
    code = getattr(function, "__code__", None)
    name = getattr(function, "__name__", repr(function))
    raise GraphError(
        f"the function of {operator}() takes no argument, or one: the event; {name} {why}",
        place=Place(code.co_filename, code.co_firstlineno) if code else place,
        cure="def name(): or def name(event):",
    )
