"""The `null:` port: as a sink it takes every packet and forgets it, as a source it ends at once.

>>> NullPort("null:").spec
'null:'
"""

from __future__ import annotations

from wirebrick.errors import PortError
from wirebrick.ports.base import Port, Sink, Source

_NATIVE = "wirebrick.ports.null_native"
_FUNCTIONS = {"receive": 3, "transmit": 4}  # loaded together: one module, one piece of code


class NullSource(Source):
    """Brings nothing."""

    def __init__(self) -> None:
        # Imported here: listing or describing ports needs no compiler.
        from wirebrick.compiler.native import load_native

        self.receive = load_native(_NATIVE, _FUNCTIONS)["receive"]
        self.state = 0


class NullSink(Sink):
    """Takes everything; copies nothing."""

    def __init__(self) -> None:
        from wirebrick.compiler.native import load_native

        self.transmit = load_native(_NATIVE, _FUNCTIONS)["transmit"]
        self.state = 0


class NullPort(Port):
    """``null:``, with nothing behind the colon. Raises PortError where something is there."""

    def __init__(self, spec: str = "null:") -> None:
        super().__init__(spec)
        if spec.removeprefix("null:"):
            raise PortError(f"{spec!r}: null takes no options", cure="write null:")

    def source(self, worker: int, workers: int) -> Source:
        """A source that ends at once."""
        return NullSource()

    def sink(self, worker: int, workers: int) -> Sink:
        """A sink that takes everything."""
        return NullSink()
