"""The integers and floats of user functions, case by case: exact in 64 bits, or a fault; compiled and interpreted."""

from __future__ import annotations

from typing import Any

import pytest
from run_programs import load

import wirebrick

BIG, TOP, LOW = 1 << 63, (1 << 64) - 1, -(1 << 63)
WHOLE = 1 << 53
OVERFLOW, DIVISION, VALUE, INDEX = "fault_overflow", "fault_division", "fault_value", "fault_index"
NAN, INF = "((f * 1e300) * 1e300 - (f * 1e300) * 1e300)", "((f * 1e300) * 1e300)"

# Expression of a, b (unsigned, from the packet), s, t (signed, from the packet), f (1e9), w (an IPv6 address);
# then a, b, s, t; and what it must give: a number, or the reason of a fault.
CASES: list[tuple[str, int, int, int, int, int | str]] = [
    # Sums, differences and products: exact within 64 signed bits.
    ("s + t", 0, 0, BIG - 2, 1, BIG - 1),
    ("s + t", 0, 0, BIG - 1, 1, OVERFLOW),
    ("s - t", 0, 0, LOW, 1, OVERFLOW),
    ("s - t", 0, 0, -1, BIG - 1, LOW),
    ("s * t", 0, 0, 1 << 32, 1 << 31, OVERFLOW),
    ("s * t", 0, 0, -(1 << 32), 1 << 31, LOW),
    ("-s", 0, 0, LOW, 0, OVERFLOW),
    ("-s", 0, 0, BIG - 1, 0, 1 - BIG),
    ("abs(s)", 0, 0, LOW, 0, OVERFLOW),
    ("abs(s)", 0, 0, -5, 0, 5),
    # Unsigned 64-bit values: kept whole, but sums with them need 63 bits.
    ("a", TOP, 0, 0, 0, TOP),
    ("abs(a)", TOP, 0, 0, 0, TOP),
    ("a + b", BIG - 1, 0, 0, 0, BIG - 1),
    ("a + 1", BIG, 0, 0, 0, OVERFLOW),
    ("a - b", BIG, BIG, 0, 0, OVERFLOW),
    ("a // b", TOP, 2, 0, 0, BIG - 1),
    ("a % b", TOP, BIG, 0, 0, BIG - 1),
    ("a // s", BIG, 0, -1, 0, OVERFLOW),
    ("a // s", BIG - 1, 0, -1, 0, 1 - BIG),
    ("~a", BIG - 1, 0, 0, 0, LOW),
    ("~a", BIG, 0, 0, 0, OVERFLOW),
    ("a & s", TOP, 0, -2, 0, TOP - 1),
    ("a | s", TOP, 0, -2, 0, -1),
    ("a | s", TOP, 0, 2, 0, OVERFLOW),
    ("a ^ s", BIG, 0, -1, 0, OVERFLOW),
    ("a ^ s", BIG - 1, 0, -1, 0, LOW),
    ("min(a, s)", TOP, 0, -1, 0, -1),
    ("min(a, s)", 3, 0, 5, 0, 3),
    ("max(a, s)", TOP, 0, -1, 0, TOP),
    ("max(a, s)", 3, 0, 5, 0, 5),
    ("1 if a > s else 0", TOP, 0, -1, 0, 1),
    ("1 if s >= a else 0", TOP, 0, -1, 0, 0),
    ("1 if a == s else 0", TOP, 0, -1, 0, 0),
    ("1 if s < b < a else 0", TOP, BIG, -1, 0, 1),
    # Only the low bits matter below a mask or where they are stored: sums wrap around.
    ("(a + b) & 0xFF", TOP, TOP, 0, 0, 254),
    ("(a * b) & 0xFFFFFFFFFFFFFFFF", TOP, TOP, 0, 0, 1),
    ("(s - t) & 0xFFFFFFFF", 0, 0, 0, 1, 0xFFFFFFFF),
    ("(a << 63) & 0xFFFFFFFFFFFFFFFF", 3, 0, 0, 0, BIG),
    ("(a << s) & 0xFFFFFFFFFFFFFFFF", 3, 0, BIG - 1, 0, 0),
    ("~(a + b) & 0xFFFF", TOP, 1, 0, 0, 0xFFFF),
    # Shifts.
    ("s << t", 0, 0, 1, 62, 1 << 62),
    ("s << t", 0, 0, 1, 63, OVERFLOW),
    ("s << t", 0, 0, -1, 63, LOW),
    ("s << t", 0, 0, 0, BIG - 1, 0),
    ("s << t", 0, 0, BIG - 1, 0, BIG - 1),
    ("s << t", 0, 0, 1, BIG - 1, OVERFLOW),
    ("s << t", 0, 0, 1, -1, VALUE),
    ("s >> t", 0, 0, -1, 70, -1),
    ("s >> t", 0, 0, LOW, 63, -1),
    ("s >> t", 0, 0, 5, -1, VALUE),
    ("s >> a", TOP, 0, -9, 0, -1),
    ("a >> s", TOP, 0, 63, 0, 1),
    ("a >> s", TOP, 0, 64, 0, 0),
    # Division rounds down, the rest has the sign of the divisor.
    ("s // t", 0, 0, -7, 2, -4),
    ("s // t", 0, 0, 7, -2, -4),
    ("s % t", 0, 0, -7, 2, 1),
    ("s % t", 0, 0, 7, -2, -1),
    ("s // t", 0, 0, LOW, -1, OVERFLOW),
    ("s % t", 0, 0, LOW, -1, 0),
    ("s // t", 0, 0, 7, 0, DIVISION),
    ("s % t", 0, 0, 7, 0, DIVISION),
    ("a // s", BIG, 0, 0, 0, OVERFLOW),
    # IPv6 addresses: 128 bits.
    ("w >> 64", 0, 0, 0, 0, 0x20010DB800000000),
    ("w & 0xFFFF", 0, 0, 0, 0, 0xFFFF),
    ("(w << 16) & 0xFFFFFFFFFFFFFFFF", 0, 0, 0, 0, 0xFFFF0000),
    ("(w << 1) >> 65", 0, 0, 0, 0, 0x20010DB800000000),
    ("(w << 8) >> 64", 0, 0, 0, 0, OVERFLOW),
    ("1 if w > a else 0", TOP, 0, 0, 0, 1),
    # Floats.
    ("int(f / 2)", 0, 0, 0, 0, 500_000_000),
    ("int(-f - 0.5)", 0, 0, 0, 0, -1_000_000_000),
    ("int(float(a))", BIG - 1, 0, 0, 0, OVERFLOW),
    ("int(float(s))", 0, 0, LOW, 0, LOW),
    ("int(s / t)", 0, 0, WHOLE + 1, 1, WHOLE),
    ("int(s / t)", 0, 0, 1, 0, DIVISION),
    (f"int({INF})", 0, 0, 0, 0, OVERFLOW),
    (f"int({NAN})", 0, 0, 0, 0, VALUE),
    (f"1 if {NAN} == {NAN} else 0", 0, 0, 0, 0, 0),
    (f"1 if s < {INF} else 0", 0, 0, BIG - 1, 0, 1),
    (f"1 if s >= {NAN} else 0", 0, 0, 1, 0, 0),
    ("1 if s > float(t) else 0", 0, 0, WHOLE + 1, WHOLE, 1),
    ("1 if float(t) == s else 0", 0, 0, WHOLE + 1, WHOLE, 0),
    ("1 if a < float(b) else 0", TOP, TOP, 0, 0, 1),
    ("1 if s >= -0.5 else 0", 0, 0, -1, 0, 0),
    # Bytes and elements.
    ("out[a]", TOP, 0, 0, 0, INDEX),
    ("out[s]", 0, 0, LOW, 0, INDEX),
    ("packet.payload[a]", BIG - 1, 0, 0, 0, INDEX),
    ("packet.payload[0x7FFFFFFFFFFFFFFF]", 0, 0, 0, 0, INDEX),
    ("packet.payload.u16(s)", 0, 0, LOW, 0, INDEX),
]

HEAD = """
from wirebrick import Array, merge, network_function
from wirebrick.fields import U8, U16, U64, IPv6Address
from wirebrick.headers import Header


class Case(Header):
    number: U16
    a: U64
    b: U64
    s: U64
    t: U64
    starts_packet = True


out, negative = Array(U64, COUNT), Array(U8, COUNT)


def signed(value):
    return value - 0x7FFFFFFFFFFFFFFF - 1


def which(packet):
    return packet.header.number
"""


def module() -> str:
    """A function for each case; signed values travel as ``value + 2**63``."""
    text = HEAD.replace("COUNT", str(len(CASES)))
    for number, (case, *_) in enumerate(CASES):
        text += f"\n\ndef case_{number}(packet):\n    a = packet.header.a\n    b = packet.header.b\n"
        text += "    s = (packet.header.s >> 1) - 0x4000000000000000\n    s = s + s + (packet.header.s & 1)\n"
        text += "    t = (packet.header.t >> 1) - 0x4000000000000000\n    t = t + t + (packet.header.t & 1)\n"
        text += '    f = 1e9 + len(packet.payload)\n    w = IPv6Address("2001:db8::ffff")\n'
        text += f"    value = {case}\n    out[{number}] = value\n"
        text += f"    if value < 0:\n        negative[{number}] = 1\n"
    text += "\n\n@network_function\ndef nf(packets):\n"
    text += f"    groups = packets.parse(Case).group_by({len(CASES)}, which)\n    return merge(\n"
    text += "".join(f"        groups[{n}].transform(case_{n}),\n" for n in range(len(CASES)))
    return text + "    )\n"


@pytest.fixture(scope="module", params=["compiled", "interpreted"])
def results(request: Any, tmp_path_factory: Any) -> tuple[list[int | None], dict[str, int], list[int]]:
    """The value of each case (None: a fault), and the packets that came out."""
    path = tmp_path_factory.mktemp("integers") / f"integers_{request.param}.py"
    path.write_text(module())
    made = load(path)
    frames = [
        b"".join([n.to_bytes(2, "big"), *(v.to_bytes(8, "big") for v in (a, b, s + BIG, t + BIG))])
        for n, (_, a, b, s, t, _) in enumerate(CASES)
    ]
    result = wirebrick.run(made.nf, rx=frames, interpret=request.param == "interpreted")
    done = {int.from_bytes(bytes(one)[:2], "big") for one in result.packets}
    values, signs = made.out.partition(0), made.negative.partition(0)
    got = [
        (v - (1 << 64) if sign else v) if n in done else None
        for n, (v, sign) in enumerate(zip(values, signs, strict=True))
    ]
    return got, result.drops, sorted(done)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{n}:{case[0]}" for n, case in enumerate(CASES)])
def test_value(results, number):
    wanted = CASES[number][-1]
    assert results[0][number] == (None if isinstance(wanted, str) else wanted)


def test_faults(results):
    wanted: dict[str, int] = {}
    for case in CASES:
        if isinstance(case[-1], str):
            wanted[f"nf.{case[-1]}"] = wanted.get(f"nf.{case[-1]}", 0) + 1
    assert results[1] == wanted
