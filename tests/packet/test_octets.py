"""Octets: views of bytes, bounds-checked."""

import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirebrick.packet.octets import Octets

DATA = st.binary(max_size=24)
INDEX = st.integers(-30, 30)


class Held:
    """Bytes between two guards that nothing may touch."""

    def __init__(self, data: bytes) -> None:
        self.buffer = ctypes.create_string_buffer(b"\xaa" * 8 + data + b"\xaa" * 8, len(data) + 16)
        self.view = Octets(ctypes.addressof(self.buffer) + 8, len(data))

    @property
    def data(self) -> bytes:
        raw = self.buffer.raw
        assert raw[:8] == raw[-8:] == b"\xaa" * 8
        return raw[8:-8]


@given(DATA, INDEX)
def test_index_is_pythons(data, index):
    held = Held(data)
    try:
        expected = data[index]
    except IndexError:
        with pytest.raises(IndexError):
            held.view[index]
    else:
        assert held.view[index] == expected == held.view.u8(index)


@given(DATA, st.none() | INDEX, st.none() | INDEX)
def test_slice_is_pythons(data, start, stop):
    held = Held(data)
    part = held.view[start:stop]
    assert bytes(part) == data[start:stop]
    assert len(part) == len(data[start:stop])


@given(DATA, INDEX, INDEX, INDEX)
def test_a_slice_of_a_slice_stays_inside(data, start, stop, index):
    part, held = data[start:stop], Held(data)
    view = held.view[start:stop]
    assert bytes(view[index:]) == part[index:]
    if not -len(part) <= index < len(part):
        with pytest.raises(IndexError):
            view[index]


def test_steps_are_refused():
    held = Held(b"abcd")
    with pytest.raises(IndexError, match="step 1"):
        held.view[::2]


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@given(data=DATA, offset=INDEX, value=st.integers(-(1 << 70), 1 << 70))
def test_integers_are_big_endian_and_checked(size, data, offset, value):
    held = Held(data)
    read = getattr(held.view, f"u{8 * size}")
    write = getattr(held.view, f"put_u{8 * size}")
    at = offset + len(data) if offset < 0 else offset
    if at < 0 or at + size > len(data):
        with pytest.raises(IndexError):
            read(offset)
        with pytest.raises(IndexError):
            write(offset, value)
        assert held.data == data
        return
    assert read(offset) == int.from_bytes(data[at : at + size], "big")
    write(offset, value)
    stored = (value & (1 << 8 * size) - 1).to_bytes(size, "big")
    assert held.data == data[:at] + stored + data[at + size :]


@given(DATA, INDEX, st.integers(-300, 300))
def test_store_by_index(data, index, value):
    held = Held(data)
    expected = bytearray(data)
    try:
        expected[index] = value & 0xFF
    except IndexError:
        with pytest.raises(IndexError):
            held.view[index] = value
    else:
        held.view[index] = value
    assert held.data == bytes(expected)


@given(DATA, st.binary(max_size=3))
def test_find_and_startswith_are_those_of_bytes(data, needle):
    held = Held(data)
    assert held.view.find(needle) == data.find(needle)
    assert held.view.startswith(needle) == data.startswith(needle)


@given(DATA, DATA)
def test_equality_and_iteration(data, other):
    held = Held(data)
    assert (held.view == other) == (data == other)
    assert (held.view == Held(other).view) == (data == other)
    assert list(held.view) == list(data)
    assert held.view != "text"
    assert repr(held.view) == f"Octets({data!r})"


def test_stores_go_through_the_patch_and_so_do_those_of_slices():
    seen = []
    buffer = ctypes.create_string_buffer(b"abcdef", 6)
    at = ctypes.addressof(buffer)
    view = Octets(at, 6, lambda where, data: seen.append((where - at, data)))
    view[1] = 0x41
    view[2:].put_u16(1, 0x4243)
    view[-2:][1] = 0x44
    assert seen == [(1, b"A"), (3, b"BC"), (5, b"D")]
    assert buffer.raw == b"abcdef"


def test_it_is_not_hashable():
    with pytest.raises(TypeError):
        hash(Held(b"").view)
