"""The command line's process: killed, interrupted, without rights, with little memory that it may lock."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from xdp_wires import eventually, frame, swapped

SRC = Path(__file__).parents[3] / "src"
needs_setpriv = pytest.mark.skipif(shutil.which("setpriv") is None, reason="no setpriv")


def start(box: str, *words: object, before: tuple[object, ...] = ()) -> subprocess.Popen[str]:
    """``wirebrick run macswap`` with more words, in the box; ``before``: a command that runs it."""
    command = [
        "ip",
        "netns",
        "exec",
        box,
        *before,
        sys.executable,
        "-m",
        "wirebrick",
        "run",
        "macswap",
        *words,
    ]
    return subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SRC)},
    )


def without(*capabilities: str, more: tuple[object, ...] = ()) -> tuple[object, ...]:
    return ("setpriv", "--bounding-set", ",".join(f"-{name}" for name in capabilities), *more)


def refused(box: str, *words: object, before: tuple[object, ...] = ()) -> str:
    running = start(box, *words, before=before)
    _, said = running.communicate(timeout=20)
    assert running.returncode == 1, said
    assert "Traceback" not in said
    return " ".join(said.split())


def test_killed_in_the_middle(wire, box):
    host = wire.socket()
    for _ in range(2):  # a restart works at once
        running = start(box, "--in", f"xdp:{wire.name}")
        assert eventually(wire.program, 10)
        host.send(frame(1))
        assert host.receive(1) == [swapped(frame(1))]
        running.kill()
        running.communicate(timeout=10)
        assert eventually(lambda: not wire.program(), 1)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(wire, box, sent):
    host = wire.socket()
    running = start(box, "--in", f"xdp:{wire.name}", "--json")
    assert eventually(wire.program, 10)
    host.send(*[frame(number) for number in range(20)])
    assert len(host.receive(20)) == 20
    running.send_signal(sent)
    told, said = running.communicate(timeout=10)
    assert not wire.program()
    if sent == signal.SIGINT:
        totals = json.loads(told)
        assert running.returncode == 130
        assert totals["packets_in"] == totals["packets_out"] == 20
        assert totals["interrupted"]
        assert "Traceback" not in said


@needs_setpriv
@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (("net_raw",), "CAP_NET_RAW missing"),
        (("net_admin", "sys_admin"), "CAP_NET_ADMIN missing"),
        (("net_raw", "net_admin"), "CAP_NET_RAW and CAP_NET_ADMIN missing"),
        (("bpf", "sys_admin"), "needs the capabilities CAP_BPF and CAP_NET_ADMIN"),
    ],
)
def test_capabilities_that_are_missing(wire, box, missing, message):
    said = refused(box, "--in", f"xdp:{wire.name}", before=without(*missing))
    assert f"xdp:{wire.name}: " in said
    assert message in said
    assert "help:" in said


@needs_setpriv
def test_an_ordinary_user(wire, box):
    """One who can read the program; what is in root's home others can't."""
    said = refused(box, "--in", f"xdp:{wire.name}", before=without("all"))
    assert "CAP_NET_RAW and CAP_NET_ADMIN missing" in said
    assert "sudo" in said


KEPT = ("setpriv", "--bounding-set", "-all,+net_raw,+net_admin,+bpf,+ipc_lock")


@needs_setpriv
def test_just_the_capabilities_it_asks_for(wire, box):
    host = wire.socket()
    filtered = f"xdp:{wire.name},kernel=arp or (icmp and ip[2:2] > 90)"
    running = start(box, "--in", filtered, before=KEPT)
    assert eventually(wire.program, 5), running.communicate()
    host.send(frame(1))
    assert host.receive(1) == [swapped(frame(1))]
    running.kill()
    running.communicate(timeout=10)


@needs_setpriv
@pytest.mark.parametrize("kept", ["len > 90", "tcp port 22"])
def test_a_filter_that_needs_one_more(wire, box, kept):
    said = refused(box, "--in", f"xdp:{wire.name},kernel={kept}", before=KEPT)
    assert "needs the capability CAP_PERFMON too" in said
    assert "protocols and addresses only" in said


@needs_setpriv
def test_memory_that_may_not_be_locked(wire, box):
    before = without("ipc_lock", "sys_resource", more=("prlimit", "--memlock=65536:65536"))
    said = refused(box, "--in", f"xdp:{wire.name}", before=before)
    assert "lock less memory than" in said
    assert "ulimit -l" in said
    assert f"xdp:{wire.name}" in said
    assert not wire.program()
