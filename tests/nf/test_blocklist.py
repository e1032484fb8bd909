"""blocklist: its file against ipaddress, verdicts against a search through all, live exchange, mistakes."""

import ipaddress
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

import wirebrick
from wirebrick import network_function
from wirebrick.errors import ParameterError
from wirebrick.nf.blocklist.nf import blocklist
from wirebrick.nf.blocklist.prefixes import key_of, load_prefixes, text_of

LINES = st.one_of(
    st.tuples(*[st.integers(0, 300)] * 4, st.integers(0, 40)).map(lambda n: "{}.{}.{}.{}/{}".format(*n)),
    st.tuples(*[st.integers(0, 255)] * 4).map(lambda n: "{}.{}.{}.{}".format(*n)),
    st.tuples(st.integers(0, (1 << 32) - 1), st.integers(0, 32)).map(
        lambda n: str(ipaddress.IPv4Network((n[0] >> 32 - n[1] << 32 - n[1] if n[1] else 0, n[1])))
    ),
    st.text("0123456789./:a# \n", max_size=14),
    st.sampled_from(
        ["", " 10.0.0.0/8 ", "10.0.0.0/8# x", "01.2.3.4", "1.2.3/4.5", "1.2.3.4/", "::1:0/128", "1..2.3"]
    ),
)


def slow(text):
    """The prefixes by ipaddress, or None where one is wrong."""
    found = []
    for line in text.replace("\r\n", "\n").split("\n"):
        entry = line.partition("#")[0].partition(";")[0].strip()
        if not entry:
            continue
        try:
            network = ipaddress.ip_network(entry)
        except ValueError:
            return None
        if network.version == 6 and network.prefixlen >= 96 and int(network[0]) >> 32 == 0:
            return None
        found.append(str(network))
    return list(dict.fromkeys(found))


@given(st.lists(LINES, max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_a_file_like_ipaddress(tmp_path_factory, lines, end):
    text = end.join(lines)
    path = tmp_path_factory.getbasetemp() / "prefixes.txt"
    path.write_bytes(text.encode())
    expected = slow(text)
    if expected is None:
        with pytest.raises(ParameterError):
            load_prefixes(path)
    else:
        assert sorted(map(text_of, load_prefixes(path).keys)) == sorted(expected)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("10.0.0.0/8\n 10.0.0.1/8", 2, 2, "has bits set behind its prefix: the network is 10.0.0.0/8"),
        ("10.0.0.0/33", 1, 1, "its length is 0 to 32"),
        ("2001:db8::/129", 1, 1, "its length is 0 to 128"),
        ("2001:db8::1/32", 1, 1, "the network is 2001:db8::/32"),
        ("::7f00:1", 1, 1, "lies in ::/96"),
        ("10.0.0.256", 1, 1, "is no prefix: write it as"),
        ("host.example", 1, 1, "is no prefix"),
        ("10.0.0.0/8\nx\n\ny\nz", 2, 1, r"and 2 more in line 4, 5"),
    ],
)
def test_mistakes_in_the_file(tmp_path, text, line, column, message):
    path = tmp_path / "drop.txt"
    path.write_text(text)
    with pytest.raises(ParameterError, match=message) as caught:
        load_prefixes(path)
    place = caught.value.place
    assert (place.file, place.line, place.column) == (str(path), line, column)


def test_a_large_file_is_read_fast(tmp_path):
    rng = random.Random(1)
    count = 200_000
    path = tmp_path / "drop.txt"
    path.write_text(
        "".join(f"{ipaddress.IPv4Address(rng.randrange(1 << 24) << 8)}/24\n" for _ in range(count))
    )
    begin = time.process_time()
    found = load_prefixes(path)
    assert time.process_time() - begin < 2
    assert found.keys == list(dict.fromkeys(map(key_of, path.read_text().split())))


def test_verdicts_like_a_search_through_all(tmp_path):
    rng = random.Random(6)
    v4 = [
        ipaddress.ip_network((rng.randrange(1 << 32) >> 32 - n << 32 - n, n))
        for n in rng.choices(range(2, 33), k=60)
    ]
    v6 = [
        ipaddress.ip_network((rng.randrange(1 << 127, 1 << 128) >> 128 - n << 128 - n, n))
        for n in range(3, 128, 4)
    ]
    listed, allowed = v4[:45] + v6[:20], v4[45:] + v6[20:]
    for name, networks in (("drop.txt", listed), ("allow.txt", allowed)):
        (tmp_path / name).write_text("\n".join(map(str, networks)))
    frames, expected = [], {"blocklist.src_listed": 0, "blocklist.dst_listed": 0}
    for _ in range(500):
        layer, pool = (IP, v4) if rng.random() < 0.5 else (IPv6, v6)
        ends = [_near(rng, rng.choice(pool)) for _ in range(2)]
        frames.append(bytes(Ether() / layer(src=str(ends[0]), dst=str(ends[1])) / UDP()))
        for side, address in zip(("src", "dst"), ends, strict=True):
            if any(address in n for n in listed) and not any(address in n for n in allowed):
                expected[f"blocklist.{side}_listed"] += 1
                break
    for interpret in (False, True):
        nf = blocklist(prefixes=tmp_path / "drop.txt", allow=tmp_path / "allow.txt", top=3)
        result = wirebrick.run(nf, rx=frames, interpret=interpret)
        assert result.drops == expected
        rows = result.reports[0][1].rows
        assert len(rows) == 3
        assert rows[0][1] >= rows[1][1] >= rows[2][1] > 0


def _near(rng, network):
    """An address in a network, or beside it."""
    first, last = int(network[0]), int(network[-1])
    number = rng.choice([first, last, rng.randrange(first, last + 1), max(first - 1, 0), last + 1])
    return type(network[0])(min(number, (1 << network.max_prefixlen) - 1))


def test_the_files_are_read_again(tmp_path):
    path, allow = tmp_path / "drop.txt", tmp_path / "allow.txt"
    path.write_text("10.0.0.0/8\n")
    allow.write_text("")
    steps = []

    @network_function
    def change(packets):
        def step(event):
            texts = ["10.0.0.0/8 x\n", "10.0.0.0/8\n198.18.0.0/15\n"]
            if len(steps) < 2:
                path.write_text(texts[len(steps)])
            elif len(steps) == 2:
                allow.write_text("10.0.0.0/8\n198.18.0.0/15\n")
            steps.append(None)

        wirebrick.every(0.6, step, on="background")
        return packets

    nf = blocklist(prefixes=path, allow=allow, match="src")
    result = wirebrick.run([change, nf], rx="memory:size=64,flows=4", tx="null:", duration=3.2)
    assert len(steps) >= 3
    assert result.drops["blocklist.src_listed"] > 0
    assert result.packets_out > 0
    assert result.reports[0][1].rows[0][0] == "10.0.0.0/8"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "the blocklist needs prefixes"),
        ({"prefixes": "/nowhere/x"}, "the list of prefixes /nowhere/x can't be read"),
        ({"prefixes": "/dev/null", "allow": "/nowhere/x"}, "the list of exceptions /nowhere/x can't be read"),
        ({"prefixes": "/dev/null", "match": "any"}, "the match of the blocklist can't be 'any'"),
        ({"prefixes": "/dev/null", "top": -1}, "the top of the blocklist"),
    ],
)
def test_wrong_parameters(parameters, message):
    with pytest.raises(ParameterError, match=message):
        wirebrick.run(blocklist(**parameters), rx=[bytes(60)])
