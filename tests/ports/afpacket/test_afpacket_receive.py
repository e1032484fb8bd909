"""Receiving from rings in plain memory: both versions, interpreted and compiled."""

from __future__ import annotations

import pytest
from fake_ring import FakeRing, vnet
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from wirebrick.ports.afpacket import layout
from wirebrick.ports.segment_native import GSO_TCPV4


def frame(number: int, size: int = 60) -> bytes:
    return number.to_bytes(12, "big") + b"\x88\xb5" + bytes(size - 14)


@pytest.fixture(params=["v2 plain", "v2 compiled", "v3 plain", "v3 compiled"])
def ring(request: pytest.FixtureRequest) -> FakeRing:
    version, kind = request.param.split()
    return FakeRing(version, kind == "compiled")


def test_frames_come_in_order_round_and_round(ring: FakeRing) -> None:
    number = 0
    for turn in range(30):
        sent = [frame(number + n, 60 + n) for n in range(turn % 5 + 1)]
        number += len(sent)
        ring.put(*((data, {"time": (turn, 7)}) for data in sent))
        assert ring.receive() == [(data, turn * 10**9 + 7) for data in sent]
        assert ring.receive() == []
        assert ring.given_back
    assert ring.counted(layout.S_COPIED) > 60 * number


def test_no_more_than_there_is_room_for(ring: FakeRing) -> None:
    sent = [frame(n) for n in range(7)]
    ring.put(*sent)
    got = [ring.receive(3) for _ in range(4)]
    assert [len(part) for part in got] == [3, 3, 1, 0]
    assert [data for part in got for data, _ in part] == sent
    assert ring.given_back


@pytest.mark.parametrize(
    ("status", "tpid", "tag"),
    [(0x10, 0, "8100"), (0x50, 0x88A8, "88a8"), (0x50, 0x8100, "8100"), (0x00, 0x88A8, "")],
)
def test_the_tag_is_put_back(ring: FakeRing, status: int, tpid: int, tag: str) -> None:
    data = bytes(range(60))
    ring.put((data, {"status": status, "tci": 0x6123, "tpid": tpid}))
    whole = data[:12] + bytes.fromhex(tag) + (b"\x61\x23" if tag else b"") + data[12:]
    assert [got for got, _ in ring.receive()] == [whole]


def test_a_checksum_left_to_the_card_is_completed(ring: FakeRing) -> None:
    right = bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / TCP() / Raw(b"data"))
    left = bytearray(right)
    left[50:52] = (0x0A000001 + 0).to_bytes(4, "big")[:2]
    pseudo = sum(int.from_bytes(right[at : at + 2], "big") for at in range(26, 34, 2)) + 6 + 24
    left[50:52] = ((pseudo & 0xFFFF) + (pseudo >> 16)).to_bytes(2, "big")
    ring.put((bytes(left), {"head": vnet(layout.NEEDS_CHECKSUM, start=34, offset=16)}), right)
    assert [got for got, _ in ring.receive()] == [right, right]
    ring.put(
        (bytes(left), {"head": vnet(layout.NEEDS_CHECKSUM, start=34, offset=16), "status": 0x10, "tci": 5})
    )
    assert ring.receive()[0][0] == right[:12] + b"\x81\x00\x00\x05" + right[12:]


def test_a_cut_frame_is_counted_and_not_passed_on(ring: FakeRing) -> None:
    ring.put((frame(1, 1000), {"lost": 1}), frame(2))
    assert [got for got, _ in ring.receive()] == [frame(2)]
    assert ring.counted(layout.S_TRUNCATED) == 1


def test_a_frame_that_fits_no_frame(ring: FakeRing) -> None:
    ring.put(frame(1, 1900), frame(2))
    assert [got for got, _ in ring.receive()] == [frame(2)]
    assert ring.counted(layout.S_TOO_LONG) == 1
    assert ring.given_back


def joined(size: int) -> bytes:
    payload = bytes(n % 251 for n in range(size))
    return bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2", id=9) / TCP(seq=77, flags="PA") / Raw(payload))


@pytest.mark.parametrize("room", [1, 7, 64])
@pytest.mark.parametrize("tagged", [False, True])
def test_joined_segments_are_cut_over_several_calls(ring: FakeRing, room: int, tagged: bool) -> None:
    whole = joined(60_000)
    how = {"head": vnet(layout.NEEDS_CHECKSUM, GSO_TCPV4, 1448, 34, 16)}
    if tagged:
        how |= {"status": 0x10, "tci": 5}
    ring.put(frame(1), (whole, how), frame(2))
    got: list[bytes] = []
    while part := ring.receive(room):
        assert len(part) <= room
        got += [data for data, _ in part]
    assert (got[0], got[-1]) == (frame(1), frame(2))
    packets = [Ether(data) for data in got[1:-1]]
    assert len(packets) == -(-60_000 // 1448) == ring.counted(layout.S_CUT) * len(packets)
    assert b"".join(bytes(packet[Raw]) for packet in packets) == whole[54:]
    assert all(packet.type == (0x8100 if tagged else 0x0800) for packet in packets)
    assert [packet[TCP].seq for packet in packets] == [77 + 1448 * n for n in range(len(packets))]
    assert ring.given_back


def test_joined_segments_of_another_kind_are_dropped(ring: FakeRing) -> None:
    ring.put((joined(3000), {"head": vnet(1, 77, 1448)}), frame(1), (joined(3000), {"head": vnet(1, 1, 0)}))
    assert [got for got, _ in ring.receive()] == [frame(1)]
    assert ring.counted(layout.S_JOINED) == 2


def test_joined_segments_larger_than_frames_are_dropped(ring: FakeRing) -> None:
    ring.put((joined(9000), {"head": vnet(1, GSO_TCPV4, 4000)}), frame(1))
    assert [got for got, _ in ring.receive()] == [frame(1)]
    assert (ring.counted(layout.S_TOO_LONG), ring.counted(layout.S_DATA)) == (1, 0)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_frame_that_is_lost_in_the_queue(compiled: bool) -> None:
    ring = FakeRing("v2", compiled)
    ring.put((joined(3000), {"head": vnet(1, GSO_TCPV4, 1448)}), frame(1))
    ring.queue.clear()
    assert [got for got, _ in ring.receive()] == [frame(1)]
    assert ring.counted(layout.S_TRUNCATED) == 1


@pytest.mark.parametrize("compiled", [False, True])
def test_a_block_without_frames(compiled: bool) -> None:
    ring = FakeRing("v3", compiled)
    ring.put()
    ring.put(frame(1))
    got = ring.receive() or ring.receive()
    assert [data for data, _ in got] == [frame(1)]
    assert ring.given_back


@pytest.mark.parametrize("compiled", [False, True])
def test_a_flood_of_what_is_dropped_comes_to_an_end(compiled: bool) -> None:
    """The kernel may fill slots as fast as they are given back: a call returns all the same."""
    ring = FakeRing("v2", compiled)
    ring.put(*[(frame(1, 1000), {"lost": 1})] * 7, frame(2))
    assert [len(ring.receive(2)) for _ in range(2)] == [0, 1]
    assert ring.counted(layout.S_TRUNCATED) == 7
