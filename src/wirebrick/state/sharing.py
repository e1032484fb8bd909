"""Sharing: the memory of a state object, laid out as its consistency mode needs it."""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from wirebrick.errors import StateError
from wirebrick.packet.faults import OWNER, Fault
from wirebrick.packet.memory import store64
from wirebrick.state import views_native as views
from wirebrick.state.natives import PATIENCE, compiled, held

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LINES = 128  # bytes; processors fetch cache lines of 64 in pairs, and no two workers may share a pair
VIEWS = "wirebrick.state.views_native"

Take = Callable[[int], "NDArray[np.uint8]"]  # so many zero bytes
Make = Callable[[int, int], None]  # makes the block at an address what it begins as; its number


def zeros(size: int) -> NDArray[np.uint8]:
    """Zero bytes. Raises MemoryError."""
    # Imported here: commands that only list or describe NFs needn't wait for it.
    import numpy as np

    return np.zeros(size, np.uint8)


class Sharing:
    """Partitioned: a block for each worker.

    ``blocks``: those that hold what is read from outside. ``take`` gives memory, ``make`` initialises a block.
    """

    lock = 0  # address of the word that user functions and readers hold, or 0

    def __init__(self, size: int, workers: int, take: Take, make: Make) -> None:
        self.memory: list[NDArray[np.uint8]] = []
        self._take = take
        self.blocks = [self.area(size) for _ in range(workers)]
        for number, block in enumerate(self.blocks):
            make(block, number)

    def area(self, size: int) -> int:
        """Address of zero memory in cache lines of its own, kept as long as this object."""
        memory = self._take(-(-size // LINES) * LINES + LINES)
        self.memory.append(memory)
        return -(-int(memory.ctypes.data) // LINES) * LINES

    def word(self, worker: int) -> int:
        """What a worker's table of states (W_STATES) has for the object."""
        return self.blocks[worker]

    def readable(self, worker: int) -> int:
        """The block that an interpreted user function of a worker reads."""
        return self.blocks[worker]

    def writable(self, worker: int) -> int:
        """The block that it changes. Raises Fault where that isn't the worker's to change."""
        return self.blocks[worker]

    def begin(self, worker: int, context: int) -> None:
        """An interpreted burst of a worker begins."""

    def end(self, worker: int) -> None:
        """An interpreted burst of a worker ends."""

    def inside(self) -> AbstractContextManager[None]:
        """Around an interpreted user function that uses the object."""
        return nullcontext()

    def outside(self, name: str) -> AbstractContextManager[None]:
        """Around reading from outside. Raises StateError where a worker does not let go of the object."""
        return nullcontext()


class Locked(Sharing):
    """Strict: one block, its lock in the pair of lines before it (generated code counts on that)."""

    def __init__(self, size: int, workers: int, take: Take, make: Make) -> None:
        self.memory = []
        self._take = take
        self.lock = self.area(LINES + size)
        self.blocks = [self.lock + LINES]
        make(self.blocks[0], 0)

    def word(self, worker: int) -> int:
        """The block."""
        return self.blocks[0]

    readable = writable = word

    def inside(self) -> AbstractContextManager[None]:
        """The lock."""
        return held(self.lock, "the state", math.inf)  # a debugger may stand in another worker

    def outside(self, name: str) -> AbstractContextManager[None]:
        """The lock."""
        return held(self.lock, name)


class Viewed(Sharing):
    """Bounded: the writer's block and two copies; readers see the newest one, through a board.

    ``writer`` -1: no worker writes; what is to be seen comes by ``show``. ``staleness`` in seconds; 0: copies
    are never renewed by workers.
    """

    def __init__(
        self, size: int, workers: int, take: Take, make: Make, writer: int, staleness: float
    ) -> None:
        self.memory = []
        self._take = take
        self._size = size
        self._workers = workers
        self._writer = writer
        self.board = self.area(views.board_size(workers))
        self.lock = self.board + views.B_LOCK
        copies = [self.area(size), self.area(size)]
        self.blocks = [self.area(size)] if writer >= 0 else [copies[0]]
        for block in dict.fromkeys([*self.blocks, *copies]):
            make(block, 0)
        clock = ctypes.cast(ctypes.CDLL(None).clock_gettime, ctypes.c_void_p).value
        for at, value in (
            (views.B_WRITER, writer),
            (views.B_MASTER, self.blocks[0]),
            (views.B_COPIES, copies[0]),
            (views.B_COPIES + 8, copies[1]),
            (views.B_SIZE, size),
            (views.B_PERIOD, max(1, round(staleness * 1e9) // 2) if staleness else 0),
            (views.B_CLOCK, clock or 0),
            (views.B_CLOCK_ID, time.CLOCK_MONOTONIC),
            (views.B_WORKERS, workers),
            (views.B_TIME, time.clock_gettime_ns(time.CLOCK_MONOTONIC)),
        ):
            store64(self.board + at, value)
        self._copies = copies
        self._seen: list[int] = list(self.blocks) * workers  # by each interpreted worker

    def word(self, worker: int) -> int:
        """The board."""
        return self.board

    def readable(self, worker: int) -> int:
        """The block that the worker took at the beginning of its burst."""
        return self._seen[worker]

    def writable(self, worker: int) -> int:
        """The writer's block. Raises Fault for another worker."""
        if worker != self._writer:
            raise Fault(OWNER)
        return self.blocks[0]

    def begin(self, worker: int, context: int) -> None:
        """Take a view."""
        self._seen[worker] = compiled(VIEWS, "view_take", 3)(self.board, worker, context)

    def end(self, worker: int) -> None:
        """Give it back."""
        compiled(VIEWS, "view_return", 2)(self.board, worker)

    def outside(self, name: str) -> AbstractContextManager[None]:
        """The lock: the writer is between two bursts."""
        return held(self.lock, name)

    def show(self, name: str, make: Callable[[int], None]) -> None:
        """Make the copy that nobody reads what all see from their next burst on. Raises StateError."""
        deadline = time.monotonic() + PATIENCE
        with held(self.lock, name):
            while (spare := compiled(VIEWS, "view_spare", 1)(self.board)) < 0:
                if time.monotonic() > deadline:
                    raise StateError(
                        f"{name} can't be changed: a worker has been reading it for {PATIENCE:.0f} seconds",
                        cure="look for a warning that names a worker that hangs",
                    )
                time.sleep(100e-6)
            make(self._copies[spare])
            compiled(VIEWS, "view_show", 3)(self.board, spare, time.clock_gettime_ns(time.CLOCK_MONOTONIC))
            self.blocks = [self._copies[spare]]
