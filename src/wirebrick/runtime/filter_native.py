"""Classic BPF as a Python function of integers, which the compiler makes native code of.

Every jump of BPF goes forward, so its basic blocks, in order, each behind a test of ``pc``, are passed once;
LLVM makes plain jumps of them. Only ``protochain`` jumps back: then the blocks are passed several times, as
often as a frame has room for headers.

>>> from wirebrick.runtime.filter import Instruction
>>> program = [Instruction(0x30, 0, 0, 9), Instruction(0x15, 0, 1, 6)]
>>> program += [Instruction(6, 0, 0, 1), Instruction(6, 0, 0, 0)]
>>> print(filter_source(program).partition("\\n\\n\\n")[2])
def matches(data, length, wire):
    a = 0
    x = 0
    pc = 0
    if pc == 0:
        if 9 + 1 > length:
            return 0
        a = load8(data + 9)
        pc = 2 if a == 6 else 3
    if pc == 2:
        return 1
    if pc == 3:
        return 0
    return 0
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

MASK = 0xFFFFFFFF
TURNS = 8192  # passes of a filter that jumps back: a header has at least eight bytes, a frame at most 64 KiB

_LOADS = {0x00: ("load32be", 4), 0x08: ("load16be", 2), 0x10: ("load8", 1)}  # by size: W, H, B
_ALU = {0x00: "+", 0x10: "-", 0x20: "*", 0x40: "|", 0x50: "&", 0xA0: "^"}
_DIVISIONS = {0x30: "//", 0x90: "%"}
_SHIFTS = {0x60: "<<", 0x70: ">>"}
_TESTS = {0x10: "a == {}", 0x20: "a > {}", 0x30: "a >= {}", 0x40: "(a & {}) != 0"}
_JUMP, _RETURN = 5, 6


class Code(Protocol):
    """An instruction: its code, where it jumps when true and when false, and its number."""

    @property
    def code(self) -> int:
        """Class, size or operation, mode or source."""

    @property
    def jt(self) -> int:
        """Instructions to skip when true."""

    @property
    def jf(self) -> int:
        """Instructions to skip when false."""

    @property
    def k(self) -> int:
        """The number."""


def filter_source(program: Sequence[Code]) -> str:
    """Source of a module with ``matches(data, length, wire)``: 1 where ``program`` accepts a packet, or 0."""
    imports = [f"from wirebrick.packet.memory import {name}" for name in ("load8", "load16be", "load32be")]
    return "\n".join([*imports, "", "", filter_function(program, "matches")])


def filter_function(program: Sequence[Code], name: str) -> str:
    """The function alone, under a name of its own: it calls load8, load16be and load32be."""
    starts = _blocks(program)
    loops = any(target <= at for at, one in enumerate(program) for target in _targets(at, one))
    cells = sorted({one.k for one in program if one.code & 7 in (2, 3) or one.code & 0xE7 in (0x60, 0x61)})
    lines = ["a = 0", "x = 0", *(f"m{cell} = 0" for cell in cells), "pc = 0"]
    body = []
    for at, one in enumerate(program):
        if at in starts:
            body.append(f"if pc == {at}:")
        body += [f"    {line}" for line in _statement(at, one)]
        if at + 1 in starts and one.code & 7 not in (_JUMP, _RETURN):
            body.append(f"    pc = {at + 1}")
    if loops:
        body = [f"for _turn in range({TURNS}):", *(f"    {line}" for line in body)]
    lines += [*body, "return 0"]
    return "\n".join([f"def {name}(data, length, wire):", *(f"    {line}" for line in lines)])


def _targets(at: int, one: Code) -> tuple[int, ...]:
    """Where a jump at ``at`` can go."""
    if one.code & 7 != _JUMP:
        return ()
    if one.code & 0xF0 == 0:
        offset = one.k - (1 << 32) if one.k >> 31 else one.k
        return (at + 1 + offset,)
    return at + 1 + one.jt, at + 1 + one.jf


def _blocks(program: Sequence[Code]) -> set[int]:
    """The instructions that begin a basic block."""
    starts = {0}
    for at, one in enumerate(program):
        starts.update(_targets(at, one))
    return starts


def _statement(at: int, one: Code) -> list[str]:
    """One instruction in Python."""
    family = one.code & 7
    if family in (0, 1):
        return _load("a" if family == 0 else "x", one)
    if family in (2, 3):
        return [f"m{one.k} = {'a' if family == 2 else 'x'}"]
    if family == 4:
        return _arithmetic(one)
    if family == _JUMP:
        return _jump(at, one)
    if family == _RETURN:
        return ["return 1 if a != 0 else 0" if one.code & 0x18 == 0x10 else f"return {int(one.k != 0)}"]
    return ["a = x" if one.code & 0x80 else "x = a"]


def _load(to: str, one: Code) -> list[str]:
    mode = one.code & 0xE0
    if mode == 0x00:
        return [f"{to} = {one.k}"]
    if mode == 0x60:
        return [f"{to} = m{one.k}"]
    if mode == 0x80:
        return [f"{to} = wire"]
    function, size = _LOADS[one.code & 0x18]
    offset = f"x + {one.k}" if mode == 0x40 else f"{one.k}"
    check = [f"if {offset} + {size} > length:", "    return 0"]
    value = f"{function}(data + {offset})"
    return [*check, f"{to} = 4 * ({value} & 15)" if mode == 0xA0 else f"{to} = {value}"]


def _arithmetic(one: Code) -> list[str]:
    operation, by_x = one.code & 0xF0, bool(one.code & 8)
    operand = "x" if by_x else str(one.k)
    if operation == 0x80:
        return [f"a = -a & {MASK}"]
    if operation in _DIVISIONS:
        return ["if x == 0:", "    return 0"] * by_x + [f"a = a {_DIVISIONS[operation]} {operand}"]
    if operation in _SHIFTS:
        shifted = f"(a {_SHIFTS[operation]} {operand}) & {MASK}"
        if by_x:
            return [f"a = {shifted} if x < 32 else 0"]
        return [f"a = {shifted}" if one.k < 32 else "a = 0"]
    return [f"a = (a {_ALU[operation]} {operand}) & {MASK}"]


def _jump(at: int, one: Code) -> list[str]:
    targets = _targets(at, one)
    if len(targets) == 1 or targets[0] == targets[1]:
        return [f"pc = {targets[0]}"]
    test = _TESTS[one.code & 0xF0].format("x" if one.code & 8 else one.k)
    return [f"pc = {targets[0]} if {test} else {targets[1]}"]
