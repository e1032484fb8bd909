"""SynCookies' native part. A cookie: 5 bits of time, 3 bits of MSS, 24 bits of a keyed hash over all there is to it.

Runs as it is in CPython, and compiled.
"""

from __future__ import annotations

from wirebrick.packet.memory import apart, load64
from wirebrick.state.reassembly_index_native import sip_round

# The block: the secret, two 64-bit words.
COOKIE_SIZE = 16
KEY_SIZE = 40  # bytes of a FlowKey
PERIOD = 36  # a step of time has 2**36 ns, 69 s
TIMES = 32  # steps that a cookie can tell apart
STEPS_GOOD = 2  # a cookie is good in its own step and the one behind it


@apart
def cookie_hash(block: int, key: int, word: int) -> int:
    """24 bits of SipHash-2-4 (Aumasson and Bernstein, 2012) over a FlowKey and a word."""
    k0 = load64(block)
    k1 = load64(block + 8)
    a = k0 ^ 0x736F6D6570736575
    b = k1 ^ 0x646F72616E646F6D
    c = k0 ^ 0x6C7967656E657261
    d = k1 ^ 0x7465646279746573
    for at in range(0, KEY_SIZE + 16, 8):
        part = (KEY_SIZE + 8) << 56
        if at < KEY_SIZE:
            part = load64(key + at)
        elif at == KEY_SIZE:
            part = word
        d = d ^ part
        a, b, c, d = sip_round(a, b, c, d)
        a, b, c, d = sip_round(a, b, c, d)
        a = a ^ part
    c = c ^ 0xFF
    for _ in range(4):
        a, b, c, d = sip_round(a, b, c, d)
    return (a ^ b ^ c ^ d) & 0xFFFFFF


def cookie_of(block: int, key: int, isn: int, mss: int, step: int) -> int:
    """The cookie of a SYN with initial sequence number ``isn``, answered in a step of time."""
    head = (step % TIMES) << 3 | mss
    return head << 24 | cookie_hash(block, key, isn | head << 32 | (step // TIMES & 0xFFFFFF) << 40)


def cookie_make(block: int, now: int, key: int, isn: int, mss: int) -> int:
    """The cookie to answer with now; ``mss``: what it is to say, 0 to 7."""
    return cookie_of(block, key, isn & 0xFFFFFFFF, mss & 7, now >> PERIOD)


def cookie_check(block: int, now: int, key: int, isn: int, cookie: int) -> int:
    """What a cookie says of the MSS, 0 to 7; -1 where it wasn't given to this flow for ``isn``, or not lately."""
    now = now >> PERIOD
    age = (now - (cookie >> 27)) % TIMES
    if age >= STEPS_GOOD:
        return -1
    mss = cookie >> 24 & 7
    return mss if cookie_of(block, key, isn & 0xFFFFFFFF, mss, now - age) == cookie else -1
