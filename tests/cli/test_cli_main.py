"""Help, version, unknown commands, exit statuses, and how fast help comes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from wirebrick.cli.main import COMMANDS, main


def test_help(wirebrick) -> None:
    for arguments in ([], ["--help"], ["-h"], ["help"]):
        ended = wirebrick(*arguments)
        assert (ended.status, ended.err) == (0, "")
        assert all(f"  {name} " in ended.out for name in COMMANDS)
        assert "Exit status: 0, 1" in ended.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(wirebrick, name: str) -> None:
    ended = wirebrick(name, "--help")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: wirebrick {name} ")


def test_version(wirebrick) -> None:
    assert wirebrick("--version").out == "wirebrick 0.1.0\n"


@pytest.mark.parametrize("arguments", [["--help"], ["nfs"]])
def test_what_is_heavy_is_not_imported(wirebrick, arguments: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "wirebrick", *arguments],
        env=wirebrick.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rsplit("|", 1)[1].strip() for line in ended.stderr.splitlines() if "|" in line}
    heavy = {"numpy", "numba", "llvmlite", "scapy", "rich.console"} | (
        {"cyclopts"} if "--help" in arguments else set()
    )
    assert not imported & heavy


def test_an_unknown_command(refused) -> None:
    told = refused("rnu")
    assert "there is no command 'rnu'" in told
    assert "did you mean 'run'" in told


def test_unknown_options(refused) -> None:
    assert "there is no option '--bad'" in refused("--bad")
    told = refused("run", "ttl", "--wrkers", "2")
    assert "--wrkers" in told
    assert "--workers" in told
    assert "wirebrick run --help" in told


def test_a_value_that_is_missing(refused) -> None:
    assert "--in requires an argument" in refused("run", "ttl", "--in")
    assert "--in needs a value" in refused("run", "ttl", "--in", "--out", "x.pcap")


def test_an_unexpected_exception_is_one_line(monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    import wirebrick.nf.load

    def broken() -> None:
        raise RuntimeError("a surprise")

    monkeypatch.setattr("wirebrick.cli.nfs.library", broken)
    assert main(["nfs"]) == 1
    told = capfd.readouterr().err
    assert told.startswith("wirebrick: unexpected RuntimeError: a surprise.")
    assert "report" in told
    assert told.count("\n") == 1
    monkeypatch.setenv("WIREBRICK_TRACEBACK", "1")
    with pytest.raises(RuntimeError):
        main(["nfs"])
    assert wirebrick.nf.load.library is not broken


def test_a_broken_pipe_is_quiet(wirebrick) -> None:
    for command in ("nfs", "describe firewall", "graph ttl monitor"):
        ended = wirebrick.shell(f"$WB {command} | true")
        assert (ended.status, ended.err) == (0, ""), command
    ended = wirebrick.shell("$WB describe delay | head -1; exit ${PIPESTATUS[0]}")
    assert ended.err == ""
    assert ended.status in (0, 1)
