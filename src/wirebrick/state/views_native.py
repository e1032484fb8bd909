"""Views: how workers read copies of a block that one side writes; native code.

A *board* says which of two copies is the newest. Each reader has a mailbox on it, one word: the number of the
newest copy, and above it (from PINNED on) the copy that the reader is reading, plus one. Reader and publisher
change it only in one step, so that a copy is never written while somebody reads it, and a reader always takes
the newest: there is no order between several words to rely on.

Who publishes holds the board's lock. The writing worker holds it for its whole burst; at its end, or before a
reader's burst while the writer stands still, a copy that got old is renewed. So it does not matter whether the
writer has packets, and a reader never waits for it.
"""

from __future__ import annotations

from wirebrick.packet.memory import (
    call3,
    copy,
    load64,
    load64_acquire,
    shift_right,
    store64,
    store64_release,
    swap64_atomic,
)
from wirebrick.state.lock_native import lock_acquire, lock_release, lock_try

LINE_PAIR = 128

B_LOCK = 0
B_CHANGED = 8  # not zero: the writer ran since the last publication (changed under the lock)
B_NEWEST = 16  # number of the newest copy, 0 or 1 (changed under the lock)
B_WRITER = 128  # number of the worker that writes, or -1: none of them
B_MASTER = 136  # address of the block that it writes
B_COPIES = 144  # addresses of copies 0 and 1
B_SIZE = 160  # bytes of a block
B_PERIOD = 168  # nanoseconds after which a copy is renewed, or 0: never by workers
B_CLOCK = 176  # address of clock_gettime, and the number of the clock
B_CLOCK_ID = 184
B_WORKERS = 192
B_TIME = 256  # the clock (ns) when the newest copy was right
B_VERSION = 264  # publications so far
B_MAILBOXES = 384  # for each worker, LINE_PAIR bytes apart:

M_WORD = 0
M_CLOCK = 8  # the worker's timespec: seconds and nanoseconds
MAILBOX = LINE_PAIR
PINNED = 8  # bits below the number of the copy being read


def board_size(workers: int) -> int:
    """Bytes of a board."""
    return B_MAILBOXES + workers * MAILBOX


def view_owner(board: int, worker: int) -> int:
    """1 for the worker that writes, else 0."""
    return 1 if load64(board + B_WRITER) == worker else 0


def view_clock(board: int, worker: int) -> int:
    """The monotonic clock, in nanoseconds (no system call where the system maps its clock)."""
    at = board + B_MAILBOXES + worker * MAILBOX + M_CLOCK
    call3(load64(board + B_CLOCK), load64(board + B_CLOCK_ID), at, 0)
    return load64(at) * 1000000000 + load64(at + 8)


def view_take(board: int, worker: int, context: int) -> int:
    """Begin a burst: the address of the block that this worker works on until ``view_return``."""
    if view_owner(board, worker) != 0:
        lock_acquire(board + B_LOCK, context)
        return load64(board + B_MASTER)
    period = load64(board + B_PERIOD)
    old = period != 0 and view_clock(board, worker) - load64_acquire(board + B_TIME) >= period
    if old and lock_try(board + B_LOCK) != 0:
        view_renew(board, worker)
        lock_release(board + B_LOCK)
    return view_pin(board, worker)


def view_return(board: int, worker: int) -> int:
    """End a burst."""
    if view_owner(board, worker) != 0:
        store64(board + B_CHANGED, 1)
        view_renew(board, worker)
        lock_release(board + B_LOCK)
    else:
        view_unpin(board, worker)
    return 0


def view_pin(board: int, worker: int) -> int:
    """Take the newest copy to read: its address."""
    mailbox = board + B_MAILBOXES + worker * MAILBOX
    word = load64_acquire(mailbox)
    while swap64_atomic(mailbox, word, (word & 1) | ((word & 1) + 1) << PINNED) == 0:
        word = load64_acquire(mailbox)
    return load64(board + B_COPIES + 8 * (word & 1))


def view_unpin(board: int, worker: int) -> int:
    """Give the copy back."""
    mailbox = board + B_MAILBOXES + worker * MAILBOX
    word = load64_acquire(mailbox)
    while swap64_atomic(mailbox, word, word & 1) == 0:
        word = load64_acquire(mailbox)
    return 0


def view_spare(board: int) -> int:
    """Number of the copy that nobody reads and that isn't the newest, or -1 (the lock is held)."""
    spare = 1 - load64(board + B_NEWEST)
    mailbox = board + B_MAILBOXES
    for _ in range(load64(board + B_WORKERS)):
        if shift_right(load64_acquire(mailbox), PINNED) == spare + 1:
            return -1
        mailbox += MAILBOX
    return spare


def view_show(board: int, number: int, time: int) -> int:
    """Make a copy, right at ``time``, the newest for all (the lock is held)."""
    mailbox = board + B_MAILBOXES
    for _ in range(load64(board + B_WORKERS)):
        word = load64_acquire(mailbox)
        while swap64_atomic(mailbox, word, word - (word & 1) + number) == 0:
            word = load64_acquire(mailbox)
        mailbox += MAILBOX
    store64(board + B_NEWEST, number)
    store64(board + B_VERSION, load64(board + B_VERSION) + 1)
    store64_release(board + B_TIME, time)
    return 0


def view_renew(board: int, worker: int) -> int:
    """Publish what the writer has if the newest copy is old (the lock is held): 1 if it was done.

    Where a reader still reads the copy that would be written, it is done after another burst.
    """
    now = view_clock(board, worker)
    if now - load64(board + B_TIME) < load64(board + B_PERIOD):
        return 0
    if load64(board + B_CHANGED) == 0:
        store64_release(board + B_TIME, now)  # the copy is what the writer has: it is as good as new
        return 1
    spare = view_spare(board)
    if spare < 0:
        return 0
    copy(load64(board + B_COPIES + 8 * spare), load64(board + B_MASTER), load64(board + B_SIZE))
    store64(board + B_CHANGED, 0)
    view_show(board, spare, now)
    return 1
