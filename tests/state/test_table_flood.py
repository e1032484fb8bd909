"""More keys than there is room for, compiled; and keys that are chosen to collide."""

import ctypes

import pytest
from table_structure import check

from wirebrick import Record, Table
from wirebrick.compiler.native import load_source
from wirebrick.fields import U64
from wirebrick.packet.memory import load64
from wirebrick.state import table_layout as layout
from wirebrick.state import table_native as native

LOOP = """
def flood(block, key, first, count, step, now, size, stride):
    for i in range(count):
        store64(key, first + i * step)
        store64(table_touch(block, key, now + i, size, stride), i)
    return 0
"""


class Pair(Record):
    a: U64
    b: U64


class Value(Record):
    number: U64


@pytest.fixture(scope="module")
def flood():
    address = load_source("flood", LOOP, {"flood": 8}, ("wirebrick.state.table_native",))["flood"]
    function = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 8)(address)

    def run(table, first, count, step=1, now=0):
        key = Pair()
        function(table.blocks[0], key._at, first, count, step, now, Pair.size, table.stride)

    return run


def made(**options):
    table = Table(Pair, Value, **{"capacity": 1000, **options})
    table.allocate(1)
    return table


@pytest.mark.parametrize("step", [1, 1 << 20, 1 << 40])
def test_a_flood_leaves_the_table_full_and_whole(flood, step):
    table = made(idle_timeout=0.05)
    flood(table, 0, 300_000, step)
    assert (len(table), table.evicted, table.refused, table.expired) == (1000, 299_000, 0, 0)
    assert check(table, table.blocks[0]) < 12
    # The last 32 are there: the least recently used of a sample went each time.
    numbers = {value.number for _, value in table.items()}
    assert set(range(300_000 - 32, 300_000)) <= numbers


def test_a_flood_into_a_table_that_refuses(flood):
    table = made(full="refuse")
    flood(table, 0, 300_000)
    assert (len(table), table.evicted, table.refused) == (1000, 0, 299_000)
    assert {key.a for key, _ in table.items()} == set(range(1000))
    check(table, table.blocks[0])


def test_who_is_used_often_survives_a_flood(flood):
    table = made(idle_timeout=0.05)
    for round_ in range(200):
        flood(table, 0, 20, now=200 * round_)  # each time these are used anew
        flood(table, 1000 + 100 * round_, 100, now=200 * round_ + 100)
    found = {key.a for key, _ in table.items()}
    assert len(found & set(range(20))) == 20


def test_idle_keys_of_a_flood_give_way(flood):
    table = made(idle_timeout=5e-7)  # five hundred packets
    flood(table, 0, 100_000)
    assert table.evicted < 1000
    assert table.expired + table.evicted == 99_000
    check(table, table.blocks[0])


def test_a_table_of_one_key(flood):
    table = made(capacity=1)
    flood(table, 5, 10_000)
    assert (len(table), table.evicted) == (1, 9_999)
    assert [key.a for key, _ in table.items()] == [10_004]
    check(table, table.blocks[0])


@pytest.mark.parametrize("bits", [(63, 31), (31, 63), (0, 32)])
def test_no_keys_collide_whatever_the_seed(bits):
    """Keys that differ in chosen bits of both words have homes as if by chance, for each seed anew."""
    same = 0
    for seed in range(1, 301):
        table = made(capacity=3000)  # 4096 homes
        layout.table_init(table.blocks[0], 3000, Pair.size, Value.size, 0, 0, seed)
        one, other = Pair(a=77, b=99), Pair(a=77 ^ 1 << bits[0], b=99 ^ 1 << bits[1])
        homes = [native.table_hash(table.blocks[0], key._at, Pair.size) for key in (one, other)]
        same += homes[0] == homes[1]
    assert same < 4


def test_the_seed_can_be_given(monkeypatch):
    def first_random():
        return load64(made().blocks[0] + layout.T_RANDOM)

    drawn = first_random()
    assert first_random() == drawn  # once for each process
    monkeypatch.setenv("WIREBRICK_SEED", "0x1234")
    given = first_random()
    assert given == first_random() != drawn
    monkeypatch.setenv("WIREBRICK_SEED", "much")
    with pytest.raises(Exception, match="WIREBRICK_SEED is 'much'"):
        made()
