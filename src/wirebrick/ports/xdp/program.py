"""The XDP program of a port: packets of a queue to its socket; what a filter matches stays with the kernel.

The filter is classic BPF, as libpcap makes it of tcpdump's syntax, translated to the kernel's instructions: A is
register 8, X is 9, the scratch cells lie on the stack; register 6 and 7 are the frame's first byte and its end. A
load from behind the end means, as in tcpdump, that the filter doesn't match.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wirebrick.errors import PortError
from wirebrick.ports.xdp.bpf import (
    R0,
    R1,
    R2,
    R3,
    R6,
    R7,
    R8,
    R9,
    R10,
    REDIRECT_MAP,
    XDP_PASS,
    call,
    copy_register,
    instruction,
    leave,
    load,
    map_address,
    move,
)
from wirebrick.runtime.filter_native import Code

_SIZES = {0x00: 4, 0x08: 2, 0x10: 1}
_FARTHEST = 0x3FFF  # offsets beyond: no frame is so long
_QUEUE = -8  # where on the stack the queue's number is kept
_CELLS = -16  # the first scratch cell; they go down
_ADD, _SUB, _MUL, _DIV, _OR, _AND, _SHL, _SHR, _NEG, _MOD, _XOR = (n << 4 for n in range(11))


def redirect(sockets: int, kept: Sequence[Code] = ()) -> bytes:
    """The program: ``sockets`` is the map of sockets by queue, ``kept`` the filter of what the kernel keeps.

    A queue without a socket is left to the kernel too. Raises PortError for a filter that goes in circles.
    """
    end = (
        map_address(R1, sockets)
        + load(4, R2, R10, _QUEUE)
        + move(R3, XDP_PASS)
        + call(REDIRECT_MAP)
        + leave()
    )
    begin = load(4, R2, R1, 16) + instruction(0x63, R10, R2, _QUEUE)  # rx_queue_index
    if not kept:
        return begin + end
    begin += load(4, R6, R1, 0) + load(4, R7, R1, 4)  # data, data_end
    body = _Translation(kept).body()
    return begin + body.code(len(move(R0, XDP_PASS) + leave()) // 8) + move(R0, XDP_PASS) + leave() + end


@dataclass
class _Body:
    """Instructions with jumps that aren't resolved: (position, label)."""

    parts: list[bytes] = field(default_factory=list)
    jumps: list[tuple[int, str]] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def add(self, *codes: bytes) -> None:
        """Instructions that don't jump."""
        for code in codes:
            for at in range(0, len(code), 8):
                self.parts.append(code[at : at + 8])
                self.size += 1

    def jump(self, label: str, code: int = 0x05, to: int = 0, source: int = 0, number: int = 0) -> None:
        """A jump to a label; code 0x05 always jumps."""
        self.jumps.append((self.size, label))
        self.add(instruction(code, to, source, 0, number))

    def code(self, match: int) -> bytes:
        """All of it; behind it stands what is done with matches, ``match`` instructions, then with the others."""
        targets = {**self.labels, "match": self.size, "none": self.size + match}
        for at, label in self.jumps:
            code = self.parts[at]
            self.parts[at] = (
                code[:2] + (targets[label] - at - 1).to_bytes(2, "little", signed=True) + code[4:]
            )
        return b"".join(self.parts)


class _Translation:
    """Translates one filter."""

    def __init__(self, filter: Sequence[Code]) -> None:
        self._filter = filter
        self._to = _Body()

    def body(self) -> _Body:
        """The whole filter, with jumps to ``match`` and ``none``."""
        to = self._to
        to.add(move(R8, 0), move(R9, 0))
        for cell in sorted(
            {one.k for one in self._filter if one.code & 7 in (2, 3) or one.code & 0xE7 == 0x60}
        ):
            to.add(instruction(0x62, R10, offset=_CELLS - 8 * cell))
        for at, one in enumerate(self._filter):
            to.labels[str(at)] = to.size
            self._one(at, one)
        return to

    def _one(self, at: int, one: Code) -> None:
        family = one.code & 7
        if family in (0, 1):
            self._load(R8 if family == 0 else R9, one)
        elif family in (2, 3):
            self._to.add(instruction(0x63, R10, R8 if family == 2 else R9, _CELLS - 8 * one.k))
        elif family == 4:
            self._arithmetic(one)
        elif family == 5:
            self._jump(at, one)
        elif family == 6:
            self._return(one)
        else:
            self._to.add(copy_register(R8, R9) if one.code & 0x80 else copy_register(R9, R8))

    def _load(self, register: int, one: Code) -> None:
        to, mode = self._to, one.code & 0xE0
        if mode == 0x00:
            to.add(instruction(0xB4, register, number=one.k))
        elif mode == 0x60:
            to.add(load(4, register, R10, _CELLS - 8 * one.k))
        elif mode == 0x80:
            to.add(copy_register(register, R7), instruction(0x1F, register, R6))  # the frame's length
        elif one.k > _FARTHEST:
            to.jump("none")
        else:
            self._load_bytes(register, one, _SIZES[one.code & 0x18], indirect=mode == 0x40)
            if mode == 0xA0:
                to.add(instruction(0x54, register, number=15), instruction(0x64, register, number=2))

    def _load_bytes(self, register: int, one: Code, size: int, indirect: bool) -> None:
        to, offset = self._to, one.k
        base = R6
        if indirect:
            to.add(copy_register(R1, R9), instruction(0x07, R1, number=one.k))
            to.jump("none", 0x25, R1, number=_FARTHEST)
            to.add(copy_register(R2, R6), instruction(0x0F, R2, R1))
            base, offset = R2, 0
        to.add(copy_register(R3, base), instruction(0x07, R3, number=offset + size))
        to.jump("none", 0x2D, R3, R7)
        to.add(load(size, register, base, offset))
        if size > 1:
            to.add(instruction(0xDC, register, number=8 * size))  # from network order

    def _arithmetic(self, one: Code) -> None:
        to, operation, by_x = self._to, one.code & 0xF0, bool(one.code & 8)
        if operation == _NEG:
            to.add(instruction(0x84, R8))
            return
        if by_x and operation in (_DIV, _MOD):
            to.jump("none", 0x16, R9, number=0)
        if operation in (_SHL, _SHR) and (by_x or one.k > 31):
            self._shift(operation, one.k, by_x)
            return
        to.add(instruction(0x04 | operation | 8 * by_x, R8, R9 if by_x else 0, number=0 if by_x else one.k))

    def _shift(self, operation: int, bits: int, by_x: bool) -> None:
        """By as many bits as X says, or by more than there are: that gives 0."""
        to = self._to
        if not by_x:
            to.add(move(R8, 0))
            return
        to.add(instruction(0xA6, R9, offset=2, number=32), move(R8, 0), instruction(0x05, offset=1))
        to.add(instruction(0x0C | operation, R8, R9))

    def _jump(self, at: int, one: Code) -> None:
        to = self._to
        if one.code & 0xF0 == 0:
            if one.k >> 31:
                raise PortError(
                    "a filter with protochain can't be left to the kernel",
                    cure="write the protocols themselves",
                )
            to.jump(str(at + 1 + one.k))
            return
        by_x = bool(one.code & 8)
        test = one.code & 0xF0
        to.jump(str(at + 1 + one.jt), 0x06 | test | 8 * by_x, R8, R9 if by_x else 0, 0 if by_x else one.k)
        to.jump(str(at + 1 + one.jf))

    def _return(self, one: Code) -> None:
        if one.code & 0x18 == 0x10:
            self._to.jump("none", 0x16, R8, number=0)
            self._to.jump("match")
        else:
            self._to.jump("match" if one.k else "none")
