"""The slots of streams by flow: a chained hash index, and the doubly linked lists that order them.

The hash is SipHash-1-3 (Aumasson and Bernstein, 2012) with a key of the run's own: a sender who chooses
addresses and ports can't fill one bucket. Links are offsets in the block, so a block may lie anywhere.
"""

from __future__ import annotations

from wirebrick.packet.memory import copy, load64, shift_right, store64, wrap64
from wirebrick.packet.words import same_words
from wirebrick.state.reassembly_layout import (
    F_CHAIN,
    F_HASH,
    F_KEY,
    F_NUMBER,
    R_BUCKETS,
    R_KEY0,
    R_KEY1,
    R_MASK,
    R_SLOT,
    R_SLOTS,
)

KEY_SIZE = 40  # bytes of a FlowKey, a multiple of 8


def sip_round(a: int, b: int, c: int, d: int) -> tuple[int, int, int, int]:
    """SipRound on v0 to v3."""
    a = wrap64(a + b)
    b = wrap64(b << 13) | shift_right(b, 51)
    b = b ^ a
    a = wrap64(a << 32) | shift_right(a, 32)
    c = wrap64(c + d)
    d = wrap64(d << 16) | shift_right(d, 48)
    d = d ^ c
    a = wrap64(a + d)
    d = wrap64(d << 21) | shift_right(d, 43)
    d = d ^ a
    c = wrap64(c + b)
    b = wrap64(b << 17) | shift_right(b, 47)
    b = b ^ c
    c = wrap64(c << 32) | shift_right(c, 32)
    return a, b, c, d


def stream_hash(block: int, key: int) -> int:
    """SipHash-1-3 of a FlowKey, signed."""
    k0 = load64(block + R_KEY0)
    k1 = load64(block + R_KEY1)
    a = k0 ^ 0x736F6D6570736575
    b = k1 ^ 0x646F72616E646F6D
    c = k0 ^ 0x6C7967656E657261
    d = k1 ^ 0x7465646279746573
    for at in range(0, KEY_SIZE, 8):
        word = load64(key + at)
        d = d ^ word
        a, b, c, d = sip_round(a, b, c, d)
        a = a ^ word
    word = KEY_SIZE << 56
    d = d ^ word
    a, b, c, d = sip_round(a, b, c, d)
    a = a ^ word
    c = c ^ 0xFF
    a, b, c, d = sip_round(a, b, c, d)
    a, b, c, d = sip_round(a, b, c, d)
    a, b, c, d = sip_round(a, b, c, d)
    return a ^ b ^ c ^ d


def stream_slot(block: int, number: int) -> int:
    """Address of a slot."""
    return block + load64(block + R_SLOTS) + number * load64(block + R_SLOT)


def stream_bucket(block: int, hashed: int) -> int:
    """Address of the bucket of a hash: the number of its first slot, or 0."""
    return block + R_BUCKETS + 8 * (hashed & load64(block + R_MASK))


def stream_find(block: int, key: int, hashed: int) -> int:
    """Address of the slot of a flow, or 0."""
    number = load64(stream_bucket(block, hashed))
    while number != 0:
        flow = stream_slot(block, number)
        if load64(flow + F_HASH) == hashed and same_words(flow + F_KEY, key, KEY_SIZE) != 0:
            return flow
        number = load64(flow + F_CHAIN)
    return 0


def stream_enter(block: int, flow: int, key: int, hashed: int) -> int:
    """Let a slot be found by a key that isn't in the index yet."""
    bucket = stream_bucket(block, hashed)
    copy(flow + F_KEY, key, KEY_SIZE)
    store64(flow + F_HASH, hashed)
    store64(flow + F_CHAIN, load64(bucket))
    store64(bucket, load64(flow + F_NUMBER))
    return 0


def stream_leave(block: int, flow: int) -> int:
    """Take a slot out of the index."""
    number = load64(flow + F_NUMBER)
    link = stream_bucket(block, load64(flow + F_HASH))
    while load64(link) != number:
        link = stream_slot(block, load64(link)) + F_CHAIN
    store64(link, load64(flow + F_CHAIN))
    return 0


def list_remove(block: int, links: int) -> int:
    """Take an element (the address of its links) out of its list; of one that is in none, nothing happens."""
    before = load64(links)
    after = load64(links + 8)
    if after != 0:
        store64(block + before + 8, after)
        store64(block + after, before)
        store64(links, 0)
        store64(links + 8, 0)
    return 0


def list_append(block: int, home: int, links: int) -> int:
    """Put an element that is in no list at the end of the one at ``home`` (R_OPEN, ...)."""
    last = load64(block + home)
    here = links - block
    store64(links, last)
    store64(links + 8, home)
    store64(block + last + 8, here)
    store64(block + home, here)
    return 0


def list_first(block: int, home: int) -> int:
    """Address of the links of a list's first element, or 0."""
    first = load64(block + home + 8)
    return 0 if first == home else block + first
