"""Rules exchanged while packets are judged: what is counted where, and what is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import wirebrick
from wirebrick.errors import ParameterError
from wirebrick.nf.firewall import firewall
from wirebrick.nf.firewall.access import AccessList
from wirebrick.nf.firewall.keys import KeyV4
from wirebrick.nf.firewall.rules import parse_rules
from wirebrick.runtime.progress import Progress
from wirebrick.runtime.result import Result

TRAFFIC = "memory:flows=512"  # UDP to ports 16384 .. 32767
FIRST = "deny udp dst port 16384-24000\nallow udp\n"


def write(file: Path, text: str) -> None:
    file.write_text(text)


def run_and_change(
    file: Path, changes: list[Callable[[], None]], *, workers: int = 1
) -> tuple[Result, list[str]]:
    """A run that goes on until the last change of its rule file was told of."""
    told: list[str] = []
    stop = threading.Event()
    left = list(changes)

    def look(progress: Progress) -> None:
        if progress.elapsed_s > 20:
            stop.set()
        if len(told) == len(changes) - len(left) and progress.packets_in > 10_000 * (1 + len(told)):
            if left:
                left.pop(0)()
            else:
                stop.set()

    result = wirebrick.run(
        firewall(rules=file),
        rx=TRAFFIC,
        tx="null:",
        workers=workers,
        progress=look,
        notice=told.append,
        stop=stop,
    )
    return result, told


@pytest.mark.parametrize("workers", [1, 2])
def test_exchanged_while_running(tmp_path: Path, workers: int) -> None:
    file = tmp_path / "acl.rules"
    file.write_text(FIRST)

    def invalid() -> None:
        file.write_text("allow udpp\n")

    def other() -> None:
        file.write_text("# new\nallow udp dst port 20000-21000\n" + FIRST + "allow icmp")

    result, told = run_and_change(file, [invalid, other], workers=workers)
    assert len(told) == 2, told
    assert "is refused" in told[0]
    assert "acl.rules:1:7: unknown word 'udpp'" in told[0]
    assert told[1].endswith("was read again: 4 rules, 2 of them new, 0 are gone")
    assert not result.warnings
    rows = result.reports[0][1].rows
    assert [row[2] for row in rows] == [
        "allow udp dst port 20000-21000", *FIRST.splitlines(), "allow icmp", "default: drop",
    ]  # fmt: skip
    counts = [row[-1] for row in rows]
    assert sum(counts) == result.packets_in == result.packets_out + result.packets_dropped
    assert counts[1] == result.packets_dropped
    assert counts[0] > 0
    assert counts[2] > counts[0]  # it was counted before and behind the exchange
    assert counts[3:] == [0, 0]


def test_other_rules_that_do_not_fit(tmp_path: Path) -> None:
    file = tmp_path / "acl.rules"
    file.write_text(FIRST)
    lines = "".join(f"deny src 10.0.{n >> 8}.{n & 255}\n" for n in range(1100))
    result, told = run_and_change(file, [lambda: write(file, lines)])
    assert len(told) == 1
    assert "there is room for 1,024" in told[0]
    assert "capacity=1101" in told[0]
    assert [row[2] for row in result.reports[0][1].rows] == [*FIRST.splitlines(), "default: drop"]


def counted(access: AccessList, **fields: int) -> None:
    """Judge a packet as the NF does."""
    found = access.v4.find(KeyV4(**fields))
    access.hits[max(found, 0) >> 1] += 1


def test_counters_stay_with_the_text_of_a_rule(tmp_path: Path) -> None:
    access = AccessList(
        parse_rules("allow tcp\ndeny udp\nallow udp"), tmp_path / "acl", capacity=None, scan=False
    )
    for state in (access.v4, access.v6, access.hits):
        state.allocate(1)
    for _ in range(3):
        counted(access, protocol=6)
    counted(access, protocol=17)
    counted(access, protocol=1)
    assert access.counts() == [1, 3, 1, 0, 0]
    access.replace(parse_rules("deny icmp\nallow udp\nallow tcp"))
    assert access.counts() == [1, 0, 0, 3, 1]
    counted(access, protocol=17)
    assert access.counts() == [1, 0, 1, 3, 1]
    for number in range(5):  # places of counters are used again, and begin with nothing
        access.replace(parse_rules(f"deny proto {number}\nallow tcp"))
        assert access.counts() == [1, 0, 3, 2 + number]
        counted(access, protocol=number)
        assert access.counts() == [1, 1, 3, 2 + number]
    used = set(access._free) | set(access._going) | set(access._slots.values())
    assert used == set(range(1, 3 * access.capacity + 1))


def test_the_same_text_twice(tmp_path: Path) -> None:
    access = AccessList(parse_rules("allow tcp\nallow tcp"), tmp_path / "acl", capacity=None, scan=False)
    for state in (access.v4, access.v6, access.hits):
        state.allocate(1)
    counted(access, protocol=6)
    assert access.counts() == [0, 1, 0, 0]


def test_a_port_that_was_not_named_before(tmp_path: Path) -> None:
    access = AccessList(parse_rules("allow ingress in"), tmp_path / "acl", capacity=None, scan=False)
    access.replace(parse_rules("deny ingress in"))
    with pytest.raises(ParameterError, match="name the port 'dmz'"):
        access.replace(parse_rules("allow ingress dmz"))
