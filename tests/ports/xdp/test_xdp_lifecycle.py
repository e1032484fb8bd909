"""Interfaces that come and go, while packets do."""

from __future__ import annotations

import gc
import os
import resource
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from xdp_wires import Running, eventually, frame, inside, refusal, sh, swapped, untouched

from wirebrick import Stream, network_function, run
from wirebrick.errors import PortError
from wirebrick.ports.xdp import bpf
from wirebrick.ports.xdp.queue import XdpQueue


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
                with suppress(OSError):
                    host.send(*[frame(number + at) for at in range(20)])
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
    running = Running(untouched, box, rx=f"xdp:{left.name}", tx=f"xdp:{right.name}", workers=workers)
    flood(left.socket())
    assert eventually(lambda: right.counter("rx_packets") > 100)
    right.delete()
    running.tells(f"{right.name} is gone")
    right.make()
    running.tells(f"{right.name} is in use again")
    assert eventually(lambda: right.counter("rx_packets") > 100)
    result = running.stop()
    assert result.packets_in == result.packets_out + result.packets_dropped


@pytest.mark.parametrize("options", [{}, {"interpret": True}])
def test_the_input_is_deleted_and_made_again(wires, box, options):
    left, right = wires(), wires()
    running = Running(untouched, box, rx=f"xdp:{left.name}", tx=f"xdp:{right.name}", **options)
    there = right.socket()
    for _ in range(2):
        left.socket().send(frame(1))
        assert there.receive(1) == [frame(1)]
        left.delete()
        running.tells(f"{left.name} is gone")
        left.make()
        running.tells(f"{left.name} is in use again")
        running.told.clear()
    left.socket().send(*[frame(number) for number in range(50)])
    assert there.receive(50) == [frame(number) for number in range(50)]
    result = running.stop()
    assert result.packets_in == result.packets_out == 52


def test_a_capture_and_an_interface_that_is_deleted(wires, box, flood, tmp_path):
    """The list to the file is cut short now and then: the other output mustn't go on while it is exchanged."""

    @network_function
    def both(packets: Stream) -> Stream:
        def odd(packet):
            return packet.length & 1

        one, other = packets.group_by(2, odd)
        one.send("file")
        return other

    left, right = wires(), wires()
    running = Running(
        both,
        box,
        rx=f"xdp:{left.name}",
        tx=f"xdp:{right.name}",
        ports={"file": f"pcap:,{tmp_path}/a.pcap"},
    )
    flood(left.socket())
    for _ in range(3):
        right.delete()
        running.tells(f"{right.name} is gone")
        right.make()
        running.tells("is in use again")
        running.told.clear()
    result = running.stop()
    assert result.packets_in == result.packets_out + result.packets_dropped


@pytest.mark.parametrize("end", ["own", "other"])
def test_down_and_up(wire, box, end):
    namespace, name = (box, wire.name) if end == "own" else (wire.host, wire.peer)
    host = wire.socket()
    running = Running("macswap", box, rx=f"xdp:{wire.name}")
    for _ in range(2):
        host.send(frame(1))
        assert host.receive(1) == [swapped(frame(1))]
        sh("ip", "-n", namespace, "link", "set", name, "down")
        running.tells(f"{wire.name} {'is down' if end == 'own' else 'has no carrier'}")
        sh("ip", "-n", namespace, "link", "set", name, "up")
        running.tells(f"{wire.name} is up again")
        running.told.clear()
        host = wire.socket()
    host.send(frame(2))
    assert host.receive(1) == [swapped(frame(2))]
    assert running.stop().packets_in == 3


def test_a_run_begins_while_the_interface_is_down(wire, box):
    sh("ip", "-n", box, "link", "set", wire.name, "down")
    running = Running("macswap", box, rx=f"xdp:{wire.name}")
    running.tells(f"{wire.name} is down")
    sh("ip", "-n", box, "link", "set", wire.name, "up")
    running.tells(f"{wire.name} is up again")
    host = wire.socket()
    host.send(frame(2))
    assert host.receive(1) == [swapped(frame(2))]
    running.stop()


@pytest.mark.parametrize("after", [0, 1])
def test_deleted_while_a_run_begins(wires, box, monkeypatch, after):
    left, right = wires(), wires()
    opened = XdpQueue.open
    calls = iter(range(9))

    def open_and_delete(self, *arguments):
        if next(calls) == after:
            sh("ip", "-n", box, "link", "del", (left, right)[after].name)
        return opened(self, *arguments)

    monkeypatch.setattr(XdpQueue, "open", open_and_delete)
    error = refusal("macswap", box, rx=f"xdp:{left.name}", tx=f"xdp:{right.name}")
    assert isinstance(error, PortError)
    assert (left, right)[after].name in str(error)
    assert not (right, left)[after].program()


def test_it_is_gone_to_the_end(wire, box, flood):
    running = Running("macswap", box, rx=f"xdp:{wire.name}")
    flood(wire.socket())
    assert eventually(lambda: wire.counter("rx_packets") > 50)
    wire.delete()
    running.tells("is gone")
    result = running.stop()
    assert result.packets_in == result.packets_out + result.packets_dropped
    assert result.ports[0].statistics["rx_dropped"] >= 0


def held() -> tuple[int, int]:
    """Descriptors, and pieces of memory shared with the kernel or anyone, that this process has."""
    gc.collect()
    maps = Path("/proc/self/maps").read_text().splitlines()
    return len(os.listdir("/proc/self/fd")), sum("socket:[" in one or "/dev/zero" in one for one in maps)


def test_runs_leave_nothing_behind(wires, box):
    left, right = wires(), wires()
    host = left.socket()

    def once() -> None:
        running = Running("macswap", box, rx=f"xdp:{left.name},ring=64", tx=f"xdp:{right.name},ring=64")
        host.send(frame(1))
        assert eventually(lambda: right.counter("rx_packets") > seen)
        running.stop()

    counts = []
    for number in range(12):
        seen = right.counter("rx_packets")
        once()
        if number in (3, 11):
            counts.append(held())
    assert counts[0] == counts[1]
    assert not left.program()
    assert not right.program()


def test_refused_runs_leave_nothing_behind(wire, box):
    counts = []
    for number in range(4):
        refusal("macswap", box, rx=f"xdp:{wire.name}", tx=f"xdp:{wire.name}")
        refusal("macswap", box, rx=f"xdp:{wire.name},kernel=ip6 protochain 6", tx="null:")
        refusal("macswap", box, rx=f"xdp:{wire.name},kernel=ip ip", tx="null:")
        if number in (1, 3):
            counts.append(held())
    assert counts[0] == counts[1]
    assert not wire.program()


def test_flapping_leaves_nothing_behind(wires, box):
    left, right = wires(), wires()
    running = Running("macswap", box, rx=f"xdp:{left.name},ring=64", tx=f"xdp:{right.name},ring=64")
    counts = []
    for number in range(4):
        right.delete()
        running.tells("is gone")
        right.make()
        running.tells("is in use again")
        running.told.clear()
        if number in (1, 3):
            counts.append(held())
    running.stop()
    assert counts[0] == counts[1]


def test_another_program_is_there(wire, box):
    index = int(wire.on_box("cat", f"/sys/class/net/{wire.name}/ifindex"))
    with inside(box):
        program = bpf.load_xdp(bpf.move(bpf.R0, bpf.XDP_PASS) + bpf.leave())
        link = bpf.link_xdp(program, index, bpf.NATIVE)
    error = refusal("macswap", box, rx=f"xdp:{wire.name}")
    assert f"xdp:{wire.name}: another XDP program is on {wire.name} already" in str(error)
    assert f"ip link set dev {wire.name} xdp off" in str(error)
    os.close(link)
    os.close(program)
    assert eventually(lambda: not wire.program())
    Running("macswap", box, rx=f"xdp:{wire.name}").stop()


def test_another_run_has_it(wire, box):
    first = Running("macswap", box, rx=f"xdp:{wire.name}")
    error = refusal("macswap", box, rx=f"xdp:{wire.name}")
    assert f"queue 0 of {wire.name} is taken by another AF_XDP socket" in str(error)
    host = wire.socket()
    host.send(frame(1))
    assert host.receive(1) == [swapped(frame(1))]  # the first one goes on
    first.stop()


MOMENT = 1.0  # seconds


def cpu_time() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize("state", ["silent", "down", "no carrier", "gone"])
def test_an_idle_run_uses_next_to_no_time(wires, box, state):
    left, right = wires(), wires()
    running = Running("macswap", box, rx=f"xdp:{left.name}", tx=f"xdp:{right.name}")
    left.socket().send(frame(1))
    if state == "down":
        sh("ip", "-n", box, "link", "set", left.name, "down")
    elif state == "no carrier":
        sh("ip", "-n", right.host, "link", "set", right.peer, "down")
    elif state == "gone":
        left.delete()
    time.sleep(0.5)
    # What else goes on in this process counts too, so the quietest of some moments does.
    used = []
    while len(used) < 5 and (not used or min(used) >= 0.02 * MOMENT):
        before = cpu_time()
        time.sleep(MOMENT)
        used.append(cpu_time() - before)
    running.stop()
    assert min(used) < 0.02 * MOMENT


def test_a_packet_wakes_an_idle_run(wire, box):
    host = wire.socket()
    running = Running("macswap", box, rx=f"xdp:{wire.name}")
    waits = []
    for number in range(20):
        time.sleep(0.02)
        begin = time.perf_counter()
        host.send(frame(number))
        assert host.receive(1) == [swapped(frame(number))]
        waits.append(time.perf_counter() - begin)
    running.stop()
    assert sorted(waits)[10] < 0.01


def test_what_is_left_in_the_ring_is_sent_before_the_end(wire, box):
    with inside(box):
        for _ in range(5):
            result = run("macswap", rx="memory:count=50", tx=f"xdp:{wire.name}", count=50)
            assert result.packets_out == 50
    assert wire.counter("rx_packets") == 250
