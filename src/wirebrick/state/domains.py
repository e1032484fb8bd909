"""Domains: a list of domain names, and the messages of the DNS that have one of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from wirebrick.errors import GraphError, caller_place
from wirebrick.packet.memory import copy, fill
from wirebrick.packet.octets import Octets
from wirebrick.state import domains_native as native
from wirebrick.state.arguments import octets, whole
from wirebrick.state.base import State
from wirebrick.state.natives import compiled
from wirebrick.state.operation import Operation
from wirebrick.state.sharing import Sharing, Viewed, zeros
from wirebrick.state.table import seed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 1 << 24


class Domains(State):
    """Domain names with numbers (0 to 4,294,967,294), looked for in DNS messages.

    ``names``: pairs of name and number; ``"a.example"`` stands for itself, ``"*.a.example"`` for every name below it
    (not for itself). The case of letters makes no difference. ``capacity``: labels that there is room for in all
    (as a rule twice as many as there are, at least 4,096).

    In user functions: ``domains.find(message)``, of the bytes of a DNS message, is the number of the first listed name
    among those of the questions, and in a response also among owners and aliases (CNAME, DNAME) of the first 64
    answers; -1 where there is none; -2 where the message is not well-formed, or cut off before one is found.
    ``domains.question_end()`` is then where the first question ends, 0 where there is none that is whole. Pointers
    (RFC 1035, 4.1.4) lead back only, 32 of them for a name.

    All workers read one copy. From outside, at any time, ``update(names)`` puts others in the place of all, for each
    worker from its next burst on. Raises GraphError for what is no name, and where there is no room.

    >>> domains = Domains([("evil.example", 0), ("*.ads.example", 1)])
    >>> domains.allocate(workers=1)  # a run does this
    >>> query = bytes(4) + b"\\0\\1" + bytes(6) + b"\\4EVIL\\7example\\0\\0\\1\\0\\1"
    >>> domains.find(query), domains.question_end(), domains.find(query[:20])  # user functions do this
    (0, 30, -2)
    """

    operations = {
        "find": Operation(native.domains_find, ("bytes",), result="number", writes=False, others=("own",)),
        "question_end": Operation(
            native.domains_question_end, result="natural", writes=False, others=("own",)
        ),
    }
    viewed = True
    saveable = False

    def __init__(self, names: Iterable[tuple[str, int]] = (), *, capacity: int | None = None) -> None:
        self._tree = _Tree(names)
        least = len(self._tree.edges)
        self.capacity = whole(
            "Domains",
            "capacity",
            max(4096, 2 * least) if capacity is None else capacity,
            max(1, least),
            MOST,
            "labels of all names",
        )
        self._room = max(16 * self.capacity, 2 * len(self._tree.texts))  # bytes of different labels
        self._bits = max(4, (2 * self.capacity).bit_length())
        self._changing = threading.Lock()
        super().__init__(f"Domains({len(self._tree)})")
        self.own = DomainLabels(f"labels of {self.name}")

    def block_size(self) -> int:
        """Bytes of a copy: edges, nodes, labels."""
        return self._texts + self._room

    @property
    def _nodes(self) -> int:
        return native.D_END + (native.EDGE << self._bits)

    @property
    def _texts(self) -> int:
        return self._nodes + native.NODE * (self.capacity + 1)

    def _initialise(self, block: int) -> None:
        image = self._tree.image(self._bits, self._nodes, self._texts, seed() & native.MASK32)
        copy(block, int(image.ctypes.data), len(image))
        fill(block + len(image), 0, self.block_size() - len(image))

    def _share(self, size: int, workers: int) -> Sharing:
        return Viewed(size, workers, zeros, self._begin, -1, 0)

    def allocate(self, workers: int) -> None:
        """Make the memory of a run, with that of the labels of a name."""
        super().allocate(workers)
        self.own.allocate(workers)

    def find(self, message: Octets | bytes) -> int:
        """The number of the first listed name in a message, -1, or -2 (in user functions)."""
        view = octets(message)
        function = compiled(native.__name__, "domains_find", 4)
        return function(self.shown(), self.own.changing(), view._at, len(view))

    def question_end(self) -> int:
        """Where the first question of the message that was looked at last ends, or 0 (in user functions)."""
        return native.domains_question_end(self.shown(), self.own.changing())

    def __len__(self) -> int:
        """How many names there are."""
        return len(self._tree)

    def update(self, names: Iterable[tuple[str, int]]) -> None:
        """Put other names in the place of all, in one step (from outside).

        Raises GraphError for what is no name, and where there is no room: nothing is changed then. Raises
        StateError where a worker keeps the second copy for seconds: it is changed at the next update.
        """
        tree = _Tree(names)
        if len(tree.edges) > self.capacity or len(tree.texts) > self._room:
            raise GraphError(
                f"{self.name} has room for {self.capacity} labels, not for {len(tree.edges)}",
                place=caller_place(),
                cure="make it with a larger capacity=",
            )
        with self._changing:
            self._tree = tree
            if isinstance(self.sharing, Viewed):
                self.sharing.show(self.name, self._initialise)


class DomainLabels(State):
    """Where the labels of a name are, each worker's own."""

    saveable = False

    def block_size(self) -> int:
        """Bytes for 127 labels."""
        return native.W_END


def labels_of(name: str) -> tuple[list[bytes], bool]:
    """The labels of a name in small letters, and whether it stands for all names below. Raises ValueError.

    >>> labels_of("*.Ads.example.")
    ([b'ads', b'example'], True)
    """
    below = name.startswith("*.")
    text = name.removeprefix("*.").removesuffix(".")
    if not text:
        raise ValueError("it has no label")
    try:
        labels = text.encode("ascii").lower().split(b".")
    except UnicodeEncodeError:
        raise ValueError("it is not ASCII: write internationalised names as xn--...") from None
    for label in labels:
        if not 0 < len(label) <= 63:
            raise ValueError(f"a label has 1 to 63 bytes, not {len(label)}")
        if b"*" in label:
            raise ValueError("a * stands alone, as the first label")
    if sum(map(len, labels)) + len(labels) + 1 > native.LONGEST:
        raise ValueError(f"it has more than {native.LONGEST} bytes")
    return labels, below


class _Tree:
    """Names as a tree of labels: node 0 is the root."""

    def __init__(self, names: Iterable[tuple[str, int]]) -> None:
        self.edges: dict[tuple[int, bytes], int] = {}
        self.numbers: dict[tuple[int, bool], int] = {}  # by node, and whether for the names below it
        self.texts = bytearray()
        self._at: dict[bytes, int] = {}
        for name, number in names:
            try:
                labels, below = labels_of(name)
            except ValueError as error:
                raise GraphError(f"{name!r} is no name: {error}", place=caller_place()) from None
            whole("Domains", f"number of {name}", number, 0, native.MASK32 - 1, "a place in an Array")
            node = 0
            for label in reversed(labels):
                node = self.edges.setdefault((node, label), len(self.edges) + 1)
                if label not in self._at:
                    self._at[label] = len(self.texts)
                    self.texts += bytes([len(label)]) + label
            self.numbers.setdefault((node, below), number)

    def __len__(self) -> int:
        return len(self.numbers)

    def image(self, bits: int, nodes: int, texts: int, start: int) -> NDArray[np.uint8]:
        """The block, with a table of ``1 << bits`` edges, and nodes and texts at these offsets."""
        import numpy as np

        image = np.zeros(texts + len(self.texts), np.uint8)
        words = image[: native.D_END].view(np.uint64)
        words[:5] = bits, native.D_END, nodes, texts, start
        image[texts:] = np.frombuffer(bytes(self.texts), np.uint8)
        rows = image[nodes:texts].view(np.uint32).reshape(-1, 2)
        for (node, below), number in self.numbers.items():
            rows[node, int(below)] = number + 1
        if self.edges:
            given = np.array(
                [(node, child, self._at[label]) for (node, label), child in self.edges.items()], np.uint32
            )
            compiled(native.__name__, "domains_build", 3)(
                int(image.ctypes.data), int(given.ctypes.data), len(given)
            )
        return image
