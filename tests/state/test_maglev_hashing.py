"""Maglev hashing against the paper: its example, its figures, a naive population; look-ups compiled as in CPython."""

import ctypes
import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirebrick import FlowKey
from wirebrick.errors import CheckError, GraphError
from wirebrick.packet.memory import wrap64
from wirebrick.state import maglev_native as native
from wirebrick.state.maglev import Backend, Balance, Maglev, Service, populate
from wirebrick.state.natives import compiled

PRIMES = (7, 251, 65537, 655373)


def naive(size, backends, seed=0):
    """The paper's pseudo code, with turns by weight."""
    chosen = sorted(backend for backend in backends if backend[1])
    heaviest = max((weight for _, weight, _ in chosen), default=0)
    orders, table, credit = [], [native.NONE] * size, [0] * len(chosen)
    for name, _, _ in chosen:
        digest = hashlib.blake2b(name.encode(), digest_size=16, key=seed.to_bytes(8, "little")).digest()
        offset = int.from_bytes(digest[:8], "little") % size
        skip = int.from_bytes(digest[8:], "little") % (size - 1) + 1
        orders.append(iter([(offset + turn * skip) % size for turn in range(size)]))
    while chosen and native.NONE in table:
        for index, (_, weight, number) in enumerate(chosen):
            credit[index] += weight
            if credit[index] >= heaviest and native.NONE in table:
                credit[index] -= heaviest
                place = next(place for place in orders[index] if table[place] == native.NONE)
                table[place] = number
    return table


def test_the_papers_example_before_and_after_b1_fails():
    places = (ctypes.c_uint32 * 7)()
    for rows, expected in (
        ([3, 4, 1, 0, 0, 0, 2, 1, 0, 1, 3, 1, 1, 0, 2], [1, 0, 1, 0, 2, 2, 0]),
        ([3, 4, 1, 0, 0, 3, 1, 1, 0, 2], [0, 0, 0, 0, 2, 2, 2]),
    ):
        words = (ctypes.c_int64 * len(rows))(*rows)
        native.maglev_populate(ctypes.addressof(places), 7, ctypes.addressof(words), len(rows) // 5, 1)
        assert list(places) == expected


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([7, 13, 251]),
    st.dictionaries(st.text("abcdefgh", min_size=1), st.integers(0, 5), max_size=8),
    st.integers(0, 2**63 - 1),
    st.randoms(),
)
def test_like_the_pseudo_code_in_any_order(size, weights, seed, random):
    backends = [(name, weight, number) for number, (name, weight) in enumerate(weights.items())]
    table = populate(size, backends, seed)
    assert table.tolist() == naive(size, backends, seed)
    random.shuffle(backends)
    assert populate(size, backends, seed).tolist() == table.tolist()


@pytest.mark.parametrize(("size", "uneven", "changed"), [(65537, 2.0, 6.0), (655373, 0.2, 2.0)])
def test_figures_11_and_12_of_the_paper(size, uneven, changed):
    backends = [(f"backend {number}", 1, number) for number in range(1000)]
    before = populate(size, backends)
    counts = np.bincount(before, minlength=1000)
    assert 100 * (counts.max() / counts.mean() - 1) < uneven
    assert 100 * (1 - counts.min() / counts.mean()) < uneven
    after = populate(size, backends[5:])
    stays = before >= 5
    assert 0 < 100 * (before[stays] != after[stays]).mean() < changed
    assert after.min() == 5


def test_weights_are_shares():
    table = populate(65537, [("a", 1, 0), ("b", 3, 1), ("c", 6, 2), ("d", 0, 3)])
    shares = np.bincount(table, minlength=4) / 65537
    assert np.allclose(shares, [0.1, 0.3, 0.6, 0], atol=1e-3)


def test_another_seed_is_another_table():
    backends = [(str(number), 1, number) for number in range(10)]
    assert (populate(251, backends, 1) != populate(251, backends, 2)).mean() > 0.5


ADDRESSES = st.sampled_from([1, 2, 3, (1 << 32) - 1, 1 << 32, 0x20010DB8 << 96, (0x20010DB8 << 96) + 1])
PLACES = st.tuples(ADDRESSES, st.sampled_from([0, 6, 17]), st.integers(0, 3)).map(
    lambda p: p if p[1] else (p[0], 0, 0)
)


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(PLACES, st.integers(0, 15)),
    st.dictionaries(PLACES, st.integers(0, 15)),
    st.sets(ADDRESSES),
)
def test_look_ups(places, origins, owned):
    maglev = Maglev(services=16, backends=16, places=128, size=7)
    maglev.show(Balance(places=places, owned=owned, origins=origins))
    maglev.allocate(1)
    first = maglev.blocks[0]
    maglev.show(Balance(places=dict.fromkeys(origins, 5)))  # into the copy that nobody reads
    maglev.show(Balance(places=places, owned=owned, origins=origins))

    def expected(table, address, protocol, port):
        keys = [(address, protocol, port), (address, protocol, 0)]
        keys += [(address, 0, 0)] if protocol not in (1, 58) else []
        return next((table[key] for key in keys if key in table), -1)

    asked = {*places, *origins, (9, 6, 80), (1, 1, 0), (1, 58, 0), (1, 6, 3), (2, 17, 2)}
    for address, protocol, port in asked:
        words = wrap64(address >> 64), wrap64(address)
        for name, table in (("service", places), ("origin", origins)):
            answer = expected(table, address, protocol, port)
            assert getattr(maglev, name)(address, protocol, port) == answer
            look = compiled(native.__name__, f"maglev_{name}", 5)
            assert (
                look(first, *words, protocol, port)
                == look(maglev.blocks[0], *words, protocol, port)
                == answer
            )
        assert maglev.owns(address) == (address in owned)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=40, max_size=40), min_size=1, max_size=20))
def test_choices_are_the_same_compiled(seed, keys):
    maglev = Maglev(services=2, backends=300, places=4, size=251)
    tables = [populate(251, [(str(n), 1, n) for n in range(first, first + 100)]) for first in (0, 100)]
    maglev.show(Balance([Service(), Service()], tables, seed=seed))
    maglev.allocate(1)
    for raw in keys:
        memory = ctypes.create_string_buffer(raw, 40)
        key = ctypes.addressof(memory)
        for service in (0, 1):
            number = native.maglev_choose(maglev.blocks[0], service, key)
            assert number == compiled(native.__name__, "maglev_choose", 3)(maglev.blocks[0], service, key)
            assert 100 * service <= number < 100 * service + 100


def test_flows_are_spread_evenly_whatever_counts_up():
    maglev = Maglev(services=1, backends=10, places=4, size=65537)
    maglev.show(Balance([Service()], [populate(65537, [(str(n), 1, n) for n in range(10)])], seed=3))
    maglev.allocate(1)
    for field in ("src", "src_port", "dst", "dst_port"):
        chosen = [
            maglev.choose(0, FlowKey(version=4, protocol=6, **{field: number})) for number in range(5000)
        ]
        counts = np.bincount(chosen, minlength=10)
        assert ((counts - 500) ** 2 / 500).sum() < 40, field  # chi-square with 9 degrees: 1 in 100,000


def test_nothing_there():
    maglev = Maglev(services=1, backends=1, places=1, size=7)
    maglev.show(Balance([Service(address=5)], [populate(7, [])]))
    maglev.allocate(1)
    assert maglev.choose(0, FlowKey()) == -1
    assert maglev.backend(5).generation == 0
    assert maglev.record(9).address == 0


def test_refused():
    with pytest.raises(GraphError, match="no prime number"):
        Maglev(services=1, backends=1, places=1, size=65536)
    maglev = Maglev(services=1, backends=1, places=1, size=7)
    with pytest.raises(GraphError, match="room for 1 backends, not for 2"):
        maglev.show(Balance(backends={1: Backend()}))


def test_records_can_only_be_read():
    import wirebrick

    @wirebrick.network_function
    def writes(packets):
        maglev = Maglev(services=1, backends=1, places=1, size=7)

        def write(packet):
            maglev.own().mtu = 5

        return packets.transform(write)

    with pytest.raises(CheckError, match="can only be read"):
        wirebrick.run(writes, rx=[bytes(60)])
