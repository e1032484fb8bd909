"""shuffle: move packets to other workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from wirebrick.errors import GraphError, Place, caller_place
from wirebrick.stream.graph import Node, here
from wirebrick.stream.udf import check_function

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream

MOST_QUEUES = 1024
CAPACITY = 1024  # packets a ring holds
LARGEST = 1 << 20
FULL = "shuffle_full"  # the reason of packets that a full ring turned away

Full = Literal["wait", "drop"]
By = Callable[[Any], int] | Literal["flow"] | Mapping[str, int]


class Shuffle(Node):
    """``function`` chooses the queue, or ``ports`` (queue by port), or where both are None the flow's hash."""

    kind = "shuffle"
    function: Callable[..., Any] | None = None
    ports: dict[str, int] | None = None
    queues: tuple[int, ...] | None = None  # the worker of each queue; None: a queue for each worker
    full: Full = "wait"
    capacity: int = CAPACITY
    may_write = False

    @property
    def label(self) -> str:
        """With what the choice is made by, and the workers where they are named."""
        by = "flow" if self.ports is None else "port"
        if self.function is not None:
            name = self.function.__name__
            by = "function" if name == "<lambda>" else name
        return f"shuffle({by})" if self.queues is None else f"shuffle({by}, workers={list(self.queues)})"


def shuffle(
    stream: Stream,
    by: By,
    workers: int | Sequence[int] | None = None,
    *,
    full: Full = "wait",
    capacity: int = CAPACITY,
) -> Stream:
    """Have each packet go on in the worker that ``by`` chooses (seed paper III.A.3, "Shuffle").

    ``by``: a function of the packet that gives a number, taken modulo the number of queues; ``"flow"``: the
    innermost parsed IP header's flow, both directions alike, fragments together; or a queue for each port
    packets come from, as in ``{"in": 0, "out": 1}``. ``workers``: how many queues, or the worker of each, as
    in ``[1, 2, 2]``; else there is one for each worker of the run. Where a run has fewer workers, worker n
    stands for n modulo their number: with one worker nothing moves, and without ``workers`` nothing is asked.

    A packet moves by its frame's number through a bounded ring between each two workers, without a lock and
    without a copy; packets of one worker that go to the same worker keep their order, so those of a flow do.
    A ring has room for ``capacity`` packets (a power of two). ``full``: with ``"wait"`` a worker takes no new
    packets in while a ring it may need has no room for a burst, and nothing is lost; with ``"drop"`` what
    finds no room is dropped (``shuffle_full``), and input never waits. In a run of one worker, a shuffle to all
    workers is left out of the graph. Raises GraphError for wrong arguments.

    >>> import wirebrick
    >>> from wirebrick.headers import Ethernet, IPv4
    >>> @wirebrick.network_function
    ... def spread(packets):
    ...     return packets.parse(Ethernet).parse(IPv4).shuffle("flow", workers=2)
    >>> wirebrick.run(spread, rx="memory:count=1000", workers=2).packets_out
    1000
    """
    graph, scope, place = here(stream)
    _check(by, place)
    queues = _queues(workers, place)
    if full not in ("wait", "drop"):
        raise GraphError(
            f"a full ring can't {full!r}", place=place, cure='use full="wait" (the default) or full="drop"'
        )
    if type(capacity) is not int or not 64 <= capacity <= LARGEST or capacity & (capacity - 1):
        raise GraphError(
            f"a ring can't hold {capacity!r} packets", place=place, cure=f"a power of two, 64 to {LARGEST}"
        )
    if queues is None and graph.alone:
        return stream
    node = Shuffle(graph, scope, place)
    stream._consumed_by(node)
    if isinstance(by, Mapping):
        node.ports = dict(by)
    elif callable(by):
        node.function = by
    node.queues, node.full, node.capacity = queues, full, capacity
    return node.output(stream.stack, stream.schema)


def _check(by: By, place: Place | None) -> None:
    """Refuse what packets can't be shuffled by. Raises GraphError."""
    if callable(by):
        check_function(by, "shuffle", place)
    elif isinstance(by, Mapping):
        wrong = [f"{name!r}: {queue!r}" for name, queue in by.items() if not _is_pair(name, queue)]
        if wrong or not by:
            raise GraphError(
                f"shuffle() can't go by {{{', '.join(wrong)}}}",
                place=place,
                cure='name ports and the queue of each: {"in": 0, "out": 1}',
            )
    elif by != "flow":
        raise GraphError(
            f"shuffle() can't go by {by!r}",
            place=place,
            cure='give a function of the packet, "flow", or queues by port: {"in": 0, "out": 1}',
        )


def _is_pair(name: Any, queue: Any) -> bool:
    return isinstance(name, str) and type(queue) is int and 0 <= queue < MOST_QUEUES


def _queues(workers: Any, place: Place | None) -> tuple[int, ...] | None:
    """The worker of each queue. Raises GraphError."""
    if workers is None:
        return None
    if type(workers) is int and 1 <= workers <= MOST_QUEUES:
        return tuple(range(workers))
    if isinstance(workers, Sequence) and not isinstance(workers, str | bytes):
        found = tuple(workers)
        if 1 <= len(found) <= MOST_QUEUES and all(type(one) is int and 0 <= one < 1024 for one in found):
            return found
    raise GraphError(
        f"shuffle() can't use the workers {workers!r}",
        place=place or caller_place(),
        cure="say how many (workers=2), or which (workers=[0, 1])",
    )
