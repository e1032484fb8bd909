"""The primitives of ``wirebrick.packet.memory`` as machine instructions, and arithmetic that user functions need.

Kinds of values: ``i`` a 64-bit integer (addresses too), ``b`` a truth value, ``f`` a double, ``v`` nothing.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

I1, I8, I16, I32, I64, I128 = (ir.IntType(n) for n in (1, 8, 16, 32, 64, 128))
F64 = ir.DoubleType()

Build = Callable[..., Any]


@dataclass(frozen=True)
class Intrinsic:
    """A primitive: the kinds of its arguments and of its result, and what makes its code."""

    arguments: str
    result: str
    build: Build


INTRINSICS: dict[str, Intrinsic] = {}


def _define(name: str, count: int, build: Build, result: str = "i", arguments: str = "") -> None:
    INTRINSICS[name] = Intrinsic(arguments or "i" * count, result, build)


def _pointer(builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, kind.as_pointer())


def _load(width: Any, swap: bool, signed: bool) -> Build:
    def build(builder: Any, address: Any) -> Any:
        value = builder.load(_pointer(builder, address, width), align=1)
        if swap:
            value = builder.bswap(value)
        return value if width is I64 else builder.zext(value, I64)

    return build


def _store(width: Any, swap: bool) -> Build:
    def build(builder: Any, address: Any, value: Any) -> None:
        narrow = value if width is I64 else builder.trunc(value, width)
        if swap:
            narrow = builder.bswap(narrow)
        builder.store(narrow, _pointer(builder, address, width), align=1)

    return build


for _bits, _width in ((8, I8), (16, I16), (32, I32), (64, I64)):
    _define(f"load{_bits}", 1, _load(_width, False, False))
    _define(f"store{_bits}", 2, _store(_width, False), "v")
    if _bits > 8:
        _define(f"load{_bits}be", 1, _load(_width, True, False))
        _define(f"store{_bits}be", 2, _store(_width, True), "v")


def _store_vector(builder: Any, address: Any, *words: Any) -> None:
    kind = ir.VectorType(I64, len(words))
    vector: Any = ir.Constant(kind, ir.Undefined)
    for number, word in enumerate(words):
        vector = builder.insert_element(vector, word, ir.Constant(I32, number))
    builder.store(vector, _pointer(builder, address, kind), align=1)


_define("store64x4", 5, _store_vector, "v")


def _shuffle(builder: Any, address: Any, low: Any, high: Any) -> None:
    kind = ir.VectorType(I8, 16)
    order = b"".join((half.constant % (1 << 64)).to_bytes(8, "little") for half in (low, high))
    pointer = _pointer(builder, address, kind)
    value = builder.load(pointer, align=1)
    mask = ir.Constant(ir.VectorType(I32, 16), [I32(byte) for byte in order])
    builder.store(builder.shuffle_vector(value, ir.Constant(kind, ir.Undefined), mask), pointer, align=1)


# The bytes at an address in another order: two constants name the byte for each place.
_define("shuffle16", 3, _shuffle, "v")


def _copy(builder: Any, to: Any, source: Any, size: Any) -> None:
    pointer = I8.as_pointer()
    function = builder.module.declare_intrinsic("llvm.memmove", [pointer, pointer, I64])
    builder.call(function, [_pointer(builder, to, I8), _pointer(builder, source, I8), size, I1(0)])


def _fill(builder: Any, to: Any, value: Any, size: Any) -> None:
    function = builder.module.declare_intrinsic("llvm.memset", [I8.as_pointer(), I64])
    builder.call(function, [_pointer(builder, to, I8), builder.trunc(value, I8), size, I1(0)])


_define("copy", 3, _copy, "v")
_define("fill", 3, _fill, "v")
_define("wrap64", 1, lambda builder, a: a)
_define("shift_right", 2, lambda builder, a, n: builder.lshr(a, n))
_define("trailing_zeros", 1, lambda builder, a: builder.cttz(a, I1(0)))


def _fold_multiply(builder: Any, a: Any, b: Any) -> Any:
    product = builder.mul(builder.zext(a, I128), builder.zext(b, I128))
    return builder.xor(builder.trunc(product, I64), builder.trunc(builder.lshr(product, I128(64)), I64))


_define("fold_multiply", 2, _fold_multiply)


def _opaque(builder: Any, value: Any) -> Any:
    return builder.asm(ir.FunctionType(I64, [I64]), "", "=r,0", [value], False)


_define("opaque", 1, _opaque)
# Wrap-around arithmetic that can never trap or widen.
_define("wrap_add", 2, lambda builder, a, b: builder.add(a, b))
_define("wrap_sub", 2, lambda builder, a, b: builder.sub(a, b))
_define("wrap_mul", 2, lambda builder, a, b: builder.mul(a, b))
_define("wrap_shl", 2, lambda builder, a, n: builder.shl(a, n))


def _lanes_within(builder: Any, low: Any, high: Any, a: Any, b: Any) -> Any:
    words, kind = ir.VectorType(I64, 2), ir.VectorType(I16, 8)
    key: Any = ir.Constant(words, ir.Undefined)
    for number, word in enumerate((a, b)):
        key = builder.insert_element(key, word, ir.Constant(I32, number))
    lanes = builder.bitcast(key, kind)
    bounds = [builder.load(_pointer(builder, at, kind), align=1) for at in (low, high)]
    above = builder.icmp_unsigned(">=", lanes, bounds[0])
    below = builder.icmp_unsigned("<=", lanes, bounds[1])
    inside = builder.bitcast(builder.and_(above, below), I8)
    return builder.zext(builder.icmp_unsigned("==", inside, I8(255)), I64)


_define("lanes_within", 4, _lanes_within)


def _cycles(builder: Any) -> Any:
    function = builder.module.declare_intrinsic("llvm.readcyclecounter", (), ir.FunctionType(I64, ()))
    return builder.call(function, [])


_define("cycles", 0, _cycles)


def _call(builder: Any, function: Any, *arguments: Any) -> Any:
    kind = ir.FunctionType(I64, [I64] * len(arguments))
    return builder.call(builder.inttoptr(function, kind.as_pointer()), list(arguments))


for _count in (0, 1, 3, 4, 7):
    _define(f"call{_count}", _count + 1, _call)


# What workers tell each other by.
def _load_acquire(width: Any) -> Build:
    def build(builder: Any, at: Any) -> Any:
        value = builder.load_atomic(_pointer(builder, at, width), "acquire", width.width // 8)
        return value if width is I64 else builder.zext(value, I64)

    return build


def _store_release(width: Any) -> Build:
    def build(builder: Any, at: Any, value: Any) -> None:
        narrow = value if width is I64 else builder.trunc(value, width)
        builder.store_atomic(narrow, _pointer(builder, at, width), "release", width.width // 8)

    return build


for _bits, _width in ((32, I32), (64, I64)):
    _define(f"load{_bits}_acquire", 1, _load_acquire(_width))
    _define(f"store{_bits}_release", 2, _store_release(_width), "v")
_define(
    "add64_atomic",
    2,
    lambda builder, at, value: builder.atomic_rmw("add", _pointer(builder, at, I64), value, "seq_cst"),
)


def _swap(builder: Any, at: Any, expected: Any, value: Any) -> Any:
    pair = builder.cmpxchg(_pointer(builder, at, I64), expected, value, "seq_cst", "seq_cst")
    return builder.zext(builder.extract_value(pair, 1), I64)


_define("swap64_atomic", 3, _swap)


def _prefetch(builder: Any, at: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [I8.as_pointer(), I32, I32, I32])
    function = builder.module.declare_intrinsic("llvm.prefetch", [I8.as_pointer()], kind)
    builder.call(function, [_pointer(builder, at, I8), I32(0), I32(3), I32(1)])


_define("prefetch", 1, _prefetch, "v")


def _pause(builder: Any) -> None:
    if platform.machine() in ("x86_64", "AMD64"):
        kind = ir.FunctionType(ir.VoidType(), [])
        builder.call(builder.module.declare_intrinsic("llvm.x86.sse2.pause", (), kind), [])


_define("pause", 0, _pause, "v")


def _overflows(name: str) -> Build:
    def build(builder: Any, a: Any, b: Any) -> Any:
        kind = ir.LiteralStructType([I64, I1])
        function = builder.module.declare_intrinsic(
            f"llvm.{name}.with.overflow", [I64], ir.FunctionType(kind, [I64, I64])
        )
        return builder.extract_value(builder.call(function, [a, b]), 1)

    return build


# Whether the exact result leaves int64: tested before the wrap-around operation is used.
_define("add_overflows", 2, _overflows("sadd"), "b")
_define("sub_overflows", 2, _overflows("ssub"), "b")
_define("mul_overflows", 2, _overflows("smul"), "b")


# Unsigned 64-bit comparisons and division, on the same int64 patterns.
_define("u_less", 2, lambda builder, a, b: builder.icmp_unsigned("<", a, b), "b")
_define("u_div", 2, lambda builder, a, b: builder.udiv(a, b))
_define("u_mod", 2, lambda builder, a, b: builder.urem(a, b))


def _int_to_float(builder: Any, value: Any) -> Any:
    return builder.sitofp(value, F64)


def _unsigned_to_float(builder: Any, value: Any) -> Any:
    return builder.uitofp(value, F64)


_define("to_float", 1, _int_to_float, "f")
_define("u_to_float", 1, _unsigned_to_float, "f")
_define("int64", 1, lambda builder, a: builder.zext(a, I64), "i", "b")
_define("to_int", 1, lambda builder, a: builder.fptosi(a, I64), "i", "f")


def _load_float(builder: Any, address: Any) -> Any:
    return builder.load(_pointer(builder, address, F64), align=1)


def _store_float(builder: Any, address: Any, value: Any) -> None:
    builder.store(value, _pointer(builder, address, F64), align=1)


_define("load_float", 1, _load_float, "f")
_define("store_float", 2, _store_float, "v", "if")


def _expect(value: bool, probability: float) -> Build:
    def build(builder: Any, condition: Any) -> Any:
        name = "llvm.expect.with.probability"
        function = builder.module.declare_intrinsic(name, [I1], ir.FunctionType(I1, [I1, I1, F64]))
        return builder.call(function, [condition, I1(value), F64(probability)])

    return build


# What the optimiser is told of a condition: whether it is true as a rule, or more often than not.
_define("unlikely", 1, _expect(False, 0.9995), "b", "b")
_define("likely", 1, _expect(True, 0.9995), "b", "b")
_define("rather", 1, _expect(True, 0.75), "b", "b")
