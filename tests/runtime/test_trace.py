"""Traces of the interpreter, and the plan it runs by."""

from __future__ import annotations

import pytest
from bench_of import run
from nfs_and_frames import JUNK, TCP4, UDP4, ttl

from wirebrick.errors import GraphError
from wirebrick.headers import VLAN, Ethernet
from wirebrick.runtime.plan import build_plan
from wirebrick.runtime.trace import Trace
from wirebrick.stream.network_function import build_chain, network_function


def test_trace():
    trace = Trace()
    run(ttl, rx=[TCP4, UDP4, JUNK], observer=trace)
    steps = trace.of(0)
    assert [step.node.kind for step in steps] == [
        "input", "enter", "parse", "parse", "filter", "transform", "exit", "output",
    ]  # fmt: skip
    assert steps[5].changed(steps[4])[0] == (22, 9, 8)
    assert steps[-1].fate.detail == "out"
    assert (trace.of(1)[-1].fate.kind, trace.of(1)[-1].fate.detail) == ("drop", "ttl_expired")
    assert trace.of(2)[2].fate.detail == "bypass: truncated"


def test_trace_of_a_push():
    trace = Trace()

    @network_function
    def tag(packets):
        return packets.parse(Ethernet).push(VLAN)

    run(tag, rx=[TCP4], observer=trace)
    _, _, parsed, pushed, *_ = trace.of(0)
    assert all(old != new for _, old, new in pushed.changed(parsed))
    assert parsed.changed(parsed) == []


def test_a_port_that_is_not_there():
    @network_function
    def nf(packets):
        packets.send("nowhere")

    with pytest.raises(GraphError, match="nowhere"):
        run(nf, rx=[])


def test_plan_is_the_same_every_time():
    def keys():
        graph = build_chain([ttl, ttl])
        return build_plan(graph, ["in"], [0]).counters.keys

    assert keys() == keys()
    assert keys()[:3] == [("ttl", "in", ""), ("ttl", "sent", ""), ("ttl", "out", "")]
    assert keys()[3] == ("ttl", "drop", "ttl_expired")
