import numpy as np
import pytest

from wirebrick import Array, Record
from wirebrick.errors import CheckError, GraphError
from wirebrick.fields import F64, U3, U8, U16, U24, U64, IPv4Address, IPv6Address, MacAddress
from wirebrick.packet.memory import load16
from wirebrick.state.base import use_worker


class Rule(Record):
    prefix: IPv4Address
    hits: U64
    weight: F64


class Other(Record):
    hits: U64


@pytest.fixture(autouse=True)
def first_worker():
    use_worker(0)
    yield
    use_worker(0)


def made(*arguments, workers=1, **options):
    array = Array(*arguments, **options)
    array.allocate(workers)
    return array


def test_numbers():
    array = made(U16, 3)
    array[0] = 65536 + 5
    array[1] += 2
    array[-1] = -1
    assert [array[n] for n in range(-3, 3)] == [5, 2, 65535] * 2
    assert len(array) == array.length == 3
    assert (array.element_size, array.record, array.initial) == (2, None, None)
    assert (array.field.offset, array.field.size, array.field.bits) == (0, 2, 16)
    # Back to back.
    assert [load16(array.blocks[0] + 2 * n) for n in range(3)] == [5, 2, 65535]


@pytest.mark.parametrize(
    ("kind", "size", "value"),
    [
        (U3, 1, 7),
        (U8, 1, 255),
        (U24, 4, 0xABCDEF),
        (U64, 8, (1 << 64) - 1),
        (F64, 8, -1.5),
        (IPv4Address, 4, IPv4Address("192.0.2.1")),
        (MacAddress, 8, MacAddress("02:00:00:00:00:01")),
        (IPv6Address, 16, IPv6Address("2001:db8::1:2:3")),
    ],
)
def test_kinds(kind, size, value):
    array = made(kind, values=[value] * 2, workers=1)
    assert (array.element_size, array.block_size()) == (size, 2 * size)
    array[0] = 0
    assert (array[0], array[1]) == (0, value)
    assert type(array[1]) is type(value)
    assert array.partition(0) == [0, value]


def test_records():
    array = made(Rule, values=[Rule(prefix=IPv4Address(n), hits=n) for n in range(3)])
    assert (array.record, array.field, array.element_size) == (Rule, None, Rule.size)
    array[1].hits += 10
    assert array[1] == Rule(prefix=IPv4Address(1), hits=11)
    mine = Rule(hits=7)
    array[-1] = mine
    mine.hits = 0
    assert array[2].hits == 7
    with pytest.raises(CheckError, match="can't be Other"):
        array[0] = Other()
    with pytest.raises(CheckError, match="can't be 7"):
        array[0] = 7
    assert array.partition(0)[0] == Rule()


@pytest.mark.parametrize("index", [3, -4, 1 << 70])
def test_out_of_range(index):
    for array in (made(U8, 3), made(Rule, 3)):
        with pytest.raises(IndexError):
            array[index]
        with pytest.raises(IndexError):
            array[index] = 0
        with pytest.raises(IndexError):
            array.total(index)
    with pytest.raises(TypeError):
        array[1.0]


def test_an_empty_array():
    array = made(Rule, values=[])
    assert (len(array), array.totals(), array.partition(0)) == (0, [], [])
    with pytest.raises(IndexError):
        array[0]


def test_workers():
    array = made(U8, values=[200, 1], workers=2)
    rules = made(Rule, 1, workers=2)
    for index in (0, 1):
        use_worker(index)
        array[1] += index + 1
        rules[0] = Rule(prefix=IPv4Address(index + 1), hits=index + 1, weight=0.25)
    assert array.partition(0) == [200, 2]
    assert array.partition(1) == [200, 3]
    assert array.totals() == [400, 5]
    assert array.total(-1) == 5
    assert rules.total(0) == Rule(prefix=IPv4Address(1), hits=3, weight=0.5)
    assert rules.partition(1) == [Rule(prefix=IPv4Address(2), hits=2, weight=0.25)]
    with pytest.raises(IndexError):
        array.partition(2)
    assert made(F64, values=[0.5], workers=2).totals() == [1.0]
    with pytest.raises(GraphError, match="no sum"):
        made(IPv4Address, 1).totals()


def test_before_a_run():
    array = Array(U16, values=[1, 2])
    assert (array[-1], array.partition(0), array.totals()) == (2, [1, 2], [0, 0])
    assert Array(U16, 2).partition(0) == [0, 0]
    assert Array(Rule, 1)[0] == Array(Rule, 1).total(0) == Rule()
    with pytest.raises(GraphError, match="no memory before a run") as caught:
        array[0] = 1
    assert "values=" in caught.value.cure


def test_a_second_run_begins_anew():
    array = made(U16, values=[1, 2])
    array[0] = 9
    array.allocate(2)
    assert array.totals() == [2, 4]


def test_numbers_of_numpy():
    assert Array(U16, values=np.arange(3, dtype=np.int32)).partition(0) == [0, 1, 2]
    assert Array(F64, values=np.arange(2)).partition(0) == [0.0, 1.0]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((int, 1), {}, "can't be the element"),
        ((7, 1), {}, "can't be the element"),
        (("no such", 1), {}, "can't be the element"),
        ((Record, 1), {}, "can't be the element"),
        ((U8,), {}, "length"),
        ((U8, -1), {}, "length"),
        ((U8, 1.0), {}, "length"),
        ((U8, True), {}, "length"),
        ((U8, 2), {"values": [1]}, "can't begin with 1"),
        ((U8,), {"values": [1, "2"]}, r"values\[1\] can't be '2'"),
        ((U8,), {"values": [1.0]}, r"values\[0\]"),
        ((F64,), {"values": ["x"]}, r"values\[0\]"),
        ((IPv4Address,), {"values": ["192.0.2.1"]}, r"values\[0\]"),
        ((Rule,), {"values": [Rule(), Other()]}, r"values\[1\]"),
        ((Rule,), {"values": [0]}, r"values\[0\]"),
        ((U8, 1), {"consistency": None}, "consistency"),
    ],
)
def test_wrong_arguments(arguments, options, message):
    with pytest.raises(GraphError, match=message) as caught:
        Array(*arguments, **options)
    assert caught.value.place.file == __file__
    assert caught.value.cure
