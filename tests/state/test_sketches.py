"""CountMin and HeavyHitters against exact counts, in CPython and compiled."""

import math
from collections import Counter as Counts

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirebrick import CountMin, FlowKey, HeavyHitters, Record
from wirebrick.errors import CheckError, GraphError
from wirebrick.fields import U16, U64
from wirebrick.packet.memory import load64
from wirebrick.state import count_min_native, heavy_hitters_native
from wirebrick.state.base import use_worker, worker
from wirebrick.state.natives import compiled

LARGEST = (1 << 63) - 1


class Key(Record):
    number: U16
    other: U64


def key(number):
    return Key(number=number, other=number * 7)


@pytest.fixture(autouse=True)
def first_worker(monkeypatch):
    monkeypatch.setenv("WIREBRICK_SEED", "7")
    use_worker(0)
    yield
    use_worker(0)


UPDATES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 1000)), max_size=200)


@settings(deadline=None, max_examples=60)
@given(UPDATES, st.sampled_from([1, 4, 16, 100]), st.integers(1, 5))
def test_count_min_is_never_too_low(updates, width, depth):
    sketch, other = (CountMin(Key, width=width, depth=depth) for _ in range(2))
    for one in (sketch, other):
        one.allocate(1)
    add = compiled(count_min_native.__name__, "count_min_add", 4)
    exact = Counts()
    for number, n in updates:
        exact[number] += n
        estimate = sketch.add(key(number), n)
        assert estimate >= exact[number]
        assert add(other.blocks[0], Key.size, key(number)._at, n) == estimate
    total = sum(exact.values())
    assert sketch.total == other.total == total
    for number in range(40):
        assert exact[number] <= sketch.estimate(key(number)) == other.estimate(key(number)) <= total
    if len(exact) == 1:
        ((number, count),) = exact.items()
        assert sketch.estimate(key(number)) == count


def test_count_min_keeps_its_bound():
    sketch = CountMin(Key, width=256, depth=4)
    sketch.allocate(1)
    for turn in range(3):
        for number in range(2000):
            sketch.add(key(number), 1 + turn)
    assert sketch.error == pytest.approx(math.e * 12000 / 256)
    beyond = sum(sketch.estimate(key(number)) > 6 + sketch.error for number in range(2000))
    assert beyond <= 2000 / math.e**4


def test_count_min_sums_workers_and_stops_at_the_largest():
    sketch = CountMin(Key, width=100)
    assert (sketch.width, sketch.estimate(key(1)), sketch.total) == (128, 0, 0)
    sketch.allocate(2)
    sketch.add(key(1), 5)
    use_worker(1)
    sketch.add(key(1), 6)
    assert sketch.estimate(key(1)) == 11
    worker.in_burst = True
    try:
        assert sketch.estimate(key(1)) == 6
    finally:
        worker.in_burst = False
    assert sketch.add(key(1), LARGEST) == LARGEST
    assert sketch.add(key(1), LARGEST) == LARGEST
    for wrong, error in ((-1, ValueError), (LARGEST + 1, OverflowError)):
        with pytest.raises(error):
            sketch.add(key(1), wrong)
    with pytest.raises(CheckError, match="is no key of CountMin"):
        sketch.add(FlowKey())


def heap_in_order(top):
    """Places and numbers agree, and no counter is above a smaller one."""
    block = top.blocks[0]
    used = load64(block + heavy_hitters_native.H_USED)
    counts = [0]
    for place in range(1, used + 1):
        counter = heavy_hitters_native.hitters_at(block, Key.size, place)
        assert load64(counter + heavy_hitters_native.N_PLACE) == place
        counts.append(load64(counter + heavy_hitters_native.N_COUNT))
    return all(counts[place // 2] <= counts[place] for place in range(2, used + 1))


@settings(deadline=None, max_examples=80)
@given(UPDATES, st.integers(1, 12))
def test_heavy_hitters_keep_their_bounds(updates, capacity):
    top, other = (HeavyHitters(Key, capacity=capacity) for _ in range(2))
    for one in (top, other):
        one.allocate(1)
    add = compiled(heavy_hitters_native.__name__, "hitters_add", 5)
    exact = Counts()
    for number, n in updates:
        exact[number] += n
        count = top.add(key(number), n)
        assert exact[number] <= count == top.estimate(key(number))
        assert add(other.blocks[0], Key.size, other.stride, key(number)._at, n) == count
    assert heap_in_order(top)
    assert top.items() == other.items()
    total = sum(exact.values())
    assert top.total == total
    items = {hitter.key.number: (hitter.amount, hitter.error) for hitter in top.items()}
    assert len(items) == min(len(exact), capacity)
    for number, (amount, error) in items.items():
        assert amount - error <= exact[number] <= amount
        assert error * capacity <= total
    for number, count in exact.items():
        assert number in items or count * capacity <= total
        assert top.estimate(key(number)) >= count
    amounts = [hitter.amount for hitter in top.items()]
    assert amounts == sorted(amounts, reverse=True)


def test_heavy_hitters_of_several_workers():
    top = HeavyHitters(Key, 2)
    assert (top.items(), top.total) == ([], 0)
    top.allocate(2)
    exact = Counts()
    for index, updates in enumerate(([(1, 10), (2, 5), (3, 4)], [(1, 7), (4, 1)])):
        use_worker(index)
        for number, n in updates:
            top.add(key(number), n)
            exact[number] += n
    items = {hitter.key.number: hitter for hitter in top.items()}
    assert set(items) == {1, 3, 4}
    assert items[1][1:] == (17, 0)
    for number, hitter in items.items():
        assert hitter.amount - hitter.error <= exact[number] <= hitter.amount
    assert top.estimate(key(2)) >= 5
    assert top.add(key(9), LARGEST) == LARGEST
    with pytest.raises(ValueError, match="negative"):
        top.add(key(1), -1)


def test_a_flood_of_new_keys_takes_no_memory():
    top = HeavyHitters(Key, 4)
    top.allocate(1)
    add = compiled(heavy_hitters_native.__name__, "hitters_add", 5)
    for number in range(20000):
        one = key(number % 60000)
        add(top.blocks[0], Key.size, top.stride, one._at, 1)
        if number % 2:
            add(top.blocks[0], Key.size, top.stride, key(65535)._at, 1)
    assert top.items()[0].key == key(65535)
    assert heap_in_order(top)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CountMin(Key, width=0), "width of a CountMin can't be 0"),
        (lambda: CountMin(Key, width=1 << 31), "width"),
        (lambda: CountMin(Key, width=8, depth=17), "depth"),
        (lambda: CountMin(int, width=8), "keys of a CountMin"),
        (lambda: CountMin(Key, width=8, consistency=1), "consistency"),
        (lambda: HeavyHitters(Key, 0), "capacity of a HeavyHitters"),
        (lambda: HeavyHitters(Key, 2.0), "capacity"),
        (lambda: HeavyHitters(Record, 2), "keys of a HeavyHitters"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(GraphError, match=message) as caught:
        make()
    assert caught.value.place.file == __file__
    assert caught.value.cure
