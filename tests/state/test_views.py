"""Views by hand, with a clock of the test's: in CPython, where each step can be looked at."""

import ctypes

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from wirebrick.packet.memory import load64, store64
from wirebrick.state import views_native as views
from wirebrick.state.lock_native import lock_try

CLOCK = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
SIZE = 64
PERIOD = 1000
WORKERS = 3


class Board:
    """A board for three workers, of which worker 0 writes."""

    def __init__(self):
        self.now = 1 << 40
        self.memory = ctypes.create_string_buffer(views.board_size(WORKERS) + 3 * SIZE + 256)
        self.board = -(-ctypes.addressof(self.memory) // 128) * 128
        self.master = self.board + views.board_size(WORKERS)
        self.clock = CLOCK(self._tell)
        for at, value in (
            (views.B_MASTER, self.master),
            (views.B_COPIES, self.master + SIZE),
            (views.B_COPIES + 8, self.master + 2 * SIZE),
            (views.B_SIZE, SIZE),
            (views.B_PERIOD, PERIOD),
            (views.B_CLOCK, ctypes.cast(self.clock, ctypes.c_void_p).value),
            (views.B_CLOCK_ID, 1),
            (views.B_WORKERS, WORKERS),
            (views.B_TIME, self.now),
        ):
            store64(self.board + at, value)

    def _tell(self, _, at, __):
        store64(at, self.now // 10**9)
        store64(at + 8, self.now % 10**9)
        return 0

    def take(self, worker):
        return views.view_take(self.board, worker, 0)

    def back(self, worker):
        views.view_return(self.board, worker)

    def write(self, value):
        block = self.take(0)
        assert block == self.master
        for offset in range(0, SIZE, 8):
            store64(block + offset, value)
        self.back(0)


@pytest.fixture
def board():
    return Board()


def test_a_writer_without_packets_is_published_by_readers(board):
    board.write(5)
    assert load64(board.take(1)) == 0
    board.back(1)
    board.now += PERIOD - 1
    assert load64(board.take(1)) == 0
    board.now += 1
    assert load64(board.take(2)) == 5
    board.back(1)
    board.back(2)
    assert load64(board.take(1)) == 5
    assert load64(board.board + views.B_VERSION) == 1


def test_nothing_new_is_not_copied(board):
    board.now += 5 * PERIOD
    board.take(1)
    board.back(1)
    assert load64(board.board + views.B_VERSION) == 0
    assert load64(board.board + views.B_TIME) == board.now


def test_a_reader_does_not_wait_for_the_writer(board):
    board.take(0)
    board.now += 5 * PERIOD
    assert load64(board.take(1)) == 0
    store64(board.master, 7)
    board.back(0)  # it publishes what it wrote itself
    board.back(1)
    assert load64(board.take(1)) == 7


def test_a_copy_in_use_is_not_written(board):
    held = board.take(1)
    for value in (1, 2, 3):
        board.now += PERIOD
        board.write(value)
    assert load64(held) == 0
    assert load64(board.take(2)) == 1  # the other copy; a third version has no place yet
    board.back(1)
    board.now += PERIOD
    board.write(4)
    assert load64(board.take(1)) == 4


def test_the_lock_is_free_between_bursts(board):
    board.write(1)
    assert lock_try(board.board + views.B_LOCK) == 1


class Machine(RuleBasedStateMachine):
    """Bursts of three workers in any order that the lock allows."""

    def __init__(self):
        super().__init__()
        self.board = Board()
        self.version = 0
        self.writing = False
        self.seen = {1: 0, 2: 0}
        self.views = {}

    @rule(step=st.sampled_from([1, PERIOD // 2, PERIOD]))
    def time(self, step):
        self.board.now += step

    @rule()
    def writer(self):
        if self.writing:
            self.version += 1
            for offset in range(0, SIZE, 8):
                store64(self.board.master + offset, self.version)
            self.board.back(0)
        else:
            self.board.take(0)
        self.writing = not self.writing

    @rule(worker=st.sampled_from([1, 2]))
    def reader(self, worker):
        if worker in self.views:
            del self.views[worker]
            self.board.back(worker)
            return
        block = self.board.take(worker)
        value = load64(block)
        assert self.seen[worker] <= value <= self.version
        self.seen[worker] = value
        self.views[worker] = block
        if not self.writing and len(self.views) == 1 and value != self.version:
            assert self.board.now - load64(self.board.board + views.B_TIME) < PERIOD

    @invariant()
    def what_is_read_does_not_change(self):
        for worker, block in self.views.items():
            assert {load64(block + offset) for offset in range(0, SIZE, 8)} == {self.seen[worker]}


Machine.TestCase.settings = settings(deadline=None, max_examples=60, stateful_step_count=40)
TestMachine = Machine.TestCase
