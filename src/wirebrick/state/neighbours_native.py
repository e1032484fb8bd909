"""The native part of Neighbours: what is known of the MAC address of each neighbour, and when to ask for it.

The value of a directory's entry is a MAC address, and above it a state; the states are those of RFC 4861 (7.3.2), less
those that differ by time alone. Whoever is used without having been confirmed for a while is asked again (PROBE), and
goes on being used meanwhile.
"""

from __future__ import annotations

from wirebrick.packet.memory import (
    load64,
    load64_acquire,
    shift_right,
    store64,
    store64_release,
    swap64_atomic,
)
from wirebrick.state.directory_native import (
    D_ENTRIES,
    D_HAND,
    D_MASK,
    E_KEY,
    E_MORE,
    E_TIME,
    E_VALUE,
    ENTRY,
    FOREVER,
    LOCK,
    REFRESH,
    WINDOW,
    directory_enter,
    directory_find,
    directory_remove,
)
from wirebrick.state.lock_native import lock_release, lock_try

INCOMPLETE, REACHABLE, PROBE, FAILED = 1, 2, 3, 4
STATE = 48  # bits below the state
MAC = (1 << STATE) - 1

E_ASKED = E_MORE  # when it was asked for last
E_TRIES = E_MORE + 8  # how often without an answer

# What looking for a neighbour gives where it isn't a MAC address.
ASK, WAIT, UNREACHABLE, NO_ROOM = -1, -2, -3, -4

# How a MAC address is learned, flags: a neighbour that isn't known is entered; it was told in answer to a question; it
# takes the place of another one.
CREATE, CONFIRM, OVERRIDE = 1, 2, 4

SECOND = 1_000_000_000
FRESH = 30 * SECOND  # for so long a confirmation holds (RFC 4861, 10: REACHABLE_TIME)
PATIENCE = SECOND  # between two questions (RETRANS_TIMER)
TRIES = 3  # MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT
REMEMBERED = 600 * SECOND  # for so long one that nobody uses is kept
FAILURE = 3 * SECOND  # for so long nobody asks for one that did not answer
QUOTA = 4096  # entries looked at in one call


def neighbours_find(block: int, now: int, key: int) -> int:
    """The MAC address of a neighbour, or what to do: ASK, once; WAIT; it is UNREACHABLE; NO_ROOM to know it."""
    entry = directory_find(block, load64(key), load64(key + 8), load64(key + 16))
    if entry == 0:
        return neighbours_begin(block, now, key)
    word = load64_acquire(entry + E_VALUE)
    state = word >> STATE
    if state == REACHABLE:
        if now - load64(entry + E_TIME) > FRESH:
            store64(entry + E_TRIES, 0)
            store64(entry + E_ASKED, 0)
            swap64_atomic(entry + E_VALUE, word, (word & MAC) | PROBE << STATE)
        return word & MAC
    if state == PROBE:
        return word & MAC
    if state == FAILED:
        if now - load64(entry + E_ASKED) < FAILURE:
            return UNREACHABLE
        return neighbours_begin(block, now, key)
    return WAIT


def neighbours_look(block: int, key: int) -> int:
    """The MAC address of a neighbour, or -1; nobody is asked for it."""
    entry = directory_find(block, load64(key), load64(key + 8), load64(key + 16))
    if entry == 0:
        return -1
    word = load64_acquire(entry + E_VALUE)
    return word & MAC if neighbours_known(word) != 0 else -1


def neighbours_begin(block: int, now: int, key: int) -> int:
    """Begin to ask for a neighbour: ASK, or WAIT where somebody else does right now."""
    if lock_try(block - LOCK) == 0:
        return WAIT
    entry = directory_enter(block, load64(key), load64(key + 8), load64(key + 16), now)
    result = ASK
    if entry == 0:
        result = NO_ROOM
    else:
        word = load64(entry + E_VALUE)
        if word != 0 and word >> STATE != FAILED:
            result = WAIT
        else:
            store64(entry + E_TIME, now)
            store64(entry + E_ASKED, now)
            store64(entry + E_TRIES, 1)
            store64_release(entry + E_VALUE, INCOMPLETE << STATE)
    lock_release(block - LOCK)
    return result


def neighbours_learn(block: int, now: int, key: int, mac: int, flags: int) -> int:
    """A neighbour said that it has a MAC address: 1 if it was waited for, else 0."""
    entry = directory_find(block, load64(key), load64(key + 8), load64(key + 16))
    if entry == 0 and flags & CREATE == 0:
        return 0
    if entry != 0:
        word = load64_acquire(entry + E_VALUE)
        state = word >> STATE
        time = load64(entry + E_TIME)
        if time == FOREVER:
            return 0
        known = state in (REACHABLE, PROBE)
        if known and word & MAC == mac:
            if flags & CONFIRM == 0:
                return 0
            if state == REACHABLE and now - time < REFRESH:
                return 0
        elif known and flags & OVERRIDE == 0:
            return 0
    if lock_try(block - LOCK) == 0:
        return 0
    entry = directory_enter(block, load64(key), load64(key + 8), load64(key + 16), now)
    awaited = 0
    if entry != 0:
        awaited = 1 if load64(entry + E_VALUE) >> STATE == INCOMPLETE else 0
        # One that was not confirmed is asked when it is used.
        store64(entry + E_TIME, now if flags & CONFIRM != 0 else now - FRESH - 1)
        store64(entry + E_TRIES, 0)
        store64_release(entry + E_VALUE, mac | REACHABLE << STATE)
    lock_release(block - LOCK)
    return awaited


def neighbours_due(block: int, now: int) -> int:
    """The number of an entry that is to be asked now, or -1; also gives up those that don't answer.

    Each call looks at QUOTA entries at most, and goes on where the one before stopped.
    """
    if lock_try(block - LOCK) == 0:
        return -1
    hand = load64(block + D_HAND)
    last = load64(block + D_MASK) + WINDOW
    found = -1
    for _ in range(QUOTA):
        hand = hand + 1 if hand + 1 < last else 0
        entry = block + D_ENTRIES + hand * ENTRY
        word = load64(entry + E_VALUE)
        if word != 0 and load64(entry + E_TIME) != FOREVER and neighbours_age(block, entry, word, now) != 0:
            found = hand
            break
    store64(block + D_HAND, hand)
    lock_release(block - LOCK)
    return found


def neighbours_age(block: int, entry: int, word: int, now: int) -> int:
    """1 if an entry is to be asked now."""
    state = word >> STATE
    asked = now - load64(entry + E_ASKED)
    if state == REACHABLE:
        if now - load64(entry + E_TIME) > REMEMBERED:
            directory_remove(block, entry)
        return 0
    if state == FAILED:
        if asked > FAILURE:
            directory_remove(block, entry)
        return 0
    if asked < PATIENCE:
        return 0
    tries = load64(entry + E_TRIES)
    if tries >= TRIES:
        store64(entry + E_ASKED, now)
        store64_release(entry + E_VALUE, FAILED << STATE)
        return 0
    store64(entry + E_TRIES, tries + 1)
    store64(entry + E_ASKED, now)
    return 1


def neighbours_part(block: int, number: int, part: int) -> int:
    """A part of the entry ``number``: 0 upper and 1 lower word of the address, 2 the third word of the key, 3 its MAC.

    The MAC address is -1 while it isn't known; other numbers give the first entry and the first word.
    """
    slot = number if number <= load64(block + D_MASK) + WINDOW else 0
    entry = block + D_ENTRIES + slot * ENTRY
    if part == 3:
        word = load64_acquire(entry + E_VALUE)
        return word & MAC if neighbours_known(word) != 0 else -1
    return load64(entry + E_KEY + 8 * (part if part < 3 else 0))


def neighbours_known(word: int) -> int:
    """1 for a value with a MAC address."""
    state = shift_right(word, STATE)
    return 1 if state in (REACHABLE, PROBE) else 0
