"""Patterns: many literals, all found in one pass over bytes of a packet or a stream."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any
from typing import Literal as OneOf

from wirebrick.errors import GraphError, StateError, caller_place
from wirebrick.packet.memory import store64
from wirebrick.packet.octets import Octets
from wirebrick.state import automaton_native, hyperscan, patterns_layout, patterns_scan_native
from wirebrick.state import patterns_native as native
from wirebrick.state.arguments import natural, octets, whole
from wirebrick.state.automaton import build_automaton
from wirebrick.state.base import State
from wirebrick.state.match_list import MatchList
from wirebrick.state.natives import compiled
from wirebrick.state.operation import Operation
from wirebrick.state.patterns_tables import Literal, build, shape
from wirebrick.state.sharing import Sharing, Viewed, zeros

LONGEST = 2048  # bytes of a literal
ROOM = 1 << 23  # bytes of all: states of the automaton have 24 bits


class Patterns(State):
    """Literals, numbered from 0, that are searched for together.

    ``nocase``: of each, whether letters (ASCII) match in either case; left out: none does. ``once``: a scan
    gives each literal once, with its first end, instead of all places. ``most``: matches that a scan has room
    for; those beyond are counted, ``lost``. (With ``once`` there is always room.) ``capacity`` and ``room``:
    how many literals, of how many bytes together, ``update`` may bring; as a rule twice what there is, at
    least 1,024 of 65,536 bytes.

    In user functions: ``patterns.scan(data)`` looks through bytes of a packet or of a window and gives the
    number of matches; ``patterns.match(i)`` is the literal of match ``i``, ``patterns.end(i)`` how many bytes
    of the data there are up to its end, both -1 behind the last. Matches are in no particular order; those of
    one literal have rising ends. Each worker has its own list, good until its next scan.

    ``patterns.scan_from(state, data)`` does the same for a piece of a stream, and finds literals that began
    in pieces before: ``state`` is what ``patterns.state()`` gave behind the piece before, or 0, and is kept
    by the user function.

    ``engine``: ``"hyperscan"`` searches with Hyperscan (Debian's libhyperscan5), ``"auto"`` where it is installed;
    the matches are the same. (What has less than 64 bytes is not given to it: that would take longer.)

    All workers read one copy of the literals. From outside, at any time, ``update(literals, nocase)`` puts
    others in their place: each worker sees them from its next burst on.

    Raises GraphError for wrong arguments.

    >>> patterns = Patterns([b"evil", b"virus", b"us"], nocase=[True, False, False])
    >>> patterns.allocate(workers=1)  # a run does this
    >>> patterns.scan(b"EVIL, a virus")  # user functions do this, with bytes of a packet
    3
    >>> sorted((patterns.end(i), patterns.match(i)) for i in range(3))
    [(4, 0), (13, 1), (13, 2)]
    >>> patterns.scan_from(0, b"a vir"), patterns.scan_from(patterns.state(), b"us")
    (0, 2)
    """

    operations = {
        "scan": Operation(
            patterns_scan_native.patterns_scan,
            ("bytes",),
            result="natural",
            writes=False,
            others=("matches",),
        ),
        "scan_from": Operation(
            automaton_native.patterns_scan_from,
            ("natural", "bytes"),
            result="natural",
            writes=False,
            others=("matches",),
        ),
        "state": Operation(
            automaton_native.patterns_state, result="natural", writes=False, others=("matches",)
        ),
        "match": Operation(
            native.patterns_match, ("natural",), result="number", writes=False, others=("matches",)
        ),
        "end": Operation(
            native.patterns_end, ("natural",), result="number", writes=False, others=("matches",)
        ),
    }
    viewed = True
    saveable = False

    def __init__(
        self,
        literals: Sequence[bytes],
        nocase: Sequence[bool] | None = None,
        *,
        engine: OneOf["builtin", "hyperscan", "auto"] = "builtin",
        once: bool = False,
        most: int = 4096,
        capacity: int | None = None,
        room: int | None = None,
    ) -> None:
        self._literals = _checked(literals, nocase)
        self.capacity = whole(
            "Patterns",
            "capacity",
            max(1024, 2 * len(literals)) if capacity is None else capacity,
            max(1, len(literals)),
            1 << 20,
            "literals",
        )
        used = sum(len(text) for text, _ in self._literals)
        self.room = whole(
            "Patterns",
            "room",
            max(65536, 2 * used) if room is None else room,
            used,
            ROOM,
            "bytes of literals",
        )
        whole("Patterns", "most", most, 1, 1 << 24, "matches that a scan has room for")
        if engine not in ("builtin", "hyperscan", "auto"):
            raise GraphError(
                f"{engine!r} is no engine of Patterns",
                place=caller_place(),
                cure='give "builtin", "hyperscan" or "auto"',
            )
        self.hyperscan = engine == "hyperscan" or (engine == "auto" and hyperscan.library() is not None)
        self._databases: list[
            hyperscan.Database
        ] = []  # the current one, and the one before: it may be in use
        self._once = once
        self._workers = 1
        self._generation = 1
        self._shape = shape(self.capacity, self.room)
        self._changing = threading.Lock()
        super().__init__(f"Patterns({len(literals)})")
        self.matches = MatchList(
            f"matches of {self.name}", self.capacity if once else most, self.capacity if once else 0
        )

    def block_size(self) -> int:
        """Bytes of a copy of the tables."""
        return self._shape.size

    def _initialise(self, block: int) -> None:
        build(block, self._shape, self._literals, self._generation)
        if self._databases and self._literals:
            for number, word in enumerate(self._databases[0].words()):
                store64(block + patterns_layout.P_HYPERSCAN + 8 * number, word)
        build_automaton(block, self._shape, self._literals)

    def _share(self, size: int, workers: int) -> Sharing:
        return Viewed(size, workers, zeros, self._begin, -1, 0)

    def allocate(self, workers: int) -> None:
        """Make the memory of a run, with that of the matches."""
        self._workers = workers
        self._databases = self._compiled(self._literals)
        super().allocate(workers)
        self.matches.allocate(workers)

    def _compiled(self, literals: list[Literal]) -> list[hyperscan.Database]:
        """The database of literals, if Hyperscan is to find them (it takes none of none)."""
        if not self.hyperscan or not literals:
            return []
        return [hyperscan.Database(literals, self._workers, once=self._once)]

    def _call(self, name: str, *arguments: Any) -> int:
        """An operation, as compiled code does it."""
        function = self.operations[name].function
        given = (self.shown(), self.matches.changing(), *arguments)
        return compiled(function.__module__, function.__name__, len(given))(*given)

    def scan(self, data: Octets | bytes) -> int:
        """Look through the data (in user functions); how many matches there are."""
        view = octets(data)
        return self._call("scan", view._at, len(view))

    def scan_from(self, state: int, data: Octets | bytes) -> int:
        """As ``scan``, going on behind a piece that left ``state`` (in user functions)."""
        view = octets(data)
        return self._call("scan_from", natural(state), view._at, len(view))

    def state(self) -> int:
        """What the last ``scan_from`` of this worker left (in user functions)."""
        return self._call("state")

    def match(self, i: int) -> int:
        """The literal of match ``i`` of this worker's last scan, or -1 (in user functions)."""
        return self._call("match", natural(i))

    def end(self, i: int) -> int:
        """Where match ``i`` ends, or -1 (in user functions)."""
        return self._call("end", natural(i))

    @property
    def lost(self) -> int:
        """Matches for which there was no room, in all workers."""
        return self.matches.lost

    def __len__(self) -> int:
        """How many literals there are."""
        return len(self._literals)

    def update(self, literals: Sequence[bytes], nocase: Sequence[bool] | None = None) -> None:
        """Put other literals in the place of all, in one step (from outside).

        Streams begin anew with them: what ``state()`` gave before counts as 0. Raises GraphError for what is
        no literal, and where there is no room: nothing is changed then. Raises StateError where a worker keeps
        the second copy for seconds: it is changed at the next update.
        """
        new = _checked(literals, nocase)
        for what, size, most in (
            ("literals", len(new), self.capacity),
            ("bytes", sum(len(text) for text, _ in new), self.room),
        ):
            if size > most:
                raise GraphError(
                    f"{self.name} has room for {most} {what}, not for {size}",
                    place=caller_place(),
                    cure=f"make it with a larger {'capacity' if what == 'literals' else 'room'}=",
                )
        with self._changing:
            if isinstance(self.sharing, Viewed):
                self._databases = [*self._compiled(new), *self._databases]
            self._literals = new
            self._generation = self._generation % ((1 << patterns_layout.GENERATION_BITS) - 1) + 1
            if isinstance(self.sharing, Viewed):
                try:
                    self.sharing.show(self.name, self._initialise)
                except StateError:
                    del self._databases[:1]
                    raise
                del self._databases[2:]


def _checked(literals: Sequence[bytes], nocase: Sequence[bool] | None) -> list[Literal]:
    """Literals with their flags. Raises GraphError."""
    flags = [False] * len(literals) if nocase is None else list(nocase)
    if len(flags) != len(literals):
        raise GraphError(
            f"{len(literals)} literals have {len(flags)} flags that say whether case matters",
            place=caller_place(),
            cure="give nocase= one truth value for each literal",
        )
    for text in literals:
        if not isinstance(text, bytes) or not 0 < len(text) <= LONGEST:
            raise GraphError(
                f"{text!r} can't be searched for",
                place=caller_place(),
                cure=f"give bytes, 1 to {LONGEST} of them",
            )
    return [Literal(text, bool(flag)) for text, flag in zip(literals, flags, strict=True)]
