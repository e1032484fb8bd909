"""On a terminal: a progress line on long work, tables at the end."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path

from command_line import frame, pcap


def on_terminal(
    wirebrick, *arguments: object, stdin: bytes = b"", interrupt: float | None = None
) -> tuple[int, str]:
    """Exit status, and all that is written to a terminal of 100 columns; SIGINT after so many seconds."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    process = wirebrick.start(*arguments, stdin=subprocess.PIPE, stdout=slave, stderr=slave)
    os.close(slave)
    assert process.stdin is not None
    process.stdin.write(stdin)
    process.stdin.close()
    if interrupt is not None:
        timer = threading.Timer(interrupt, process.send_signal, [signal.SIGINT])
        timer.start()
    written = b""
    while True:
        try:
            data = os.read(master, 1 << 16)
        except OSError:  # Linux's way to say that nobody has the other side open
            break
        if not data:
            break
        written += data
    os.close(master)
    assert b"Traceback" not in written, written.decode()
    return process.wait(timeout=60), written.decode()


def test_progress_and_tables(wirebrick) -> None:
    status, text = on_terminal(
        wirebrick, "run", "delay:cycles=3000000", "ttl", "--in", "memory:count=2000", "--out", "null:"
    )
    assert status == 0
    assert " packets in, " in text
    assert " Mpps" in text
    assert "│ in " in text
    assert "│ ttl " in text


def lines_of(text: str) -> list[list[str]]:
    """What was written, without the terminal's sequences, as words."""
    return [line.split() for line in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).splitlines()]


def restored(text: str) -> bool:
    """Whether the cursor is there in the end, and no line of the view is left."""
    shown = text.rindex("\x1b[?25h")
    return shown > text.rindex("\x1b[?25l") and "busy" not in text[shown:]


def test_the_live_view(wirebrick) -> None:
    (wirebrick.folder / "some.py").write_text(
        "from wirebrick import network_function\n@network_function\ndef some(packets):\n"
        "    return packets.filter('ip[15] & 1 = 0', reason='odd')\n"
    )
    status, text = on_terminal(
        wirebrick, "run", "ttl", "some.py", "--in", "memory:", "--out", "null:", "--duration", 3
    )
    assert status == 0
    lines = lines_of(text)
    assert ["port", "in/s", "bit/s", "out/s", "bit/s", "in", "out"] in lines
    assert ["network", "function", "in/s", "out/s", "dropped/s", "dropped"] in lines
    assert ["drop", "/s", "packets"] in lines
    dropped = [line for line in lines if line[:1] == ["some.odd"] and len(line) == 4]
    assert any(line[2] == "M" and int(line[3].replace(",", "")) > 10**6 for line in dropped)
    assert any(line[:1] == ["ttl"] and line[2] == "M" for line in lines if len(line) > 4)
    assert any(line[:1] == ["0"] and line[-1] in ("100%", "99%", "98%") for line in lines)
    assert any("│ some " in line for line in text.splitlines())  # the totals at the end
    assert restored(text)


def test_the_live_view_and_ctrl_c(wirebrick) -> None:
    arguments = ("run", "ttl", "--in", "memory:", "--out", "null:")
    status, text = on_terminal(wirebrick, *arguments, interrupt=2.5)
    assert status == 130
    assert "Ctrl-C ends the run" in text
    assert "│ in " in text
    assert restored(text)


def test_a_worker_that_waits_is_not_busy(wirebrick) -> None:
    (wirebrick.folder / "in.pcap").write_bytes(pcap(frame()))
    ended = wirebrick.shell("(cat in.pcap; sleep 4) | $WB run ttl --in - --out null: --stats 0.3 --json")
    assert ended.status == 0, ended.err
    told = [json.loads(line) for line in ended.err.splitlines()]
    waits = {"worker": 0, "in_pps": 0.0, "load": 0.0, "waits": "refill", "hangs": False}
    assert waits in [one["workers"][0] for one in told]
    assert told[-1]["ports"][0]["packets_in"] == told[-1]["nfs"][0]["packets_out"] == 1


def test_statistics_for_operators(wirebrick) -> None:
    ended = wirebrick(
        "run", "ttl", "macswap", "--in", "memory:size=100", "--out", "null:", "--duration", 1.3,
        "--stats", 0.3, "--json", "--workers", 2,
    )  # fmt: skip
    assert ended.status == 0
    told = [json.loads(line) for line in ended.err.splitlines()]
    assert len(told) >= 2
    for one in told:
        receives, sends = one["ports"]
        assert receives["name"] == "in"
        assert sends["out_pps"] > 1000
        assert abs(receives["in_bps"] / receives["in_pps"] - 800) < 1
        assert [nf["name"] for nf in one["nfs"]] == ["ttl", "macswap"]
        assert [worker["load"] > 0.9 for worker in one["workers"]] == [True, True]
    times = [one["elapsed_s"] for one in told]
    assert all(later - earlier >= 0.299 for earlier, later in itertools.pairwise(times))
    assert told[-1]["ports"][0]["packets_in"] <= ended.json["packets_in"]


def test_a_pipe_gets_nothing(wirebrick) -> None:
    ended = wirebrick("run", "ttl", "--in", "memory:", "--out", "null:", "--duration", 1.5, "--json")
    assert (ended.status, ended.err) == (0, "")


def test_quiet(wirebrick) -> None:
    arguments = ("run", "ttl", "--in", "memory:", "--out", "null:", "--duration", 1.2, "--quiet")
    assert on_terminal(wirebrick, *arguments) == (0, "")


def test_a_capture_is_not_written_to_a_terminal(wirebrick, capture: Path) -> None:
    status, text = on_terminal(wirebrick, "run", "ttl", "--in", capture, "--out", "-", "--interpret")
    assert status == 1
    assert "standard output is a terminal" in text


def test_the_debugger(wirebrick, capture: Path) -> None:
    (wirebrick.folder / "mine.py").write_text(
        "from wirebrick import network_function\n@network_function\ndef mine(packets):\n"
        "    def look(packet):\n        breakpoint()\n        size = packet.length\n"
        "    return packets.map(look)\n"
    )
    arguments = ("run", "mine.py", "--in", capture, "--out", "null:", "--interpret")
    status, text = on_terminal(wirebrick, *arguments, stdin=b"next\np size + 1\nquit\n")
    assert status == 130
    assert "(Pdb) " in text
    assert "61" in text
    assert "the debugger was quit" in text


def test_packets_are_not_written_to_a_terminal(wirebrick) -> None:
    wirebrick.environment["WIREBRICK_RUNS"] = str(wirebrick.folder / "runs")
    arguments = ("run", "ttl", "--in", "memory:", "--out", "null:", "--quiet")
    running = wirebrick.start(*arguments, stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 30
        while not list((wirebrick.folder / "runs").glob("*.sock")) and time.monotonic() < end:
            time.sleep(0.02)
        status, text = on_terminal(wirebrick, "capture", "--pid", running.pid)
    finally:
        running.kill()
        running.wait()
    assert status == 1
    assert "standard output is a terminal" in text
    assert "| tcpdump -r -" in text
