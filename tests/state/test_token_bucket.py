"""TokenBucket against exact fractions, in CPython and compiled."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirebrick import FlowKey, TokenBucket
from wirebrick.errors import CheckError, GraphError
from wirebrick.state import token_bucket_native as native
from wirebrick.state.base import use_worker, worker
from wirebrick.state.natives import compiled

START = 1_700_000_000_000_000_000
SECOND = 10**9


@pytest.fixture(autouse=True)
def first_worker():
    use_worker(0)
    worker.now = 0
    yield
    worker.now = 0


class Model:
    """A bucket in exact fractions; the clock as documented."""

    def __init__(self, rate, burst):
        self.rate, self.burst = Fraction(str(rate)), burst
        self.tokens, self.since = Fraction(burst), 0

    def take(self, now, n):
        elapsed = now - self.since
        if elapsed > 0:
            self.tokens = min(self.burst, self.tokens + self.rate * elapsed / SECOND)
        if elapsed > 0 or elapsed < -native.STEP:
            self.since = now
        if n > self.tokens:
            return False
        self.tokens -= n
        return True


STEPS = st.one_of(
    st.integers(0, 5), st.integers(0, 3 * SECOND), st.integers(-5, 5), st.integers(-SECOND, 10**15)
)


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from([1, 0.1, 3, 33.3, 1000, 999_999_937, 1e9, 12_500_000_000, 0.0001]),
    st.sampled_from([1, 2, 1500, 100_000]),
    st.lists(st.tuples(STEPS, st.sampled_from([0, 1, 1, 2, 1500, 99_999, (1 << 63) - 1])), max_size=60),
    st.booleans(),
)
def test_exactly_the_rate(rate, burst, steps, early):
    bucket, other = (TokenBucket(rate=rate, burst=burst) for _ in range(2))
    for one in (bucket, other):
        one.allocate(1)
    take = compiled(native.__name__, "bucket_take", 3)
    model = Model(rate, burst)
    worker.now = 0 if early else START
    taken = 0
    for step, n in steps:
        worker.now += step
        expected = model.take(worker.now, n)
        taken += expected
        assert bucket.take(n) is expected
        assert bool(take(other.blocks[0], worker.now, n)) is expected
    assert bucket.conformed == other.conformed == taken
    assert bucket.exceeded == len(steps) - taken


def test_in_the_long_run_nothing_is_lost():
    bucket = TokenBucket(rate=Fraction(1000, 3), burst=1)
    bucket.allocate(1)
    for packet in range(30_000):  # a packet each tenth of a millisecond, for three seconds
        worker.now = START + packet * 100_000
        bucket.take()
    assert bucket.conformed == 1000


def test_a_clock_that_is_set_back():
    bucket = TokenBucket(rate=1, burst=1)
    bucket.allocate(1)
    worker.now = START
    assert bucket.take()
    worker.now = START - 500_000_000  # out of order: brings nothing, costs nothing
    assert not bucket.take()
    worker.now = START + SECOND
    assert bucket.take()
    worker.now = START - 3600 * SECOND  # the clock was set
    assert not bucket.take()
    worker.now += SECOND
    assert bucket.take()


def test_each_key_has_its_bucket():
    bucket = TokenBucket(rate=1, burst=2, Key=FlowKey, capacity=4)
    bucket.allocate(1)
    worker.now = START
    one, two = FlowKey(src_port=1), FlowKey(src_port=2)
    assert [bucket.take(one), bucket.take(one, 2), bucket.take(one), bucket.take(one)] == [
        True, False, True, False,
    ]  # fmt: skip
    assert bucket.take(two, 2)
    assert (bucket.conformed, bucket.exceeded, bucket.evicted) == (3, 2, 0)
    with pytest.raises(CheckError, match="is no key"):
        bucket.take(1)
    with pytest.raises(CheckError, match="None is no key"):
        bucket.take()
    with pytest.raises(TypeError, match="got 3 arguments"):
        bucket.take(one, 1, 1)
    with pytest.raises(ValueError, match="negative"):
        bucket.take(one, -1)


def test_full_buckets_make_room_without_loss():
    bucket = TokenBucket(rate=1, burst=2, Key=FlowKey, capacity=2)
    bucket.allocate(1)
    worker.now = START
    for port in (1, 2):
        assert bucket.take(FlowKey(src_port=port), 2)
    worker.now += 2 * SECOND
    for port in (3, 4):
        assert bucket.take(FlowKey(src_port=port), 2)
    assert bucket.evicted == 0
    assert bucket.take(FlowKey(src_port=5), 2)
    assert bucket.evicted == 1


def test_workers_have_their_own():
    bucket = TokenBucket(rate=1, burst=1)
    bucket.allocate(2)
    assert bucket.take()
    use_worker(1)
    assert bucket.take()
    assert not bucket.take()
    assert (bucket.conformed, bucket.exceeded) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate": 0, "burst": 1}, "rate"),
        ({"rate": -1.5, "burst": 1}, "rate"),
        ({"rate": float("nan"), "burst": 1}, "rate"),
        ({"rate": float("inf"), "burst": 1}, "rate"),
        ({"rate": "1", "burst": 1}, "rate"),
        ({"rate": True, "burst": 1}, "rate"),
        ({"rate": 1, "burst": 0}, "burst"),
        ({"rate": 1, "burst": 1.5}, "burst"),
        ({"rate": 1.23456789, "burst": 1 << 50}, "without rounding"),
        ({"rate": 1, "burst": 1, "Key": int}, "keys of a TokenBucket"),
        ({"rate": 1, "burst": 1, "Key": FlowKey, "capacity": 0}, "capacity"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(GraphError, match=message) as caught:
        TokenBucket(**arguments)
    assert caught.value.place.file == __file__
    assert caught.value.cure
