"""Saving: how contents of a state object go into a file and come back, for classes to change where they differ."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from wirebrick.errors import Place, StateError
from wirebrick.state.saved import Part, Saved
from wirebrick.state.sharing import LINES, Sharing, zeros

Pausing = Callable[[], AbstractContextManager[Any]]


class Saving:
    """The part of a State that saves and restores it."""

    name: str
    place: Place | None
    sharing: Sharing | None = None
    pausing: Pausing = staticmethod(nullcontext)  # during a run: its workers stand still inside
    unites = False  # what was saved of several workers can be put together for one
    spreads = False  # and what is put together may be the first worker's in a run with several
    _restored: Saved | None = None  # what the next run begins with

    @property
    @abstractmethod
    def blocks(self) -> list[int]:
        """Addresses of the blocks that are read from outside."""

    @abstractmethod
    def block_size(self) -> int:
        """Bytes that one worker's block takes."""

    @property
    def saveable(self) -> bool:
        """Whether there is something to save."""
        return self.sharing is not None

    def _reading(self) -> AbstractContextManager[None]:
        """Around reading from outside: no worker changes a shared object meanwhile. Raises StateError."""
        return self.sharing.outside(self.name) if self.sharing is not None else nullcontext()

    def save(self, path: str | Path) -> None:
        """Write the contents to a file, in one step: during a run too, when its workers stand still for it.

        They do for as long as it takes to copy the contents. A reader of the file finds the old contents or
        the new ones, whatever happens. Before a run there is nothing to save. Raises StateError.
        """
        from wirebrick.state.snapshot import save

        save(self, Path(path))

    def restore(self, path: str | Path, *, missing_ok: bool = False) -> bool:
        """Let the next run begin with what ``save`` wrote; call it where the object is made.

        True; or False where there is no file and ``missing_ok``. Raises StateError for a file that isn't
        there or is damaged, and where it is of an object made otherwise: another class, other fields, another
        size. A run with another number of workers raises it too, unless contents can be put together. The
        checksum finds damage, not intent: restore files only from where you would take a program from.
        """
        from wirebrick.state.snapshot import load

        if missing_ok and not Path(path).exists():
            return False
        self._take(load(self, Path(path)))
        return True

    def _take(self, saved: Saved) -> None:
        """Keep what was saved for the next run."""
        self._restored = saved

    def _layout(self) -> dict[str, Any]:
        """What must be the same where saved contents are restored: numbers and texts."""
        return {"bytes": self.block_size()}

    def _contents(self) -> list[Part]:
        """Copies of what is saved: the blocks that are read from outside."""
        size = -(-self.block_size() // LINES) * LINES
        return [Part.of(block, size) for block in self.blocks]

    def _fit(self, saved: Saved, blocks: int) -> None:
        """Make what was saved fit a run with so many blocks. Raises StateError where that can't be."""
        count = len(saved.blocks)
        if count == blocks:
            return
        if not self.unites or (blocks > 1 and not self.spreads):
            cure = f"run with {count} worker(s)"
            if count > 1 and self.unites:
                cure += ", or one, or with consistency=Strict(): then they are put together"
            raise StateError(
                f"{saved.path} has contents of {self.name} for {count} worker(s), this run needs {blocks}",
                place=self.place,
                cure=cure,
            )
        memory = [zeros(part.size + LINES) for part in saved.blocks]
        places = [-(-int(part.ctypes.data) // LINES) * LINES for part in memory]
        for part, place in zip(saved.blocks, places, strict=True):
            part.put(place)
        for place in places[1:]:
            self._merge(places[0], place)
        saved.blocks = [Part.of(places[0], saved.blocks[0].size)]

    def _merge(self, into: int, block: int) -> None:
        """Add the contents of a block to those of another. Objects that don't ``unite`` have no such thing."""
        raise TypeError(f"contents of {self.name} can't be put together")
