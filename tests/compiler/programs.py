"""Random user functions in the documented subset, from a seed: what both ways to run must agree on.

``source(seed, count)`` is a module with one network function ``nf`` in which each of ``count`` random functions gets
the packets whose length chooses it, so that one compilation covers many. Every operator works on values at the
edges: around 0, 2**31, 2**32, 2**63 and 2**64.
"""

from __future__ import annotations

import random

HEAD = '''"""Made by tests/compiler/programs.py, seed {seed}."""

from wirebrick import Array, Counter, Record, merge, network_function
from wirebrick.fields import F64, U3, U5, U13, U16, U32, U48, U51, U64, IPv6Address
from wirebrick.headers import Header

EDGE = 0x8000000000000000
NEAR = -3


class Mixed(Header):
    a: U64
    b: U3
    c: U5
    d: U16
    e: U32
    w: IPv6Address
    g: U48
    h: U13
    i: U51
    starts_packet = True


class Cell(Record):
    big: U64
    small: U32
    share: F64
    wide: IPv6Address


bigs, smalls, floats = Array(U64, 8), Array(U32, 8), Array(F64, 4)
cells = Array(Cell, 4)
total = Counter("total")
states = (bigs, smalls, floats, cells)


def choose(x, y=7, z=NEAR):
    if x > y:
        return x - z
    x = y
    y -= 1
    return y ^ x


def bump(x):
    bigs[0] += x
    return smalls[1] + 1


def part(header, n):
    return (header.a >> n) + header.h
'''
FIELDS = {"a": 64, "b": 3, "c": 5, "d": 16, "e": 32, "g": 48, "h": 13, "i": 51}
EDGES = [0, 1, 2, 3, 5, 7, 8, 31, 32, 63, 64, 100, 255, 0xFFFF]
EDGES += [edge + near for edge in (1 << 31, 1 << 32, 1 << 53, 1 << 63) for near in (-1, 0, 1)] + [
    (1 << 64) - 1
]
NEGATIVE = [-1, -2, -7, -(1 << 31), -(1 << 63), 1 - (1 << 63)]
FLOATS = [
    "0.0",
    "0.5",
    "-1.5",
    "3.0",
    "1e18",
    "9223372036854775808.0",
    "-9223372036854775808.0",
    "1e300",
    "1e-9",
]


class Program:
    """One random function."""

    def __init__(self, rng: random.Random, name: str) -> None:
        self.r = rng
        self.serial = 0
        self.lines = [f"def {name}(packet):", "    header = packet.header", "    payload = packet.payload"]
        self.known: dict[str, list[str]] = {"i": [], "f": [], "b": [], "w": []}
        self.fixed: set[str] = set()
        self.block(1, rng.randrange(4, 10), in_loop=False)
        for kind, place in (("i", "header.a"), ("i", "header.g"), ("w", "header.w"), ("f", "floats[0]")):
            if self.known[kind]:
                self.line(1, f"{place} = {rng.choice(self.known[kind])}")

    def line(self, depth: int, text: str) -> None:
        """Add a line."""
        self.lines.append("    " * depth + text)

    def new(self, kind: str) -> str:
        """The name of a new variable: its first letter is its kind."""
        self.serial += 1
        return f"{kind}{self.serial}"

    def pick(self, *choices: str) -> str:
        """One of the texts."""
        return self.r.choice(choices)

    def constant(self) -> str:
        """A number at an edge."""
        number = self.r.choice(EDGES if self.r.random() < 0.75 else NEGATIVE)
        return f"({number})" if number < 0 else str(number)

    def index(self, size: int) -> str:
        """An index, in range as a rule."""
        if self.r.random() < 0.85:
            return f"({self.integer(1)}) & {size - 1}"
        return self.pick(self.integer(1), str(self.r.randrange(-size, size)))

    def integer(self, depth: int) -> str:
        """An integer expression."""
        r = self.r
        if depth <= 0 or r.random() < 0.2:
            return self.leaf()
        low = depth - 1
        kind = r.randrange(16)
        if kind < 7:
            sign = self.pick("+", "-", "*", "//", "%", "&", "|", "^", "+", "-")
            return f"({self.integer(low)} {sign} {self.integer(low)})"
        if kind == 7:
            count = self.pick(
                str(r.randrange(70)), f"({self.integer(0)} & 63)", f"({self.integer(0)} & 127)", self.leaf()
            )
            return f"({self.integer(low)} {self.pick('<<', '>>')} {count})"
        if kind == 8:
            return f"({self.pick('-', '~', '+')}{self.integer(low)})"
        if kind == 9:
            return f"{self.pick('min', 'max')}({self.integer(low)}, {self.integer(low)})"
        if kind == 10:
            return f"{self.pick('abs', 'int')}({self.integer(low)})"
        if kind == 11:
            return f"({self.integer(low)} if {self.truth(low)} else {self.integer(low)})"
        if kind == 12:
            mask = self.pick("0xFF", "0xFFFFFFFF", "0xFFFFFFFFFFFFFFFF", "0x7FFFFFFFFFFFFFFF")
            return f"({self.integer(low)} & {mask})"
        if kind == 13:
            return self.call(low)
        if kind == 14:
            return f"int({self.floating(low)})"
        return self.pick(
            f"({self.wide(low)} >> 64)", f"({self.wide(low)} & 0xFFFF)", f"({self.truth(low)} + 1)"
        )

    def call(self, low: int) -> str:
        """A call of a helper function."""
        return self.pick(
            f"choose({self.integer(low)})",
            f"choose({self.integer(low)}, {self.integer(low)})",
            f"choose({self.integer(low)}, z={self.integer(low)})",
            f"bump({self.integer(low)})",
            f"part(header, {self.integer(0)} & 31)",
        )

    def leaf(self) -> str:
        """An integer without parts."""
        r = self.r
        kind = r.randrange(10)
        if kind < 3 or (kind < 5 and not self.known["i"]):
            return self.constant()
        if kind < 5:
            return r.choice(self.known["i"])
        if kind == 5:
            return self.pick("packet.length", "len(payload)", "EDGE", "NEAR")
        if kind == 6:
            return self.pick(
                "payload[0]", "payload.u16(0)", "payload.u32(1)", "payload.u64(0)", "payload[-1]"
            )
        if kind == 7:
            return self.pick("bigs[1]", "smalls[2]", "cells[0].big", "cells[1].small", "bigs[3]")
        return f"header.{r.choice(list(FIELDS))}"

    def wide(self, depth: int) -> str:
        """A 128-bit expression."""
        r = self.r
        if depth <= 0 or r.random() < 0.3:
            names = ["header.w", "cells[2].wide", 'IPv6Address("2001:db8::ffff")', *self.known["w"]]
            return r.choice(names)
        low = depth - 1
        if r.random() < 0.6:
            other = self.pick(
                self.wide(low), f"header.{r.choice(list(FIELDS))}", "0xFFFFFFFFFFFFFFFF", "(1 << 127)"
            )
            return f"({self.wide(low)} {self.pick('&', '|', '^')} {other})"
        return f"({self.wide(low)} {self.pick('<<', '>>')} {r.randrange(64)})"

    def floating(self, depth: int) -> str:
        """A float expression."""
        r = self.r
        if depth <= 0 or r.random() < 0.2:
            return r.choice([*FLOATS, "floats[1]", "cells[3].share", *self.known["f"]])
        low = depth - 1
        kind = r.randrange(6)
        if kind < 2:
            return f"({self.floating(low)} {self.pick('+', '-', '*', '/')} {self.integer(low)})"
        if kind == 2:
            return f"({self.integer(low)} / {self.integer(low)})"
        if kind == 3:
            return f"float({self.integer(low)})"
        if kind == 4:
            return f"{self.pick('abs', '-')}({self.floating(low)})"
        return self.pick(
            f"({self.floating(low)} if {self.truth(low)} else {self.integer(low)})",
            f"{self.pick('min', 'max')}({self.floating(low)}, {self.integer(low)})",
        )

    def truth(self, depth: int) -> str:
        """A truth value."""
        r = self.r
        if depth <= 0 and self.known["b"]:
            return r.choice(self.known["b"])
        low = depth - 1
        sign = self.pick("<", "<=", ">", ">=", "==", "!=")
        kind = r.randrange(8)
        if kind < 3:
            return f"({self.integer(low)} {sign} {self.integer(low)})"
        if kind == 3:
            return (
                f"({self.integer(low)} {sign} {self.integer(low)} {self.pick('<', '>=')} {self.integer(low)})"
            )
        if kind == 4:
            return (
                f"({self.truth(low)} {self.pick('and', 'or')} {self.truth(low)})"
                if depth > 0
                else "(packet.length > 60)"
            )
        if kind == 5:
            return f"(not {self.truth(low)})" if depth > 0 else "(header.b > 3)"
        if kind == 6:
            other = self.pick(self.wide(low), f"header.{r.choice(list(FIELDS))}")
            return f"({self.wide(low)} {sign} {other})"
        return self.pick(
            f"({self.floating(low)} {sign} {self.pick(self.floating(low), self.integer(low))})",
            f"bool({self.integer(low)})",
            f"({self.integer(low)} in ({self.integer(0)}, {self.integer(0)}, 3))",
        )

    def value(self, kind: str, depth: int = 3) -> str:
        """An expression of a kind."""
        return {"i": self.integer, "f": self.floating, "b": self.truth, "w": self.wide}[kind](depth)

    def store(self, depth: int) -> None:
        """A store to the packet or to state."""
        r = self.r
        kind = r.randrange(9)
        sign = self.pick("=", "=", "+=", "-=", "*=", "&=", "|=", "^=", "<<=", ">>=", "//=", "%=")
        value = self.integer(2)
        if sign in ("<<=", ">>="):
            value = self.pick(f"({value}) & 31", "3", self.leaf())
        if kind < 3:
            self.line(depth, f"header.{r.choice(list(FIELDS))} {sign} {value}")
        elif kind == 3:
            self.line(depth, f"payload[{self.index(8)}] {sign} {value}")
        elif kind == 4:
            self.line(depth, f"{self.pick('bigs', 'smalls')}[{self.index(8)}] {sign} {value}")
        elif kind == 5:
            self.line(depth, f"cells[{self.index(4)}].{self.pick('big', 'small')} {sign} {value}")
        elif kind == 6:
            name = self.pick("put_u8", "put_u16", "put_u32", "put_u64")
            self.line(depth, f"payload.{name}({self.index(8)}, {self.integer(2)})")
        elif kind == 7:
            place = self.pick("header.w", "cells[2].wide")
            self.line(depth, f"{place} = {self.pick(self.wide(2), self.wide(2), self.integer(2))}")
        else:
            self.line(depth, self.pick(f"total.add({self.integer(1)})", f"floats[1] = {self.floating(2)}"))

    def block(self, depth: int, count: int, *, in_loop: bool) -> None:
        """Some statements; what they define is unknown behind them unless they are the outermost."""
        before = {kind: list(names) for kind, names in self.known.items()}
        for _ in range(count):
            self.statement(depth, in_loop=in_loop)
        if depth > 1:
            self.known = before

    def statement(self, depth: int, *, in_loop: bool) -> None:
        """One statement."""
        r = self.r
        kind = r.randrange(14)
        if kind < 4:
            self.assign(depth)
        elif kind < 7:
            self.store(depth)
        elif kind == 7 and len([n for n in self.known["i"] if n not in self.fixed]) > 1:
            free = [n for n in self.known["i"] if n not in self.fixed]
            a, b = r.sample(free, 2)
            self.line(depth, f"{a}, {b} = {self.pick(f'{b}, {a}', f'{self.integer(1)}, {self.integer(1)}')}")
        elif kind == 8 and [n for n in self.known["i"] if n not in self.fixed]:
            name = r.choice([n for n in self.known["i"] if n not in self.fixed])
            self.line(
                depth,
                f"{name} {self.pick('+=', '-=', '*=', '&=', '|=', '^=', '//=', '%=', '>>=')} {self.integer(2)}",
            )
        elif kind < 11 and depth < 4:
            self.branch(depth, in_loop=in_loop)
        elif depth < 3:
            self.loop(depth)
        elif in_loop:
            self.line(depth, f"if {self.truth(1)}:")
            self.line(depth + 1, self.pick("break", "continue"))
        else:
            self.line(depth, f"header.d, header.e = {self.integer(1)}, {self.integer(1)}")

    def assign(self, depth: int) -> None:
        """A new variable, or an old one again."""
        kind = self.r.choice("iiiiiffbw")
        old = [name for name in self.known[kind] if name not in self.fixed]
        if old and self.r.random() < 0.4:
            self.line(depth, f"{self.r.choice(old)} = {self.value(kind)}")
            return
        name = self.new(kind)
        self.line(depth, f"{name} = {self.value(kind)}")
        self.known[kind].append(name)

    def branch(self, depth: int, *, in_loop: bool) -> None:
        """if, elif, else."""
        self.line(depth, f"if {self.truth(2)}:")
        self.block(depth + 1, self.r.randrange(1, 3), in_loop=in_loop)
        if self.r.random() < 0.4:
            self.line(depth, f"elif {self.truth(2)}:")
            self.block(depth + 1, 1, in_loop=in_loop)
        if self.r.random() < 0.5:
            self.line(depth, "else:")
            self.block(depth + 1, self.r.randrange(1, 3), in_loop=in_loop)

    def loop(self, depth: int) -> None:
        """A loop of a few rounds; or one of far too many, which is a fault."""
        name = self.new("i")
        if self.r.random() < 0.3:
            self.line(depth, f"{name} = {self.r.randrange(1, 9)}")
            self.line(depth, f"while {name} > 0{self.pick('', f' and {self.truth(1)}')}:")
            self.line(depth + 1, f"{name} -= 1")
        else:
            bounds = self.pick(
                f"({self.integer(1)}) & 15",
                f"{self.r.randrange(-9, 9)}, {self.r.randrange(-9, 9)}, {self.r.choice([-3, -2, -1, 1, 2, 3])}",
                f"-5, 6, ({self.integer(1)}) & 3",
                "-9223372036854775808, 9223372036854775807, 4611686018427387905",
                "9223372036854775807, -9223372036854775808, -9223372036854775808",
                f"{self.integer(0)}, {self.integer(0)}, {self.pick('4611686018427387904', '-3074457345618258603')}",
                "-1, 9223372036854775807" if self.r.random() < 0.1 else "7, 2, -2",
            )
            self.line(depth, f"for {name} in range({bounds}):")
        self.known["i"].append(name)
        self.fixed.add(name)
        self.block(depth + 1, self.r.randrange(1, 4), in_loop=True)
        self.known["i"].remove(name)


def function(seed: int, name: str) -> str:
    """The source of one random function."""
    return "\n".join(Program(random.Random(seed), name).lines) + "\n"


def source(seed: int, functions: list[str]) -> str:
    """The module of the functions ``run_0``, ``run_1``, ..., each with its share of the packets."""
    count = len(functions)
    text = HEAD.format(seed=seed) + "".join(f"\n\n{one}" for one in functions)
    text += f"\n\n@network_function\ndef nf(packets):\n    groups = packets.parse(Mixed).group_by({count}, which)\n"
    text += "    return merge(\n"
    text += "".join(f"        groups[{n}].transform(run_{n}),\n" for n in range(count))
    return text + f"    )\n\n\ndef which(packet):\n    return packet.length % {count}\n"


def packets(seed: int, count: int) -> list[bytes]:
    """Frames whose fields are at the edges more often than not."""
    r = random.Random(seed)
    made = []
    for _ in range(count):
        data = bytearray()
        while len(data) < 45:
            data += r.choice(
                [bytes(3), b"\xff" * 3, b"\x7f\xff\xff", b"\x80\0\0", r.randbytes(3), b"\xff" * 8, bytes(8)]
            )
        made.append(bytes(data[:45]) + r.randbytes(r.randrange(0, 60)))
    return made
