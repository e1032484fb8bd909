"""On a terminal: a progress line on long work, tables at the end."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path


def on_terminal(wirebrick, *arguments: object, stdin: bytes = b"") -> tuple[int, str]:
    """Exit status, and all that is written to a terminal of 100 columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    process = wirebrick.start(*arguments, stdin=subprocess.PIPE, stdout=slave, stderr=slave)
    os.close(slave)
    assert process.stdin is not None
    process.stdin.write(stdin)
    process.stdin.close()
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
        wirebrick, "run", "ttl", "--in", "memory:", "--out", "null:", "--duration", 1.5
    )
    assert status == 0
    assert " packets in, " in text
    assert " Mpps" in text
    assert "│ in " in text
    assert "│ ttl " in text


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
