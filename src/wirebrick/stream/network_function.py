"""network_function: makes a Python function over streams an NF."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wirebrick.errors import GraphError, ParameterError, Place, caller_place
from wirebrick.stream.graph import Graph, Input, Output, Scope
from wirebrick.stream.merge import merge
from wirebrick.stream.shuffle import MOST_QUEUES, shuffle
from wirebrick.stream.stream import Stream


@dataclass(frozen=True)
class Configured:
    """An NF with values for its parameters: what a chain is made of."""

    nf: NetworkFunction
    parameters: dict[str, Any] = field(default_factory=dict)
    workers: tuple[int, ...] | None = None  # where it runs; None: where packets are

    def __call__(self, *streams: Stream) -> Any:
        """Build it on streams."""
        return self.nf(*streams, **self.parameters)

    def on(self, *workers: int) -> Configured:
        """The same, placed: packets go to these workers before it, by flow. Raises GraphError.

        In a run with fewer workers, worker n stands for n modulo their number.

        >>> from wirebrick.nf.macswap import macswap
        >>> from wirebrick.nf.ttl import ttl
        >>> import wirebrick
        >>> wirebrick.run([ttl, macswap.on(1)], rx="memory:count=1000", workers=2).packets_out
        1000
        """
        if not workers or not all(type(one) is int and 0 <= one < MOST_QUEUES for one in workers):
            raise GraphError(
                f"{self.nf.name} can't be placed on the workers {list(workers)}",
                place=caller_place(),
                cure="name them by number, from 0: on(0, 1)",
            )
        return replace(self, workers=workers)


class NetworkFunction:
    """An NF: call it with streams to build it into a graph, or with parameters alone to configure it for a chain."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = function.__name__
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.__module__ = function.__module__
        self.__wrapped__ = function
        signature = inspect.signature(function)
        self.streams = [p for p in signature.parameters.values() if _is_stream(p)]
        self.parameters = {p.name: p for p in signature.parameters.values() if not _is_stream(p)}
        self.place = Place(function.__code__.co_filename, function.__code__.co_firstlineno)

    def __call__(self, *streams: Stream, **parameters: Any) -> Any:
        """Build (with streams) or configure (without). Raises ParameterError for an unknown parameter."""
        for name in parameters:
            if name not in self.parameters:
                raise ParameterError(
                    f"the NF {self.name} has no parameter {name!r}",
                    place=caller_place(),
                    cure=f"its parameters are {', '.join(self.parameters) or 'none'}",
                )
        if not streams:
            return Configured(self, parameters)
        for name, parameter in self.parameters.items():
            if parameter.default is parameter.empty and name not in parameters:
                raise ParameterError(
                    f"the NF {self.name} needs its parameter {name}",
                    place=caller_place(),
                    cure=f"{self.name}({name}=...), or {self.name}:{name}=... on the command line",
                )
        if not all(isinstance(stream, Stream) for stream in streams) or len(streams) != len(self.streams):
            raise GraphError(
                f"the NF {self.name} takes {len(self.streams)} stream(s) and keyword parameters",
                place=caller_place(),
            )
        return self._build(streams, parameters)

    def on(self, *workers: int) -> Configured:
        """Place it on workers; see ``Configured.on``."""
        return Configured(self).on(*workers)

    def _build(self, streams: tuple[Stream, ...], parameters: dict[str, Any]) -> Any:
        graph = streams[0].graph
        scope, first = graph.enter(streams[0], self.name, caller_place())
        entered = [first, *(graph.enter_also(scope, stream) for stream in streams[1:])]
        with graph.building(scope):
            result = self.function(*entered, **parameters)
        if result is None:
            outputs = graph.leave(scope, [])
            return outputs[0] if outputs else None
        several = isinstance(result, tuple | list)
        results = list(result) if several else [result]
        for stream in results:
            if not isinstance(stream, Stream):
                raise GraphError(
                    f"the NF {self.name} returned {stream!r}",
                    place=self.place,
                    cure="return the stream(s) its packets leave by, or nothing",
                )
        outputs = graph.leave(scope, results)
        return outputs if several else outputs[0]

    def __repr__(self) -> str:
        return f"<network function {self.name}>"


class Hop(NetworkFunction):
    """An NF outside of Wirebrick: packets leave to it by the two ports that its parameters name, and come back there.

    Its parameters are ``inside`` and ``outside``; its second stream is what comes in at those.
    """

    def comes_back(self, parameters: Mapping[str, Any]) -> Callable[[Any], int]:
        """A function of a packet: 1 where it came in at one of the hop's ports, else 0."""
        inside, outside = parameters["inside"], parameters["outside"]

        def returned(packet: Any) -> int:
            return 1 if packet.ingress == inside or packet.ingress == outside else 0

        return returned


def _is_stream(parameter: inspect.Parameter) -> bool:
    """Streams come by position and have no default; everything else is configuration."""
    return parameter.kind is not parameter.KEYWORD_ONLY and parameter.default is parameter.empty


def network_function(function: Callable[..., Any]) -> NetworkFunction:
    """Make ``function`` a network function: it takes stream(s), and its configuration as keyword parameters.

    >>> from wirebrick import Stream, network_function, run
    >>> @network_function
    ... def short(packets: Stream, *, longest: int = 100) -> Stream:
    ...     return packets.filter(lambda packet: packet.length <= longest, reason="too_long")
    >>> run(short(longest=70), rx=[bytes(64), bytes(80)]).drops
    {'short.too_long': 1}
    """
    return NetworkFunction(function)


def build_chain(
    chain: list[NetworkFunction | Configured],
    *,
    spread: bool = False,
    alone: bool = False,
    reverse: str | None = None,
) -> Graph:
    """The complete graph of NFs in a row, from all ports to the egress port. Raises GraphError.

    Before an NF that is placed on other workers than the one before it, packets are shuffled there by flow;
    with ``spread`` also where they come in, to all workers if the first NF isn't placed. ``alone``: there is one
    worker. What comes back from a hop outside goes on behind it. What comes in by the port ``reverse`` passes the
    NFs from the last to the first: each stands in the graph twice, with the same state and counters.

    >>> from wirebrick.nf.macswap import macswap
    >>> from wirebrick.nf.ttl import ttl
    >>> graph = build_chain([macswap, ttl], reverse="out")
    >>> [(node.kind, node.scope.name) for node in graph.nodes if node.kind == "enter"]
    [('enter', 'macswap'), ('enter', 'ttl'), ('enter', 'ttl'), ('enter', 'macswap')]
    """
    graph = Graph(alone=alone)
    stream: Any = Input(graph, None, None).output((), None)
    first = chain[0].workers if chain and isinstance(chain[0], Configured) else None
    if spread and first is None:
        stream = shuffle(stream, "flow")
    hops = [
        position for position, nf in enumerate(chain) if isinstance(nf, Configured) and isinstance(nf.nf, Hop)
    ]
    if reverse is not None and chain:
        if hops:
            raise GraphError(
                f"the hop {_name(chain[hops[0]])} can't be in a chain that some packets pass in reverse",
                cure="leave reverse out: packets come and go by the hop's own ports",
            )
        stream = _both_ways(graph, stream, chain, reverse)
    else:
        returned = {}
        for position in hops:
            hop: Any = chain[position]
            stream, returned[position] = stream.group_by(2, hop.nf.comes_back(hop.parameters))
        stream = _in_a_row(graph, stream, chain, returned=returned)
    if stream is not None:
        stream._consumed_by(Output(graph, None, None))
    graph.complete()
    return graph


def _in_a_row(
    graph: Graph,
    stream: Any,
    chain: Sequence[NetworkFunction | Configured],
    *,
    returned: Mapping[int, Stream] = {},
    again: Sequence[Scope] = (),
) -> Any:
    """NFs one behind the other; the stream that leaves the last one, or None.

    ``returned``: what comes back to hops; ``again``: those that the NFs were, where they are built once more.
    """
    here: tuple[int, ...] | None = None
    for position, nf in enumerate(chain):
        graph.repeated = again[position] if again else None
        wanted = nf.workers if isinstance(nf, Configured) else None
        if stream is not None and wanted is not None and wanted != here:
            stream = shuffle(stream, "flow", wanted)
        here = wanted or here
        if stream is None:
            before = _name(chain[position - 1])
            raise GraphError(f"the NF {before} has no output, so nothing reaches what is behind it")
        stream = nf(stream, returned[position]) if position in returned else nf(stream)
        if isinstance(stream, list):
            raise GraphError(
                "an NF in a chain has one output; this one has several",
                cure="call it inside an NF of your own that merges or sends them",
            )
    return stream


def _both_ways(
    graph: Graph, stream: Stream, chain: Sequence[NetworkFunction | Configured], reverse: str
) -> Stream | None:
    """The NFs from the first to the last, and for what comes in by ``reverse`` once more from the last to the first."""

    def comes_back(packet: Any) -> int:
        return 1 if packet.ingress == reverse else 0

    forth, back = stream.group_by(2, comes_back)
    forth = _in_a_row(graph, forth, chain)
    built = [scope for scope in graph.scopes if scope.parent is None]
    back = _in_a_row(graph, back, chain[::-1], again=built[::-1])
    ends = [end for end in (forth, back) if end is not None]
    return merge(*ends) if ends else None


def _name(nf: NetworkFunction | Configured) -> str:
    return nf.nf.name if isinstance(nf, Configured) else nf.name
