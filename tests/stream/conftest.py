"""Fixtures: the laboratory with real TCP, and a web server in it; one of each for a file of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tcp_client import Web
from tcp_lab import TcpLab
from tcp_space import LabUnavailable


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TcpLab]:
    """Skips the test where there can be no laboratory."""
    made = TcpLab(tmp_path_factory.mktemp("lab"))
    try:
        made.__enter__()
    except LabUnavailable as reason:
        pytest.skip(str(reason))
    try:
        yield made
    finally:
        made.__exit__(None, None, None)


@pytest.fixture(scope="module")
def web(lab: TcpLab) -> Iterator[Web]:
    """The web server is there, but no trunk yet: a test makes one, with the functions it is about."""
    with Web(lab) as made:
        yield made
