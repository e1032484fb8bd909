"""Interfaces that come and go, while packets do."""

from __future__ import annotations

import threading

import pytest
from xdp_wires import Running, eventually, frame


@pytest.fixture
def flood():
    """A function that has a raw socket send frames until the test ends; it survives an interface that goes."""
    ends: list[threading.Event] = []
    threads: list[threading.Thread] = []

    def start(host) -> threading.Event:
        end = threading.Event()

        def send() -> None:
            number = 0
            while not end.is_set():
                try:
                    host.send(*[frame(number + at) for at in range(20)])
                except OSError:
                    pass
                number += 20
                end.wait(0.001)

        threads.append(threading.Thread(target=send, daemon=True))
        ends.append(end)
        threads[-1].start()
        return end

    yield start
    for end, thread in zip(ends, threads, strict=True):
        end.set()
        thread.join()


@pytest.mark.parametrize("workers", [1, 2])
def test_the_output_is_deleted_and_made_again(wires, box, flood, workers):
    left, right = wires(), wires()
    running = Running("monitor", box, rx=f"xdp:{left.name}", tx=f"xdp:{right.name}", workers=workers)
    flood(left.socket())
    assert eventually(lambda: right.counter("rx_packets") > 100)
    right.delete()
    running.tells(f"{right.name} is gone")
    right.make()
    running.tells(f"{right.name} is in use again")
    assert eventually(lambda: right.counter("rx_packets") > 100)
    result = running.stop()
    assert result.packets_in == result.packets_out + result.packets_dropped
