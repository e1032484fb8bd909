"""The table against a dictionary, in CPython and compiled, on random operations."""

import ctypes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from table_structure import check

from wirebrick import Record, Table
from wirebrick.fields import U8, U32, U64
from wirebrick.packet.memory import load64
from wirebrick.state import table_native as native
from wirebrick.state import table_sweep_native as sweep
from wirebrick.state.base import worker


class Key(Record):
    a: U32
    b: U8
    c: U64


class Value(Record):
    number: U64


NUMBERS = st.integers(0, 40)


def key(number):
    return Key(a=number, b=number, c=number << 58)


class Roomy(RuleBasedStateMachine):
    """There is always room: a dictionary."""

    def __init__(self):
        super().__init__()
        self.table = Table(Key, Value, capacity=41, idle_timeout=1e-9)
        self.table.allocate(1)
        self.model = {}
        self.views = {}
        worker.now = 0

    @rule(number=NUMBERS, step=st.integers(0, 10))
    def use(self, number, step):
        worker.now += step
        view = self.table[key(number)]
        assert view.number == self.model.get(number, 0)
        view.number += number + 1
        self.model[number] = view.number
        self.views[number] = view

    @precondition(lambda self: self.views)
    @rule(data=st.data())
    def change_through_an_older_view(self, data):
        number = data.draw(st.sampled_from(sorted(self.views)))
        self.views[number].number += 1
        self.model[number] += 1

    @rule(number=NUMBERS)
    def remove(self, number):
        del self.table[key(number)]
        self.model.pop(number, None)
        self.views.pop(number, None)

    @rule(number=NUMBERS)
    def look(self, number):
        assert (key(number) in self.table) == (number in self.model)

    @invariant()
    def alike(self):
        assert len(self.table) == len(self.model)
        assert {k.a: v.number for k, v in self.table.items()} == self.model
        assert self.table.evicted == self.table.expired == self.table.refused == 0
        check(self.table, self.table.blocks[0])


class Narrow(RuleBasedStateMachine):
    """There is not: who goes is known, as the sample is the whole table and no two uses are at one time."""

    capacity = 6
    full = "evict"
    idle = 20

    def __init__(self):
        super().__init__()
        self.table = Table(Key, Value, self.capacity, idle_timeout=self.idle / 1e9, full=self.full)
        self.table.allocate(1)
        self.last = {}
        self.counts = dict.fromkeys(("evicted", "refused", "expired"), 0)
        worker.now = 0

    @rule(number=NUMBERS, step=st.integers(1, 9))
    def use(self, number, step):
        worker.now += step
        before = set(self.last)
        self.table[key(number)].number = number
        now = {k.a for k, _ in self.table.items()}
        if number in before or len(before) < self.capacity:
            assert now == before | {number}
        else:
            idle = {n for n in before if worker.now - self.last[n] >= self.idle}
            oldest = {min(before, key=self.last.__getitem__)}
            what = "expired" if idle else "evicted" if self.full == "evict" else "refused"
            self.counts[what] += 1
            if what == "refused":
                assert now == before
                return
            assert len(before - now) == 1
            assert before - now <= (idle or oldest)
            assert number in now
        self.last = {n: self.last.get(n, 0) for n in now}
        self.last[number] = worker.now

    @rule(number=NUMBERS)
    def remove(self, number):
        del self.table[key(number)]
        self.last.pop(number, None)

    @rule(step=st.integers(0, 30), most=st.sampled_from([0, 1, 3, 100]))
    def expire(self, step, most):
        worker.now += step
        before = set(self.last)
        idle = {n for n in before if worker.now - self.last[n] >= self.idle}
        gone = self.table.expire(most)
        now = {k.a for k, _ in self.table.items()}
        assert now <= before
        assert before - now <= idle
        assert len(before - now) == gone <= most
        if most == 100:  # more than there are slots
            assert before - now == idle
        self.counts["expired"] += gone
        self.last = {n: self.last[n] for n in now}

    @invariant()
    def counted(self):
        assert len(self.table) == len(self.last)
        assert {name: getattr(self.table, name) for name in self.counts} == self.counts
        check(self.table, self.table.blocks[0])


class NarrowRefusing(Narrow):
    full = "refuse"


LIMITS = settings(max_examples=30, stateful_step_count=60, deadline=None)
TestRoomy, TestNarrow, TestNarrowRefusing = Roomy.TestCase, Narrow.TestCase, NarrowRefusing.TestCase
for _case in (TestRoomy, TestNarrow, TestNarrowRefusing):
    _case.settings = LIMITS
del _case  # else pytest would run it again


@pytest.fixture(scope="module")
def compiled():
    loader = pytest.importorskip("wirebrick.compiler.native")
    functions = {}
    for module, names in MODULES.items():
        for name, address in loader.load_native(module, names).items():
            functions[name] = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * names[name])(address)
    return functions


MODULES = {
    "wirebrick.state.table_native": {"table_find": 4, "table_touch": 5, "table_remove": 4},
    "wirebrick.state.table_sweep_native": {"table_expire": 3, "table_next": 2},
}
NAMES = [name for names in MODULES.values() for name in names]
OPERATIONS = st.lists(st.tuples(st.sampled_from(NAMES), NUMBERS, st.integers(0, 9)), max_size=150)


@given(
    operations=OPERATIONS,
    capacity=st.sampled_from([1, 5, 35]),
    idle=st.sampled_from([None, 20e-9]),
    full=st.sampled_from(["evict", "refuse"]),
)
@settings(max_examples=60, deadline=None)
def test_compiled_does_the_same(compiled, operations, capacity, idle, full):
    table = Table(Key, Value, capacity, idle_timeout=idle, full=full)
    table.allocate(2)
    here, there = table.blocks
    now = 0
    for name, number, step in operations:
        now += step
        if name in MODULES["wirebrick.state.table_sweep_native"]:
            given = [now, step] if name == "table_expire" else [number]
            assert getattr(sweep, name)(here, *given) == compiled[name](there, *given)
            continue
        wanted = key(number)
        given = [wanted._at, *[now] * (name == "table_touch"), Key.size, table.stride]
        a, b = getattr(native, name)(here, *given), compiled[name](there, *given)
        if a < 2 or b < 2:
            assert a == b
            continue
        assert a - here == b - there
        assert load64(a) == load64(b)
        ctypes.c_int64.from_address(a).value = ctypes.c_int64.from_address(b).value = number + 1
    size = table.block_size()
    assert ctypes.string_at(here, size) == ctypes.string_at(there, size)
