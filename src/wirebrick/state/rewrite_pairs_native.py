"""Connections of a Rewrite: found by either direction's key, kept in lists by last use, evicted when room is needed.

Who has to go: connections of which only one side was heard, or that are over (a flood of SYNs pushes out nothing
else), then the least recently used. One whose numbers were changed leaves a *grave*: the hash of its key. Packets
that lie in a grave are dropped until a SYN begins anew: with its numbers they would only confuse the receiver.
"""

from __future__ import annotations

from wirebrick.packet.memory import copy, fill, load32, load64, shift_right, store32, store64, wrap64
from wirebrick.packet.words import same_words
from wirebrick.state.rewrite_layout import (
    B_BUCKETS,
    B_CAPACITY,
    B_DATAGRAM,
    B_FRESH,
    B_GRAVE_MASK,
    B_GRAVES,
    B_LISTS,
    B_MASK,
    B_PAIRS,
    B_RING,
    B_RINGS,
    B_SEED,
    C_CONNECTIONS,
    C_EVICTED,
    C_EVICTED_CHANGED,
    DATAGRAM,
    DIRECTION,
    NO_EDGE,
    NOT_YET,
    OPENING,
    P_ASKED,
    P_DIRECTIONS,
    P_HASH,
    P_KEY,
    P_LIST,
    P_NEWER,
    P_NEXT,
    P_NUMBER,
    P_OLDER,
    P_STATE,
    P_TIME,
    PAIR,
    R_ACK,
    R_BASE,
    R_CONSUMED,
    R_EDGE,
    R_END,
    R_FIN_IN,
    R_FIN_OUT,
    R_HELD,
    R_LIMIT,
    R_MSS,
    R_OTHER,
    R_PAIR,
    R_RAW_ACK,
    R_REACHED,
    R_RING,
    R_SCALE,
    R_STALE,
    R_STARTED,
    R_WINDOW_MOST,
    SCALE_UNKNOWN,
    YOUNG,
)

_MIX_A = 0x9E3779B97F4A7C15 - (1 << 64)
_MIX_B = 0x6A09E667F3BCC909
_MIX_C = 0xBB67AE8584CAA73B - (1 << 64)

KEY = 40  # bytes of a FlowKey
K_DST = 16
K_REST = 32  # ports, protocol, version
K_PROTOCOL = 36

GRAVES = 4  # for each connection that there is room for
LEAST_WINDOW = 65535
NO_LIMIT = 1 << 30


def power_of_two(least: int) -> int:
    """The smallest power of two that is not smaller.

    >>> power_of_two(5)
    8
    """
    size = 1
    while size < least:
        size *= 2
    return size


def rewrite_size(capacity: int, ring: int) -> int:
    """Bytes of a block for ``capacity`` connections with rings of ``ring`` bytes."""
    tables = power_of_two(capacity) * (4 + 8 * GRAVES)
    return B_BUCKETS + tables + capacity * PAIR + DIRECTION + 64 + (2 * capacity + 1) * ring


def rewrite_init(block: int, capacity: int, ring: int, seed: int) -> int:
    """Make a block of zeros ready; ``ring`` is a power of two."""
    buckets = power_of_two(capacity)
    graves = B_BUCKETS + 4 * buckets + 63 & ~63
    pairs = graves + 8 * GRAVES * buckets
    datagram = pairs + capacity * PAIR
    store64(block + B_SEED, seed)
    store64(block + B_MASK, buckets - 1)
    store64(block + B_GRAVES, graves)
    store64(block + B_GRAVE_MASK, GRAVES * buckets - 1)
    store64(block + B_PAIRS, pairs)
    store64(block + B_DATAGRAM, datagram)
    store64(block + B_RINGS, datagram + DIRECTION)
    store64(block + B_CAPACITY, capacity)
    store64(block + B_RING, ring)
    store64(block + datagram + R_STARTED, DATAGRAM)
    store64(block + datagram + R_LIMIT, NO_LIMIT)
    store64(block + datagram + R_RING, datagram + DIRECTION + 2 * capacity * ring)
    return 0


def count(block: int, counter: int, amount: int) -> int:
    """Add to a counter."""
    store64(block + counter, load64(block + counter) + amount)
    return 0


def end_hash(seed: int, end: int, port: int) -> int:
    """Hash of an address (16 bytes at ``end``) and a port."""
    mixed = wrap64((seed ^ load64(end)) * _MIX_A)
    mixed = wrap64((mixed ^ shift_right(mixed, 32) ^ load64(end + 8)) * _MIX_B)
    mixed = wrap64((mixed ^ shift_right(mixed, 32) ^ port) * _MIX_A)
    return mixed ^ shift_right(mixed, 32)


def pair_hash(block: int, key: int) -> int:
    """Hash of a key that is the same for its reverse, and never 0."""
    seed = load64(block + B_SEED)
    ports = load32(key + K_REST)
    mixed = wrap64(end_hash(seed, key, ports & 0xFFFF) + end_hash(seed, key + K_DST, ports >> 16))
    mixed = wrap64(mixed * _MIX_C)
    return mixed ^ shift_right(mixed, 32) | 1


def reversed_rest(rest: int) -> int:
    """The last word of a key with its ports exchanged."""
    return rest & ~0xFFFFFFFF | (rest & 0xFFFF) << 16 | rest >> 16 & 0xFFFF


def is_reverse(key: int, other: int) -> int:
    """1 where each of two keys is the other's reverse."""
    for word in range(0, K_DST, 8):
        if load64(key + word) != load64(other + K_DST + word):
            return 0
        if load64(key + K_DST + word) != load64(other + word):
            return 0
    return 1 if load64(key + K_REST) == reversed_rest(load64(other + K_REST)) else 0


def pair_at(block: int, number: int) -> int:
    """Address of a pair."""
    return block + load64(block + B_PAIRS) + (number - 1) * PAIR


def bucket_of(block: int, mixed: int) -> int:
    """Address of the bucket of a hash."""
    return block + B_BUCKETS + 4 * (shift_right(mixed, 32) & load64(block + B_MASK))


def grave_of(block: int, mixed: int) -> int:
    """Address of the grave of a hash."""
    return block + load64(block + B_GRAVES) + 8 * (shift_right(mixed, 32) & load64(block + B_GRAVE_MASK))


def find_direction(block: int, key: int, mixed: int) -> int:
    """Address of the direction of a key, or 0."""
    number = load32(bucket_of(block, mixed))
    while number != 0:
        pair = pair_at(block, number)
        if load64(pair + P_HASH) == mixed:
            if same_words(pair + P_KEY, key, KEY) != 0:
                return pair + P_DIRECTIONS
            if is_reverse(pair + P_KEY, key) != 0:
                return pair + P_DIRECTIONS + DIRECTION
        number = load32(pair + P_NEXT)
    return 0


def pair_of(direction: int) -> int:
    """Address of the pair of a direction."""
    return direction - load64(direction + R_PAIR)


def other_of(direction: int) -> int:
    """Address of the direction the other way."""
    return direction + load64(direction + R_OTHER)


def list_remove(block: int, pair: int) -> int:
    """Take a pair out of its list."""
    ends = block + B_LISTS + 16 * load64(pair + P_LIST)
    newer = load64(pair + P_NEWER)
    older = load64(pair + P_OLDER)
    store64(pair_at(block, newer) + P_OLDER if newer != 0 else ends, older)
    store64(pair_at(block, older) + P_NEWER if older != 0 else ends + 8, newer)
    return 0


def list_add(block: int, pair: int, which: int) -> int:
    """Put a pair into a list as its newest."""
    ends = block + B_LISTS + 16 * which
    newest = load64(ends)
    number = load64(pair + P_NUMBER)
    store64(pair + P_LIST, which)
    store64(pair + P_NEWER, 0)
    store64(pair + P_OLDER, newest)
    store64(ends, number)
    store64(pair_at(block, newest) + P_NEWER if newest != 0 else ends + 8, number)
    return 0


def use_pair(block: int, pair: int, which: int, now: int) -> int:
    """Its last packet is the newest of all, in list ``which``."""
    store64(pair + P_TIME, now)
    if load64(pair + P_LIST) != which or load64(pair + P_NEWER) != 0:
        list_remove(block, pair)
        list_add(block, pair, which)
    return 0


def is_changed(direction: int) -> int:
    """1 where the numbers of a direction differ from its sender's."""
    return 1 if load64(direction + R_CONSUMED) != load64(direction + R_END) else 0


def evict_pair(block: int) -> int:
    """Take the pair that has to go out of the table; its number."""
    number = load64(block + B_LISTS + 16 * YOUNG + 8)
    if number == 0:
        number = load64(block + B_LISTS + 16 + 8)
    pair = pair_at(block, number)
    mixed = load64(pair + P_HASH)
    count(block, C_EVICTED, 1)
    first = pair + P_DIRECTIONS
    if is_changed(first) != 0 or is_changed(first + DIRECTION) != 0:
        count(block, C_EVICTED_CHANGED, 1)
        store64(grave_of(block, mixed), mixed)
    list_remove(block, pair)
    link = bucket_of(block, mixed)
    while load32(link) != number:
        link = pair_at(block, load32(link)) + P_NEXT
    store32(link, load32(pair + P_NEXT))
    return number


def reset_direction(direction: int) -> int:
    """Forget all that was known of a direction but its place."""
    fill(direction + R_STARTED, 0, R_RAW_ACK - R_STARTED)
    store64(direction + R_STARTED, NOT_YET)
    store64(direction + R_EDGE, NO_EDGE)
    store64(direction + R_FIN_IN, -1)
    store64(direction + R_FIN_OUT, -1)
    store64(direction + R_STALE, -1)
    store64(direction + R_SCALE, SCALE_UNKNOWN)
    store64(direction + R_WINDOW_MOST, LEAST_WINDOW)
    store64(direction + R_LIMIT, NO_LIMIT)
    store64(direction + R_HELD, 0)
    store64(direction + R_REACHED, 0)
    store64(direction + R_RAW_ACK, -1)
    store64(direction + R_ACK, -1)
    return 0


def start_direction(direction: int, base: int, how: int) -> int:
    """Byte 0 has the sequence number ``base``; what the receiver said of itself stays known."""
    mss = load64(direction + R_MSS)
    edge = load64(direction + R_EDGE)
    most = load64(direction + R_WINDOW_MOST)
    reset_direction(direction)
    store64(direction + R_STARTED, how)
    store64(direction + R_BASE, base)
    store64(direction + R_MSS, mss)
    store64(direction + R_EDGE, edge)
    store64(direction + R_WINDOW_MOST, most)
    return 0


def make_pair(block: int, key: int, mixed: int, now: int) -> int:
    """A new connection; the address of its direction 0, whose key is ``key``."""
    number = load64(block + B_FRESH) + 1
    if number <= load64(block + B_CAPACITY):
        store64(block + B_FRESH, number)
    else:
        number = evict_pair(block)
    pair = pair_at(block, number)
    fill(pair, 0, P_DIRECTIONS)
    copy(pair + P_KEY, key, KEY)
    bucket = bucket_of(block, mixed)
    store32(pair + P_NEXT, load32(bucket))
    store32(bucket, number)
    store64(pair + P_HASH, mixed)
    store64(pair + P_NUMBER, number)
    store64(pair + P_STATE, OPENING)
    store64(pair + P_ASKED, -1)
    store64(pair + P_TIME, now)
    list_add(block, pair, YOUNG)
    first = pair + P_DIRECTIONS
    ring = load64(block + B_RINGS) + 2 * (number - 1) * load64(block + B_RING)
    for side in range(2):
        direction = first + side * DIRECTION
        reset_direction(direction)
        store64(direction + R_PAIR, direction - pair)
        store64(direction + R_OTHER, DIRECTION - 2 * side * DIRECTION)
        store64(direction + R_RING, ring + side * load64(block + B_RING))
    count(block, C_CONNECTIONS, 1)
    return first
