"""Classifiers: trees against the scan and against Python, compiled and interpreted; limits; exchange."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wirebrick
from wirebrick import Array, Record, network_function
from wirebrick.errors import GraphError
from wirebrick.fields import U8, U16, U32, U64, IPv6Address
from wirebrick.headers import UDP, Ethernet, IPv4
from wirebrick.packet.memory import load64
from wirebrick.state.classifier import Classifier
from wirebrick.state.classifier_native import C_TREES, MOST_TREES
from wirebrick.state.classifier_review import review
from wirebrick.state.natives import compiled


class Pair(Record):
    src: U32
    dst: U32
    src_port: U16
    dst_port: U16
    protocol: U16
    upper: U16
    length: U16
    ttl: U16
    more: U32
    mark: U64


class Wide(Record):
    src: IPv6Address
    port: U16
    kind: U16
    rest: U32
    mark: U64


BITS = {"src": 32, "dst": 32}
HIGH = {name: field.mask for name, field in Pair.fields.items()}
Box = dict[str, tuple[int, int]]


def row(box: Box, value: int, kind: type[Record] = Pair) -> tuple[Record, Record, int]:
    high = {name: field.mask for name, field in kind.fields.items()}
    ends = {name: box.get(name, (0, most)) for name, most in high.items()}
    return kind(**{n: e[0] for n, e in ends.items()}), kind(**{n: e[1] for n, e in ends.items()}), value


def first(boxes: list[Box], key: dict[str, int]) -> int:
    for number, box in enumerate(boxes):
        if all(low <= key.get(name, 0) <= high for name, (low, high) in box.items()):
            return number
    return -1


def compiled_find(classifier: Classifier[Pair], key: Pair) -> int:
    find = compiled("wirebrick.state.classifier_native", "classifier_find", 4)
    return find(classifier.blocks[0], classifier.chunks, classifier.rare_chunks, key._at)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    box: Box = {}
    for name in ("src", "dst"):
        length = draw(st.sampled_from([0, 0, 1, 15, 16, 17, 24, 30, 32, 32]))
        base = draw(st.sampled_from([0x0A000000, 0x0A0000FF, 0x0A010000, 0xC0A80101, 0xFFFFFFFF]))
        low = base >> (32 - length) << (32 - length) if length else 0
        box[name] = (low, low | (1 << (32 - length)) - 1)
    for name in ("src_port", "dst_port", "length"):
        if draw(st.booleans()):
            low, high = sorted(draw(st.tuples(st.sampled_from(PORTS), st.sampled_from(PORTS))))
            box[name] = (low, high)
    if draw(st.booleans()):
        protocol = draw(st.sampled_from([6, 17]))
        box["protocol"] = (protocol, protocol)
    return box


PORTS = [0, 1, 53, 80, 1023, 1024, 65535]
KEYS = st.fixed_dictionaries(
    {
        "src": st.sampled_from([0x0A000000, 0x0A0000FF, 0x0A01FFFF, 0xC0A80101, 0, 0xFFFFFFFF]),
        "dst": st.sampled_from([0x0A000000, 0x0A0000FF, 0x0A01FFFF, 0xC0A80101, 0, 0xFFFFFFFF]),
        "src_port": st.sampled_from(PORTS),
        "dst_port": st.sampled_from(PORTS),
        "protocol": st.sampled_from([6, 17, 1]),
        "length": st.sampled_from(PORTS),
    }
)


@settings(deadline=None, max_examples=80)
@given(st.lists(boxes(), max_size=60), st.lists(KEYS, min_size=10, max_size=10))
def test_the_first_row_that_covers_a_key(rows: list[Box], keys: list[dict[str, int]]) -> None:
    made = [row(box, number) for number, box in enumerate(rows)]
    tree, scan = Classifier(Pair, made, rare="length"), Classifier(Pair, made, rare="length", scan=True)
    for classifier in (tree, scan):
        classifier.allocate(1)
    assert tree.asks() == any("length" in box and box["length"] != (0, 65535) for box in rows)
    for key in keys:
        expected = first(rows, key)
        found = [classifier.find(Pair(**key)) for classifier in (tree, scan)]
        found += [compiled_find(classifier, Pair(**key)) for classifier in (tree, scan)]
        assert found == [expected] * 4


def near(rng: random.Random, box: Box) -> dict[str, int]:
    """A key at an edge of a box, inside or just outside."""
    key = {}
    for name, most in HIGH.items():
        low, high = box.get(name, (0, most))
        key[name] = max(
            0, min(most, rng.choice([low, high, rng.randint(low, high), low - (rng.random() < 0.05)]))
        )
    return key


def realistic(rng: random.Random, count: int) -> list[Box]:
    nets = [rng.getrandbits(24) << 8 for _ in range(max(4, count // 20))]
    rows = []
    for _ in range(count):
        box: Box = {}
        for name, weight in (("src", 0.4), ("dst", 0.7)):
            if rng.random() < weight:
                length = rng.choice([8, 16, 24, 28, 32, 32])
                low = (rng.choice(nets) | rng.randrange(256)) >> (32 - length) << (32 - length)
                box[name] = (low, low | (1 << (32 - length)) - 1)
        if rng.random() < 0.6:
            port = rng.choice([80, 443, rng.randrange(65536)])
            box["dst_port"] = (port, min(65535, port + rng.choice([0, 0, 10, 1000])))
            box["protocol"] = (6, 6)
        if rng.random() < 0.05:
            box["ttl"] = (0, rng.randrange(255))
        rows.append(box)
    return rows


@pytest.mark.parametrize("count", [0, 1, 12, 13, 100, 3000])
def test_trees_and_scan_find_alike(count: int) -> None:
    rng = random.Random(count)
    rows = realistic(rng, count)
    made = [row(box, rng.getrandbits(32)) for box in rows]
    tree, scan = (Classifier(Pair, made, rare="length", scan=scan) for scan in (False, True))
    for classifier in (tree, scan):
        classifier.allocate(1)
    assert load64(scan.blocks[0] + C_TREES) == 1
    assert 1 <= load64(tree.blocks[0] + C_TREES) <= MOST_TREES
    covered = 0
    for _ in range(4000):
        key = Pair(**near(rng, rng.choice(rows) if rows else {}))
        found = compiled_find(tree, key)
        assert found == compiled_find(scan, key)
        covered += found >= 0
    assert covered > 3000 or not count


@pytest.mark.parametrize(
    "rows",
    [
        [{"src_port": (n, 65535 - n)} for n in range(2000)],  # nothing divides them
        [{"src": (n << 16, n << 16 | 0xFFFF), "dst": (0, (1 << n % 32) - 1)} for n in range(2000)],
        [{"length": (n, n)} for n in range(1000)],  # alike but for what is rare
        [{"src": (5, 5), "dst": (7, 7)}] * 3000,  # all the same
        [{("src", "dst")[n % 2]: (n << 8, n << 8 | 255)} for n in range(4000)],
    ],
)
def test_rows_that_are_hard_to_divide(rows: list[Box]) -> None:
    rng = random.Random(1)
    classifier = Classifier(
        Pair, [row(box, n) for n, box in enumerate(rows)], capacity=len(rows), rare="length"
    )
    classifier.allocate(1)
    for _ in range(300):
        key = near(rng, rng.choice(rows))
        assert compiled_find(classifier, Pair(**key)) == first(rows, key)


def test_wide_keys() -> None:
    rng = random.Random(3)
    rows: list[Box] = []
    for _ in range(500):
        length = rng.choice([0, 32, 48, 63, 64, 65, 96, 128])
        low = (
            (0x20010DB8 << 96 | rng.getrandbits(8) << 60 | rng.getrandbits(4))
            >> (128 - length)
            << (128 - length)
        )
        rows.append({"src": (low, low | (1 << (128 - length)) - 1), "port": (0, rng.randrange(65536))})
    classifier = Classifier(Wide, [row(box, n, Wide) for n, box in enumerate(rows)])
    classifier.allocate(1)
    for _ in range(1000):
        low, high = rng.choice(rows)["src"]
        key = {"src": rng.choice([low, high, rng.randint(low, high)]), "port": rng.randrange(65536)}
        assert classifier.find(Wide(**key)) == first(rows, key)


@pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
def test_in_a_run(interpret: bool) -> None:
    rows = [
        row({"src_port": (32768, 40000)}, 1),
        row({"dst": (0xC6120000, 0xC612FFFF)}, 2),
        row({"ttl": (64, 64)}, 3),
    ]
    seen = []

    @network_function
    def classify(packets):
        table = Classifier(Pair, rows, rare="length")
        counts = Array(U64, 5)

        def look(packet):
            key = Pair(src=packet[IPv4].src, dst=packet[IPv4].dst, src_port=packet.header.src_port)
            if table.asks():
                key.ttl = packet[IPv4].ttl
            counts[table.find(key) + 1] += 1

        wirebrick.at_end(lambda: seen.extend(counts.totals()))
        return packets.parse(Ethernet).parse(IPv4).parse(UDP).map(look)

    wirebrick.run(classify, rx="memory:count=500,flows=500", tx="null:", interpret=interpret)
    assert sum(seen) == 500
    assert seen[0] == 0
    assert all(seen[2:])


def test_replaced_as_a_whole() -> None:
    classifier = Classifier(Pair, [row({}, 1)], capacity=3)
    classifier.allocate(1)
    classifier.replace([row({"protocol": (6, 6)}, 2)])
    assert (classifier.find(Pair(protocol=6)), classifier.find(Pair(protocol=17)), len(classifier)) == (
        2,
        -1,
        1,
    )
    with pytest.raises(GraphError, match="4 rows don't fit a Classifier with room for 3"):
        classifier.replace([row({}, 1)] * 4)
    with pytest.raises(GraphError, match="row 1 of a Classifier is wrong: it covers nothing"):
        classifier.replace([row({}, 1), row({"length": (2, 1)}, 1)])
    assert classifier.find(Pair(protocol=6)) == 2


class Narrow(Record):
    a: U64
    b: U8


class Small(Record):
    a: U64


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Classifier(Narrow, []), "b is a U8"),
        (lambda: Classifier(Small, []), "it has 8 bytes"),
        (lambda: Classifier(Pair, [], rare="ttl"), "can't begin with 'ttl'"),
        (lambda: Classifier(Pair, [], rare="src"), "0 bytes are compared"),
        (lambda: Classifier(Pair, [], rare="nothing"), "can't begin with 'nothing'"),
        (lambda: Classifier(Pair, [], capacity=0), "capacity of a Classifier can't be 0"),
        (lambda: Classifier(Pair, [(Pair(), Small(), 1)]), "its ends are no Pair"),
        (lambda: Classifier(Pair, [(Pair(), Pair(), -1)]), "its value can't be -1"),
        (lambda: Classifier(Pair, [row({"src": (1, 1 << 20)}, 1)]), "its src is no prefix"),
        (lambda: Classifier(Pair, [row({}, 1)] * 5, capacity=4), "5 rows don't fit"),
    ],
)
def test_refusals(make, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        make()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(boxes(), st.integers(0, 1)), max_size=12))
def test_review_finds_what_python_finds(rows: list[tuple[Box, int]]) -> None:
    classifier = Classifier(Pair, [row(box, 1) for box, _ in rows], rare="length")
    found = review(classifier, list(range(len(rows))), [kind for _, kind in rows])
    ends = [{name: box.get(name, (0, most)) for name, most in HIGH.items()} for box, _ in rows]

    def within(inner: int, outer: int) -> bool:
        return all(
            o[0] <= i[0] and i[1] <= o[1]
            for i, o in zip(ends[inner].values(), ends[outer].values(), strict=True)
        )

    def meet(a: int, b: int) -> bool:
        return all(
            max(x[0], y[0]) <= min(x[1], y[1])
            for x, y in zip(ends[a].values(), ends[b].values(), strict=True)
        )

    pairs = []
    for later in range(len(rows)):
        covering = [earlier for earlier in range(later) if within(later, earlier)]
        assert found.covered[later] == (covering[0] if covering else -1)
        for earlier in range(covering[0] if covering else later):
            if rows[earlier][1] != rows[later][1] and meet(earlier, later) and not within(earlier, later):
                pairs.append((earlier, later))
    assert found.pairs == pairs
    assert found.count == len(pairs)
