"""Saved and restored: every kind of object, and every kind of file that must be refused."""

import os
import struct

import pytest
from shared_traffic import Pair, Source, frames, run_function

from wirebrick import (
    Array,
    Bounded,
    Counter,
    CountMin,
    FlowKey,
    HeavyHitters,
    LongestPrefixMatch,
    Record,
    Strict,
    Table,
    TokenBucket,
)
from wirebrick.errors import GraphError, StateError
from wirebrick.fields import U16, U64, IPv4Address
from wirebrick.state.base import use_worker, worker
from wirebrick.state.snapshot import MAGIC


class Wide(Record):
    """As a Pair, with another field."""

    a: U64
    b: U64
    c: U64
    e: U64


@pytest.fixture(autouse=True)
def first_worker():
    use_worker(0)
    worker.now = 0
    yield
    use_worker(0)
    worker.now = 0


def source(number):
    return Source(host=number)


def fill(state, number):
    """Something that tells workers apart."""
    worker.now = 10**18 + number
    if isinstance(state, Counter):
        state.add(10 + number)
    elif isinstance(state, Array):
        state[number] = Pair(a=number + 1, d=7) if state.record else number + 1
    elif isinstance(state, Table):
        state[source(number)].a += 5
        state[source(99)].a += 1
    elif isinstance(state, CountMin | HeavyHitters):
        state.add(source(number), 5)
        state.add(source(99), 1)
    else:
        state.take(source(number), 2)


def look(state):
    """What can be seen of it from outside."""
    if isinstance(state, Counter):
        return state.value
    if isinstance(state, Array):
        return [bytes(each) if state.record else each for each in state.totals()]
    if isinstance(state, Table):
        return state.to_dict()
    if isinstance(state, CountMin):
        return [state.estimate(source(n)) for n in range(100)], state.total
    if isinstance(state, HeavyHitters):
        return state.items(), state.total
    return state.conformed, state.exceeded


KINDS = {
    "counter": lambda **o: Counter("seen", **o),
    "numbers": lambda **o: Array(U16, 5, **o),
    "records": lambda **o: Array(Pair, 5, **o),
    "table": lambda **o: Table(Source, Pair, capacity=50, idle_timeout=1.0, **o),
    "large table": lambda **o: Table(Source, Pair, capacity=200_000, **o),
    "sketch": lambda **o: CountMin(Source, width=64, **o),
    "hitters": lambda **o: HeavyHitters(Source, 8, **o),
    "bucket": lambda **o: TokenBucket(rate=1, burst=5, Key=Source, capacity=10, **o),
}


def saved(kind, path, workers, **options):
    """An object with contents, saved."""
    state = KINDS[kind](**options)
    state.allocate(workers)
    for number in range(workers):
        use_worker(number)
        if state.may_change():
            fill(state, number)
    use_worker(0)
    state.save(path)
    return state


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_comes_back_and_goes_on(kind, workers, tmp_path):
    path = tmp_path / "state"
    old = saved(kind, path, workers)
    new = KINDS[kind]()
    assert new.restore(path)
    new.allocate(workers)
    assert look(new) == look(old)
    for number in range(workers):
        use_worker(number)
        fill(old, number)
        fill(new, number)
    assert look(new) == look(old)
    assert os.listdir(tmp_path) == ["state"]
    assert path.stat().st_size < 1_000_000  # zeros take no room


@pytest.mark.parametrize("mode", [Strict(), Bounded(staleness=0.01, writer=1)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_shared_by_workers(kind, mode, tmp_path):
    path = tmp_path / "state"
    old = saved(kind, path, 2, consistency=mode)
    new = KINDS[kind](consistency=mode)
    new.restore(path)
    new.allocate(3)  # one block, for any number of workers
    assert look(new) == look(old)
    if isinstance(mode, Bounded):
        new.sharing.begin(0, 0)  # the first copy has it too
        assert new.current() != new.blocks[0]
        if kind == "numbers":
            assert [new[n] for n in range(5)] == look(old)
        new.sharing.end(0)


@pytest.mark.parametrize("kind", ["counter", "numbers", "records", "table", "sketch"])
def test_several_workers_are_put_together(kind, tmp_path):
    path = tmp_path / "state"
    old = saved(kind, path, 3)
    for options in ({}, {"consistency": Strict()}):
        new = KINDS[kind](**options)
        new.restore(path)
        new.allocate(1)
        assert look(new) == look(old)
    new = KINDS[kind]()
    new.restore(path)
    if kind == "counter":
        new.allocate(2)
        assert look(new) == look(old)
        return
    with pytest.raises(StateError, match=r"for 3 worker\(s\), this run needs 2") as caught:
        new.allocate(2)
    assert "or one" in caught.value.cure


@pytest.mark.parametrize("kind", ["hitters", "bucket"])
def test_what_can_not_be_put_together(kind, tmp_path):
    path = tmp_path / "state"
    saved(kind, path, 2)
    new = KINDS[kind]()
    new.restore(path)
    with pytest.raises(StateError, match="this run needs 1") as caught:
        new.allocate(1)
    assert caught.value.cure == "run with 2 worker(s)"
    for array in (Array(U16, values=[1, 2]), Array(IPv4Address, 2)):
        assert not array.unites


def test_routes(tmp_path):
    path = tmp_path / "routes"
    old = LongestPrefixMatch({"10.0.0.0/8": 1, "2001:db8::/32": 2})
    old.save(path)  # it has contents before a run
    new = LongestPrefixMatch({"192.0.2.0/24": 5}, capacity=2)
    new.allocate(2)
    new.restore(path)
    assert new.items() == old.items()
    assert new.lookup("192.0.2.1") == -1
    small = LongestPrefixMatch(capacity=1)
    with pytest.raises(GraphError, match="room for 1"):
        small.restore(path)


def test_a_run_goes_on_where_the_last_one_ended(tmp_path):
    path = tmp_path / "state"
    traffic = frames(50)

    def make():
        table = Table(Source, Pair, capacity=50)
        table.restore(path, missing_ok=True)

        def count(packet):
            table[Source(host=packet.header.src)].a += 1

        return count, table

    for turn in range(1, 4):
        for interpret in (False, True):
            _, (table,) = run_function(make, rx=traffic, interpret=interpret)
            assert sum(pair.a for pair in table.to_dict().values()) == turn * len(traffic)
        table.save(path)


def test_missing_and_unwritable(tmp_path):
    counter = Counter("seen")
    with pytest.raises(StateError, match="no contents before a run"):
        counter.save(tmp_path / "x")
    assert not counter.restore(tmp_path / "x", missing_ok=True)
    with pytest.raises(StateError, match="can't be read") as caught:
        counter.restore(tmp_path / "x")
    assert "missing_ok" in caught.value.cure
    counter.allocate(1)
    with pytest.raises(StateError, match="can't be saved") as caught:
        counter.save(tmp_path / "no folder" / "x")
    assert caught.value.place.file == __file__
    with pytest.raises(StateError, match="can't be saved"):
        counter.save(tmp_path)
    assert os.listdir(tmp_path) == []


def test_damaged_files(tmp_path):
    path = tmp_path / "state"
    saved("table", path, 2)
    good = path.read_bytes()
    for at in {*range(0, 40), *range(40, len(good), len(good) // 50)}:
        path.write_bytes(good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :])
        with pytest.raises(StateError, match=r"is damaged|no saved state|another version"):
            KINDS["table"]().restore(path)
    for size in (0, 3, 8, 30, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:size])
        with pytest.raises(StateError, match=r"is damaged|no saved state|another version"):
            KINDS["table"]().restore(path)
    path.write_bytes(good + b"x")
    with pytest.raises(StateError, match="is damaged"):
        KINDS["table"]().restore(path)
    path.write_bytes(b"not one of ours")
    with pytest.raises(StateError, match="is no saved state"):
        KINDS["table"]().restore(path)
    path.write_bytes(MAGIC[:-1] + b"9" + good[8:])
    with pytest.raises(StateError, match="another version"):
        KINDS["table"]().restore(path)
    path.write_bytes(good)
    assert KINDS["table"]().restore(path)


@pytest.mark.parametrize("change", ["length", "offset", "runs"])
def test_numbers_that_make_no_sense_are_refused_in_spite_of_the_checksum(change, tmp_path):
    import hashlib

    path = tmp_path / "state"
    saved("counter", path, 1)
    good = path.read_bytes()[:-32]
    (size,) = struct.unpack_from("<Q", good, 8)
    first = 16 + size  # size of the part, number of runs, offset, length
    at = first + {"length": 24, "offset": 16, "runs": 8}[change]
    bad = good[:at] + struct.pack("<Q", 1 << 62) + good[at + 8 :]
    path.write_bytes(bad + hashlib.blake2b(bad, digest_size=32).digest())
    with pytest.raises(StateError, match="is damaged"):
        KINDS["counter"]().restore(path)


OTHERS = [
    (
        "table",
        lambda: Table(Source, Pair, capacity=51, idle_timeout=1.0),
        "its capacity is 50, here it is 51",
    ),
    ("table", lambda: Table(Source, Pair, capacity=50), "idle"),
    ("table", lambda: Table(Source, Pair, capacity=50, idle_timeout=1.0, full="refuse"), "full is evict"),
    ("table", lambda: Table(FlowKey, Pair, capacity=50, idle_timeout=1.0), "key is host: IPv4Address"),
    ("table", lambda: Table(Source, Wide, capacity=50, idle_timeout=1.0), "value"),
    ("table", lambda: Counter("seen"), "class is Table, here it is Counter"),
    ("counter", lambda: Counter("other"), "name is seen, here it is other"),
    ("numbers", lambda: Array(U16, 6), "length is 5, here it is 6"),
    ("numbers", lambda: Array(U64, 5), "elements is value: U16, here it is value: U64"),
    ("records", lambda: Array(Wide, 5), "elements"),
    ("sketch", lambda: CountMin(Source, width=128), "width is 64"),
    ("hitters", lambda: HeavyHitters(Source, 9), "capacity"),
    ("bucket", lambda: TokenBucket(rate=2, burst=5, Key=Source, capacity=10), "rate is 1, here it is 2"),
    ("bucket", lambda: TokenBucket(rate=1, burst=5), "key"),
]


@pytest.mark.parametrize(("kind", "make", "message"), OTHERS, ids=[message for *_, message in OTHERS])
def test_other_objects_are_refused(kind, make, message, tmp_path):
    path = tmp_path / "state"
    saved(kind, path, 1)
    with pytest.raises(StateError, match=message) as caught:
        make().restore(path)
    assert caught.value.place.file == __file__
    assert caught.value.cure
