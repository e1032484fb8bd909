"""Whole runs whose packets change workers: as one worker's, and what is left when one fails."""

from pathlib import Path
from typing import Any

import pytest
from functions import forward, packet
from test_run import balanced

from wirebrick import Stream, network_function, run
from wirebrick.errors import ParameterError
from wirebrick.headers import Ethernet, IPv4
from wirebrick.runtime.interpreter import Interpreter
from wirebrick.runtime.result import result_of
from wirebrick.state.base import worker

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
EVEN = "udp[1] & 1 == 0"  # packets from even ports


@network_function
def spread(packets: Stream) -> Stream:
    """Every flow to its worker, twice."""

    def other(packet: Any) -> int:
        return packet.header.src & 1

    return packets.parse(Ethernet).parse(IPv4).shuffle("flow").shuffle(other)


@BOTH
@pytest.mark.parametrize("poll", ["adaptive", "busy"])
def test_every_packet_arrives(interpret: bool, poll: Any) -> None:
    result = run(
        spread, rx="memory:size=60,flows=32,count=5000", workers=3, interpret=interpret, poll=poll, burst=32
    )
    assert (result.packets_in, result.packets_out, result.packets_held) == (5000, 5000, 0)
    assert result.bytes_out == 5000 * 60
    assert result.to_dict()["packets_made"] == 0
    assert balanced(result)


@BOTH
def test_large_bursts_have_room_in_rings(interpret: bool) -> None:
    count = 6000 if interpret else 100_000
    result = run(
        spread, rx=f"memory:size=60,flows=32,count={count}", workers=2, interpret=interpret, burst=2048
    )
    assert (result.packets_out, result.packets_held, result.drops) == (count, 0, {})


@BOTH
def test_filtered_packets_change_workers(interpret: bool) -> None:
    rx = "memory:size=60,flows=32,count=3000"
    result = run(spread, rx=rx, workers=2, interpret=interpret, filter=EVEN)
    alone = run(spread, rx=rx, interpret=interpret, filter=EVEN)
    assert 0 < result.packets_out == alone.packets_out < 3000


def test_a_worker_that_fails_is_named_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Interpreter.process

    def fail(self: Interpreter, context: int) -> int | None:
        if worker.index == 1:
            raise RuntimeError("defect")
        return real(self, context)  # type: ignore[func-returns-value]

    monkeypatch.setattr(Interpreter, "process", fail)
    with pytest.raises(RuntimeError, match="defect") as caught:
        run(spread, rx="memory:size=60,flows=32,count=3000", workers=3, interpret=True, burst=32)
    result = result_of(caught.value)
    assert result is not None
    assert "worker 1 ended early: RuntimeError: defect" in result.warnings
    assert result.packets_in >= 2000  # the parts of the two others
    assert result.packets_out > 0
    assert result.packets_in == result.packets_out + result.packets_dropped + result.packets_held


def test_how_to_poll_is_checked() -> None:
    with pytest.raises(ParameterError, match="poll='often': it is adaptive or busy"):
        run(forward, rx=[packet(1)], poll="often")  # type: ignore[arg-type]


def test_poll_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from wirebrick.cli.main import main

    assert main(["run", "macswap", "--in", "memory:count=100", "--poll", "busy", "--quiet"]) == 0
    assert main(["run", "macswap", "--in", "memory:count=100", "--poll", "often"]) == 2
    assert "poll='often'" in capsys.readouterr().err
