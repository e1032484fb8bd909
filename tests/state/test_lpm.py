"""LongestPrefixMatch against a search through all prefixes, in CPython and compiled."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_traffic import START, both, frame6, frames

from wirebrick import Array, IPv4Address, IPv4Network, IPv6Address, LongestPrefixMatch
from wirebrick.errors import GraphError, StateError
from wirebrick.fields import U64
from wirebrick.headers import Ethernet, IPv4, IPv6
from wirebrick.packet.memory import load64, wrap64
from wirebrick.state import lpm_native as native
from wirebrick.state.base import worker
from wirebrick.state.lpm_routes import _rows
from wirebrick.state.natives import compiled

LAST = (1 << 128) - 1


@st.composite
def networks(draw):
    """A prefix; many share their upper bits."""
    if draw(st.booleans()):
        bits, base = 32, draw(st.sampled_from([0, 10 << 24, 0xC0A8FFFF, 0xFFFFFFFF]))
        make = ipaddress.IPv4Network
    else:
        bits, base = 128, draw(st.sampled_from([0x2001 << 112, 1 << 127, LAST, 1 << 32]))
        make = ipaddress.IPv6Network
    length = draw(st.integers(0, bits if bits == 32 else 128))
    address = base ^ draw(st.integers(0, (1 << draw(st.sampled_from([4, 17, 40, 70])) % bits) - 1))
    start = address >> (bits - length) << (bits - length) if length else 0
    if bits == 128 and length >= 96 and start >> 32 == 0:
        return ipaddress.IPv6Network("2001:db8::/128")
    return make((start, length))


def naive(routes, address):
    """The longest prefix that holds an address, by looking at all."""
    kind = ipaddress.IPv4Address if address < 1 << 32 else ipaddress.IPv6Address
    holding = [net for net in routes if net.version == kind(address).version and kind(address) in net]
    return routes[max(holding, key=lambda net: net.prefixlen)] if holding else -1


def edges(routes):
    """The addresses where answers may change."""
    found = {0, 1, (1 << 32) - 1, 1 << 32, LAST}
    for net in routes:
        first, last = int(net.network_address), int(net.broadcast_address)
        found |= {first, last, max(first - 1, 0), min(last + 1, LAST), (first + last) // 2}
    return sorted(found)


def check(table, routes, addresses):
    """Native in CPython, compiled, and from outside all say what the naive search says."""
    look = compiled(native.__name__, "lpm_lookup", 3)
    block = table.blocks[0]
    for address in addresses:
        expected = naive(routes, address)
        words = wrap64(address >> 64), wrap64(address)
        assert native.lpm_lookup(block, *words) == expected, (address, expected)
        assert look(block, *words) == expected
        assert table.lookup(address) == expected


ROUTES = st.dictionaries(networks(), st.integers(0, (1 << 32) - 2), max_size=30)


@settings(deadline=None, max_examples=60)
@given(ROUTES, st.lists(st.integers(0, LAST), max_size=5), st.data())
def test_like_a_search_through_all(routes, more, data):
    table = LongestPrefixMatch(routes)
    table.allocate(2)
    check(table, routes, [*edges(routes), *more])
    removed = data.draw(st.lists(st.sampled_from(sorted(routes, key=str)), unique=True)) if routes else []
    added = data.draw(st.dictionaries(networks(), st.integers(0, 9), max_size=5))
    table.update(added, remove=removed)
    after = {net: number for net, number in routes.items() if net not in removed} | added
    check(table, after, edges({**routes, **added}))
    assert len(table) == len(after)
    assert {ipaddress.ip_network(str(net)): number for net, number in table.items()} == after


def test_the_builder_runs_in_cpython_too():
    routes = {"10.0.0.0/8": 1, "10.1.0.0/16": 2, "255.255.255.255/32": 3, "2001:db8::/32": 4, "8000::/1": 5}
    table = LongestPrefixMatch(routes)
    table.allocate(1)
    expected = {at: load64(table.blocks[0] + at) for at in range(0, table.block_size() - 7, 8)}
    other = LongestPrefixMatch(routes)
    other.allocate(1)
    block = other.blocks[0]
    for version, part in other._routes._tables.items():
        rows = _rows(version, part)
        native.lpm_build(block, version, int(rows.ctypes.data), len(rows))
    assert {at: load64(block + at) for at in expected} == expected


def test_ranges_stay_within_the_memory():
    """The worst: no two prefixes touch, each makes two ranges."""
    routes = {f"10.0.{n}.1/32": n for n in range(200)} | {f"2001:db8:{n:x}::1/128": n for n in range(200)}
    table = LongestPrefixMatch(routes, capacity=400)
    table.allocate(1)
    block = table.blocks[0]
    assert load64(block + native.L_COUNT4) == load64(block + native.L_COUNT6) == 401
    assert load64(block + native.L_RANGES6) + 802 * native.RANGE6 <= native.lpm_size(400)
    check(table, {ipaddress.ip_network(net): number for net, number in routes.items()}, [10 << 24 | 257])
    with pytest.raises(GraphError, match="room for 400"):
        table.add("192.0.2.0/24", 1)
    assert len(table) == 400
    table.update({"192.0.2.0/24": 1}, remove=["10.0.0.1/32"])
    assert table["192.0.2.9"] == 1


def test_all_nested_lengths():
    routes = {ipaddress.ip_network((0xC0000201 >> (32 - n) << (32 - n), n)): n for n in range(33)}
    six = 0x20010DB8 << 96 | 1
    routes |= {ipaddress.IPv6Network((six >> (128 - n) << (128 - n), n)): n for n in range(129)}
    table = LongestPrefixMatch(routes)
    table.allocate(1)
    check(table, routes, edges(routes))


def test_forms_of_prefixes_and_addresses():
    table = LongestPrefixMatch([(IPv4Network("10.0.0.0/8"), 1), ("192.0.2.7", 2), ("2001:db8::7", 3)])
    assert table[IPv4Address("10.1.1.1")] == table["10.1.1.1"] == table[10 << 24] == 1
    assert (table["192.0.2.7"], table["192.0.2.8"], table[IPv6Address("2001:db8::7")]) == (2, -1, 3)
    assert [str(net) for net in table] == ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::7/128"]
    assert LongestPrefixMatch(default=5)["10.0.0.1"] == 5
    table.remove("192.0.2.7")
    assert table["192.0.2.7"] == -1
    for wrong in (-1, 1 << 128):
        with pytest.raises(ValueError, match="no address"):
            table.lookup(wrong)


MISTAKES = [
    (lambda: LongestPrefixMatch({"10.0.0.1/8": 1}), "bits behind the prefix"),
    (lambda: LongestPrefixMatch({"10.0.0.0/33": 1}), "no prefix"),
    (lambda: LongestPrefixMatch({"net": 1}), "no prefix"),
    (lambda: LongestPrefixMatch({7: 1}), "no prefix"),
    (lambda: LongestPrefixMatch({"::1.2.3.0/120": 1}), "::/96"),
    (lambda: LongestPrefixMatch({"10.0.0.0/8": -1}), "can't be -1"),
    (lambda: LongestPrefixMatch({"10.0.0.0/8": (1 << 32) - 1}), "can't be 4294967295"),
    (lambda: LongestPrefixMatch({"10.0.0.0/8": True}), "can't be True"),
    (lambda: LongestPrefixMatch(capacity=0), "capacity"),
    (lambda: LongestPrefixMatch(default=1 << 63), "default"),
    (lambda: LongestPrefixMatch({"10.0.0.0/8": 1, "11.0.0.0/8": 1}, capacity=1), "room for 1"),
    (lambda: LongestPrefixMatch().remove("10.0.0.0/8"), "is not in"),
]


@pytest.mark.parametrize(("make", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_mistakes(make, message):
    with pytest.raises(GraphError, match=message) as caught:
        make()
    assert caught.value.place.file == __file__
    assert caught.value.cure


def routed(header, routes):
    def make():
        table = LongestPrefixMatch(routes, default=9)
        counts = Array(U64, 10)

        def look(packet):
            number = table.lookup(packet.header.src)
            assert number == table[packet.flow().src]
            if table[7 << 24 | 1] == 9:
                counts[number] += 1

        return look, counts

    return make


def test_in_user_functions():
    counts, drops = both(
        routed(IPv4, {"10.0.1.0/24": 1, "10.0.1.4/30": 2, "10.0.0.0/16": 0}),
        lambda counts: counts.totals(),
        rx=frames(200),
    )
    assert drops == {}
    assert sum(counts) == 200
    assert all(counts[:3])
    counts, drops = both(
        routed(IPv6, {"2001:db8::/32": 1, "2001:db8:5::/48": 2, "::/0": 3}),
        lambda counts: counts.totals(),
        rx=[frame6(source) for source in ("2001:db8::1", "2001:db8:5:ffff::1", "fe80::1", "::9")],
        headers=(Ethernet, IPv6),
    )
    assert (counts, drops) == ([0, 1, 1, 1, 0, 0, 0, 0, 0, 1], {})  # ::9 is taken for an IPv4 address


def test_faults_and_refusals():
    def negative():
        table = LongestPrefixMatch({"0.0.0.0/0": 1})

        def look(packet):
            table.lookup(packet.header.ttl - 100)

        return look, table

    _, drops = both(negative, len, rx=[(START, frames(1)[0][1])] * 3 + frames(50))
    assert 0 < drops["nf.fault_value"] < 53

    def writes():
        table = LongestPrefixMatch()

        def look(packet):
            table.add("10.0.0.0/8", 1)

        return look, table

    with pytest.raises(Exception, match=r"no add\(\) that a user function can call"):
        both(writes, len, rx=frames(1))


def test_a_copy_that_is_read_is_not_written(monkeypatch):
    monkeypatch.setattr("wirebrick.state.sharing.PATIENCE", 0.05)
    table = LongestPrefixMatch({"10.0.0.0/8": 1})
    table.allocate(2)
    table.sharing.begin(1, 0)
    table.add("10.0.0.0/8", 2)
    with pytest.raises(StateError, match="has been reading it"):
        table.add("10.0.0.0/8", 3)
    worker.index, worker.in_burst = 1, True
    try:
        assert table.lookup("10.0.0.1") == 1  # what the worker took at the beginning of its burst
        table.sharing.end(1)
        table.sharing.begin(1, 0)
        assert table.lookup("10.0.0.1") == 2
    finally:
        worker.index, worker.in_burst = 0, False
    table.sharing.end(1)
    table.update({})
    assert native.lpm_lookup(table.blocks[0], 0, 10 << 24) == 3


@settings(max_examples=20)
@given(ROUTES, ROUTES)
def test_replaced_like_made_anew(before, after):
    table = LongestPrefixMatch(before)
    table.allocate(1)
    tables = {4: {}, 6: {}}
    for net, number in after.items():
        tables[net.version].setdefault(net.prefixlen, {})[int(net.network_address)] = number
    table.replace(tables)
    check(table, after, edges(after))
    assert len(table) == len(after)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({4: {33: {0: 1}}}, "IPv4 has no prefixes of 33 bits"),
        ({5: {8: {0: 1}}}, "IPv5 has no prefixes"),
        ({4: {8: {1: 1}}}, "can't be looked up"),
        ({4: {32: {1 << 32: 1}}}, "can't be looked up"),
        ({6: {128: {7: 1}}}, "can't be looked up"),
        ({4: {8: {0: -1}}}, "can't be looked up"),
        ({4: {32: dict.fromkeys(range(2000), 1)}}, "room for 1024 prefixes"),
    ],
)
def test_what_is_refused_replaces_nothing(tables, message):
    table = LongestPrefixMatch({"10.0.0.0/8": 1})
    with pytest.raises(GraphError, match=message):
        table.replace(tables)
    assert table.lookup("10.1.1.1") == 1
