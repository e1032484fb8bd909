"""Fixtures: a command line in a folder of its own, and a small capture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, frame, pcap


@pytest.fixture
def wirebrick(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def refused(wirebrick: CommandLine):
    """Run a command that has to fail; gives what it told on standard error."""

    def run(*arguments: object, status: int = 2, **options: Any) -> str:
        ended = wirebrick(*arguments, **options)
        assert (ended.status, ended.out) == (status, ""), ended
        assert ended.err.startswith("wirebrick: ")
        assert "defect" not in ended.err
        return ended.err

    return run


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Ten packets, two of which have reached the end of their life."""
    path = tmp_path / "in.pcap"
    path.write_bytes(pcap(*[frame(ttl=1 if number in (3, 7) else 64) for number in range(10)]))
    return path
