"""check_graph: what each NF reads, writes and does."""

from __future__ import annotations

import pytest
from snippets import load, nf_text
from zoo import ZOO

from wirebrick.compiler.check import check_graph
from wirebrick.errors import CheckError
from wirebrick.stream.network_function import build_chain

PORTS = ["in", "out"]


def footprint(*nfs):
    return check_graph(build_chain(list(nfs)), PORTS)


def test_ttl():
    (found,) = footprint(ZOO["ttl"])
    assert found.nf == "ttl"
    assert found.reads == ["IPv4.ttl"]
    assert found.writes == ["IPv4.ttl"]
    assert found.reasons == ["ttl_expired"]
    assert (found.can_drop, found.can_send, found.can_copy) == (True, False, False)
    assert found.operators == ["parse(Ethernet)", "parse(IPv4)", "filter(alive)", "transform(age)"]


def test_a_reader_writes_nothing():
    (found,) = footprint(ZOO["reads"])
    assert found.writes == ["seen"]
    assert {"ingress", "egress", "IPv4.src", "IPv4.protocol"} <= set(found.reads)
    assert found.state == ["seen"]
    assert not found.can_drop


def test_fates_copies_ports_and_reasons():
    (fates,) = footprint(ZOO["fates"])
    assert fates.ports == ["out"]
    assert fates.reasons == ["long", "third"]
    assert fates.can_send
    (mirror,) = footprint(ZOO["mirror"])
    assert mirror.can_copy
    assert mirror.reasons == ["small"]


def test_push_pop_and_payload():
    (found,) = footprint(ZOO["tag"])
    assert "VLAN (push)" in found.writes
    assert "VLAN.vid" in found.writes
    (found,) = footprint(ZOO["resize"])
    assert {"payload", "length"} <= set(found.writes)
    (found,) = footprint(ZOO["vlans"])
    assert {"ipv6_absent", "ipv6_truncated", "ipv6_malformed"} <= set(found.reasons)


def test_each_nf_of_a_chain_has_its_own():
    first, second = footprint(ZOO["ttl"], ZOO["macswap"] if "macswap" in ZOO else ZOO["rewrite"])
    assert first.nf == "ttl"
    assert "IPv4.src" not in first.writes
    assert "IPv4.src" in second.writes


def test_a_shared_helper_counts_for_every_nf_that_calls_it(tmp_path):
    module = load(
        tmp_path,
        "total = Counter('total')\nA = Array(U32, 4)\n"
        "def count(n):\n    total.add(n)\n    return A[n & 3]\n"
        "@network_function\ndef one(packets):\n    return packets.transform(lambda p: count(p.length))\n"
        "@network_function\ndef two(packets):\n    return packets.transform(lambda p: count(p.length))\n",
    )
    first, second = footprint(module.one, module.two)
    assert first.state == second.state == sorted(["total", module.A.name])
    assert first.reads == second.reads
    assert first.writes == second.writes


def test_a_conditional_branch_counts(tmp_path):
    nf = load(tmp_path, nf_text("if packet.length > 5000:\n    packet.header.src = packet.timestamp")).nf
    (found,) = footprint(nf)
    assert found.reads == ["length", "timestamp"]
    assert found.writes == ["Ethernet.src"]


def test_what_is_wrong_is_refused(tmp_path):
    nf = load(tmp_path, nf_text("packet.header.nothing = 1")).nf
    with pytest.raises(CheckError, match="Ethernet has no nothing"):
        footprint(nf)
    with pytest.raises(CheckError, match="no port named 'mirror'"):
        footprint(load(tmp_path, nf_text('packet.send("mirror")')).nf)
