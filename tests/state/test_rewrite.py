"""Rewrite between two ends of TCP in simulated time: both get exactly what the function makes, whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rewrite_box import Box, compiled, growing, holding, in_python, replacing, unchanged, whole
from tcp_path import Path, connect

FUNCTIONS = {
    "unchanged": unchanged,
    "longer": replacing(b"cat", b"leopard"),
    "shorter": replacing(b"leopard", b"cat"),
    "removed": replacing(b"cat", b""),
    "twofold": growing(2),
    "nothing": growing(0),
    "blocks": holding(100),
    "large blocks": holding(5000),
    "tenfold": growing(10),
}
TEXT = b"the cat sat on the leopard, ca, cat cat catca " * 200


def check(name: str, request: bytes, response: bytes, functions, **options):
    """Run a connection; both ends must be finished with the right bytes. The network."""
    make = FUNCTIONS[name]
    box = Box(make, functions)
    network = connect(box, request, response, **options)
    client, server = network.client, network.server
    assert bytes(server.received) == whole(make, request)
    assert bytes(client.received) == whole(make, response)
    assert client.finished
    assert server.finished
    return network


@pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_without_losses_nothing_is_sent_twice(name, ipv6):
    network = check(name, TEXT, TEXT[:5000], compiled(), ipv6=ipv6)
    assert network.client.retransmitted == network.server.retransmitted == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_losses_and_reordering(name):
    for seed in range(8):
        path = Path(loss=0.03, twice=0.01, jitter=0.004)
        check(name, TEXT[: 3000 + 500 * seed], TEXT[:4000], compiled(), seed=seed, path=path)


def test_words_cut_where_a_segment_is_lost():
    for seed in range(30):
        check("longer", b"cat" * 2000, b"ca" * 10, compiled(), seed=seed, path=Path(loss=0.05))


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(FUNCTIONS)),
    st.binary(max_size=3000),
    st.integers(0, 1 << 30),
    st.floats(0, 0.1),
    st.sampled_from([200, 536, 1460]),
)
def test_any_bytes(name, data, seed, loss, mss):
    path = Path(loss=loss, jitter=0.003)
    check(name, data, data[::-1], compiled(), seed=seed, path=path, client={"mss": mss}, server={"mss": mss})


def test_in_cpython_the_same_packets_leave():
    sent = []
    for functions in (in_python(), compiled()):
        network = check("longer", TEXT[:2500], TEXT[:500], functions, seed=3, path=Path(loss=0.02))
        sent.append((network.packets, network.client.retransmitted, network.server.retransmitted))
    assert sent[0] == sent[1]
