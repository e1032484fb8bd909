"""Fixtures: DPDK where it is there, and a look at what mempools have lost when they are freed."""

from __future__ import annotations

import pytest

from wirebrick.errors import PortError
from wirebrick.ports.dpdk.eal import eal
from wirebrick.ports.dpdk.mempool import DpdkMempool


@pytest.fixture(scope="session")
def dpdk() -> None:
    """Skips the test where DPDK isn't there."""
    try:
        eal()
    except PortError as error:
        pytest.skip(error.message)


@pytest.fixture
def lost(dpdk: None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many frames each mempool had lost when it was freed."""
    found: list[int] = []
    free = DpdkMempool._free

    def count_and_free(pool: DpdkMempool) -> None:
        found.append(pool.lost)
        free(pool)

    monkeypatch.setattr(DpdkMempool, "_free", count_and_free)
    return found
