"""hold: times to the nanosecond, order, room, and what is still held when a run is interrupted."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stream.holding import Ask, asks, held_once, held_twice, model

import wirebrick
from wirebrick import Counter, every, network_function
from wirebrick.cli.way import Watcher
from wirebrick.errors import CheckError, GraphError
from wirebrick.headers import TCP, Ethernet, IPv4

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])

CAPTURE = Path(__file__).parents[2] / "captures" / "mixed.pcap"
OUTCOMES: dict[str, bytes] = {}  # what the first way to run gave


def run(nf, packets, **options):
    """The result, and what left: number and stamps."""
    result = wirebrick.run(nf, rx=[(ask.time, ask.frame) for ask in packets], **options)
    return result


def stamps(result, words):
    """Numbers and stamps of what left."""
    return [
        tuple(int.from_bytes(packet[at : at + 8], "big") for at in (16, *range(24, 24 + 8 * words, 8)))
        for packet in result.packets
    ]


PACKETS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 3, 10, 400]), st.sampled_from([0, 0, 1, 2, 5, 30, 1000]), st.integers(0, 20)
    ),
    max_size=60,
)


@BOTH
@settings(deadline=None, max_examples=40)
@given(packets=PACKETS, burst=st.sampled_from([1, 2, 7, 64]), capacity=st.sampled_from([1, 3, 4096]))
def test_the_model_says_the_same(interpret, packets, burst, capacity):
    sent = asks(packets)
    for nf, holds in ((held_once, 1), (held_twice, 2)):
        left, lost = model(sent, capacity, holds)
        result = run(nf(capacity=capacity), sent, interpret=interpret, burst=burst)
        assert stamps(result, holds) == left
        assert result.packets_dropped == lost
        assert result.drops == ({f"{nf.name}.hold_full": lost} if lost else {})
        assert result.packets_held == 0


@BOTH
def test_more_is_due_at_once_than_a_burst_holds(interpret):
    sent = [Ask(time=1000 + n, first=1_000_000 - 3 * n, number=n) for n in range(500)]
    sent += [Ask(time=2_000_000 + n, first=5, number=500 + n) for n in range(20)]
    result = run(held_once, sent, interpret=interpret, burst=8)
    assert stamps(result, 1) == model(sent)[0]


@BOTH
def test_a_clock_that_goes_back_holds_nothing_longer(interpret):
    sent = [
        Ask(5000, 100, number=1),
        Ask(1000, 100, number=2),
        Ask(5050, 0, number=3),
        Ask(5100, 0, number=4),
    ]
    result = run(held_once, sent, interpret=interpret)
    assert stamps(result, 1) == [(2, 1000), (3, 5050), (1, 5100), (4, 5100)]


@BOTH
def test_events_come_in_their_order_between_packets_that_go_on(interpret):
    log = []

    @network_function
    def ticks(packets):
        seen = Counter("ticks")

        def tick():
            seen.add()

        def stamp(packet):
            packet.payload.put_u64(24, seen_so_far(packet))

        every(1e-6, tick)
        from wirebrick import Array
        from wirebrick.fields import U64

        at = Array(U64, 1)

        def seen_so_far(packet):
            return at[0]

        def count():
            at[0] += 1

        every(1e-6, count)
        wirebrick.at_end(lambda: log.append(seen.value))
        return packets.hold(lambda packet: packet.timestamp + packet.payload.u64(0)).transform(stamp)

    # From 10,000 on: an event at 11,000, 12,000, ...
    sent = [
        Ask(10_000, 1_000, number=1),
        Ask(10_001, 2_500, number=2),
        Ask(10_002, 1_997, number=3),
        Ask(14_500, 0, number=4),
    ]
    result = run(ticks, sent, interpret=interpret)
    assert stamps(result, 1) == [(1, 1), (3, 1), (2, 2), (4, 4)]
    assert log == [4]


@BOTH
def test_the_function_may_drop_send_and_let_go(interpret):
    @network_function
    def choose(packets):
        def until(packet):
            if packet.length == 61:
                packet.drop("unwanted")
                return None
            if packet.length == 62:
                packet.send("out")
                return 5
            if packet.length == 63:
                return None
            if packet.length == 64:
                return packet.timestamp // (packet.length - 64)
            return packet.timestamp + 100

        return packets.hold(until, reason="no_room").drop("end")

    result = wirebrick.run(choose, rx=[(n, bytes(n)) for n in (60, 61, 62, 63, 64)], interpret=interpret)
    assert result.drops == {"choose.unwanted": 1, "choose.end": 2, "choose.fault_division": 1}
    assert [len(packet) for packet in result.packets] == [62]


@BOTH
def test_headers_and_metadata_come_along(interpret):
    from wirebrick import Record
    from wirebrick.fields import U32

    class Note(Record):
        number: U32

    @network_function
    def noted(packets):
        def note(packet):
            return Note(number=packet.header.identification + 7)

        def until(packet):
            return packet.timestamp + 1000 - packet.header.identification

        def write(packet):
            packet.header.identification = packet.metadata.number
            packet[Ethernet].src = packet.metadata.number

        return packets.parse(Ethernet).parse(IPv4).metadata(Note, note).hold(until).transform(write)

    def frame(n):
        return bytes(Ethernet(ethertype=0x0800)) + bytes(IPv4(identification=n, ttl=9)) + bytes(30)

    result = wirebrick.run(noted, rx=[(n, frame(n)) for n in range(200)], interpret=interpret, burst=16)
    found = [
        (int.from_bytes(packet[6:12], "big"), IPv4.from_bytes(packet[14:34]).identification)
        for packet in result.packets
    ]
    # All go on at the time 1000: in the order in which they came.
    assert found == [(n + 7, n + 7) for n in range(200)]


@BOTH
@pytest.mark.parametrize("workers", [2, 3])
def test_between_workers_nothing_is_lost_and_flows_keep_their_order(interpret, workers):
    @network_function
    def around(packets):
        def until(packet):
            return packet.timestamp + 1 + (packet.header.identification * 7919) % 5000

        def other(packet):
            return packet.header.identification

        ip = packets.parse(Ethernet).parse(IPv4)
        return (
            ip.hold(until, 1 << 16)
            .shuffle(other, capacity=64)
            .hold(until, 1 << 16)
            .shuffle("flow", capacity=64)
        )

    count = 600 if interpret else 20_000
    result = wirebrick.run(
        around,
        rx=f"memory:count={count},flows=32",
        tx="null:",
        workers=workers,
        interpret=interpret,
        burst=16,
    )
    assert result.packets_in == result.packets_out == count
    assert result.packets_held == 0


def test_held_packets_stay_when_a_run_is_interrupted():
    @network_function
    def forever(packets):
        return packets.hold(lambda packet: packet.timestamp + (1 << 60), 100)

    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    result = wirebrick.run(forever, rx="memory:", tx="null:", stop=stop)
    assert result.interrupted
    assert result.packets_held == 100
    assert result.packets_in == 100 + result.drops["forever.hold_full"]


def test_a_time_beyond_all_clocks_is_the_last():
    @network_function
    def far(packets):
        return packets.hold(lambda packet: 0x7FFF_FFFF_FFFF_FFFF)

    assert wirebrick.run(far, rx=[bytes(60)] * 3).packets_out == 3


@pytest.mark.parametrize("capacity", [0, (1 << 20) + 1, 1.5, True])
def test_capacity_is_checked(capacity):
    @network_function
    def wrong(packets):
        return packets.hold(lambda packet: 0, capacity)

    with pytest.raises(GraphError, match="can't keep"):
        wirebrick.run(wrong, rx=[])


def test_the_function_writes_no_packets():
    @network_function
    def writes(packets):
        def until(packet):
            packet.payload[0] = 1
            return 0

        return packets.hold(until)

    with pytest.raises(CheckError):
        wirebrick.run(writes, rx=[])


def test_trace_of_packets_that_are_held():
    @network_function
    def later(packets):
        return packets.hold(lambda packet: packet.timestamp + (100 if packet.length < 70 else 0))

    watcher = Watcher(1, 3)
    sent = [(1, bytes(60)), (2, bytes(80)), (200, bytes(61))]
    wirebrick.run(later, rx=sent, interpret=True, observer=watcher)
    fates = [[(step.node.kind, step.fate.kind) for step in way.steps] for way in watcher.ways]
    begin, end = [("input", "on"), ("enter", "on")], [("exit", "on"), ("output", "out")]
    assert fates == [[*begin, ("hold", held), *end] for held in ("held", "on", "held")]


def test_drawings_and_checks_know_it():
    from wirebrick.stream.draw import draw
    from wirebrick.stream.network_function import build_chain

    @network_function
    def later(packets):
        def until(packet):
            return packet.timestamp + 1

        return packets.hold(until)

    for form in ("mermaid", "dot", "svg"):
        assert "hold(until)" in draw(build_chain([later]), form)


@BOTH
@pytest.mark.parametrize("burst", [3, 64])
def test_with_windows_and_packets_that_are_made(interpret, burst, tmp_path):
    @network_function
    def later(packets):
        return packets.duplicate(lambda packet: packet.length % 5 == 0).hold(
            lambda packet: packet.timestamp + packet.length * 1_000_000, 1 << 14
        )

    @network_function
    def shout(packets):
        def louder(window):
            window.emit(window.data)
            if window.closed:
                window.emit(b"!")

        stream = (
            packets.parse(Ethernet).parse(IPv4).parse(TCP).window(None, None, 10.0, louder, forward=False)
        )
        made = stream.packetize((Ethernet, IPv4, TCP))
        return made.hold(lambda packet: packet.timestamp + 3_000_000, 1 << 14)

    path = tmp_path / "out.pcap"
    result = wirebrick.run([later, shout, later], rx=CAPTURE, tx=str(path), interpret=interpret, burst=burst)
    assert result.packets_held == 0
    assert result.packets_made > 0
    OUTCOMES.setdefault("windows", path.read_bytes())
    assert path.read_bytes() == OUTCOMES["windows"]


@BOTH
def test_behind_a_filter_of_the_run(interpret):
    sent = [Ask(1000 + n, first=(n * 7) % 40, number=n) for n in range(200)]
    wanted = [ask for ask in sent if ask.number % 2]
    result = run(held_once, sent, filter="ether[23] & 1 = 1", interpret=interpret, burst=8)
    assert stamps(result, 1) == model(wanted)[0]


def test_code_that_lets_packets_be_watched_holds_them_too():
    from wirebrick.compiler.graph import compile_graph
    from wirebrick.nf.load import load_nf
    from wirebrick.runtime.plan import build_plan
    from wirebrick.stream.network_function import build_chain

    graph = build_chain([load_nf("link:delay=1ms,duplicate=1%,loss=1%")])
    assert compile_graph(graph, build_plan(graph, ["in", "out"], [1, 0]), tapped=True).process
