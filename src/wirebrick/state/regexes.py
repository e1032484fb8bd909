"""Regexes: regular expressions that are searched for in bytes of a packet or a stream, in bounded time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wirebrick.errors import GraphError, caller_place
from wirebrick.packet.memory import copy
from wirebrick.packet.octets import Octets
from wirebrick.state import regexes_layout as layout
from wirebrick.state import regexes_native as native
from wirebrick.state.arguments import natural, octets, whole
from wirebrick.state.base import State
from wirebrick.state.natives import compiled
from wirebrick.state.operation import Operation
from wirebrick.state.regex_program import BYTE, Program, compiled_program
from wirebrick.state.regex_table import RegexTable, table_of
from wirebrick.state.regex_tree import RegexError, flags_of
from wirebrick.state.sharing import Sharing, Viewed, zeros

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_STATES = 32767


class Regexes(State):
    """Regular expressions in PCRE's syntax, numbered from 0.

    ``flags``: of each, letters as in Snort's ``pcre``: ``i`` letters match in either case, ``s`` the dot matches a
    newline, ``m`` ``^`` and ``$`` match at lines, ``x`` spaces and comments are left out, ``A`` it begins where the
    search begins, ``E`` ``$`` matches at the end only (not before a last newline), ``G`` repetitions are lazy.

    In user functions: ``regexes.search(number, data, start=0)`` is the end of the first match at or behind
    ``start``, or -1: of the one that PCRE finds, where several begin there. As in PCRE, ``^`` and ``\\b`` see what is
    before ``start``; they don't with ``data[start:]``. A number that isn't there matches nothing.

    What needs more than bounded time or is about what a group matched is refused: back references, look around,
    atomic groups, possessive repetition, recursion. Groups only bracket. Where a part that may match nothing is
    repeated, another end than PCRE's may be found (never none where it finds one).

    An expression becomes a table where that has at most ``states`` states: a step for each byte. Others are
    followed along all ways at once, up to 4,096 steps for each byte. ``room``: bytes of all tables that ``update`` may
    bring; as a rule twice what there is, at least 1 MiB.

    All workers read one copy. From outside, at any time, ``update(patterns, flags)`` puts others in their place, for
    each worker from its next burst on. Raises GraphError for wrong arguments, ValueError that names expression and
    byte for what is not supported.

    >>> regexes = Regexes([rb"user:\\s*(root|admin)\\b", "id=[0-9]{3,}"], ["i", ""])
    >>> regexes.allocate(workers=1)  # a run does this
    >>> regexes.search(0, b"USER: root ?"), regexes.search(1, b"id=12")  # user functions do this
    (10, -1)
    >>> Regexes([r"(a)\\1"])
    Traceback (most recent call last):
    ...
    ValueError: regular expression 0, at byte 3: a back reference is not supported: it would take unbounded time
    """

    operations = {
        "search": Operation(
            native.regexes_search,
            ("natural", "bytes", "natural"),
            (0,),
            result="number",
            writes=False,
            others=("ways",),
        )
    }
    viewed = True
    saveable = False

    def __init__(
        self,
        patterns: Sequence[str | bytes],
        flags: Sequence[str] | None = None,
        *,
        states: int = 1024,
        room: int | None = None,
    ) -> None:
        self.states = whole("Regexes", "states", states, 0, MOST_STATES, "of a table")
        self._image = self._made(patterns, flags)
        self._count = len(patterns)
        least = len(self._image)
        self.room = whole(
            "Regexes", "room", max(1 << 20, 2 * least) if room is None else room, least, 1 << 32, "bytes"
        )
        self._changing = threading.Lock()
        super().__init__(f"Regexes({len(patterns)})")
        self.ways = Ways(f"ways of {self.name}")

    def block_size(self) -> int:
        """Bytes of a copy."""
        return self.room

    def _initialise(self, block: int) -> None:
        copy(block, int(self._image.ctypes.data), len(self._image))

    def _share(self, size: int, workers: int) -> Sharing:
        return Viewed(size, workers, zeros, self._begin, -1, 0)

    def allocate(self, workers: int) -> None:
        """Make the memory of a run, with that of the searches."""
        super().allocate(workers)
        self.ways.allocate(workers)

    def search(self, number: int, data: Octets | bytes, start: int = 0) -> int:
        """The end of the first match at or behind ``start``, or -1 (in user functions)."""
        view = octets(data)
        given = (self.shown(), self.ways.changing(), natural(number), view._at, len(view), natural(start))
        return compiled(native.__name__, "regexes_search", 6)(*given)

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    def update(self, patterns: Sequence[str | bytes], flags: Sequence[str] | None = None) -> None:
        """Put other expressions in the place of all, in one step (from outside).

        Raises ValueError for what is not supported, GraphError where there is no room: nothing is changed then.
        Raises StateError where a worker keeps the second copy for seconds: it is changed at the next update.
        """
        image = self._made(patterns, flags)
        if len(image) > self.room:
            raise GraphError(
                f"{self.name} has room for {self.room} bytes of tables, not for {len(image)}",
                place=caller_place(),
                cure="make it with a larger room=",
            )
        with self._changing:
            self._image = image
            self._count = len(patterns)
            if isinstance(self.sharing, Viewed):
                self.sharing.show(self.name, self._initialise)

    def _made(self, patterns: Sequence[str | bytes], flags: Sequence[str] | None) -> NDArray[np.uint8]:
        """The block of some expressions. Raises ValueError, GraphError."""
        letters = [""] * len(patterns) if flags is None else list(flags)
        if len(letters) != len(patterns):
            raise GraphError(
                f"{len(patterns)} regular expressions have flags for {len(letters)}",
                place=caller_place(),
                cure="give flags= one text for each",
            )
        made: list[tuple[Program, RegexTable | None]] = []
        for number, (pattern, given) in enumerate(zip(patterns, letters, strict=True)):
            try:
                program = compiled_program(pattern, flags_of(given))
            except RegexError as error:
                raise ValueError(f"regular expression {number}, {error}") from None
            made.append((program, table_of(program, self.states) if self.states else None))
        return packed(made)


class Ways(State):
    """What a worker needs to follow all ways of an expression."""

    saveable = False

    def block_size(self) -> int:
        """Bytes of two lists, a stack and marks."""
        return layout.W_LISTS + 3 * native.LISTS + native.STACK


def packed(made: Sequence[tuple[Program, RegexTable | None]]) -> NDArray[np.uint8]:
    """The block: entries, then programs or tables, one behind the other."""
    import numpy as np

    image = bytearray(layout.X_ENTRIES + len(made) * layout.ENTRY)
    image[:8] = len(made).to_bytes(8, "little")

    def put(data: bytes) -> int:
        at = len(image)
        image.extend(data + bytes(-len(data) % 8))
        return at

    for number, (program, table) in enumerate(made):
        entry = np.zeros(layout.ENTRY // 8, np.uint64)
        if table is not None:
            entry[layout.E_TABLE // 8] = put(np.array(table.rows, np.uint16).tobytes())
            entry[layout.E_CLASSES // 8] = put(bytes(table.classes))
            entry[layout.E_WIDTH // 8] = table.width
            entry[layout.E_BEGIN // 8 :][:1] = np.array(table.begin, np.uint16).view(np.uint64)
        else:
            sets = {
                mask: n for n, mask in enumerate(dict.fromkeys(a for op, a, _ in program.code if op == BYTE))
            }
            code = [(op, sets[a] if op == BYTE else a, b) for op, a, b in program.code]
            masks = b"".join(mask.to_bytes(layout.SET, "little") for mask in sets)
            entry[layout.E_CODE // 8] = put(np.array(code, np.uint32).tobytes() + masks)
            entry[layout.E_START // 8] = program.start
            entry[layout.E_LENGTH // 8] = len(code)
        at = layout.X_ENTRIES + number * layout.ENTRY
        image[at : at + layout.ENTRY] = entry.tobytes()
    return np.frombuffer(bytes(image), np.uint8)
