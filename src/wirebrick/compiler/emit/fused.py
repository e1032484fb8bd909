"""The fused function: all operators of a graph, one packet to its end after the other.

``at`` is the number of the node a packet goes to next (0: its way has ended). A node that is reached by one way only
stands inside the node before it; others stand behind ``if at == ...``, in the order in which packets can reach them.
"""

from __future__ import annotations

from typing import Any

from wirebrick.compiler.emit import ahead, loops, nodes
from wirebrick.compiler.emit.duplicate import emit_second
from wirebrick.compiler.emit.events import emit_events, events_before
from wirebrick.compiler.emit.hold import emit_release
from wirebrick.compiler.emit.known import Knowledge, structural_fields
from wirebrick.compiler.emit.packetize import emit_made
from wirebrick.compiler.emit.parsing import OK
from wirebrick.compiler.emit.remake import emit_remade
from wirebrick.compiler.emit.sharing import locks_of, return_blocks, take_blocks
from wirebrick.compiler.emit.shuffle import emit_resume
from wirebrick.compiler.emit.taps import around, beginning
from wirebrick.compiler.front.emitter import Emitter, PacketInfo, Rights
from wirebrick.compiler.front.functions import Function
from wirebrick.compiler.front.shared import Shared
from wirebrick.compiler.front.unit import Unit
from wirebrick.packet import frame
from wirebrick.runtime.holding import holds_of
from wirebrick.runtime.plan import Plan, scope_name
from wirebrick.runtime.shuffling import entry_number
from wirebrick.stream.duplicate import Duplicate
from wirebrick.stream.graph import Graph, Input, Node, Slot
from wirebrick.stream.hold import Hold
from wirebrick.stream.merge import Merge
from wirebrick.stream.metadata import Metadata
from wirebrick.stream.packetize import Packetize
from wirebrick.stream.remake import Remake
from wirebrick.stream.shuffle import Shuffle
from wirebrick.stream.stream import Stream
from wirebrick.stream.window import Window

DEEPEST = 12
MOST_LISTS = 3  # ports that are told apart by comparing; more by a table


class Fused:
    """Emits the function of a graph."""

    def __init__(self, graph: Graph, plan: Plan, functions: dict[Node, Any], shared: Shared) -> None:
        self.graph = graph
        self.plan = plan
        self.functions = functions
        self.shared = shared
        self.knowledge = Knowledge(graph)
        self.unit = Unit(shared, "chain", None)
        self.code = Emitter(self.unit, None, Rights("graph", write=True))  # type: ignore[arg-type]
        self.code.depth = 2
        self.inlined: set[Node] = set()
        self.states: set[int] = set()
        self.spaces: set[str] = set()
        self.shuffles = [node for node in graph.nodes if isinstance(node, Shuffle)]
        self.holds = holds_of(graph)
        self.makers = [node for node in graph.nodes if isinstance(node, Packetize | Remake | Duplicate)]
        self.windows = [node for node in graph.nodes if isinstance(node, Window)]
        self.local_ports = self._local_ports()
        self.counted = nodes.counted_boundaries(graph, functions)

    def _local_ports(self) -> set[int]:
        """Ports whose list only this loop writes, so that its length can be kept in a register."""
        ports = set(range(len(self.plan.ports)))
        if self.shared.uses_copies or self.shared.sends is None:
            return set()
        if self.shared.sets_egress and len(ports) > MOST_LISTS:
            return set()
        return ports - self.shared.sends

    def text(self) -> str:
        """The source of ``process(w)``."""
        emit_events(self)
        self.code.depth = 2
        for node in self.graph.nodes:
            if isinstance(node, Input):
                self._input(node)
            elif node not in self.inlined:
                self.code.line(f"if at == {node.number}:")
                with self.code.indent():
                    self.node(node)
            if isinstance(node, Shuffle):
                emit_resume(self, node)
            elif isinstance(node, Hold):
                emit_release(self, node)
            elif isinstance(node, Packetize):
                emit_made(self, node)
            elif isinstance(node, Remake):
                emit_remade(self, node)
            elif isinstance(node, Duplicate):
                emit_second(self, node)
        body: list[str] = []
        for line in self.code.lines:
            head, mark, _ = line.partition(nodes.PENDING)
            body += [f"{head}k_{space} = -1" for space in sorted(self.spaces)] if mark else [line]
        return "\n".join([*self._head(), *body, *self._tail(), "", *around(self)])

    def _input(self, node: Node) -> None:
        """Where packets from ports begin; others go on elsewhere."""
        if not self.shuffles and not self.makers and not self.holds:
            self.node(node)
            return
        self.code.line("if at == 0:")
        with self.code.indent():
            self.node(node)

    def label(self, node: Node) -> int:
        """The number under which packets go on behind a node that they left the loop at."""
        return entry_number(self.graph, node)

    def _head(self) -> list[str]:
        lines = [
            *beginning(self),
            f"    burst = load64(w + {frame.W_BURST})",
            f"    size = load64(w + {frame.W_COUNT})",
            f"    store64(w + {frame.W_USED}, size)",
            f"    scratch = load64(w + {frame.W_SCRATCH})",
            f"    fuel = load64(w + {frame.W_FUEL})",
            f"    blocks = load64(w + {frame.W_STATES})",
            f"    lists = load64(w + {frame.W_LISTS})",
        ]
        lines += take_blocks(self.shared)
        for port in sorted(self.local_ports):
            lines += [f"    n{port} = load64(load64(lists + {8 * port}))"]
            lines += [f"    list{port} = load64(lists + {8 * port}) + {frame.LIST_HEAD}"]
        lines += [*ahead.fetches(self), *events_before(self), *loops.before(self), *loops.turn(self)]
        lines += [
            f"        p = load64(d + {frame.D_DATA})",
            f"        end = load32(d + {frame.D_LENGTH})",
            f"        wire = load32(d + {frame.D_WIRE})",
            *loops.beginning(self),
        ]
        lines += [f"        s{number} = 0" for number in sorted(self.states)]
        lines += [f"        k_{space} = -1" for space in sorted(self.spaces)]
        return lines

    def _tail(self) -> list[str]:
        lines = []
        counters = f"load64(w + {frame.W_COUNTERS})"
        out = self.plan.counters.number("chain", "out")
        for port in sorted(self.local_ports):
            lines += [
                f"    store64({counters} + {8 * out}, load64({counters} + {8 * out}) + n{port} - "
                f"load64(list{port} - {frame.LIST_HEAD}))",
                f"    store64(list{port} - {frame.LIST_HEAD}, n{port})",
            ]
        return [*lines, *loops.after(self), *return_blocks(self.shared), f"    return {loops.result(self)}"]

    # For the nodes.

    def node(self, node: Node) -> None:
        """Emit a node, and those that only it leads to."""
        where = f" {node.place.file}:{node.place.line}" if node.place else ""
        scope = f"{node.scope.name}: " if node.scope else ""
        self.code.line(f"# {scope}{node.label}{where}")
        nodes.EMIT[type(node)](self, node)

    def go(self, stream: Stream, settled: frozenset[Slot], touched: frozenset[Slot]) -> None:
        """Packets leave by ``stream``."""
        self.knowledge.leave(stream, settled, touched)
        target = stream.consumer
        assert target is not None
        if isinstance(target, Merge):
            self._merge(target, stream)
        if len(target.inputs) == 1 and self.code.depth < DEEPEST:
            self.inlined.add(target)
            self.node(target)
        else:
            self.code.line(f"at = {target.number}")

    def _merge(self, node: Merge, stream: Stream) -> None:
        """Copy the places of headers into the merged ones."""
        slots = node.slots[node.inputs.index(stream)]
        for mine, merged in zip(slots, node.outputs[0].stack, strict=True):
            if mine is not merged:
                a, b = self.unit.slot_names(merged), self.unit.slot_names(mine)
                for to, source in zip(vars(a).values(), vars(b).values(), strict=True):
                    self.code.line(f"{to} = {source}")

    def count(self, node: Node, kind: str, reason: str = "") -> None:
        """Add one to a counter."""
        self.add(str(self.plan.counters.number(scope_name(node), kind, reason)))

    def add(self, number: str) -> None:
        """Add one to the counter whose number the text gives, for the packet at hand."""
        self.code.line(f"count(w, {number})")
        if self.shared.tapped:
            self.code.line(f"tap(taps, d, {number})")

    def tap(self, node: Node, kind: str) -> None:
        """Let the packet at hand be watched where a counter would count it that follows from others."""
        if self.shared.tapped:
            self.code.line(f"tap(taps, d, {self.plan.counters.number(scope_name(node), kind)})")

    def call(self, node: Node, function: Function, stack: tuple[Slot, ...], schema: Any) -> str:
        """Call a user function; the name of its result."""
        code = self.code
        code.packets[0] = PacketInfo("d", "p", stack)
        names = {"meta": f"scratch + {self.shared.metadata_offset(schema)}" if schema else "0"}
        if isinstance(node, Metadata):
            names["attach"] = f"scratch + {self.shared.metadata_offset(node.schema)}"
        result = code.temporary()
        arguments = ", ".join([*(names.get(name, name) for name in function.needs), "fuel"])
        locks = locks_of(function.needs)
        for number in locks:
            code.line(f"lock_acquire(lock{number}, w)")
        code.line(f"{result} = {function.name}({arguments})")
        for number in reversed(locks):
            code.line(f"lock_release(lock{number})")
        return result

    def fault(self, node: Node, result: str) -> None:
        """Count the fault that ``result`` (negative) tells, of the node's NF."""
        first = self.plan.counters.number(scope_name(node), "fault", "fault_index")
        self.add(f"{first - 1} - {result}")

    def refresh(self) -> None:
        """The packet's place and length after an edit that moved bytes."""
        self.code.line(f"p = load64(d + {frame.D_DATA})")
        self.code.line(f"end = load32(d + {frame.D_LENGTH})")
        self.code.line(f"wire = load32(d + {frame.D_WIRE})")

    def end_with_packet(self, stack: tuple[Slot, ...]) -> None:
        """Let the payloads of the parsed headers end where the packet does."""
        for slot in stack:
            names = self.unit.slot_names(slot)
            self.code.line(f"{names.end} = end")
            self.code.line(f"{names.wire} = wire")

    def settle_again(
        self, stack: tuple[Slot, ...], inputs: list[Stream]
    ) -> tuple[frozenset[Slot], frozenset[Slot]]:
        """What is known where packets come from elsewhere: these headers are parsed, others may be."""
        _, touched = self.knowledge.arrive(inputs)
        settled = frozenset(stack)
        for slot in stack:
            self.code.line(f"s{slot.number} = {OK}")
        self.states.update(slot.number for slot in touched | settled)
        return settled, touched | settled

    def forget(
        self, log: list[tuple[Slot | None, str]], settled: frozenset[Slot], touched: frozenset[Slot]
    ) -> tuple[frozenset[Slot], frozenset[Slot]]:
        """What is still known after stores to headers and payloads."""
        gone: set[Slot] = set()
        for slot, name in log:
            if name == "·bytes":
                gone |= self.knowledge.below(slot)
            elif slot is not None and name in structural_fields(slot.header):
                gone |= self.knowledge.below(slot)
                gone |= set(slot.sources or (slot,))
        return self.forget_slots(gone, settled, touched)

    def forget_slots(
        self, gone: set[Slot] | frozenset[Slot], settled: frozenset[Slot], touched: frozenset[Slot]
    ) -> tuple[frozenset[Slot], frozenset[Slot]]:
        """What is still known when some slots are to be parsed anew."""
        for slot in sorted(gone & touched, key=lambda s: s.number):
            self.states.add(slot.number)
            self.code.line(f"s{slot.number} = 0")
        return settled - gone, touched - gone
