import ctypes
import sys
import types
from importlib import import_module

import pytest

from wirebrick.errors import PortError
from wirebrick.packet.memory import call3
from wirebrick.ports.base import ENDED
from wirebrick.ports.memory.options import parse_options
from wirebrick.ports.memory.port import MemoryPort
from wirebrick.ports.memory.traffic import START_TIME, Traffic


@pytest.fixture(autouse=True)
def loader(monkeypatch):
    """The functions themselves, uncompiled, behind real addresses."""
    kept = []

    def load_native(module, functions):
        addresses = {}
        for name, arguments in functions.items():
            kind = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * arguments)
            kept.append(kind(getattr(import_module(module), name)))
            addresses[name] = ctypes.cast(kept[-1], ctypes.c_void_p).value
        return addresses

    fake = types.ModuleType("wirebrick.compiler.native")
    fake.load_native = load_native
    monkeypatch.setitem(sys.modules, "wirebrick.compiler.native", fake)
    return kept


def drain(worker, source, room=16):
    packets = []
    while (count := call3(source.receive, source.state, worker.context, room)) != ENDED:
        packets += [worker.got(position) for position in range(count)]
    return packets


def test_all_options():
    traffic = parse_options(
        "memory:size=64-128, flows=10,count=1_000,proto=tcp:60/udp:40,ipv6=0.2,vlan=5,seed=7,"
        "payload=random,gap=10,ttl=9"
    )
    assert traffic == Traffic((64, 128), 10, "tcp:60/udp:40", 0.2, 5, 7, 1000, "random", 10, 9)
    assert parse_options("memory:") == Traffic()
    assert parse_options("memory:imix") == parse_options("memory:size=imix") == Traffic(size="imix")


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("memory:flow=3", "did you mean 'flows'"),
        ("memory:xyzzy", "size, imix, flows, count"),
        ("memory:flows=many", "whole number"),
        ("memory:flows", "whole number"),
        ("memory:flows=", "whole number"),
        ("memory:imix=3", "alone"),
        ("memory:imix,size=64", "twice"),
        ("memory:count=1,count=2", "twice"),
        ("memory:size=5", "42 .. 9216"),
        ("memory:size=64-", "64-1518"),
        ("memory:ipv6=half", "0 to 1"),
        ("memory:proto=tcp:60/upd:40", "'udp'"),
        ("memory:vlan=5000", "4094"),
        ("memory:payload=lorem", "zero, random, text"),
        ("memory:ttl=300", "255"),
    ],
)
def test_wrong_options(spec, text):
    with pytest.raises(PortError) as caught:
        MemoryPort(spec)
    assert text in str(caught.value)


def test_sending_is_refused():
    with pytest.raises(PortError) as caught:
        MemoryPort("memory:").sink(0, 1)
    assert "null:" in caught.value.cure
    assert not MemoryPort("memory:").can_transmit


def test_frame_size():
    assert MemoryPort("memory:size=64").frame_size == 64
    assert MemoryPort("memory:proto=tcp,ipv6=1,vlan=1,size=100").frame_size == 100
    assert MemoryPort("memory:size=64,proto=tcp,ipv6=0.5,vlan=1").frame_size == 78
    assert MemoryPort("memory:size=9000").frame_size == 9000


def test_count_and_progress(driver):
    source = MemoryPort("memory:count=40,flows=3").source(0, 1)
    assert source.progress() == (0, 40)
    packets = drain(driver(), source)
    assert len(packets) == 40
    assert source.progress() == (40, 40)
    assert packets[0].data == packets[3].data
    assert MemoryPort("memory:").source(0, 1).progress() is None


def test_workers_share_count_and_time(driver):
    port = MemoryPort("memory:count=20,flows=6,gap=10")
    alone = drain(driver(), port.source(0, 1))
    shares = [drain(driver(), port.source(worker, 3)) for worker in range(3)]
    assert [len(share) for share in shares] == [8, 6, 6]
    merged = sorted((packet.time, packet.data) for share in shares for packet in share)
    assert merged[:18] == [(packet.time, packet.data) for packet in alone[:18]]
    assert merged[0][0] == START_TIME


def test_workers_without_flows_leave_the_count_to_the_others(driver):
    port = MemoryPort("memory:count=10,flows=2")
    assert [len(drain(driver(), port.source(worker, 4))) for worker in range(4)] == [5, 5, 0, 0]
    port = MemoryPort("memory:flows=1")
    assert drain(driver(), port.source(1, 2)) == []


def test_less_packets_than_workers(driver):
    port = MemoryPort("memory:count=1")
    assert [len(drain(driver(), port.source(worker, 2))) for worker in range(2)] == [1, 0]
