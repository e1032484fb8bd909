"""Searches in bytes read none behind the last one: here a page that can't be read follows it."""

import ctypes
import mmap
import random

import pytest
from scapy.layers.dns import DNS, DNSQR, DNSRR

from wirebrick.packet.octets import Octets
from wirebrick.state.domains import Domains
from wirebrick.state.patterns import Patterns
from wirebrick.state.regexes import Regexes

PAGE = mmap.PAGESIZE


@pytest.fixture
def at_the_end():
    """A function that puts bytes right before a page that can't be read."""
    memory = mmap.mmap(-1, 2 * PAGE)
    begin = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    guard = ctypes.c_void_p(begin + PAGE)
    assert libc.mprotect(guard, ctypes.c_size_t(PAGE), 0) == 0

    def put(data):
        at = begin + PAGE - len(data)
        ctypes.memmove(at, data, len(data))
        return Octets(at, len(data))

    yield put
    assert libc.mprotect(guard, ctypes.c_size_t(PAGE), mmap.PROT_READ | mmap.PROT_WRITE) == 0


def test_patterns(at_the_end):
    rng = random.Random(1)
    texts = [bytes(rng.choice(b"abc") for _ in range(size)) for size in range(1, 30) for _ in range(4)]
    patterns = Patterns(texts, [n % 2 == 0 for n in range(len(texts))], most=1 << 16)
    patterns.allocate(1)
    for size in [*range(70), *range(70, 1500, 131)]:
        data = bytes(rng.choice(b"abcABC") for _ in range(size))
        found = patterns.scan(data)
        assert patterns.scan(at_the_end(data)) == found
        assert patterns.scan_from(0, at_the_end(data)) == found


@pytest.mark.parametrize("states", [0, 1024])
def test_regexes(at_the_end, states):
    regexes = Regexes([r"a+\b", r"b$", r"(?:a|b)*c\B", r"x*\z"], states=states)
    regexes.allocate(1)
    for data in (b"", b"a", b"ab", b"aaaa", b"abab\n", b"bbbbbbbbbb", b"abcx"):
        for number in range(4):
            assert regexes.search(number, at_the_end(data)) == regexes.search(number, data)
            assert regexes.search(number, at_the_end(data), len(data)) == regexes.search(
                number, data, len(data)
            )


def test_domains(at_the_end):
    domains = Domains([("evil.example", 0)])
    domains.allocate(1)
    whole = bytes(
        DNS(qr=1, qd=DNSQR(qname="good.example"), an=DNSRR(rrname="x.good.example", rdata="1.2.3.4"))
    )
    for size in range(len(whole) + 1):
        assert domains.find(at_the_end(whole[:size])) == (-1 if size == len(whole) else -2)
