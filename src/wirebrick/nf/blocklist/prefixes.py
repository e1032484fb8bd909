"""Files of prefixes, one a line, IPv4 and IPv6: a million are read in about two seconds.

Lines that are nothing but an IPv4 prefix are read all together with NumPy; all others one by one.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wirebrick.nf.list_file import LINE_END, entries, parsed, read_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

V6 = 1 << 136  # set in the key of an IPv6 prefix


@dataclass
class Prefixes:
    """Different prefixes, as keys: first address (shifted by 8 bits) and length, and V6."""

    keys: list[int]

    def __len__(self) -> int:
        return len(self.keys)


def text_of(key: int) -> str:
    """A prefix as people write it.

    >>> text_of(0x0A000000 << 8 | 8), text_of(V6 | (0x20010DB8 << 96) << 8 | 32)
    ('10.0.0.0/8', '2001:db8::/32')
    """
    family, size = (socket.AF_INET6, 16) if key & V6 else (socket.AF_INET, 4)
    address = (key & ~V6) >> 8
    return f"{socket.inet_ntop(family, address.to_bytes(size, 'big'))}/{key & 255}"


def load_prefixes(path: Path, what: str = "list of prefixes") -> Prefixes:
    """The prefixes in a file, without those that are there twice. Raises ParameterError with file, line and column."""
    import numpy as np

    content = read_bytes(path, what)
    if b"\r" in content:
        content = LINE_END.sub(b"\n", content)
    keys, simple = _simple_lines(np.frombuffer(content + b"\n", np.uint8))
    found = list(keys)
    if not simple.all():
        lines = content.split(b"\n")
        chosen = np.flatnonzero(~simple)
        others = (
            (int(number) + 1, column, text)
            for number in chosen
            if number < len(lines)
            for _, column, text in entries(lines[number])
        )
        found += [key for _, key in parsed(path, others, key_of)]
    return Prefixes(list(dict.fromkeys(found)))


def key_of(text: str) -> int:
    """The key of a prefix or an address. Raises ValueError.

    >>> text_of(key_of("192.0.2.1")), text_of(key_of("2001:db8::/32"))
    ('192.0.2.1/32', '2001:db8::/32')
    """
    address, slash, rest = text.partition("/")
    is_v6 = ":" in address
    bits = 128 if is_v6 else 32
    try:
        start = int.from_bytes(socket.inet_pton(socket.AF_INET6 if is_v6 else socket.AF_INET, address), "big")
    except (OSError, ValueError):
        raise ValueError(f"{text!r} is no prefix: write it as 10.0.0.0/8 or 2001:db8::/32") from None
    if slash and not (rest.isascii() and rest.isdecimal() and int(rest) <= bits):
        raise ValueError(f"{text!r} is no prefix: its length is 0 to {bits}")
    length = int(rest) if slash else bits
    if start & ((1 << (bits - length)) - 1):
        network = text_of((start >> (bits - length) << (bits - length)) << 8 | length | (V6 if is_v6 else 0))
        raise ValueError(f"{text!r} has bits set behind its prefix: the network is {network}")
    if is_v6 and length >= 96 and start >> 32 == 0:
        raise ValueError(f"{text!r} lies in ::/96, which RFC 4291 gives to nobody")
    return start << 8 | length | (V6 if is_v6 else 0)


def _simple_lines(data: NDArray[np.uint8]) -> tuple[list[int], NDArray[Any]]:
    """Keys of the lines that are ``a.b.c.d`` or ``a.b.c.d/length``, and which are; ``data`` ends with a newline."""
    import numpy as np

    ends = np.flatnonzero(data == 10)
    digit = (data >= 48) & (data <= 57)
    dot, slash = data == 46, data == 47
    begins = digit & ~np.concatenate(([False], digit[:-1]))  # of numbers
    odd = ~(digit | dot | slash | (data == 10))

    def count(mask: NDArray[Any]) -> NDArray[Any]:
        total = np.cumsum(mask, dtype=np.int64)[ends]
        return np.diff(total, prepend=0)

    slashes = count(slash)
    numbers = count(begins)
    fits = (count(odd) == 0) & (count(dot) == 3) & (slashes <= 1) & (numbers == 4 + slashes)
    # Numbers: each digit counts by how far it is from the last of its run.
    first = np.flatnonzero(begins)
    last = np.flatnonzero(digit & ~np.concatenate((digit[1:], [False])))
    size = last - first + 1
    values = np.zeros(len(first), np.int64)
    for place in range(3):
        there = size > place
        values[there] += (data[last[there] - place].astype(np.int64) - 48) * 10**place
    well = (size <= 3) & ~((size > 1) & (data[first] == 48))
    line = np.searchsorted(ends, first)
    fits &= np.bincount(line[~well], minlength=len(ends))[: len(ends)] == 0
    # The slash comes last: three dots before it.
    dots = np.cumsum(dot, dtype=np.int64)
    at = np.flatnonzero(slash)
    of = np.searchsorted(ends, at)
    before = dots[at] - np.where(of > 0, dots[ends[of - 1]], 0)
    fits[of[before != 3]] = False
    chosen = np.flatnonzero(fits)
    start = np.searchsorted(line, chosen)
    quads = values[start[:, None] + np.arange(4)] if len(chosen) else np.zeros((0, 4), np.int64)
    lengths = np.full(len(chosen), 32, np.int64)
    with_length = slashes[chosen] == 1
    lengths[with_length] = values[start[with_length] + 4]
    address = quads @ np.array([1 << 24, 1 << 16, 1 << 8, 1], np.int64)
    # Numbers out of range, bits behind the prefix: for the slow way, which says what is wrong.
    right = (quads <= 255).all(axis=1) & (lengths <= 32)
    right &= address & ((1 << (32 - np.minimum(lengths, 32))) - 1) == 0
    fits[chosen[~right]] = False
    return (address[right] << 8 | lengths[right]).tolist(), fits
