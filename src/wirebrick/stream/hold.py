"""hold: keep packets for a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wirebrick.errors import GraphError
from wirebrick.stream.graph import here
from wirebrick.stream.udf import FunctionNode, check_reason, function_node

if TYPE_CHECKING:
    from wirebrick.stream.stream import Stream

CAPACITY = 4096  # packets that are held at once
LARGEST = 1 << 20
FULL = "hold_full"


class Hold(FunctionNode):
    """The function says when a packet goes on."""

    kind = "hold"
    capacity: int = CAPACITY
    reason: str = FULL


def hold(
    stream: Stream, function: Callable[[Any], int | None], capacity: int = CAPACITY, *, reason: str = FULL
) -> Stream:
    """Let each packet go on at the time that ``function(packet)`` gives, in nanoseconds by the packets' clock.

    Until then the packet waits in its frame, without a copy. It goes on before the first packet of that time or a
    later one is processed, and its timestamp is then the time at which it goes on. Packets go on in the order of
    their times, of equal times in the order in which they came. A time that is not later than now, or None, lets it
    go on at once, unchanged. The function may drop or send the packet, and write state.

    The clock is that of the worker's packets, as for ``every``: at the end of the input everything that is held goes
    on, in order of time. On interfaces an idle worker's clock follows the wall, and it wakes for what is due. Packets
    that are held when a run is interrupted stay (``packets_held``).

    Each worker holds up to ``capacity`` packets (1 to 1,048,576) for each hold; what finds no room is dropped, counted
    as ``reason``. Frames for them are kept ready; those that are never used cost no memory but with ports that need
    it all (``xdp:``, ``dpdk:``). Raises GraphError for wrong arguments.

    >>> import wirebrick
    >>> @wirebrick.network_function
    ... def later(packets):
    ...     return packets.hold(lambda packet: packet.timestamp + (50 if packet.length < 100 else 0))
    >>> frames = [(1000, bytes(60)), (1040, bytes(200)), (1050, bytes(201))]
    >>> [len(packet) for packet in wirebrick.run(later, rx=frames).packets]
    [200, 60, 201]
    """
    _, _, place = here(stream)
    if type(capacity) is not int or not 1 <= capacity <= LARGEST:
        raise GraphError(f"hold() can't keep {capacity!r} packets", place=place, cure=f"1 to {LARGEST:,}")
    check_reason(reason)
    node = function_node(Hold, stream, function)
    node.capacity, node.reason = capacity, reason
    return node.output(stream.stack, stream.schema)
