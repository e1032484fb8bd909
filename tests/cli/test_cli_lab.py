"""wirebrick lab: what it makes, prints and refuses."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wirebrick.cli.lab.run import run_command
from wirebrick.cli.main import ACTIONS
from wirebrick.lab.record import read_record
from wirebrick.lab.shipped import shipped


def test_help(wirebrick) -> None:
    for arguments in (["lab"], ["lab", "--help"], ["lab", "-h"]):
        ended = wirebrick(*arguments)
        assert (ended.status, ended.err) == (0, "")
        assert all(f"  {name} " in ended.out for name in ACTIONS["lab"])


@pytest.mark.parametrize("action", ACTIONS["lab"])
def test_every_action_has_help(wirebrick, action: str) -> None:
    ended = wirebrick("lab", action, "--help")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: wirebrick lab {action} ")


def test_netlink_is_imported_only_where_it_is_used(wirebrick) -> None:
    code = "import sys; from wirebrick.cli.main import main; main(['lab', 'list']); print([*sys.modules])"
    ended = subprocess.run(
        [sys.executable, "-c", code], env=wirebrick.environment, capture_output=True, text=True, check=True
    )
    assert "'wirebrick.lab.record'" in ended.stdout
    assert "'pyroute2'" not in ended.stdout


def test_up_show_exec_down(wirebrick, lab_name: str) -> None:
    ended = wirebrick("lab", "up", "direct", "--name", lab_name)
    assert (ended.status, ended.err) == (0, "")
    first, ping, down = ended.out.splitlines()
    assert first == f"{lab_name} is up: client, server. Next:"
    assert ping == f"  wirebrick lab exec {lab_name} client -- ping -c 3 192.0.2.2"
    assert down == f"  wirebrick lab down {lab_name}"

    ended = wirebrick("lab", "exec", lab_name, "client", "--", "ping", "-c", "1", "192.0.2.2")
    assert (ended.status, ended.err) == (0, "")
    assert "1 received" in ended.out
    assert wirebrick("lab", "exec", lab_name, "client", "cat", stdin=b"through").out == "through"
    assert wirebrick("lab", "exec", lab_name, "server", "--", "sh", "-c", "exit 7").status == 7
    assert wirebrick("lab", "exec", lab_name, "server", "--", "ls", "/sys/class/net").out == "eth0\nlo\n"
    piped = wirebrick.shell(f"$WB lab exec {lab_name} server -- yes | head -1; echo ${{PIPESTATUS[0]}}")
    assert (piped.out, piped.err) == (f"y\n{128 + signal.SIGPIPE}\n", "")

    shown = wirebrick("lab", "show", lab_name).out
    assert shown.startswith(shipped()["direct"].read_text())
    assert f"{lab_name} is up." in shown
    row = next(line for line in shown.splitlines() if line.startswith("server "))
    assert row.split()[2:] == ["eth0", "02:57:42:00:00:02", "1500", "up", "192.0.2.2/24", "2001:db8::2/64"]

    ended = wirebrick("lab", "down", lab_name)
    assert (ended.status, ended.out, ended.err) == (0, f"{lab_name} is removed\n", "")
    assert read_record(lab_name) is None


def test_list(wirebrick, lab_name: str) -> None:
    wirebrick("lab", "up", "pair", "--name", lab_name)
    found = wirebrick("lab", "list", "--json").json
    assert {
        "name": lab_name,
        "topology": "pair",
        "state": "up",
        "process": None,
        "hosts": {host: f"wb-{lab_name}-{host}" for host in ("client", "box", "server")},
    } in found["labs"]
    assert [one["name"] for one in found["topologies"]] == list(shipped())
    listed = wirebrick("lab", "list").out
    assert [lab_name, "pair", "up", "client,", "box,", "server"] in [
        line.split() for line in listed.splitlines()
    ]


def test_a_file_of_ones_own(wirebrick, lab_name: str) -> None:
    (wirebrick.folder / f"{lab_name}.toml").write_text('try = ["ls {lab} {}"]\n[hosts.alone]\n')
    ended = wirebrick("lab", "up", f"{lab_name}.toml")
    assert ended.out.splitlines()[:2] == [f"{lab_name} is up: alone. Next:", f"  ls {lab_name} {{}}"]


def test_programs_that_run(wirebrick, refused, lab_name: str) -> None:
    wirebrick("lab", "up", "direct", "--name", lab_name)
    with wirebrick.start("lab", "exec", lab_name, "server", "--", "sleep", "100") as process:
        until = time.monotonic() + 10
        while "sleep" not in Path(f"/proc/{process.pid}/comm").read_text():
            assert time.monotonic() < until
            time.sleep(0.01)
        assert f"{process.pid}  sleep 100" in " ".join(wirebrick("lab", "show", lab_name).out.split(" "))
        told = refused("lab", "down", lab_name, status=1)
        assert f"server  {process.pid}  sleep 100" in told
        assert "--kill" in told
        killer = wirebrick.start("lab", "down", lab_name, "--kill", stdout=subprocess.DEVNULL)
        assert process.wait(20) == -signal.SIGTERM
        assert killer.wait(20) == 0
    assert read_record(lab_name) is None


def test_run(wirebrick, lab_name: str) -> None:
    script = "wirebrick=$0; $wirebrick -m wirebrick lab exec $WIREBRICK_LAB client true && exit 5"
    arguments = ("lab", "run", "direct", "--name", lab_name, "--", "sh", "-c", script, sys.executable)
    assert wirebrick(*arguments).status == 5
    assert read_record(lab_name) is None
    assert wirebrick("lab", "run", "direct", "--name", lab_name, "--", "no-such-program").status == 1
    assert read_record(lab_name) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_is_ended(wirebrick, lab_name: str, number: signal.Signals) -> None:
    arguments = ("lab", "run", "direct", "--name", lab_name, "--", "sh", "-c", "echo ready; exec sleep 100")
    with wirebrick.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.wait(20) == 128 + number
        assert b"Traceback" not in process.stderr.read()
    assert read_record(lab_name) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_command_begins_ends_it(
    lab_name: str, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    class Popen(subprocess.Popen):
        def __init__(self, *arguments, **more) -> None:
            super().__init__(*arguments, **more)
            if arguments[0][0] == "sleep":
                begun.append(self)
                signal.raise_signal(number)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    kept = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises((SystemExit, KeyboardInterrupt)) as caught:
            run_command("direct", "sleep", "100", name=lab_name)
    finally:
        signal.signal(signal.SIGTERM, kept)
    assert isinstance(caught.value, SystemExit if number == signal.SIGTERM else KeyboardInterrupt)
    assert begun[0].poll() == -signal.SIGTERM
    assert read_record(lab_name) is None


def test_mistakes(refused, wirebrick) -> None:
    assert "did you mean 'down'" in refused("lab", "dwn")
    assert "did you mean 'pair'" in refused("lab", "up", "piar")
    assert "there is no lab 'absent'" in refused("lab", "show", "absent")
    assert "there is no lab '../x'" in refused("lab", "exec", "../x", "a", "b")
    assert "there is no command" in refused("lab", "exec", "absent", "client")
    assert "there is no command" in refused("lab", "run", "pair")
    assert "absent.toml can't be read" in refused("lab", "up", "absent.toml")
    (wirebrick.folder / "bad.toml").write_text("[hosts.a]\nforwading = true\n")
    told = refused("lab", "up", "bad.toml")
    assert told.startswith("wirebrick: bad.toml:2:1: there is no 'forwading' in [hosts.a]")


def test_mistakes_with_a_lab(refused, wirebrick, lab_name: str) -> None:
    wirebrick("lab", "up", "direct", "--name", lab_name)
    assert "is up already" in refused("lab", "up", "direct", "--name", lab_name, status=1)
    assert "did you mean 'client'" in refused("lab", "exec", lab_name, "clint", "true")
    told = refused("lab", "exec", lab_name, "client", "no-such-program", status=1)
    assert "no-such-program can't be run: No such file" in told


@pytest.mark.skipif(
    not shutil.which("setpriv") or os.getuid() != 0, reason="needs setpriv, and root to be without"
)
def test_without_capabilities(wirebrick, lab_name: str) -> None:
    wirebrick("lab", "up", "direct", "--name", lab_name)
    less = "setpriv --bounding-set -sys_admin,-net_admin $WB lab"
    for action in ("up pair", f"down {lab_name}", f"exec {lab_name} client true", "run pair -- true"):
        ended = wirebrick.shell(f"{less} {action}")
        assert ended.status == 1
        assert "CAP_NET_ADMIN and CAP_SYS_ADMIN missing" in ended.err
        assert "sudo" in ended.err
    assert f"{lab_name} is up." in wirebrick.shell(f"{less} show {lab_name}").out
    assert lab_name in wirebrick.shell(f"{less} list").out
