import threading
from itertools import pairwise

import pytest

from wirebrick import Array, Counter, FlowKey, Record, Table
from wirebrick.errors import GraphError
from wirebrick.fields import U64
from wirebrick.state.base import LINES, use_worker, worker
from wirebrick.state.consistency import Partitioned
from wirebrick.stream.graph import Graph, Scope, current_scope


class Seen(Record):
    count: U64


def test_sum_over_workers():
    counter = Counter("seen")
    assert counter.value == 0
    counter.allocate(2)
    for index in (0, 1):
        use_worker(index)
        counter.add()
        counter.add(10 * index)
    use_worker(0)
    assert counter.value == 12
    assert counter.block_size() == 8


def test_wraps():
    counter = Counter("seen")
    counter.allocate(2)
    counter.add((1 << 64) - 1)
    assert counter.value == (1 << 64) - 1
    counter.add(3)
    assert counter.value == 2


@pytest.mark.parametrize("name", [None, "", 7])
def test_wrong_name(name):
    with pytest.raises(GraphError, match="name of a Counter") as caught:
        Counter(name)
    assert caught.value.place.file == __file__


def test_add_needs_a_run():
    with pytest.raises(GraphError, match="seen has no memory"):
        Counter("seen").add()


def test_each_thread_is_a_worker():
    counter = Counter("seen")
    counter.allocate(3)
    seen = []

    def work(index):
        seen.append(worker.index)
        use_worker(index)
        counter.add(10**index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
        thread.join()
    assert seen == [0, 0, 0]
    assert worker.index == 0
    assert counter.value == 111
    counter.add(5)
    assert counter.value == 116


def test_workers_share_no_cache_line():
    states = [Counter("a"), Array(U64, 3), Table(FlowKey, Seen, capacity=5)]
    for state in states:
        state.allocate(4)
    spans = []
    for state in states:
        for block, memory in zip(state.blocks, state.sharing.memory, strict=True):
            assert block % LINES == 0
            end = -(-(block + state.block_size()) // LINES) * LINES
            assert memory.ctypes.data <= block
            assert end <= memory.ctypes.data + memory.size
            spans.append((block, end))
    spans.sort()
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))


def test_belongs_to_the_nf_being_built():
    scope = Scope("nf", None, None)
    assert current_scope() is None
    outside = Counter("outside")
    with Graph().building(scope):
        assert current_scope() is scope
        states = [Counter("a"), Array(U64, 3), Table(FlowKey, Seen, capacity=5)]
    assert scope.states == states
    assert all(state.place.file == __file__ for state in [outside, *states])
    assert [state.name for state in states] == ["a", "Array(U64, 3)", "Table(FlowKey, Seen)"]
    assert states[2].consistency == Partitioned()
