"""The consistency modes, one step at a time: what is allowed, locked, seen and refused, compiled as interpreted."""

import pytest
from shared_traffic import Pair, Source, both, frames, run_function

from wirebrick import Array, Bounded, Counter, CountMin, Partitioned, Strict, Table
from wirebrick.compiler.emit.sharing import locks_of
from wirebrick.errors import GraphError
from wirebrick.fields import U64
from wirebrick.headers import Ethernet, IPv4
from wirebrick.state.base import use_worker, worker

TRAFFIC = frames(300)
MODES = [Partitioned(), Strict(), Bounded(staleness=0.01)]
KINDS = [lambda mode: Counter("c", consistency=mode), lambda mode: Array(U64, 2, consistency=mode)]


@pytest.fixture(autouse=True)
def first_worker():
    use_worker(0)
    yield
    use_worker(0)


def everything(mode):
    """A function that uses each kind of object in each way."""

    def make():
        counter = Counter("seen", consistency=mode)
        numbers = Array(U64, 4, consistency=mode)
        pairs = Array(Pair, 3, consistency=mode)
        table = Table(Source, Pair, capacity=8, consistency=mode)

        def helper(pair):
            pair.b += 1

        def look(packet):
            key = Source(host=packet.header.src)
            known = key in table
            pair = table[key]
            pair.a += 1
            helper(pair)
            other = pairs[packet.header.ttl % 3] if known else pairs[0]
            other.a += packet.length
            helper(other)
            numbers[-1] += 1
            numbers[0] = len(table)
            if packet.header.ttl == 7:
                del table[key]
            counter.add(packet.header.ttl)

        return look, counter, numbers, pairs, table

    return make


def observe(counter, numbers, pairs, table):
    found = table.to_dict()
    return counter.value, numbers.totals(), [bytes(p) for p in pairs.totals()], found


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_one_worker_sees_no_difference(mode, monkeypatch):
    monkeypatch.setenv("WIREBRICK_SEED", "1")
    seen = both(everything(mode), observe, rx=TRAFFIC)
    assert seen == both(everything(Partitioned()), observe, rx=TRAFFIC)
    assert seen[1] == {}
    assert seen[0][1][-1] == len(TRAFFIC)


WRITES = {
    "counter": (lambda m: Counter("c", consistency=m), lambda c: lambda packet: c.add()),
    "sketch": (
        lambda m: CountMin(Source, width=8, consistency=m),
        lambda s: lambda packet: s.add(Source(host=packet.header.src)),
    ),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_write_by_a_reader_is_a_fault(name):
    make_state, make_function = WRITES[name]
    refused = 0
    for interpret in (False, True):

        def make():
            state = make_state(Bounded(staleness=0.01, writer=1))
            return make_function(state), state

        result, _ = run_function(make, rx="memory:flows=8,count=64", workers=2, interpret=interpret)
        (refused,) = result.drops.values()
        assert list(result.drops) == ["nf.fault_owner"]
        assert 0 < refused < 64
    with pytest.raises(GraphError, match="worker 1 is to write"):
        run_function(make, rx=TRAFFIC)


def writing(how):
    """A function that stores to a Bounded object of worker 1 in one of several ways."""

    def make():
        mode = Bounded(staleness=0.01, writer=1)
        numbers = Array(U64, 2, consistency=mode)
        pairs = Array(Pair, 2, consistency=mode)
        table = Table(Source, Pair, capacity=8, consistency=mode)
        seen = Array(U64, 3)

        def helper(pair):
            pair.a = 1

        def item(packet):
            seen[0] += numbers[1]
            numbers[1] += 1

        def field(packet):
            seen[0] += pairs[1].a
            pairs[1].a += 1

        def variable(packet):
            pair = table[Source(host=packet.header.src)]
            seen[0] += pair.a + pair.b
            pair.b = 1

        def passed(packet):
            helper(table[Source(host=packet.header.src)])

        def deleted(packet):
            seen[0] += len(table)
            seen[1] += Source(host=packet.header.src) in table
            del table[Source(host=packet.header.src)]

        def expired(packet):
            table.expire()

        return locals()[how], seen

    return make


@pytest.mark.parametrize("how", ["item", "field", "variable", "passed", "deleted", "expired"])
@pytest.mark.parametrize("interpret", [False, True])
def test_every_way_to_write_is_refused_to_readers(how, interpret):
    # All packets of one flow come to one worker: of many, about half are faults.
    result, _ = run_function(writing(how), rx="memory:flows=8,count=64", workers=2, interpret=interpret)
    assert list(result.drops) == ["nf.fault_owner"]
    assert 0 < result.drops["nf.fault_owner"] < 64


def test_readers_find_or_get_zeros_and_insert_nothing():
    def make():
        table = Table(Source, Pair, capacity=8, consistency=Bounded(staleness=0.01, writer=1))
        total = Array(U64, 2)

        def look(packet):
            pair = table[Source(host=packet.header.src)]
            total[0] += 1
            total[1] += pair.a + pair.b

        return look, table, total

    for interpret in (False, True):
        result, (table, total) = run_function(
            make, rx="memory:flows=64,count=256", workers=2, interpret=interpret
        )
        assert total.totals() == [256, 0]
        assert result.drops == {}
        assert 0 < len(table.to_dict()) <= 8


def test_interpreted_views_by_hand():
    array = Array(Pair, 1, consistency=Bounded(staleness=0.5, writer=1))
    array.allocate(2)
    use_worker(1)
    array[0].a = 5
    array.sharing.begin(1, 0)
    array[0].a = 6
    array.sharing.end(1)
    use_worker(0)
    array.sharing.begin(0, 0)
    assert array[0].a == 0  # the copy of the beginning is new enough
    with pytest.raises(Exception, match="not its writer"):
        array[0].a = 1
    array.sharing.end(0)
    assert array.total(0).a == 6  # from outside: the writer's
    assert worker.index == 0


def test_locks_are_taken_in_order_and_only_where_needed():
    assert locks_of(["t1", "lock10", "d", "lock9"]) == [9, 10]
    texts = []

    def make():
        first, second = Array(U64, 1, consistency=Strict()), Array(U64, 1, consistency=Strict())
        counter = Counter("c", consistency=Strict())

        def look(packet):
            second[0] += 1
            first[0] += 1
            counter.add()

        return look, counter

    run_function(make, rx=TRAFFIC[:1], show=texts.append)
    lines = [line.strip() for line in texts[0].splitlines()]
    taken = [line for line in lines if line.startswith("lock_acquire")]
    given = [line for line in lines if line.startswith("lock_release")]
    assert taken == ["lock_acquire(lock0, w)", "lock_acquire(lock1, w)"]
    assert given == ["lock_release(lock1)", "lock_release(lock0)"]
    assert "counter_add_atomic(t2, 1)" in lines


def test_a_fault_lets_go_of_the_lock():
    def make():
        numbers = Array(U64, 2, consistency=Strict())

        def look(packet):
            numbers[0] += 1
            numbers[packet.header.ttl] += 1

        return look, numbers

    for interpret in (False, True):
        result, (numbers,) = run_function(make, rx=TRAFFIC, interpret=interpret)
        assert result.drops["nf.fault_index"] > 200
        assert numbers.total(0) >= len(TRAFFIC)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"staleness": 0}, "staleness"),
        ({"staleness": "1"}, "staleness"),
        ({"staleness": float("nan")}, "staleness"),
        ({"staleness": 1e9}, "staleness"),
        ({"staleness": True}, "staleness"),
        ({"staleness": 1, "writer": -1}, "writer"),
        ({"staleness": 1, "writer": "0"}, "writer"),
    ],
)
def test_wrong_bounds(arguments, message):
    with pytest.raises(GraphError, match=f"{message} of Bounded") as caught:
        Bounded(**arguments)
    assert caught.value.place.file == __file__
    assert caught.value.cure


@pytest.mark.parametrize("make", KINDS)
def test_no_mode(make):
    with pytest.raises(GraphError, match="is not a consistency mode"):
        make("strict")


def test_a_mixed_variable_is_refused():
    def make():
        mine, shared = Array(Pair, 1), Array(Pair, 1, consistency=Bounded(staleness=0.01))

        def look(packet):
            pair = mine[0]
            if packet.length > 100:
                pair = shared[0]
            pair.a += 1

        return look, mine

    with pytest.raises(Exception, match=r"a record \(Pair\), now it would be a record \(Pair of Array"):
        run_function(make, rx=TRAFFIC, headers=(Ethernet, IPv4))
