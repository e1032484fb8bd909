"""Several queues and several workers: one queue each, one for two queues, two at one queue."""

from __future__ import annotations

import pytest
from xdp_wires import Running, eventually, frame, same, swapped


@pytest.mark.parametrize(("queues", "workers"), [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)])
def test_every_frame_arrives_once(wires, box, queues, workers):
    """More of them than a ring has places, so each place is used again, by workers in turn."""
    wire = wires(queues=queues)
    host = wire.socket()
    running = Running("macswap", box, rx=f"xdp:{wire.name},ring=64", workers=workers)
    got, sent = [], []
    for round in range(60):
        burst = [frame(number) for number in range(20 * round, 20 * (round + 1))]
        host.send(*burst)
        sent += burst
        got += host.receive(20, 1)
        if len(got) != len(sent):
            break
    result = running.stop()
    assert same(got, [swapped(one) for one in sent]), (len(got), len(sent), result.drops)
    assert result.packets_in == result.packets_out == len(sent)
    assert wire.counter("rx_packets") == len(sent)
