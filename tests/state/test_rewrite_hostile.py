"""Rewrite under attack and in odd states: what is let through, what is not, and that memory stays bounded."""

from __future__ import annotations

import random

import pytest
from rewrite_box import Box, compiled, growing, replacing, unchanged, whole
from tcp_packets import ACK, FIN, PSH, RST, SYN, URG, Segment, parse
from tcp_path import A4, B4, Path, connect

from wirebrick.errors import GraphError
from wirebrick.state.rewrite import Rewrite
from wirebrick.state.rewrite_layout import (
    DROP_ACK,
    DROP_CHECKSUM,
    DROP_EVICTED,
    DROP_FLAGS,
    DROP_FRAGMENT,
    DROP_LENGTH,
    DROP_RESET,
    DROP_SYN,
    DROP_WINDOW,
)

LONGER = replacing(b"cat", b"leopard")


class Talk:
    """A connection led by hand: segments with numbers that count from the two SYNs."""

    def __init__(self, make=LONGER, shake: bool = True, port: int = 1000, box: Box | None = None, **options):
        self.box = box or Box(make, compiled(), **options)
        self.port = port
        self.isn = {A4: 0xFFFFFFF0, B4: 5000}
        self.now = 0
        if shake:
            self.send(A4, 0, flags=SYN, options=bytes.fromhex("020405b4 0402 0101"))
            self.send(B4, 0, 1, flags=SYN | ACK, options=bytes.fromhex("020405b4 0402 0101"))
            self.send(A4, 1, 1)

    def make(
        self, src: bytes, seq: int, ack: int = 0, payload: bytes = b"", flags: int = ACK, **more
    ) -> Segment:
        """A segment; numbers count from the SYNs."""
        dst = B4 if src == A4 else A4
        ports = (self.port, 80) if src == A4 else (80, self.port)
        number, answer = (self.isn[src] + seq) & 0xFFFFFFFF, (self.isn[dst] + ack) & 0xFFFFFFFF
        return Segment(src, dst, *ports, number, answer, flags, payload=payload, **more)

    def send(self, src: bytes, seq: int, ack: int = 0, payload: bytes = b"", flags: int = ACK, **more):
        """What leaves for it: (seq, ack, payload, flags) of each segment, counted from the SYNs."""
        return self.through(self.make(src, seq, ack, payload, flags, **more).frame())

    def through(self, frame: bytes):
        self.now += 1
        found = []
        for made in map(parse, self.box.process(frame, self.now)):
            dst = B4 if made.src == A4 else A4
            seq = (made.seq - self.isn[made.src]) & 0xFFFFFFFF
            ack = (made.ack - self.isn[dst]) & 0xFFFFFFFF if made.flags & ACK else 0
            found.append((seq, ack, made.payload, made.flags & ~PSH))
        return found

    def dropped(self, reason: int) -> int:
        return self.box.drops[reason]


def test_numbers_in_both_directions():
    talk = Talk()
    assert talk.send(A4, 1, 1, b"a cat!") == [(1, 1, b"a leopard!", ACK)]
    assert talk.send(B4, 1, 5, b"") == [(1, 3, b"", ACK)]  # 4 of 10 bytes out are 2 of 6 bytes in
    assert talk.send(B4, 1, 11, b"") == [(1, 7, b"", ACK)]
    assert talk.send(A4, 7, 1, b"more") == [(11, 1, b"more", ACK)]
    assert talk.send(A4, 1, 1, b"a cat!more") == [
        (11, 1, b"more", ACK)
    ]  # what was acknowledged is not repeated
    assert talk.send(A4, 11, 1, b"", FIN | ACK) == [(15, 1, b"", FIN | ACK)]
    assert talk.send(B4, 1, 16) == [(1, 12, b"", ACK)]
    assert talk.send(A4, 11, 1, b"", FIN | ACK) == [(15, 1, b"", FIN | ACK)]  # again, to be answered again


def test_sack_is_not_permitted_and_syn_payload_comes_later():
    talk = Talk(shake=False)
    syn = talk.make(A4, 0, flags=SYN, payload=b"early", options=bytes.fromhex("020405b4 0402 0101"))
    made = parse(talk.box.process(syn.frame(), 1)[0])
    assert made.payload == b""
    assert made.options == bytes.fromhex("020405b4 0101 0101")
    talk.send(B4, 0, 1, flags=SYN | ACK)
    assert talk.send(A4, 1, 1, b"early")[0][:3] == (1, 1, b"early")


def test_sack_blocks_and_urgent_pointers_go():
    talk = Talk()
    block = bytes.fromhex("0101 050a 00000001 00000009")
    frame = talk.make(A4, 1, 1, b"x", ACK | URG, options=block).frame()
    made = parse(talk.box.process(frame, 1)[0])
    assert made.options == b"\x01" * 12
    assert made.flags & URG == 0


@pytest.mark.parametrize("flags", [SYN | FIN, SYN | RST, 0, FIN, PSH, PSH | URG | FIN])
def test_flags_that_no_tcp_sends(flags):
    talk = Talk()
    assert talk.send(A4, 1, 1, b"x", flags) == []
    assert talk.dropped(DROP_FLAGS) == 1


def test_wrong_checksums_and_lengths_do_not_get_into_the_stream():
    talk = Talk()
    frame = bytearray(talk.make(A4, 1, 1, b"evil").frame())
    frame[-1] ^= 1
    assert talk.through(bytes(frame)) == []
    assert talk.dropped(DROP_CHECKSUM) == 1
    short = bytearray(talk.make(A4, 1, 1, b"evil").frame())
    short[14 + 20 + 12] = 4 << 4  # a TCP header of 16 bytes
    assert talk.through(bytes(short)) == []
    assert talk.dropped(DROP_LENGTH) == 1
    fragment = bytearray(talk.make(A4, 1, 1, b"evil").frame())
    fragment[20] = 0x20
    assert talk.through(bytes(fragment)) == []
    assert talk.dropped(DROP_FRAGMENT) == 1
    assert talk.send(A4, 1, 1, b"good") == [(1, 1, b"good", ACK)]


def test_sums_that_a_card_would_have_completed_are_right():
    talk = Talk()
    frame = bytearray(talk.make(A4, 1, 1, b"local").frame())
    made = talk.make(A4, 1, 1, b"local")
    pseudo = made.pseudo(25)
    total = sum(int.from_bytes(pseudo[at : at + 2]) for at in range(0, len(pseudo), 2))
    frame[14 + 20 + 16 : 14 + 20 + 18] = ((total & 0xFFFF) + (total >> 16)).to_bytes(2)
    assert talk.through(bytes(frame)) == [(1, 1, b"local", ACK)]


def test_blind_injections_are_dropped():
    talk = Talk()
    talk.send(A4, 1, 1, b"hello")
    talk.send(B4, 1, 6)
    for seq in (1 << 20, 1 << 31, -(1 << 20)):
        assert talk.send(A4, seq, 1, b"evil") == []
        assert talk.send(A4, seq, 1, b"", RST) == []
    assert talk.dropped(DROP_WINDOW) == 6
    for ack in (2, 1 << 31, -(1 << 20)):  # what B never sent; what is long gone
        assert talk.send(A4, 6, ack, b"evil") == []
    assert talk.dropped(DROP_ACK) == 3
    assert talk.send(A4, 700, 1, b"", RST) == []  # in the window, but no receiver would believe it at once
    assert talk.dropped(DROP_RESET) == 1
    assert talk.send(A4, 6, 1, b"good") == [(6, 1, b"good", ACK)]
    assert talk.send(A4, 10, 1, b"", RST) == [(10, 0, b"", RST)]


def test_reset_where_the_receiver_expects_it():
    talk = Talk()
    talk.send(A4, 1, 1, b"a cat!")
    assert talk.send(A4, 7, 1, b"", RST | ACK) == [(11, 1, b"", RST | ACK)]


def test_syn_in_a_living_connection_is_for_the_receiver_to_judge():
    talk = Talk()
    talk.send(A4, 1, 1, b"a cat!")
    assert talk.send(A4, 4000, flags=SYN) == [(4000, 0, b"", SYN)]
    assert talk.box.rewrite.totals()["challenged"] == 1
    assert talk.send(A4, 7, 1, b"on") == [(11, 1, b"on", ACK)]  # nothing was forgotten
    assert talk.send(B4, 77, 4001, flags=SYN | ACK) == []  # B began anew: so will A, when its SYN comes again
    assert talk.dropped(DROP_SYN) == 1
    assert talk.send(A4, 4000, flags=SYN) == [(4000, 0, b"", SYN)]
    assert talk.send(B4, 77, 4001, flags=SYN | ACK) == [(77, 4001, b"", SYN | ACK)]
    assert talk.send(A4, 4001, 78, b"cat.") == [(4001, 78, b"leopard.", ACK)]


def test_ports_used_again_after_both_fins():
    talk = Talk()
    talk.send(A4, 1, 1, b"cat", FIN | ACK)
    talk.send(B4, 1, 9, b"", FIN | ACK)
    assert talk.send(A4, 5, 2) == [(9, 2, b"", ACK)]
    assert talk.send(A4, 90000, flags=SYN) == [(90000, 0, b"", SYN)]
    talk.send(B4, 70000, 90001, flags=SYN | ACK)
    assert talk.send(A4, 90001, 70001, b"cat.") == [(90001, 70001, b"leopard.", ACK)]


def test_old_acknowledgements_stay_old_and_duplicates_duplicates():
    talk = Talk()
    talk.send(A4, 1, 1, b"cat." * 10)
    first = talk.send(B4, 1, 17)
    assert talk.send(B4, 1, 17) == first
    assert first[0][1] == 9
    assert talk.send(B4, 1, 9)[0][1] < 9
    assert talk.send(B4, 1, 81)[0][1] == 41


def test_out_of_order_asks_for_duplicate_acknowledgements():
    talk = Talk()
    talk.send(A4, 1, 1, b"cat.")
    talk.send(B4, 1, 9)
    for seq in (9, 13, 17):
        (seq_out, _, payload, _) = talk.send(A4, seq, 1, b"1234")[0]
        assert (seq_out, payload) == (8, b".")  # the last byte that B has
    assert talk.send(A4, 5, 1, b"cat.")[0][:3] == (9, 1, b"leopard.123412341234")


def test_flood_of_syns_pushes_out_no_connection():
    talk = Talk(flows=8)
    talk.send(A4, 1, 1, b"a cat!")
    rng = random.Random(1)
    for _ in range(500):
        other = Talk(shake=False, port=rng.randrange(2000, 60000), box=talk.box)
        other.send(A4, rng.randrange(1 << 20), flags=SYN)
    assert talk.box.rewrite.connections == 8
    assert talk.box.rewrite.totals()["evicted"] >= 490
    assert talk.send(A4, 7, 1, b"on") == [(11, 1, b"on", ACK)]


def test_evicted_connections_go_on_only_if_unchanged():
    for make, alive in ((unchanged, True), (LONGER, False)):
        talks = [Talk(make, flows=2)]
        talks += [Talk(make, port=2000 + number, box=talks[0].box) for number in range(3)]
        for talk in talks:
            talk.send(A4, 0, flags=SYN)
            talk.send(B4, 0, 1, flags=SYN | ACK)
            made = talk.send(A4, 1, 1, b"a cat!")
            talk.send(B4, 1, 1 + len(made[0][2]))
        assert bool(talks[0].send(A4, 7, 1, b"more.")) is alive
        assert bool(talks[0].dropped(DROP_EVICTED)) is not alive
        assert talks[0].send(A4, 0, flags=SYN)  # a new one may begin


def test_picked_up_in_the_middle():
    talk = Talk(shake=False)
    assert talk.send(B4, 1000, 500, b"") == [(1000, 500, b"", ACK)]
    assert talk.send(A4, 500, 1000, b"a cat!") == [(500, 1000, b"a leopard!", ACK)]
    assert talk.send(A4, 400, 1000, b"x" * 100) == [(400, 1000, b"x" * 100, ACK)]  # from before: as it is
    assert talk.send(B4, 1000, 510)[0][1] == 506
    assert talk.box.rewrite.totals()["midstream"] == 1


@pytest.mark.parametrize("skip", [1, 2, 3, 5, 8])
def test_connections_whose_begin_went_past_the_box(skip):
    data = b"nothing to change " * 300
    box = Box(unchanged, compiled())
    plain = {"sack": False}  # who met the SYN has not refused it
    network = connect(box, data, data, skip=skip, path=Path(jitter=0.001), client=plain, server=plain)
    assert bytes(network.server.received) == data
    assert bytes(network.client.received) == data


def test_a_packet_to_itself_passes():
    box = Box(LONGER, compiled())
    frame = Segment(A4, A4, 7, 7, 1, 1, ACK, payload=b"cat").frame()
    assert box.process(frame, 1) == [frame]


def test_random_segments_never_break_anything():
    rng = random.Random(7)
    box = Box(growing(3), compiled(), flows=4)
    for now in range(4000):
        a, b = (A4, B4) if rng.random() < 0.5 else (B4, A4)
        ports = (rng.randrange(3), 80) if a == A4 else (80, rng.randrange(3))
        flags = rng.choice([SYN, SYN | ACK, ACK, ACK, ACK, ACK | FIN, RST, RST | ACK, rng.randrange(256)])
        near = rng.choice([0, 0, 0xFFFFFF00])
        numbers = [(near + rng.randrange(4000)) & 0xFFFFFFFF for _ in range(2)]
        payload = rng.randbytes(rng.choice([0, 0, 1, 100, 1400]))
        options = rng.randbytes(4 * rng.randrange(11)) if rng.random() < 0.3 else b""
        window = rng.choice([0, 1, 65535])
        frame = Segment(
            a, b, *ports, *numbers, flags, window, payload[: 1400 - len(options)], options
        ).frame()
        for made in box.process(frame, now):
            parse(made)
    assert box.rewrite.connections <= 4


def test_slow_readers_and_tenfold_output():
    data = b"grow " * 1500
    for seed in range(4):
        box = Box(growing(10), compiled())
        reads = {"reads": 2000, "buffer": 20000}
        network = connect(box, data, data[:2000], seed=seed, path=Path(loss=0.02 * seed), server=reads)
        assert bytes(network.server.received) == whole(growing(10), data)
        assert network.client.finished
        assert network.server.finished


def test_without_free_frames_it_is_only_slow():
    data = b"cat " * 1000
    box = Box(LONGER, compiled(), positions=1)
    network = connect(box, data, data)
    assert bytes(network.server.received) == bytes(network.client.received) == whole(LONGER, data)
    assert box.made == 0


def test_windows_that_ends_see_are_what_fits():
    box = Box(unchanged, compiled(), buffer=1 << 14)
    seen = []
    process = box.process

    def watched(frame: bytes, now: int) -> list[bytes]:
        made = process(frame, now)
        seen.extend(parse(one) for one in made)
        return made

    box.process = watched  # type: ignore[method-assign]
    connect(box, b"x" * 100_000, b"", server={"buffer": 1 << 20})
    windows = [one.window << 7 for one in seen if one.src == B4 and not one.flags & SYN]
    assert windows[-1] <= 1 << 13
    assert max(windows) <= 10 * 1460  # what A sent before it heard of it


def test_arguments():
    for options in ({"flows": 0}, {"flows": "many"}, {"buffer": 1000}, {"buffer": 1.5}, {"buffer": 1 << 40}):
        with pytest.raises(GraphError, match="packetize"):
            Rewrite(**options)
