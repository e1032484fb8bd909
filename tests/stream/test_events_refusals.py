"""What events refuse, with its place and the cure."""

from __future__ import annotations

import inspect

import pytest
from events_nfs import BEACON

import wirebrick
from wirebrick import Counter, after, every, network_function
from wirebrick.errors import CheckError, GraphError
from wirebrick.headers import TCP, UDP, Ethernet, IPv4, IPv6

STOLEN = BEACON[:14]
WRONG_CHECKSUM = BEACON[:24] + b"\x12\x34" + BEACON[26:]


def fine():
    pass


def two(event, more):
    pass


def several(*events):
    pass


def keyword(*, event):
    pass


class Callable:
    def __call__(self):
        pass


SECONDS = [0, -1, 1.1e9, float("nan"), float("inf"), "1", True, None]
FUNCTIONS = [
    (two, "worker", "takes no argument, or one"),
    (several, "worker", "takes no argument, or one"),
    (keyword, "control", "takes no argument, or one"),
    (Callable(), "worker", "takes a plain function"),
    (5, "worker", "takes a plain function"),
    (5, "control", "can't be looked at"),
]


@pytest.mark.parametrize("declare", [every, after])
def test_outside_of_an_nf(declare):
    with pytest.raises(GraphError, match="belongs into a network function"):
        declare(1.0, fine)


def build(act):
    @network_function
    def nf(packets):
        act()
        return packets

    return nf


@pytest.mark.parametrize("seconds", SECONDS)
def test_seconds(seconds):
    with pytest.raises(GraphError, match=r"can't wait .* seconds") as caught:
        wirebrick.run(build(lambda: every(seconds, fine)), rx=[])
    assert caught.value.place.file == __file__
    assert "billion" in caught.value.cure


@pytest.mark.parametrize(("function", "on", "words"), FUNCTIONS)
def test_functions(function, on, words):
    with pytest.raises(GraphError, match=words) as caught:
        wirebrick.run(build(lambda: after(1, function, on=on)), rx=[])
    assert caught.value.place.file == __file__


def test_where():
    with pytest.raises(GraphError, match="don't run on 'moon'") as caught:
        wirebrick.run(build(lambda: after(1, fine, on="moon")), rx=[])
    assert 'on="worker"' in caught.value.cure


def not_constant(event):
    data = event.now
    event.make(data, Ethernet).drop("x")


def no_bytes(event):
    event.make(Ethernet).drop("x")


def built_inside(event):
    event.make(bytes(14), Ethernet).drop("x")


def no_header(event):
    event.make(BEACON, int).drop("x")


def keywords(event):
    event.make(data=BEACON).drop("x")


def absent(event):
    event.make(BEACON, Ethernet, IPv6).drop("x")


def not_announced(event):
    event.make(BEACON, Ethernet, IPv4, TCP).drop("x")


def truncated(event):
    event.make(STOLEN, Ethernet, IPv4).drop("x")


def checksum(event):
    event.make(WRONG_CHECKSUM, Ethernet, IPv4).drop("x")


def empty(event):
    event.make(b"").drop("x")


def kept(event):
    packet = event.make(BEACON, Ethernet)
    if event.late > 5:
        packet.send("out")


def kept_in_loop(event):
    for _ in range(3):
        event.make(BEACON, Ethernet)


def used_after(event):
    packet = event.make(BEACON, Ethernet, IPv4)
    packet.send("out")
    packet.header.ttl = 5


def twice(event):
    packet = event.make(BEACON, Ethernet, IPv4)
    packet.send("out")
    packet.drop("again")


def maker(event):
    event.make(BEACON).drop("x")


def in_helper(event):
    maker(event)


def ingress(event):
    packet = event.make(BEACON)
    if packet.ingress == "in":
        packet.send("out")
    else:
        packet.drop("x")


def resized(event):
    packet = event.make(BEACON, Ethernet, IPv4, UDP)
    packet.payload.resize(10)
    packet.drop("x")


def unknown(event):
    event.mak(BEACON)


def unknown_attribute(event):
    return event.time


def uncalled(event):
    event.make  # noqa: B018


def no_port(event):
    event.make(BEACON).send("nowhere")


def prints():
    print("tick")


CHECKS = [
    (not_constant, "constant bytes", "event.make("),
    (no_bytes, "constant bytes", "event.make("),
    (built_inside, "constant bytes", "outside of the function"),
    (no_header, "constant bytes", "event.make("),
    (keywords, "constant bytes", "event.make("),
    (absent, "IPv6 is not announced", "event.make("),
    (not_announced, "TCP is not announced", "event.make("),
    (truncated, "IPv4 is truncated", "event.make("),
    (checksum, "the checksum of IPv4 is 0x1234, not 0x66cb", "event.make("),
    (empty, "1 to 1,536 bytes", "event.make("),
    (kept, "this packet is not sent or dropped on every path", "send("),
    (kept_in_loop, "this packet is not sent or dropped on every path", "each turn of the loop"),
    (used_after, "was sent or dropped", "one owner"),
    (twice, "was sent or dropped", "one owner"),
    (in_helper, "belongs into the function of the event", "pass the packet on"),
    (ingress, "came in by no port", ""),
    (unknown, "an event has no mak()", "did you mean make?"),
    (unknown_attribute, "an event has no time", "now, late, make"),
    (uncalled, "is not called", "make()"),
    (no_port, "no port named 'nowhere'", "--port"),
]


@pytest.mark.parametrize(("function", "words", "cure"), CHECKS, ids=lambda one: getattr(one, "__name__", ""))
@pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
def test_user_functions(function, words, cure, interpret):
    with pytest.raises(CheckError) as caught:
        wirebrick.run(build(lambda: every(1, function)), rx=[], interpret=interpret)
    assert words in caught.value.message
    assert cure in caught.value.cure
    assert caught.value.place.file == __file__
    lines, first = inspect.getsourcelines(maker if function is in_helper else function)
    assert first <= caught.value.place.line < first + len(lines)


def test_resize_of_a_made_packet_is_refused():
    with pytest.raises(CheckError, match="can't be resized"):
        wirebrick.run(build(lambda: every(1, resized)), rx=[])


def test_print_only_interpreted():
    nf = build(lambda: every(1, prints))
    with pytest.raises(CheckError, match="compiled code"):
        wirebrick.run(nf, rx=[])
    wirebrick.run(nf, rx=[], interpret=True)


def test_state_of_another_nf_is_named_in_its_footprint():
    ticks = Counter("mine")

    def tick():
        ticks.add(1)

    result = wirebrick.run(build(lambda: every(1, tick)), rx=[(0, bytes(60)), (3_000_000_000, bytes(60))])
    assert result.events[0].fired == 3
    assert ticks.value == 3
