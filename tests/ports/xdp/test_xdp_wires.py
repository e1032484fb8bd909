"""Frames through real interfaces: each arrives, whole, and is counted where the kernel counts it too."""

from __future__ import annotations

from xdp_wires import Running, frame, same, swapped


def test_frames_come_back_with_their_addresses_swapped(wire, box):
    host = wire.socket()
    running = Running("macswap", box, rx=f"xdp:{wire.name}")
    sent = [frame(number, 60 + number) for number in range(300)]
    host.send(*sent)
    assert same(host.receive(300), [swapped(one) for one in sent])
    result = running.stop()
    assert result.packets_in == result.packets_out == 300
    assert result.bytes_in == result.bytes_out == sum(map(len, sent))
    assert wire.counter("rx_packets") == 300


def test_frames_go_through(wires, box):
    left, right = wires(), wires()
    ends = left.socket(), right.socket()
    running = Running("monitor", box, rx=f"xdp:{left.name}", tx=f"xdp:{right.name}")
    there = [frame(number) for number in range(500)]
    back = [frame(number, 1514) for number in range(500, 900)]
    ends[0].send(*there)
    ends[1].send(*back)
    assert same(ends[1].receive(500), there)
    assert same(ends[0].receive(400), back)
    result = running.stop()
    assert result.packets_in == result.packets_out == 900
    assert result.bytes_copied == 0
