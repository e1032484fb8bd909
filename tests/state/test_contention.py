"""Two workers at the same state, each on its own thread: what the consistency modes promise, as invariants."""

import threading
import time

import pytest
from shared_traffic import Pair, Source, run_function

from wirebrick import Array, Bounded, Counter, LongestPrefixMatch, Strict, Table
from wirebrick.fields import U64

ENDLESS = "memory:flows=64"


def strict():
    """Counts of all kinds that every packet goes into; ``torn`` counts records that were seen half changed."""
    mode = Strict()
    counter = Counter("packets", consistency=mode)
    numbers = Array(U64, 2, consistency=mode)
    pairs = Array(Pair, 1, consistency=mode)
    table = Table(Source, Pair, capacity=8, consistency=mode)
    torn = Counter("torn")

    def look(packet):
        counter.add()
        numbers[1] += 1
        pair = pairs[0]
        flow = table[Source(host=7)]
        if pair.a != pair.b or flow.a != pair.a:
            torn.add()
        pair.a += 1
        flow.a += 1
        for _ in range(3):
            pair.c += 1
        pair.d += packet.length
        flow.b += 1
        pair.b += 1

    return look, counter, numbers, pairs, table, torn


class Running:
    """A run in a thread of its own until the block ends; ``result`` and ``states`` then."""

    def __init__(self, make, **options):
        self.states = []
        self._stop = threading.Event()
        self._made = threading.Event()

        def made():
            function, *states = make()
            self.states = states
            return (function, *states)

        def work():
            self.result, _ = run_function(made, rx=ENDLESS, tx="null:", stop=self._stop, **options)

        self._thread = threading.Thread(target=work)

    def __enter__(self):
        self._thread.start()
        end = time.monotonic() + 30
        while not (self.states and self.states[0].blocks):
            assert time.monotonic() < end
            assert self._thread.is_alive()
            time.sleep(0.001)
        return self

    def __exit__(self, *exception):
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.mark.parametrize("interpret", [False, True])
def test_strict_loses_no_update_and_tears_no_record(interpret):
    with Running(strict, workers=2, interpret=interpret) as run:
        time.sleep(0.3)
    counter, numbers, pairs, table, torn = run.states
    count = run.result.packets_in
    assert torn.value == 0
    assert (counter.value, numbers.totals()) == (count, [0, count])
    assert (pairs.total(0).a, pairs.total(0).b, pairs.total(0).c) == (count, count, 3 * count)
    assert [(key.host, pair.a, pair.b) for key, pair in table.items()] == [(7, count, count)]


def test_strict_objects_in_opposite_order_do_not_wait_in_a_circle():
    def make():
        first, second = Array(U64, 1, consistency=Strict()), Array(U64, 1, consistency=Strict())

        def helper(n):
            first[0] += n

        def look(packet):
            if packet.header.src & 1:
                second[0] += 1
                first[0] += 1
            else:
                helper(1)
                second[0] += 1

        return look, first, second

    with Running(make, workers=2) as run:
        time.sleep(0.3)
    first, second = run.states
    assert first.totals() == second.totals() == [run.result.packets_in]


def test_strict_seen_from_outside_is_never_half_changed():
    def make():
        pairs = Array(Pair, 2, consistency=Strict())

        def look(packet):
            pairs[0].a += 1
            pairs[1].a += 1
            pairs[0].b += 1
            pairs[1].b += 1

        return look, pairs

    with Running(make, workers=2) as run:
        (pairs,) = run.states
        seen = []
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            one, two = pairs.totals()
            assert one.a == one.b == two.a == two.b
            seen.append(one.a)
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]


def bounded(staleness):
    def make():
        mode = Bounded(staleness=staleness, writer=0)
        shared = Array(Pair, 4, consistency=mode)
        seen = Array(
            U64, 4
        )  # of each worker: last version seen, versions, wrong ones, most packets a version

        def look(packet):
            version = shared[0].a
            for i in range(4):
                if shared[i].a != version or shared[i].b != version:
                    seen[2] += 1
            if version < seen[0]:
                seen[2] += 1
            if version != seen[0]:
                seen[1] += 1
            seen[0] = version
            for i in range(4):
                shared[i].a += 1  # ends here for the reader
            for i in range(4):
                shared[i].b += 1

        return look, shared, seen

    return make


@pytest.mark.parametrize("interpret", [False, True])
def test_readers_of_bounded_see_whole_versions_in_order(interpret):
    with Running(bounded(0.002), workers=2, interpret=interpret) as run:
        time.sleep(1.5 if interpret else 0.3)
    shared, seen = run.states
    last, versions, wrong, _ = seen.partition(1)
    assert wrong == seen.partition(0)[2] == 0
    assert (
        3 <= versions <= 1 + run.result.elapsed_s / 0.001
    )  # renewed at half of the staleness, not more often
    assert 0 < last <= shared.total(0).a
    written = shared.total(0).a
    assert [(pair.a, pair.b) for pair in shared.totals()] == [(written, written)] * 4
    assert run.result.drops["nf.fault_owner"] == run.result.packets_in - written


def test_what_a_writer_without_packets_wrote_last_is_seen():
    """The writer has one packet, then none; readers must see what it wrote within the bound."""

    def make():
        box = Array(U64, 1, consistency=Bounded(staleness=0.02, writer=0))
        seen = Array(U64, 1)

        def look(packet):
            if box[0] == 0:
                box[0] = 9
            seen[0] = box[0]

        return look, box, seen

    with Running(make, workers=2) as run:
        _, seen = run.states
        end = time.monotonic() + 10
        while seen.partition(1)[0] != 9 and time.monotonic() < end:
            time.sleep(0.005)
    assert seen.partition(1) == [9]


def test_routes_that_change_are_seen_as_a_whole():
    def make():
        routes = LongestPrefixMatch({f"{n}.0.0.0/8": 1 for n in range(1, 100)})
        wrong, changes = Counter("wrong"), Array(U64, 2)

        def look(packet):
            number = routes.lookup(1 << 24)
            for n in range(2, 100):
                if routes[n << 24] != number:
                    wrong.add()
            if number < changes[0]:
                wrong.add()
            changes[0] = number

        return look, routes, wrong, changes

    with Running(make, workers=2) as run:
        routes, wrong, changes = run.states
        for number in range(2, 60):
            routes.update({f"{n}.0.0.0/8": number for n in range(1, 100)})
        end = time.monotonic() + 10
        while changes.totals() != [118, 0] and time.monotonic() < end:
            time.sleep(0.005)
    assert wrong.value == 0
    assert changes.totals() == [118, 0]


def test_saved_while_running_is_consistent(tmp_path):
    def make():
        pairs = Array(Pair, 2)
        table = Table(Source, Pair, capacity=100)

        def look(packet):
            pairs[0].a += 1
            flow = table[Source(host=packet.header.src)]
            flow.a += 1
            pairs[1].a += 1
            flow.b += 1
            pairs[0].b += 1
            pairs[1].b += 1

        return look, pairs, table

    saved = []
    with Running(make, workers=2) as run:
        pairs, table = run.states
        for number in range(5):
            path = tmp_path / f"{number}"
            pairs.save(path)
            table.save(tmp_path / f"table{number}")
            saved.append(path)
            time.sleep(0.01)
    before = 0
    for number, path in enumerate(saved):
        array, flows = Array(Pair, 2), Table(Source, Pair, capacity=100)
        array.restore(path)
        flows.restore(tmp_path / f"table{number}")
        for state in (array, flows):
            state.allocate(2)
        one, two = array.totals()
        assert one.a == one.b == two.a == two.b >= before
        before = one.a
        counts = flows.to_dict().values()
        assert all(pair.a == pair.b for pair in counts)
        assert sum(pair.a for pair in counts) >= one.a
