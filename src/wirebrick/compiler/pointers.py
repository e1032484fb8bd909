"""Addresses as pointers, for the optimiser's sake.

Generated code computes addresses as integers. LLVM can't tell whether ``inttoptr(p + 8)`` and ``inttoptr(p + 10)``
overlap, but it can for offsets from one pointer; so ``inttoptr(a + b)`` is rewritten to ``gep(inttoptr(a), b)``.
Without this every store to a packet would make the next load go through memory. Of two sums of which neither is a
constant, what a loop counts with is the offset.
"""

from __future__ import annotations

import re

ADD = re.compile(r"^\s*(%[\w.\-$\"]+) = (?:add|or disjoint)(?: nuw)?(?: nsw)? i64 (%[\w.\-$\"]+), (\S+)\s*$")
COUNTED = re.compile(r"^\s*(%[\w.\-$\"]+) = (?:phi|shl|mul|and|zext|lshr)\b")
CAST = re.compile(r"^(\s*)(%[\w.\-$\"]+) = inttoptr i64 (%[\w.\-$\"]+) to ptr\s*$")


def with_pointers(text: str) -> str:
    """LLVM assembly with integer sums of addresses rewritten to pointer offsets."""
    lines: list[str] = []
    sums: dict[str, tuple[str, str]] = {}
    counted: set[str] = set()
    serial = 0
    for line in text.split("\n"):
        if line.startswith("define "):
            sums, counted = {}, set()
            # The part taken for the pointer may be an offset, and known to be 0: then it must not count as null.
            line = line.removesuffix("{") + "null_pointer_is_valid {"
        count = COUNTED.match(line)
        if count:
            counted.add(count[1])
        found = ADD.match(line)
        if found:
            name, one, other = found[1], found[2], found[3].rstrip(",")
            if one in counted and other.startswith("%") and other not in counted:
                one, other = other, one
            if one in counted:
                counted.add(name)
            sums[name] = (one, other)
        cast = CAST.match(line)
        if cast is None or cast[3] not in sums:
            lines.append(line)
            continue
        indent, name, value = cast.groups()
        offsets = []
        while value in sums:
            value, offset = sums[value]
            offsets.append(offset)
        serial += 1
        pointer = f"%wb.{serial}"
        lines.append(f"{indent}{pointer} = inttoptr i64 {value} to ptr")
        for number, offset in enumerate(reversed(offsets)):
            last = number == len(offsets) - 1
            to = name if last else f"{pointer}.{number}"
            lines.append(f"{indent}{to} = getelementptr i8, ptr {pointer}, i64 {offset}")
            pointer = to
    return "\n".join(lines)
