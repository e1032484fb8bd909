"""Operation: what user functions can do with a state object, declared by its class.

A class of state objects lists its operations by the name they have in Python; the compiler makes a call of
the native function of each, and the interpreter calls the method itself, which does the same. So a new kind
of state object needs no change in the compiler.

>>> from wirebrick.state.counter import Counter
>>> Counter.operations["add"].arguments
('number',)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from wirebrick.state.record import Record

# An argument: ``number`` fits 64 signed bits; ``natural`` neither is negative (else: fault_value); ``key`` is a record
# of the object's class ``key``, passed as its address; ``address`` is an IPv4 or IPv6 address, passed as two words;
# ``bytes`` are bytes of a packet or a window, to be read, passed as the address of the first and how many they are;
# ``port`` is ``packet.ingress`` or ``packet.egress``, passed as its number (``State.port_names``), or NO_PORT.
Argument = Literal["number", "natural", "key", "address", "bytes", "port"]


@dataclass(frozen=True)
class Operation:
    """A method: ``function(block, *others, [notes, descriptor,] [time,] *constants, *arguments)``, all of integers.

    ``function`` is one of a native module.

    ``name`` of the method may be ``__getitem__`` or ``__contains__``, with one argument: then the operation is
    ``object[key]`` or ``key in object``. ``defaults`` are those of the last arguments. ``result``: what the
    function's number means; ``"record"``: the address of a record of class ``record``, to be read.
    ``writes``: it changes the object. ``clock``: it gets the packet's time (ns).
    ``constants``: attributes of the object, numbers that machine code has in it (sizes, say).
    ``others``: attributes of it that are state objects, whose blocks the function changes (each worker's own, say).
    ``ahead``: it gets the notes that ``State.ahead`` made of the burst, or 0, and the packet's descriptor.
    ``atomic``: a function that does the same in one step, used in the place of a lock where workers share the
    object (Strict).
    """

    function: Callable[..., int]
    arguments: tuple[Argument, ...] = ()
    defaults: tuple[int, ...] = ()
    result: Literal["nothing", "bool", "number", "natural", "record"] = "nothing"
    writes: bool = True
    clock: bool = False
    constants: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    ahead: bool = False
    atomic: Callable[..., int] | None = None
    record: type[Record] | None = None

    @property
    def least(self) -> int:
        """How many arguments must be given."""
        return len(self.arguments) - len(self.defaults)
