"""Operations: what a class declares works compiled and interpreted, without the compiler knowing the class."""

import pytest
import tally_native as native
from shared_traffic import Source, both, frames, run_function

from wirebrick import Array, Counter, CountMin, FlowKey, HeavyHitters, Strict, TokenBucket
from wirebrick.errors import CheckError
from wirebrick.fields import U64
from wirebrick.packet.memory import load64
from wirebrick.state.base import State, worker
from wirebrick.state.operation import Operation

TRAFFIC = frames(400)


class Tally(State):
    """A state object that Wirebrick doesn't know."""

    operations = {
        "add": Operation(native.tally_add, ("natural", "number"), (2,), result="bool", constants=("limit",)),
        "last": Operation(native.tally_last, ("number",), result="number", clock=True),
        "__contains__": Operation(native.tally_has, ("number",), result="bool", writes=False),
        "__getitem__": Operation(native.tally_has, ("number",), result="natural", writes=False),
    }

    def __init__(self, limit, **options):
        self.limit = limit
        super().__init__("Tally", **options)

    def block_size(self):
        """Two words."""
        return 16

    def add(self, n, m=2):
        """As ``tally_add``."""
        if n < 0:
            raise ValueError
        return bool(native.tally_add(self.changing(), self.limit, n, m))

    def last(self, step):
        """As ``tally_last``."""
        return native.tally_last(self.changing(), worker.now, step)

    def __contains__(self, n):
        return bool(native.tally_has(self.current(), n))

    def __getitem__(self, n):
        return native.tally_has(self.current(), n)


@pytest.mark.parametrize("options", [{}, {"consistency": Strict()}])
def test_a_class_of_its_own(options):
    def make():
        tally = Tally(30_000, **options)
        out = Array(U64, 5)

        def look(packet):
            full = tally.add(packet.header.ttl)
            tally.add(1, -1)
            if full:
                out[0] += 1
            out[1] += tally.last(3)
            if 100 in tally:
                out[2] += 1
            out[3] += tally[20_000]
            if packet.header.ttl < 50:
                tally.add(packet.header.ttl - 25)
                out[4] += 1

        return look, tally, out

    (total, out), drops = both(make, lambda tally, out: (load64(tally.blocks[0]), out.totals()), rx=TRAFFIC)
    assert 0 < total <= 30_000
    assert all(out)
    assert 0 < drops["nf.fault_value"] < 100


def test_sketches_and_buckets_in_user_functions(monkeypatch):
    monkeypatch.setenv("WIREBRICK_SEED", "3")

    def make():
        sketch = CountMin(FlowKey, width=16, depth=3)
        top = HeavyHitters(Source, capacity=5)
        bucket = TokenBucket(rate=500, burst=10)
        by_flow = TokenBucket(rate=33.3, burst=3, Key=FlowKey, capacity=20)
        out = Array(U64, 8)

        def look(packet):
            out[0] += sketch.add(packet.flow())
            out[1] += sketch.estimate(packet.flow())
            source = Source(host=packet.header.src)
            out[2] += top.add(source, packet.header.ttl)
            out[3] += top.estimate(source)
            if bucket.take():
                out[4] += 1
            if by_flow.take(packet.flow()):
                out[5] += 1
            if by_flow.take(packet.flow(), packet.header.ttl - 20):
                out[6] += 1

        return look, sketch, top, bucket, by_flow, out

    def observe(sketch, top, bucket, by_flow, out):
        counts = [bucket.conformed, bucket.exceeded, by_flow.conformed, by_flow.exceeded, by_flow.evicted]
        return out.totals(), top.items(), top.total, sketch.total, sketch.error, counts

    (out, items, total, added, _, counts), drops = both(make, observe, rx=TRAFFIC)
    assert out[0] == out[1] >= added == len(TRAFFIC)
    assert out[2] == out[3]
    assert len(items) == 5
    assert total > 0
    assert counts[0] == out[4]
    assert counts[0] + counts[1] == len(TRAFFIC)
    assert 0 < drops["nf.fault_value"] < 100


def too_many(counter):
    return lambda packet: counter.add(1, 2)


def no_such(counter):
    return lambda packet: counter.take()


def float_given(counter):
    return lambda packet: counter.add(1.5)


def keyword(counter):
    return lambda packet: counter.add(n=1)


def items(counter):
    return lambda packet: counter[1]


def member(counter):
    return lambda packet: 1 in counter


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (too_many, r"add\(\) of seen takes 0 to 1 arguments"),
        (no_such, r"a Counter has no take\(\) that a user function can call"),
        (float_given, "needs an integer, not a float"),
        (keyword, "no keyword arguments"),
        (items, "a Counter has no items"),
        (member, "not Counter"),
    ],
)
@pytest.mark.parametrize("interpret", [False, True])
def test_refusals(function, message, interpret):
    with pytest.raises(CheckError, match=message) as caught:
        run_function(lambda: (function(Counter("seen")),), rx=TRAFFIC, interpret=interpret)
    assert caught.value.place.file == __file__


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda s: lambda packet: s.add(packet.flow()),
            "the keys of CountMin.* are Source, not a record .FlowKey",
        ),
        (lambda s: lambda packet: s.add(7), "the keys of CountMin"),
        (lambda s: lambda packet: s.add(Source(), -1), "takes no negative number"),
        (lambda s: lambda packet: s.add(), "takes 1 to 2 arguments"),
        (lambda s: lambda packet: s.error, "has no attribute error"),
    ],
)
def test_refusals_of_keys_and_numbers(make, message):
    with pytest.raises(CheckError, match=message):
        run_function(lambda: (make(CountMin(Source, width=8)),), rx=TRAFFIC)
