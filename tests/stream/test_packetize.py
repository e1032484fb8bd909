"""packetize in chains: compiled as interpreted, whatever the windows; UDP; the packets made go on down the chain."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from segments import datagram, segment

import wirebrick
from wirebrick import Stream, network_function
from wirebrick import headers as wb
from wirebrick.errors import CheckError, GraphError

WAYS = pytest.mark.parametrize("interpret", [False, True], ids=["compiled", "interpreted"])
STACK = (wb.Ethernet, wb.IPv4, wb.TCP)
DATA = b"the cat and the catalogue of cats, " * 90


def chain(size, slide, emit, **options):
    """A network function whose windows ``emit`` is called with."""

    @network_function
    def through(packets: Stream) -> Stream:
        parsed = packets.parse(wb.Ethernet).parse(wb.IPv4).parse(wb.TCP)
        return parsed.window(size, slide, 5.0, emit, forward=False).packetize(STACK, **options)

    return through


def talk(*pieces, start=100):
    """A handshake, the pieces of DATA, and a FIN; all from the client's side but the SYN-ACK."""
    frames = [segment(start, flags="S", ack=0), segment(700, flags="SA", back=True, ack=start + 1)]
    frames += [segment(start + 1 + begin, DATA[begin:end], ack=701) for begin, end in pieces]
    return [*frames, segment(start + 1 + pieces[-1][1], b"", "FA", ack=701)]


def text_of(packets, port=4000, begin=101):
    """The bytes of a stream from sequence number ``begin`` on, put together by those; all checksums are right."""
    whole = {}
    for packet in packets:
        frame = Ether(packet)
        if TCP not in frame or frame[TCP].sport != port:
            continue
        again = Ether(packet)
        del again[IP].chksum, again[TCP].chksum
        assert bytes(Ether(bytes(again))) == packet
        data = bytes(frame[TCP].payload)[: frame[IP].len - 20 - frame[TCP].dataofs * 4]
        for at, byte in enumerate(data):
            if frame[TCP].seq + at >= begin:  # probes repeat a byte before
                whole[frame[TCP].seq + at] = byte
    places = sorted(whole)
    assert places == list(range(places[0], places[0] + len(places)))
    return bytes(whole[place] for place in places)


def cut(step):
    return [(begin, min(len(DATA), begin + step)) for begin in range(0, len(DATA), step)]


@pytest.mark.parametrize(
    ("interpret", "size", "slide"),
    [
        (False, None, None),
        (False, 100, 30),
        *((True, size, slide) for size, slide in ((None, None), (64, 64), (100, 30), (5000, 5000))),
    ],
)
def test_windows_of_any_size(interpret, size, slide):
    step = slide or 1 << 16

    def pass_on(window):
        if window.closed:
            window.emit(window.data, b"|")
        else:
            window.emit(window.data[:step])

    result = wirebrick.run(chain(size, slide, pass_on), rx=talk(*cut(700)), interpret=interpret)
    # The last bytes of a window that slides less than its size come in the closed call.
    assert text_of(result.packets) == DATA + b"|"


@WAYS
def test_a_pause_in_a_window_that_is_not_full(interpret):
    def pass_on(window):
        window.emit(window.data)

    frames = talk((0, 700), (700, 1000), (1000, 1500))
    timed = [(1_000_000_000 * (10 * number), frame) for number, frame in enumerate(frames)]
    result = wirebrick.run(chain(640, 640, pass_on), rx=timed, interpret=interpret)
    assert text_of(result.packets) == DATA[:1500]


@WAYS
def test_packets_made_go_down_the_chain_in_order(interpret):
    def thrice(window):
        window.emit(window.data, window.data, window.data)

    def mark(packet):
        packet[wb.IPv4].dscp = 9

    def hyphens(window):
        for byte in range(len(window.data)):
            window.emit(window.data[byte : byte + 1], b"-")

    chains = [chain(None, None, thrice, fn=mark), "ttl", chain(None, None, hyphens), "macswap"]
    result = wirebrick.run(chains, rx=talk(*cut(1400)), interpret=interpret)
    tripled = b"".join(DATA[b:e] * 3 for b, e in cut(1400))
    assert text_of(result.packets) == b"".join(bytes([byte]) + b"-" for byte in tripled)
    heads = [Ether(packet) for packet in result.packets]
    assert {head[IP].ttl for head in heads} == {63}
    assert {head[IP].tos for head in heads} == {9 << 2}
    forward = [head[TCP].seq for head in heads if head[TCP].sport == 4000]
    assert forward == sorted(forward)
    assert result.packets_in + result.packets_made == result.packets_out + result.packets_dropped


@WAYS
def test_more_than_there_is_room_for_comes_in_smaller_windows(interpret):
    def tenfold(window):
        for _ in range(10):
            window.emit(window.data)

    frames = talk(*cut(1000))
    # The receiver acknowledges what it gets; the sender sends again what was not acknowledged.
    result = wirebrick.run(chain(None, None, tenfold, buffer=16384), rx=frames, interpret=interpret)
    assert set(result.drops) <= {"through.fault_room", "through.absorbed", "through.out_of_window"}
    got = text_of(result.packets)
    assert got
    assert (b"".join(DATA[b:e] * 10 for b, e in cut(1000))).startswith(got[:1000])


@WAYS
def test_datagrams(interpret):
    @network_function
    def shout(packets: Stream) -> Stream:
        def louder(window):
            window.emit(b"<", window.data, b">")

        udp = packets.parse(wb.Ethernet).parse(wb.IPv4).parse(wb.UDP)
        stream = udp.window(None, None, None, louder, forward=False)
        return stream.packetize((wb.Ethernet, wb.IPv4, wb.UDP))

    result = wirebrick.run(shout, rx=[datagram(b"one"), datagram(b"two" * 489)], interpret=interpret)
    payloads = [packet[42:] for packet in result.packets]
    assert payloads[0] == b"<one>"
    assert b"".join(payloads[1:]) == b"<" + b"two" * 489 + b">"


def test_tunnels_are_refused():
    @network_function
    def tunnel(packets: Stream) -> Stream:
        inner = packets.parse(wb.Ethernet).parse(wb.IPv4).parse(wb.IPv4).parse(wb.TCP)
        stream = inner.window(None, None, 1.0, lambda window: window.emit(window.data), forward=False)
        return stream.packetize((wb.Ethernet, wb.IPv4, wb.IPv4, wb.TCP))

    with pytest.raises(GraphError, match="outer IP headers"):
        wirebrick.run(tunnel, rx=[])


def test_what_slides_too_far_is_refused():
    def pass_on(window):
        window.emit(window.data)

    with pytest.raises(GraphError, match="would lose those in between"):
        wirebrick.run(chain(10, 20, pass_on), rx=[])


@WAYS
@pytest.mark.parametrize("name", ["resize", "insert", "delete"])
def test_bytes_numbered_already_cannot_be_moved(interpret, name):
    def pass_on(window):
        window.emit(window.data)

    def resizes(packet):
        packet.payload.resize(10)

    def inserts(packet):
        packet.payload.insert(0, 2)

    def deletes(packet):
        packet.payload.delete(0, 2)

    fn = {"resize": resizes, "insert": inserts, "delete": deletes}[name]
    with pytest.raises(CheckError, match=f"{name}.. can't be used behind packetize") as caught:
        wirebrick.run(chain(None, None, pass_on, fn=fn), rx=[], interpret=interpret)
    assert caught.value.place.line == fn.__code__.co_firstlineno + 1
    assert "window's function" in str(caught.value)
