import pytest

from wirebrick import FlowKey, Record, Table
from wirebrick.errors import CheckError, GraphError
from wirebrick.fields import F64, U8, U32, U64, IPv4Address
from wirebrick.state.base import use_worker


class Key(Record):
    number: U64


class Value(Record):
    packets: U64
    host: IPv4Address
    rate: F64
    small: U8


class Nothing(Record):
    pass


@pytest.fixture(autouse=True)
def first_worker():
    use_worker(0)
    yield
    use_worker(0)


def made(key=Key, value=Value, workers=1, **options):
    table = Table(key, value, **{"capacity": 8, **options})
    table.allocate(workers)
    return table


def test_two_workers_have_partitions_of_their_own():
    table = made(workers=2)
    for index, keys in ((0, (1, 2)), (1, (2, 3))):
        use_worker(index)
        for n in keys:
            value = table[Key(number=n)]
            value.packets, value.host, value.rate, value.small = n, IPv4Address(index + 1), 0.5, 200
        assert len(table) == 2
        assert (Key(number=1) in table) == (index == 0)
    united = table.to_dict()
    assert list(united) == [Key(number=n) for n in (1, 2, 3)]
    assert united[Key(number=2)] == Value(packets=4, host=IPv4Address(1), rate=1.0, small=400 - 256)
    assert united[Key(number=3)] == Value(packets=3, host=IPv4Address(2), rate=0.5, small=200)
    assert table.entries == 4
    # What came out are copies.
    united[Key(number=3)].packets = 1000
    assert table[Key(number=3)].packets == 3


def test_before_a_run_there_is_nothing():
    table = Table(Key, Value, capacity=4)
    assert (len(table), table.entries, table.evicted, list(table.items())) == (0, 0, 0, [])
    assert Key() not in table
    with pytest.raises(GraphError, match="no memory before a run") as caught:
        table[Key()]
    assert caught.value.place.file == __file__


def test_a_second_run_begins_anew():
    table = made(workers=2)
    old = table[Key(number=1)]
    old.packets = 1
    table.allocate(1)
    assert list(table.items()) == []
    assert old.packets == 1  # a view keeps the memory it looks at
    assert len(table.blocks) == 1


def test_only_its_keys():
    table = made()
    for key in (7, Value(), None, FlowKey()):
        with pytest.raises(CheckError, match="no key of") as caught:
            table[key]
        assert caught.value.cure == "build one: Key(number=)"
    with pytest.raises(CheckError):
        assert 7 in table
    with pytest.raises(CheckError):
        del table[7]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((int, Value, 1), {}, "the key of a Table can't be <class 'int'>"),
        ((Key, U32, 1), {}, "the value of a Table can't be"),
        ((Record, Value, 1), {}, "the key"),
        ((Key(), Value, 1), {}, "the key"),
        ((Nothing, Value, 1), {}, "no fields"),
        ((Key, Value, 0), {}, "capacity"),
        ((Key, Value, 1.5), {}, "capacity"),
        ((Key, Value, True), {}, "capacity"),
        ((Key, Value, (1 << 29) + 1), {}, "capacity"),
        ((Key, Value, 1), {"full": "drop"}, "can't 'drop'"),
        ((Key, Value, 1), {"idle_timeout": 0}, "idle_timeout"),
        ((Key, Value, 1), {"idle_timeout": float("nan")}, "idle_timeout"),
        ((Key, Value, 1), {"idle_timeout": float("inf")}, "idle_timeout"),
        ((Key, Value, 1), {"idle_timeout": "1"}, "idle_timeout"),
        ((Key, Value, 1), {"idle_timeout": True}, "idle_timeout"),
        ((Key, Value, 1), {"consistency": "strict"}, "consistency"),
    ],
)
def test_wrong_arguments(arguments, options, message):
    with pytest.raises(GraphError, match=message) as caught:
        Table(*arguments, **options)
    assert caught.value.place.file == __file__
    assert caught.value.cure


def test_more_than_there_is():
    class Huge(Record):
        __annotations__ = {f"f{n}": U64 for n in range(1000)}

    with pytest.raises(GraphError, match="that much can't be had"):
        made(Key, Huge, capacity=1 << 29, workers=200)


def test_rows_are_the_items():
    table = made(key=FlowKey, workers=2, capacity=64)
    for index in (0, 1):
        use_worker(index)
        for port in range(20 + index):
            record = table[FlowKey(version=6, src=1 << 100, dst=port, src_port=port)]
            record.packets += port
            record.host = IPv4Address("192.0.2.1")
            record.rate = record.small = port
    rows = table.rows()
    expected = {bytes(key): value for key, value in table.items()}
    assert len(rows) == len(expected) == 21
    for row in rows:
        value = expected[row["key"].tobytes()]
        assert all(row["value"][name] == getattr(value, name) for name in Value.fields)
