"""Rulebook: the rules of an ids, as all workers read them; exchanged as a whole while they run."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

from wirebrick.errors import ParameterError
from wirebrick.nf.ids import inspect_native as native
from wirebrick.nf.ids import layout
from wirebrick.nf.ids.assemble import Assembler, Image, ordered
from wirebrick.nf.ids.desk import Desk
from wirebrick.nf.ids.rule import Rule
from wirebrick.packet.flow import FlowKey
from wirebrick.packet.frame import NO_PORT
from wirebrick.packet.memory import copy, store64
from wirebrick.packet.octets import Octets
from wirebrick.state import hyperscan
from wirebrick.state.arguments import key_at, octets
from wirebrick.state.base import State, worker
from wirebrick.state.log import Log
from wirebrick.state.natives import compiled
from wirebrick.state.operation import Operation
from wirebrick.state.patterns_layout import P_HYPERSCAN
from wirebrick.state.patterns_tables import build, shape
from wirebrick.state.sharing import LINES, Sharing, Viewed, zeros

OTHERS = ("desk", "log")
LEAST_ROOM = 4 << 20  # bytes of an image: six tables of all ports, and some


class Setting(NamedTuple):
    """How rules are applied: see the parameters of the NF."""

    inline: bool = False
    midstream: bool = True
    overlap: int = 2048
    streams: bool = True
    hyperscan: bool = False


class Rulebook(State):
    """Rules against packets and pieces of streams.

    In user functions: ``book.packet(ip.raw, payload, protocol, fragment_offset, ingress)`` looks at a packet:
    whether it is to be dropped; ``book.stream(flow, data, offset, seen)`` looks at a piece of a stream: how many
    of its last bytes are to come again; ``book.fate(resets)``: what becomes of the packet on its way. Alerts go into
    ``log``.

    From outside, at any time, ``exchange(rules)`` puts others in the place of all: each worker sees them from its
    next burst on. Raises ParameterError where there is no room for them.
    """

    key = FlowKey
    operations = {
        "packet": Operation(
            native.ids_packet,
            ("bytes", "bytes", "number", "number", "port"),
            result="bool",
            others=OTHERS,
            clock=True,
        ),
        "stream": Operation(
            native.ids_stream,
            ("key", "bytes", "natural", "natural"),
            result="natural",
            others=OTHERS,
            clock=True,
        ),
        "fate": Operation(native.ids_fate, ("natural",), result="natural", others=("desk",)),
    }
    viewed = True
    saveable = False

    def __init__(self, rules: Sequence[Rule], log: Log, setting: Setting, *, flows: int, idle: float) -> None:
        self.setting = setting
        self.log = log
        self._changing = threading.Lock()
        self._databases: list[list[hyperscan.Database | None]] = []
        self._workers = 1
        count = len(rules)
        self.most_rules, self.most_slots = max(4096, 2 * count), max(8192, 4 * count)
        self.count = count
        self._image = self._assemble(rules, Image())
        used = [sum(len(text) for text, _ in literals) for literals in self._image.literals]
        self.most_literals = max(1024, 2 * max(map(len, self._image.literals)))
        self.room = max(LEAST_ROOM, 2 * len(self._image.data))
        self._shape = shape(self.most_literals, max(65536, 2 * max(used)))
        self.most_text = max(65536, 2 * max(used))
        self.most_bits = max(64, 2 * len(self._image.bits))
        self.tables = [-(-self.room // LINES) * LINES]
        self.tables.append(-(-(self.tables[0] + self._shape.size) // LINES) * LINES)
        super().__init__("the rules of ids")
        self.desk = Desk(
            rules=self.most_rules,
            slots=self.most_slots,
            literals=self.most_literals,
            bits=self.most_bits,
            flows=flows,
            idle=idle,
        )

    def _assemble(self, rules: Sequence[Rule], before: Image) -> Image:
        """The image of rules, that comes behind another one."""
        setting = self.setting
        assembler = Assembler(
            before,
            inline=setting.inline,
            midstream=setting.midstream,
            overlap=setting.overlap,
            streams=setting.streams,
        )
        return assembler.image(ordered(rules))

    @property
    def rules(self) -> list[Rule]:
        """All rules that ever were, by slot."""
        return list(self._image.slots)

    def block_size(self) -> int:
        """Bytes of a copy."""
        return self.tables[1] + self._shape.size

    def _initialise(self, block: int) -> None:
        image = self._image
        data = octets(image.data)
        copy(block, data._at, len(image.data))
        for scope, literals in enumerate(image.literals):
            at = self.tables[scope]
            store64(block + layout.B_SETS + scope * layout.SET + layout.SET_TABLES, at if literals else 0)
            if literals:
                build(block + at, self._shape, literals, 1)
            database = self._databases[-1][scope]
            if database is not None:
                for number, word in enumerate(database.words()):
                    store64(block + at + P_HYPERSCAN + 8 * number, word)

    def allocate(self, workers: int) -> None:
        """Make the memory of a run."""
        self._workers = workers
        self._databases = [self._compiled(self._image)]
        super().allocate(workers)

    def _compiled(self, image: Image) -> list[hyperscan.Database | None]:
        """The databases of each scope, where Hyperscan is to find literals."""
        wanted = self.setting.hyperscan
        return [
            hyperscan.Database(literals, self._workers, once=True) if wanted and literals else None
            for literals in image.literals
        ]

    def _share(self, size: int, workers: int) -> Sharing:
        return Viewed(size, workers, zeros, self._begin, -1, 0)

    def exchange(self, rules: Sequence[Rule]) -> None:
        """Put other rules in the place of all, in one step (from outside).

        Raises ParameterError where there is no room: nothing is changed then. Raises StateError where a worker
        keeps the second copy for seconds.
        """
        with self._changing:
            image = self._assemble(rules, self._image)
            literals = max(map(len, image.literals))
            text = max(sum(len(text) for text, _ in one) for one in image.literals)
            for what, needed, most in (
                ("rules", len(rules), self.most_rules),
                ("rules since the start", len(image.slots), self.most_slots),
                ("bytes of rules", len(image.data), self.room),
                ("literals", literals, self.most_literals),
                ("bytes of literals", text, self.most_text),
                ("names of flow bits", len(image.bits), self.most_bits),
            ):
                if needed > most:
                    raise ParameterError(
                        f"the rules need {needed:,} {what}, and there is room for {most:,}",
                        cure="start the run anew with them",
                    )
            self._image, self.count = image, len(rules)
            if isinstance(self.sharing, Viewed):
                # The one before may be in use until the exchange is over; of the one before that nobody knows.
                self._databases = [self._databases[-1], self._compiled(image)]
                self.sharing.show(self.name, self._initialise)

    def _call(self, name: str, *arguments: int) -> int:
        """An operation, as compiled code does it."""
        operation = self.operations[name]
        others = [getattr(self, other).changing() for other in operation.others]
        given = (self.shown(), *others, *([worker.now] if operation.clock else []), *arguments)
        return compiled(operation.function.__module__, operation.function.__name__, len(given))(*given)

    def packet(
        self,
        header: Octets | bytes,
        payload: Octets | bytes,
        protocol: int,
        fragment: int,
        ingress: str | None,
    ) -> bool:
        """Look at a packet (in user functions); whether it is to be dropped."""
        ip, data = octets(header), octets(payload)
        port = NO_PORT if ingress is None else self.port_names.index(ingress)
        numbers = (int(protocol), int(fragment), port)
        return bool(self._call("packet", ip._at, len(ip), data._at, len(data), *numbers))

    def stream(self, flow: Any, data: Octets | bytes, offset: int, seen: int) -> int:
        """Look at a piece of a stream (in user functions); how many of its last bytes are to come again."""
        view = octets(data)
        return self._call("stream", key_at(self.name, FlowKey, flow), view._at, len(view), offset, seen)

    def fate(self, resets: int) -> int:
        """What becomes of the packet on its way: it goes on (0), is dropped (1) or, if it may, reset (2)."""
        return self._call("fate", resets)
