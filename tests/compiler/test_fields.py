"""Fields of 1 to 64 bits at every offset: read and written compiled, interpreted, and as strings of bits."""

from __future__ import annotations

import random

import pytest
from run_programs import load

import wirebrick

HEAD = """
from wirebrick import Array, network_function
from wirebrick import fields as f
from wirebrick.headers import Header


"""
HEADERS = 6  # in one graph
FRAMES = 40


def layout(r: random.Random, number: int) -> list[int]:
    """The widths of a header's fields: a whole number of bytes, often an odd one."""
    widths = [r.randrange(1, 8)] if number % 8 else []
    while len(widths) < 9:
        widths.append(
            r.choice([1, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 40, 48, 57, 63, 64, r.randrange(1, 65)])
        )
    rest = -sum(widths) % 8
    return [*widths, rest] if rest else widths


def module(layouts: list[list[int]]) -> str:
    """Headers with these fields and functions that rotate the values of neighbours and change some."""
    text = HEAD
    for number, widths in enumerate(layouts):
        text += f"class H{number}(Header):\n"
        text += "".join(f"    x{i}: f.U{bits}\n" for i, bits in enumerate(widths))
        text += f"    starts_packet = True\n\n\nread{number} = Array(f.U64, {len(widths)})\n\n\n"
        text += f"def run{number}(packet):\n    h = packet.header\n"
        text += "".join(f"    read{number}[{i}] = h.x{i}\n" for i in range(len(widths)))
        text += "".join(f"    h.x{i} = h.x{(i + 1) % len(widths)} + {i}\n" for i in range(len(widths)))
        text += f"\n\n@network_function\ndef nf{number}(packets):\n"
        text += f"    return packets.parse(H{number}).transform(run{number}).deparse()\n\n\n"
    return text


def cut(data: bytes, widths: list[int]) -> list[str]:
    """The fields as strings of bits."""
    bits, found = "".join(f"{byte:08b}" for byte in data), []
    for width in widths:
        found.append(bits[:width])
        bits = bits[width:]
    return found


def expected(data: bytes, layouts: list[list[int]]) -> tuple[bytes, list[list[int]]]:
    """What the functions make of a frame, on strings of bits; and the values that each has read."""
    reads = []
    for widths in layouts:
        size = sum(widths) // 8
        fields = cut(data[:size], widths)
        reads.append([int(field, 2) for field in fields])
        for i, width in enumerate(widths):
            value = int(fields[(i + 1) % len(widths)], 2) + i
            fields[i] = f"{value % (1 << width):0{width}b}"
        data = int("".join(fields), 2).to_bytes(size, "big") + data[size:]
    return data, reads


@pytest.mark.parametrize("seed", range(4))
def test_fields_of_any_width_at_any_offset(tmp_path, seed):
    r = random.Random(seed)
    layouts = [layout(r, 8 * seed + number) for number in range(HEADERS)]
    path = tmp_path / f"fields_{seed}.py"
    path.write_text(module(layouts))
    for interpret in (False, True):
        made = load(path)
        chain = [getattr(made, f"nf{number}") for number in range(HEADERS)]
        frames = [r.randbytes(100) for _ in range(FRAMES)] + [b"\xff" * 100, bytes(100)]
        result = wirebrick.run(chain, rx=frames, interpret=interpret)
        wanted = [expected(frame, layouts) for frame in frames]
        assert [bytes(one) for one in result.packets] == [data for data, _ in wanted]
        reads = [getattr(made, f"read{number}").partition(0) for number in range(HEADERS)]
        assert reads == wanted[-1][1]
