"""Machine code in the process: the same code is linked once, however often a chain is run."""

from __future__ import annotations

from pathlib import Path

import wirebrick


def maps() -> int:
    return len(Path("/proc/self/maps").read_text().splitlines())


def test_runs_of_the_same_chain_leave_no_code_behind() -> None:
    def once() -> int:
        return wirebrick.run(["ttl", "macswap"], rx="memory:count=100", tx="null:").packets_out

    assert once() == 100
    before = maps()
    assert [once() for _ in range(20)] == [100] * 20
    assert maps() <= before + 2  # of threads and the like
