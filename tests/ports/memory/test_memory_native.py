import numpy as np
import pytest

from wirebrick.compiler.native import load_native
from wirebrick.packet import frame
from wirebrick.ports.base import ENDED
from wirebrick.ports.memory import native
from wirebrick.ports.memory.port import state_block
from wirebrick.ports.memory.templates import make_templates
from wirebrick.ports.memory.traffic import START_TIME, Traffic

KINDS = {
    "one line": Traffic(flows=5, gap_ns=7),
    "one short line": Traffic(size=42, flows=3, gap_ns=0),
    "lines": Traffic(size=300, flows=4, payload="text", vlan=9),
    "imix": Traffic(size="imix", flows=2, payload="random", protocols="tcp:1,udp:1,icmp:1", ipv6=0.5),
    "range": Traffic(size=(60, 130), flows=100, payload="random"),
    "one template": Traffic(flows=1),
}


@pytest.fixture(params=["plain", "compiled"])
def function(request):
    if request.param == "plain":
        return 0
    return load_native("wirebrick.ports.memory.native", {"receive": 3})["receive"]


@pytest.mark.parametrize("traffic", KINDS.values(), ids=KINDS.keys())
def test_templates_come_in_order_again_and_again(driver, traffic, function):
    worker = driver()
    templates, state = worker.make(traffic)
    number = 0
    while number < 2 * len(templates.index) + 20:
        room = (3, 16, 1, 7)[number % 4]
        assert worker.receive(state.ctypes.data, room, function) == room
        for position in range(room):
            got = worker.got(position)
            assert got.data == templates.packet(number % len(templates.index))
            assert got.wire == len(got.data)
            assert got.time == START_TIME + number * traffic.gap_ns
            assert (got.ingress, got.egress, got.frame) == (0, frame.NO_PORT, position)
            number += 1


@pytest.mark.parametrize("traffic", KINDS.values(), ids=KINDS.keys())
def test_the_limit_is_kept(driver, traffic, function):
    worker = driver()
    templates, state = worker.make(traffic, limit=20)
    at = state.ctypes.data
    assert [worker.receive(at, 16, function) for _ in range(4)] == [16, 4, ENDED, ENDED]
    assert worker.got(3).data == templates.packet(19 % len(templates.index))


def test_no_room_and_no_limit(driver, function):
    worker = driver()
    templates, state = worker.make(Traffic())
    assert worker.receive(state.ctypes.data, 0, function) == 0
    templates, state = worker.make(Traffic(), limit=0)
    assert len(templates.index) == 1024
    assert worker.receive(state.ctypes.data, 5, function) == ENDED


def test_no_templates_and_nothing_to_send(driver, function):
    traffic = Traffic(flows=1)
    templates = make_templates(traffic, 1, 2)
    assert len(templates.index) == 0
    state = state_block(templates, traffic, 0, 1, 2)
    assert driver().receive(state.ctypes.data, 5, function) == ENDED


@pytest.mark.parametrize("size", [42, 63, 64, 65, 128, 1500, (42, 1500)])
def test_nothing_outside_the_frame_is_written(driver, size, function):
    traffic = Traffic(size=size, flows=3, payload="random")
    worker = driver(positions=4, room_for=traffic.largest)
    templates, state = worker.make(traffic)
    assert len(templates.index)
    for _ in range(50):
        assert worker.receive(state.ctypes.data, 3, function) == 3
    frames = worker.pool.reshape(4, -1)
    assert np.all(frames[:, : frame.HEADROOM] == 0xEE)
    assert np.all(frames[3] == 0xEE)
    assert np.all(worker.burst[3 * frame.DESCRIPTOR :] == 0xEE)


def test_lines_of_the_longest_packet_fit_the_tailroom():
    assert native.LINE <= frame.TAILROOM
