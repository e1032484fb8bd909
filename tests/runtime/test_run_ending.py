import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from functions import counted, forward, packet, touchy
from test_run import balanced, write_pcap

from wirebrick import Stream, network_function, run
from wirebrick.errors import AccountingError
from wirebrick.packet.frame import W_PACKETS_IN
from wirebrick.ports.pcap.reader import PcapSource
from wirebrick.runtime import control
from wirebrick.runtime.allowance import Allowance
from wirebrick.runtime.progress import Progress
from wirebrick.runtime.result import result_of

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])


def interrupt(progress: Progress) -> None:
    """Ctrl-C, as soon as packets came in."""
    if progress.packets_in and not interrupted:
        interrupted.append(1)
        os.kill(os.getpid(), signal.SIGINT)


interrupted: list[int] = []


@pytest.fixture(autouse=True)
def _not_yet_interrupted() -> None:
    interrupted.clear()


@BOTH
def test_duration_ends_an_endless_run(interpret: bool) -> None:
    begin = time.perf_counter()
    result = run(forward, rx="memory:", duration=0.15, interpret=interpret)
    assert 0.14 < result.elapsed_s < 2
    assert time.perf_counter() - begin < 10
    assert result.packets_in > 0
    assert balanced(result)
    assert not result.interrupted


@BOTH
def test_the_stop_event_ends_it(interpret: bool) -> None:
    stop = threading.Event()

    def end(progress: Progress) -> None:
        if progress.packets_in:
            stop.set()

    result = run(counted, rx="memory:", stop=stop, progress=end, interpret=interpret)
    assert result.interrupted
    assert balanced(result)
    assert result.reports[0][1].rows == [[result.packets_in]]


@BOTH
def test_an_interrupt_ends_it_and_the_capture_is_readable(tmp_path: Path, interpret: bool) -> None:
    out = tmp_path / "o.pcap"
    result = run(forward, rx="memory:size=60", tx=out, interpret=interpret, duration=30, progress=interrupt)
    assert result.interrupted
    assert result.elapsed_s < 20
    assert balanced(result)
    assert (tmp_path / "o.pcap").stat().st_size == 24 + result.packets_out * 76
    assert PcapSource(tmp_path / "o.pcap", receive=0).frame_size > 60


def test_an_interrupt_inside_a_user_function() -> None:
    @network_function
    def stumble(packets: Stream) -> Stream:
        return packets

    class Breaks:
        steps = 0

        def step(self, *what: Any) -> None:
            self.steps += 1
            if self.steps == 7:
                raise KeyboardInterrupt

    result = run(stumble, rx=[packet(n) for n in range(10)], interpret=True, observer=Breaks())
    assert result.interrupted
    assert result.packets_in == 10
    assert result.packets_out == len(result.packets) < 10
    assert result.drops == {"chain.interrupted": 10 - result.packets_out}


def test_a_worker_that_hangs_in_a_pipe_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(control._PATIENCE, "refill", 0.05)
    os.mkfifo(tmp_path / "pipe.pcap")
    content = write_pcap(tmp_path / "a.pcap", [packet(n) for n in range(5)]).read_bytes()
    stop = threading.Event()
    taken: list[bytes] = []

    def feed() -> None:
        with open(tmp_path / "pipe.pcap", "wb", buffering=0) as pipe:
            pipe.write(content)
            begin = time.monotonic()
            while (
                len(taken) < 5 and time.monotonic() < begin + 20
            ):  # what came in leaves before the next read
                time.sleep(0.01)
            stop.set()
            time.sleep(0.5)

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    result = run(forward, rx=tmp_path / "pipe.pcap", tx=taken, stop=stop)
    assert result.interrupted
    assert (result.packets_in, result.packets_out) == (5, 5)
    assert "hangs in a refill" in result.warnings[0]
    feeder.join()


@BOTH
def test_progress_is_told(interpret: bool) -> None:
    told: list[Progress] = []
    run(forward, rx="memory:count=3000", progress=told.append, interpret=interpret)
    last = told[-1]
    assert (last.packets_in, last.packets_out, last.done, last.total) == (3000, 3000, 3000, 3000)
    assert last.fraction == 1


@BOTH
def test_progress_that_fails_ends_the_run(interpret: bool) -> None:
    def fail(progress: Progress) -> None:
        raise ValueError("no terminal")

    with pytest.raises(ValueError, match="no terminal") as caught:
        run(forward, rx="memory:", progress=fail, interpret=interpret, duration=30)
    assert result_of(caught.value) is not None


@BOTH
def test_several_workers_share_the_packets(interpret: bool) -> None:
    result = run(counted, rx="memory:count=5001,flows=16", workers=3, interpret=interpret)
    assert (result.packets_in, result.workers) == (5001, 3)
    assert result.reports[0][1].rows == [[5001]]
    assert balanced(result)


def test_count_is_exact_with_several_workers() -> None:
    assert run(forward, rx="memory:flows=8", count=1001, workers=2).packets_in == 1001
    # The second worker has no flow: the first gets its part.
    assert run(forward, rx="memory:flows=1", count=1000, workers=2).packets_in == 1000


def test_workers_stay_on_their_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned: list[set[int]] = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, cpus: pinned.append(set(cpus)))
    run(forward, rx="memory:count=100", workers=2, interpret=True)
    allowed = sorted(os.sched_getaffinity(0))
    assert sorted(map(sorted, pinned)) == sorted([[allowed[0]], [allowed[1 % len(allowed)]]])
    run(forward, rx="memory:count=100", interpret=True)
    assert len(pinned) == 2


@BOTH
def test_a_capture_is_shared_out_by_flow(tmp_path: Path, interpret: bool) -> None:
    path = write_pcap(tmp_path / "a.pcap", [packet(n) for n in range(50)])
    one = run(forward, rx=path, tx=tmp_path / "1.pcap", interpret=interpret)
    two = run(forward, rx=path, tx=tmp_path / "2.pcap", workers=2, interpret=interpret)
    assert (one.packets_out, two.packets_out) == (50, 50)
    assert (tmp_path / "1.pcap").read_bytes() == (tmp_path / "2.pcap").read_bytes()  # they are of one flow
    assert run(forward, rx=[packet(1)], workers=2, interpret=interpret).packets == [packet(1)]


def test_workers_write_one_capture(tmp_path: Path) -> None:
    result = run(forward, rx="memory:size=60,count=4000,flows=8", tx=tmp_path / "o.pcap", workers=2)
    assert result.packets_out == 4000
    assert (tmp_path / "o.pcap").stat().st_size == 24 + 4000 * 76


def test_a_lost_packet_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from wirebrick.runtime.interpreter import Interpreter

    real = Interpreter.process

    def lose(self: Interpreter, context: int) -> None:
        from wirebrick.packet.memory import load64, store64

        real(self, context)
        store64(context + W_PACKETS_IN, load64(context + W_PACKETS_IN) + 1)

    monkeypatch.setattr(Interpreter, "process", lose)
    with pytest.raises(AccountingError, match="1 are not accounted for"):
        run(forward, rx=[packet(1)], interpret=True)


def test_a_defect_of_the_interpreter_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    from wirebrick.runtime.interpreter import Interpreter

    def fail(self: Interpreter, context: int) -> None:
        raise RuntimeError("defect")

    monkeypatch.setattr(Interpreter, "process", fail)
    for workers in (1, 2):
        with pytest.raises(RuntimeError, match="defect"):
            run(touchy, rx="memory:count=100", workers=workers, interpret=True)


def test_an_allowance_is_handed_on() -> None:
    allowance = Allowance(10, workers=2)
    assert allowance.more(0) == 0  # the other one still has its part
    allowance.give_back(1, left=4)
    assert [allowance.more(0) for _ in range(4)] == [2, 1, 1, None]


def test_an_interrupt_ends_several_interpreters() -> None:
    result = run(touchy, rx="memory:", workers=2, interpret=True, duration=30, progress=interrupt)
    assert result.interrupted
    assert balanced(result)
