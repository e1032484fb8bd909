import ctypes

import pytest

from wirebrick import FlowKey, Record, Table
from wirebrick.fields import F64, U8, U16, U64, IPv4Address
from wirebrick.packet.memory import load64
from wirebrick.state import table_layout as layout
from wirebrick.state import table_native as native
from wirebrick.state.base import use_worker, worker
from wirebrick.state.table import seed
from wirebrick.state.table_sweep_native import table_next, table_slot_key

STEP = (
    1 << layout.USUAL_SHIFT
)  # ns: times that differ by less may be the same to a table without idle_timeout


class Key(Record):
    number: U64


class Odd(Record):
    host: IPv4Address
    port: U16
    kind: U8  # one byte of padding behind it


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
    worker.now = 0
    yield
    use_worker(0)
    worker.now = 0


def made(key=Key, value=Value, workers=1, **options):
    table = Table(key, value, **{"capacity": 8, **options})
    table.allocate(workers)
    return table


def home_of(table, key):
    return native.table_hash(table.blocks[0], key._at, key.size)


def numbers(table):
    return {key.number for key, _ in table.items()}


def test_a_value_is_made_zero_and_kept():
    table = made()
    value = table[Key(number=7)]
    assert value == Value()
    value.packets += 3
    assert table[Key(number=7)].packets == 3
    assert Key(number=7) in table
    assert Key(number=8) not in table
    assert len(table) == table.entries == 1


def test_removal_leaves_others_where_they_are():
    table = made()
    views = {n: table[Key(number=n)] for n in range(8)}
    for n, view in views.items():
        view.packets = n
    for n in (0, 3, 7):
        del table[Key(number=n)]
    del table[Key(number=3)]  # twice is no error
    assert len(table) == 5
    assert all(views[n].packets == n for n in (1, 2, 4, 5, 6))
    views[4].packets = 40
    assert table[Key(number=4)].packets == 40
    # What was removed is used again, made zero.
    assert [table[Key(number=n)].packets for n in (10, 11, 12)] == [0, 0, 0]
    assert len(table) == 8
    assert table.evicted == 0
    assert numbers(table) == {1, 2, 4, 5, 6, 10, 11, 12}


def test_full_evicts_the_least_recently_used():
    table = made(capacity=4)
    for n in range(4):
        worker.now = n * STEP
        table[Key(number=n)].packets = n
    worker.now = 10 * STEP
    assert table[Key(number=0)].packets == 0
    assert Key(number=1) in table  # looking is not using
    assert table[Key(number=4)] == Value()
    assert numbers(table) == {0, 2, 3, 4}
    assert (table.evicted, table.refused, table.expired, len(table)) == (1, 0, 0, 4)


def test_eviction_looks_at_a_sample():
    table = made(capacity=100)
    for n in range(100):
        table[Key(number=n)].packets = 1
    order = [key.number for key, _ in table._pairs(table.blocks[0])]  # as the slots lie, and the hand goes
    for place, n in enumerate(order):
        worker.now = (1000 - place) * STEP  # the first of a sample is its newest
        table[Key(number=n)].packets = 1
    worker.now = 1001 * STEP
    table[Key(number=100)].packets = 1
    first = order[layout.SAMPLE - 1]
    assert set(range(100)) - numbers(table) == {first}
    # The hand goes on behind the slot that was freed; the new key may lie among those it looks at.
    hand = load64(table.blocks[0] + layout.T_HAND)
    behind = []
    while len(behind) < layout.SAMPLE:
        hand = table_next(table.blocks[0], hand)
        behind.append(Key.at(table_slot_key(table.blocks[0], hand)).number)
    second = [n for n in behind if n != 100][-1]
    table[Key(number=101)].packets = 1
    assert set(range(100)) - numbers(table) == {first, second}


def test_full_refuses():
    table = made(capacity=2, full="refuse")
    for n in (1, 2):
        table[Key(number=n)].packets = n
    lost = table[Key(number=3)]
    assert lost == Value()
    lost.packets = 99
    assert table[Key(number=4)] == Value()
    assert table[Key(number=3)] == Value()
    assert Key(number=3) not in table
    assert (table.evicted, table.refused, len(table)) == (0, 3, 2)
    assert {key.number: value.packets for key, value in table.items()} == {1: 1, 2: 2}
    del table[Key(number=1)]
    table[Key(number=3)].packets = 3
    assert numbers(table) == {2, 3}


@pytest.mark.parametrize("full", ["evict", "refuse"])
def test_idle_keys_give_way_first(full):
    table = made(capacity=3, idle_timeout=1.0, full=full)
    for n, now in ((1, 0), (2, 500_000_000), (3, 600_000_000)):
        worker.now = now
        table[Key(number=n)].packets = n
    worker.now = 1_499_999_999  # 1 is idle, 2 not by a nanosecond
    table[Key(number=4)].packets = 4
    assert numbers(table) == {2, 3, 4}
    worker.now = 1_500_000_000
    table[Key(number=2)].packets += 1  # idle, but there: used, it isn't idle any more
    worker.now = 1_600_000_000
    table[Key(number=5)].packets = 5
    assert numbers(table) == {2, 4, 5}
    assert (table.expired, table.evicted, table.refused) == (2, 0, 0)
    worker.now += 1
    table[Key(number=6)].packets = 6
    assert table.expired == 2
    assert (table.evicted, table.refused) == ((1, 0) if full == "evict" else (0, 1))


def test_idle_keys_stay_until_room_is_needed():
    table = made(capacity=3, idle_timeout=0.5)
    table[Key(number=1)].packets = 1
    worker.now = 10**12
    assert Key(number=1) in table
    table[Key(number=2)].packets = 1
    assert len(table) == 2
    assert table.expired == 0


def test_a_key_that_lies_in_the_value_it_drives_out():
    table = made(Key, Key, capacity=1)
    table[Key(number=1)].number = 2
    inner = table[Key(number=1)]
    assert table[inner] == Key()
    assert numbers(table) == {2}


def test_padding_of_keys_does_not_count():
    table = made(Odd, Value)
    table[Odd(host=IPv4Address("192.0.2.1"), port=1 + (1 << 16), kind=255 + 256)].packets = 5
    assert table[Odd(host=IPv4Address("192.0.2.1"), port=1, kind=255)].packets == 5
    assert Odd.size == 8
    assert table.to_dict() == {Odd(host=IPv4Address("192.0.2.1"), port=1, kind=255): Value(packets=5)}


def test_a_value_without_fields_makes_a_set():
    table = made(Key, Nothing, capacity=3)
    for n in range(3):
        table[Key(number=n)]
    del table[Key(number=1)]
    assert list(table.items()) == [(Key(number=n), Nothing()) for n in (0, 2)]


def test_ten_thousand_keys():
    table = made(FlowKey, Value, capacity=10_000)
    keys = [
        FlowKey(version=4, src=n, dst=0x0A000001, src_port=n % 500, dst_port=80, protocol=6)
        for n in range(10_000)
    ]
    for n, key in enumerate(keys):
        table[key].packets = n
    assert len(table) == 10_000
    assert table.evicted == 0
    assert all(table[key].packets == n for n, key in enumerate(keys))
    for key in keys[::2]:
        del table[key]
    assert table.to_dict() == {key: Value(packets=n) for n, key in enumerate(keys) if n % 2}


@pytest.mark.parametrize("stride", [1, 1 << 16, 1 << 32, 1 << 48])
def test_homes_spread(stride):
    table = made(capacity=3072)
    homes = [home_of(table, Key(number=n * stride)) for n in range(4096)]
    assert load64(table.blocks[0] + layout.T_HOMES) == 4096
    assert all(1 <= home <= 4096 for home in homes)
    # 4096 balls into as many buckets leave 1507 of them empty, give or take.
    assert len(set(homes)) > 2450


@pytest.mark.parametrize("stride", [1, 1 << 16, 1 << 32, 1 << 48])
def test_few_of_many_homes_are_the_same(stride):
    block = (ctypes.c_uint8 * 4096)()
    at = -(-ctypes.addressof(block) // 64) * 64
    layout.table_init(at, 1 << 29, Key.size, 0, 0, 0, seed())  # no slot is touched
    keys = [Key(number=n * stride) for n in range(4096)]
    # Of 8,386,560 pairs, one in 2**30 has the same home.
    assert len({native.table_hash(at, key._at, Key.size) for key in keys}) > 4090


def test_homes_depend_on_each_word_and_its_place():
    block = (ctypes.c_uint8 * 4096)()
    at = -(-ctypes.addressof(block) // 64) * 64
    layout.table_init(at, 1 << 29, FlowKey.size, 0, 0, 0, seed())
    keys = [
        FlowKey(**{field: 1 << bit})
        for field, bits in (("src", 128), ("dst", 128), ("src_port", 16), ("dst_port", 16), ("protocol", 8))
        for bit in range(bits)
    ]
    homes = {native.table_hash(at, key._at, FlowKey.size) for key in keys}
    assert len(homes) == 128 + 128 + 16 + 16 + 8
