"""Reassembly against a simple model, and compiled against CPython, on random and hostile traces."""

import ctypes
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from reassembly_driver import FIN, RST, SYN, Driver, compiled_functions
from reassembly_model import Model

TIMEOUT = 1000
ISNS = [0, 2**32 - 3, 2**31 - 2, 77]
STEPS = [1, 400, 1500, -200]


def consume_all(data):
    return -1


def consume_lines(data):
    """Whole lines; 0: wait for the end of one."""
    return data.find(b"\n") + 1


def consume_some(data):
    return len(data) // 2


CONSUMERS = [consume_all, consume_lines, consume_some]
CUTS = [
    (0, 0, 64),
    (0, 0, 200),
    (7, 7, 64),
    (8, 3, 64),
    (5, 11, 64),
    (30, 1, 60),
    (1, 1, 41),
]  # size, slide, buffer
CHOICES = [(cut, holes, consume) for cut in CUTS for holes in (True, False) for consume in CONSUMERS]


class Trace:
    """Events for drivers and models alike; where segments lie is relative to what came in order."""

    def __init__(self, *targets):
        self.targets = targets
        self.front = {}
        self.tail = {}

    def play(self, what, *rest):
        method, *arguments = getattr(self, what)(*rest)
        for target in self.targets:
            getattr(target, method)(*arguments)

    def segment(self, number, relative, data, flags, missing):
        front = self.front.setdefault(number, 1)
        seq = (front + relative) % 2**32
        end = self.tail[number] = (seq + len(data) + missing) % 2**32
        if -40 <= relative <= 0 and len(data) > -relative:
            self.front[number] = end
        return "tcp", number, seq, data, flags, missing

    def follow(self, number, relative, data):
        seq = (self.tail.get(number, 0) + relative) % 2**32
        self.tail[number] = (seq + len(data)) % 2**32
        return "tcp", number, seq, data

    def syn(self, number, isn, data, flags):
        self.front[number] = (isn + 1 + len(data)) % 2**32
        return "tcp", number, isn, data, SYN | flags

    def rst(self, number, relative):
        return "tcp", number, (self.front.get(number, 1) + relative) % 2**32, b"", RST

    def udp(self, data, missing):
        return "udp", 5, data, missing

    def time(self, step):
        return "due", self.targets[0].now + step


def driver_of(chosen, functions=None):
    (size, slide, buffer), holes, consume = chosen
    return Driver(size, slide, TIMEOUT, functions, consume, flows=8, buffer=buffer, holes=holes)


def model_of(chosen):
    (size, slide, buffer), holes, consume = chosen
    return Model(size, slide, TIMEOUT, buffer, holes, consume)


def nonzero(counts):
    return {name: number for name, number in counts.items() if number}


def compare(driver, model):
    assert driver.calls == model.calls
    assert nonzero(driver.state.totals()) == nonzero(model.counts)
    assert driver.state.streams == len(model.streams)
    assert driver.state.buffered == sum(len(stream.have) for stream in model.streams.values())


def compare_ends(driver, model):
    """At the end the order of streams is that of their use, which the model does not know."""
    before = len(driver.calls)
    driver.last()
    model.last()
    ends = [sorted(calls[before:], key=lambda call: call[0]) for calls in (driver.calls, model.calls)]
    assert ends[0] == ends[1]
    assert driver.state.streams == driver.state.buffered == 0


STREAMS = st.integers(0, 1)
BYTES = st.binary(max_size=40) | st.just(b"x\ny\n")
FLAGS = st.sampled_from([0, 0, 0, FIN])
MISSING = st.sampled_from([0, 0, 0, 5])
AHEAD = st.integers(-70, 140) | st.sampled_from([0, 2**30 + 1, -(2**30) - 80, 2**31 - 1])


class Machine(RuleBasedStateMachine):
    @initialize(chosen=st.sampled_from(CHOICES))
    def begin(self, chosen):
        self.driver, self.model = driver_of(chosen), model_of(chosen)
        self.trace = Trace(self.driver, self.model)

    @rule(number=STREAMS, relative=AHEAD, data=BYTES, flags=FLAGS, missing=MISSING)
    def segment(self, number, relative, data, flags, missing):
        self.trace.play("segment", number, relative, data, flags, missing)

    @rule(number=STREAMS, data=BYTES, overlap=st.sampled_from([0, 0, -1]))
    def next_in_order(self, number, data, overlap):
        self.trace.play("segment", number, overlap, data, 0, 0)

    @rule(number=STREAMS, relative=st.integers(-3, 3), data=BYTES)
    def what_continues_the_last_segment(self, number, relative, data):
        self.trace.play("follow", number, relative, data)

    @rule(number=STREAMS, isn=st.sampled_from(ISNS), data=BYTES, flags=FLAGS)
    def syn(self, number, isn, data, flags):
        self.trace.play("syn", number, isn, data, flags)

    @rule(number=STREAMS, relative=st.sampled_from([0, 5, -1, 10**6]))
    def rst(self, number, relative):
        self.trace.play("rst", number, relative)

    @rule(data=BYTES, missing=MISSING)
    def datagram(self, data, missing):
        self.trace.play("udp", data, missing)

    @rule(step=st.sampled_from(STEPS))
    def time(self, step):
        self.trace.play("time", step)

    @invariant()
    def alike(self):
        compare(self.driver, self.model)

    def teardown(self):
        if hasattr(self, "driver"):
            compare_ends(self.driver, self.model)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def long_trace(seed):
    """Events as hypothesis does not find them: long, most of them in the window, with many holes."""
    random = Random(seed)
    reach = random.choice([0, 10, 60, 150])
    for _ in range(250):
        number = random.randrange(2)
        data = random.randbytes(random.choice([1, 1, 2, 5, 20, 40]))
        data = random.choice([data, data.replace(b"\n", b"."), data[:-1] + b"\n"])
        relative = random.choice([0, 0, -1, -len(data) + 1, random.randint(-reach, reach)])
        flags, missing = random.random() < 0.01, 5 * (random.random() < 0.05)
        kind = random.random()
        if kind < 0.85:
            yield "segment", number, relative, data, int(flags), missing
        elif kind < 0.9:
            yield "follow", number, random.choice([0, 0, 2, -1]), data
        elif kind < 0.93:
            yield "udp", data, missing
        elif kind < 0.96:
            yield "time", random.choice(STEPS)
        elif kind < 0.97:
            yield "rst", number, random.choice([0, 5, 500])
        elif kind < 0.98:
            yield "syn", number, random.choice(ISNS), data, 0
        else:
            yield from (("follow", number, 50 * (n == 0) * random.randrange(4), data) for n in range(5))


def islands(seed):
    """Single bytes with holes between, from far to near."""
    random = Random(seed)
    yield "syn", 0, random.choice(ISNS), b"", 0
    for at in random.sample(range(2, 100, 2), 45):
        yield "segment", 0, at, bytes([at]), 0, 0
    yield from long_trace(seed)


@pytest.mark.parametrize("trace", [long_trace, islands])
@pytest.mark.parametrize("chosen", CHOICES)
def test_long_traces(chosen, trace):
    for seed in range(2):
        driver, model = driver_of(chosen), model_of(chosen)
        both = Trace(driver, model)
        for event in trace(seed):
            both.play(*event)
            compare(driver, model)
        compare_ends(driver, model)


@pytest.fixture(scope="module")
def functions():
    pytest.importorskip("wirebrick.compiler.native")
    return compiled_functions()


@pytest.mark.parametrize("chosen", CHOICES)
def test_compiled_does_the_same(functions, chosen):
    for seed in range(2):
        here, there = driver_of(chosen), driver_of(chosen, functions)
        both = Trace(here, there)
        for event in islands(seed):
            both.play(*event)
        here.last()
        there.last()
        assert here.calls == there.calls
        size = here.state.block_size()
        assert ctypes.string_at(here.block, size) == ctypes.string_at(there.block, size)
