"""Fixtures: the box, a namespace where runs are; wires out of it, made as a test wants them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from xdp_wires import PREFIX, Wire, _quiet, sh

from wirebrick.ports.xdp.umem import Umem
from wirebrick.runtime.opening import Opened


def _missing() -> str:
    """What the machine lacks for real wires."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces are for root"
    try:
        sh("ip", "netns", "add", f"{PREFIX}try")
        sh("ip", "-n", f"{PREFIX}try", "link", "add", "one", "type", "veth", "peer", "name", "two")
    except (OSError, RuntimeError) as error:
        return f"no veth pairs in network namespaces: {error}"
    finally:
        if os.path.exists(f"/var/run/netns/{PREFIX}try"):
            sh("ip", "netns", "del", f"{PREFIX}try", check=False)
    return ""


@pytest.fixture(scope="session")
def box() -> Iterator[str]:
    """The namespace of the box."""
    missing = _missing()
    if missing:
        pytest.skip(missing)
    name = f"{PREFIX}box"
    sh("ip", "netns", "add", name)
    _quiet(name)
    sh("ip", "-n", name, "link", "set", "lo", "up")
    yield name
    sh("ip", "netns", "del", name, check=False)


@pytest.fixture
def wires(box: str) -> Iterator[Callable[..., Wire]]:
    """A function that makes a wire; all go at the end."""
    made: list[Wire] = []

    def make(**options: object) -> Wire:
        made.append(Wire(box, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for wire in made:
        wire.close()


@pytest.fixture
def wire(wires: Callable[..., Wire]) -> Wire:
    """One wire."""
    return wires()


@pytest.fixture(autouse=True)
def no_frame_leaks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After a run each owner has as many frames as it was given."""
    given: list[tuple[np.ndarray, np.ndarray]] = []
    mempool = Opened.mempool

    def recorded(self: Opened, positions: int, rings: int) -> object:
        pool = mempool(self, positions, rings)
        if isinstance(pool, Umem):
            given.append((pool.owners, np.bincount(pool.owners, minlength=256)))
        return pool

    monkeypatch.setattr(Opened, "mempool", recorded)
    yield
    for owners, counts in given:
        assert (np.bincount(owners, minlength=256) == counts).all()
