"""Labs from Python: programs and threads at hosts, and that nothing stays or is touched that is not the lab's."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from wirebrick.errors import LabError, ParameterError
from wirebrick.lab import Lab, manage, namespace, processes, record
from wirebrick.lab.record import read_record
from wirebrick.lab.shipped import find_topology

ROOT = Path(__file__).parents[2]


def namespaces(lab_name: str) -> list[str]:
    """The namespaces called after a lab."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return sorted(line.split()[0] for line in listed.splitlines() if line.startswith(f"wb-{lab_name}-"))


def lives(process: int) -> bool:
    """Whether a process runs: a dead one that is not collected yet has no command line."""
    try:
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except OSError:
        return False


def identity(name: str) -> int:
    return (namespace.FOLDER / name).stat().st_ino


@pytest.fixture
def foreign(lab_name: str):
    """Make a namespace as someone else would; it is removed at the end."""
    made = []

    def add(name: str) -> int:
        subprocess.run(["ip", "netns", "add", name], check=True)
        made.append(name)
        return identity(name)

    yield add
    for name in made:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def test_what_there_is_while_it_is_up(lab_name: str) -> None:
    with Lab("pair", lab_name) as lab:
        assert namespaces(lab_name) == [f"wb-{lab_name}-{host}" for host in ("box", "client", "server")]
        assert lab.namespace("box") == f"wb-{lab_name}-box"
        assert read_record(lab_name).state == "up"
    assert namespaces(lab_name) == []
    assert read_record(lab_name) is None


def test_run(lab_name: str) -> None:
    with Lab("direct", lab_name) as lab:
        assert lab.run("server", "ls", "/sys/class/net").stdout.split() == ["eth0", "lo"]
        assert lab.run("server", "cat", input="text").stdout == "text"
        assert lab.run("server", "false", check=False).returncode == 1
        with pytest.raises(LabError, match=r"sh -c echo why >&2; exit 3 at server: exit status 3: why"):
            lab.run("server", "sh", "-c", "echo why >&2; exit 3")
        with pytest.raises(LabError, match="no-such-program can't be run: No such file"):
            lab.run("server", "no-such-program")
        with pytest.raises(subprocess.TimeoutExpired):
            lab.run("server", "sleep", "30", timeout=0.1)
        assert lab.processes() == []
        with pytest.raises(ParameterError, match="did you mean 'server'"):
            lab.run("srver", "true")


def test_what_is_started_ends_with_the_lab(lab_name: str, monkeypatch) -> None:
    monkeypatch.setattr(processes, "_PATIENCE", 0.3)
    with Lab("direct", lab_name) as lab:
        polite = lab.start("server", "sleep", "100")
        stubborn = (
            "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(100)"
        )
        deaf = lab.start(
            "server", "sh", "-c", f'setsid {sys.executable} -c "{stubborn}" & wait', stdout=subprocess.PIPE
        )
        assert deaf.stdout.readline() == "1\n"
        time.sleep(0.05)
        found = lab.processes()
        assert [one.host for one in found] == ["server"] * 3
        assert "sleep 100" in [one.command for one in found]
    assert polite.returncode == -signal.SIGTERM
    assert not any(lives(one.pid) for one in found)
    assert namespaces(lab_name) == []


def test_inside(lab_name: str) -> None:
    here = os.stat("/proc/thread-self/ns/net").st_ino
    seen: dict[str, object] = {}

    def look(key: str) -> None:
        seen[key] = [name for _, name in socket.if_nameindex()]

    with Lab("pair", lab_name) as lab:
        other = threading.Event()
        outside = threading.Thread(target=lambda: (other.wait(), look("outside")))
        outside.start()
        with lab.inside("box"):
            look("inside")
            child = threading.Thread(target=look, args=("child",))
            child.start()
            child.join()
            with lab.inside("client"):
                look("deeper")
            look("again")
            other.set()
            outside.join()
        with pytest.raises(ZeroDivisionError), lab.inside("box"):
            raise ZeroDivisionError
        assert os.stat("/proc/thread-self/ns/net").st_ino == here
    box = ["lo", "left", "right"]
    assert (seen["inside"], seen["child"], seen["again"]) == (box, box, box)
    assert seen["deeper"] == ["lo", "eth0"]
    assert "left" not in seen["outside"]


def test_a_lab_that_is_not_up() -> None:
    with pytest.raises(LabError, match="the lab mine is not up"):
        Lab("pair", "mine").run("client", "true")


def test_names(tmp_path: Path) -> None:
    for name in ("Mine", "a/b", "..", "x" * 32):
        with pytest.raises(ParameterError, match="can't be the name of a lab"):
            manage.up(find_topology("pair"), name)
    assert Lab("pair").name != Lab("pair").name
    (tmp_path / "My Lab.toml").write_text("[hosts.alone]\n")
    assert Lab(tmp_path / "My Lab.toml").name.startswith(f"my-lab-{os.getpid()}-")


def test_twice(lab_name: str) -> None:
    with Lab("direct", lab_name):
        with pytest.raises(LabError, match="is up already"), Lab("direct", lab_name):
            pass
        assert len(namespaces(lab_name)) == 2


def test_taken_down_meanwhile(lab_name: str) -> None:
    with Lab("direct", lab_name) as lab:
        manage.down(lab_name)
        with pytest.raises(LabError, match="there is no namespace"):
            lab.run("client", "true")


def test_a_folder_that_cant_be_made(lab_name: str, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(record, "FOLDER", tmp_path / "file" / "lab")
    with pytest.raises(LabError, match="where labs are noted down, can't be made: Not a directory"):
        manage.up(find_topology("direct"), lab_name)


def test_a_record_that_cant_be_read(lab_name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    for text in ("", "[]", "{}", '{"namespaces": {"a": {}}}'):
        (tmp_path / f"{lab_name}.json").write_text(text)
        with pytest.raises(LabError, match=f"{lab_name}.json can't be read"):
            manage.down(lab_name)


def test_at_once(lab_name: str) -> None:
    """Two that make one lab: one has it, the other is told."""
    code = (
        "import sys; from wirebrick.lab.manage import up; from wirebrick.lab.shipped import find_topology\n"
        f"up(find_topology('pair'), {lab_name!r})"
    )
    both = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in "ab"]
    told = [one.communicate()[1] for one in both]
    assert sorted(one.returncode for one in both) == [0, 1]
    assert sum("is up already" in one for one in told) == 1
    assert read_record(lab_name).state == "up"


def test_nothing_is_seen_outside(tmp_path: Path, lab_name: str) -> None:
    """The kernel tells the machine's own namespace of every interface that comes, goes or changes."""
    interface = f"l{os.getpid()}"
    (tmp_path / "mine.toml").write_text(
        f'[hosts.a]\n[hosts.b.bridges]\nbr{interface} = ["{interface}"]\n'
        f'[[links]]\nends = ["a.{interface}", "b.{interface}"]\n'
    )
    with subprocess.Popen(["ip", "monitor", "link"], stdout=subprocess.PIPE, text=True) as monitor:
        time.sleep(0.2)
        with Lab(tmp_path / "mine.toml", lab_name) as lab:
            assert interface in lab.run("a", "ip", "link").stdout
        time.sleep(0.2)
        monitor.terminate()
        assert interface not in monitor.stdout.read()


def test_a_namespace_of_someone_else_is_in_the_way(lab_name: str, foreign) -> None:
    theirs = f"wb-{lab_name}-server"
    before = foreign(theirs)
    with (
        pytest.raises(LabError, match=f"there is a namespace {theirs} that no lab made"),
        Lab("pair", lab_name),
    ):
        pass
    assert namespaces(lab_name) == [theirs]
    assert identity(theirs) == before
    assert read_record(lab_name) is None


def test_a_namespace_that_someone_else_made_anew_stays(lab_name: str, foreign) -> None:
    manage.up(find_topology("direct"), lab_name)
    theirs = f"wb-{lab_name}-server"
    subprocess.run(["ip", "netns", "delete", theirs], check=True)
    assert read_record(lab_name).state == "damaged"
    before = foreign(theirs)  # the kernel may give it the number that the other had
    assert read_record(lab_name).state == "damaged"
    with pytest.raises(LabError, match="is not the one that this lab made"):
        read_record(lab_name).namespaces["server"].open()
    assert manage.down(lab_name) == [theirs]
    assert namespaces(lab_name) == [theirs]
    assert identity(theirs) == before
    assert read_record(lab_name) is None


def test_a_number_that_the_kernel_gave_again(lab_name: str, foreign) -> None:
    """Two namespaces with one name and one inode, one after the other: the cookie tells them apart."""
    theirs = f"wb-{lab_name}-server"
    inode = foreign(theirs)
    old = namespace.Namespace(theirs, inode, cookie=1)  # 1 is the machine's own
    assert not old.exists()
    assert not namespace.remove(old)
    assert namespace.Namespace(theirs, inode, cookie=None).exists()  # as on a kernel without cookies


def test_programs_keep_a_lab(lab_name: str) -> None:
    manage.up(find_topology("direct"), lab_name)
    space = f"wb-{lab_name}-server"
    with subprocess.Popen(["ip", "netns", "exec", space, "sleep", "100"]) as process:
        while "sleep" not in Path(f"/proc/{process.pid}/comm").read_text():
            time.sleep(0.01)
        with pytest.raises(LabError, match=rf"(?s)server  {process.pid}  sleep 100.*--kill"):
            manage.down(lab_name)
        assert len(namespaces(lab_name)) == 2
        waiter = threading.Thread(target=process.wait)  # else it stays, dead
        waiter.start()
        assert manage.down(lab_name, kill=True) == []
        waiter.join()
        assert process.returncode == -signal.SIGTERM
    assert namespaces(lab_name) == []


# Where the process that makes a lab is killed, and how many namespaces are there then.
MOMENTS = {
    "before the first": ("Record.write", 1, "after", 0),
    "recorded, without a name": ("netns.attach", 2, "before", 1),
    "with a name, nothing mounted": ("libc.mount", 2, "before", 2),
    "just made": ("netns.attach", 2, "after", 2),
    "a link": ("_make_link", 2, "before", 3),
    "a host": ("_set_up", 2, "after", 3),
    "all but said so": ("Record.write", 5, "before", 3),
}
KILLED = """
import os, signal, sys
import pyroute2.netns
from wirebrick.lab import build, manage, record
from wirebrick.lab.shipped import find_topology

name, what, number, when = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
libc = pyroute2.netns._get_libc()
owner, attribute = {
    "Record.write": (record.Record, "write"), "netns.attach": (pyroute2.netns, "attach"),
    "libc.mount": (libc, "mount"), "_make_link": (build, "_make_link"), "_set_up": (build, "_set_up"),
}[what]
original, seen = getattr(owner, attribute), []

def killed(*arguments):
    if what != "libc.mount" or b"/ns/net" in (arguments[0] or b""):
        seen.append(arguments)
    if when == "before" and len(seen) == number:
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*arguments)
    if len(seen) == number:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(owner, attribute, killed)
manage.up(find_topology("pair"), name)
"""


@pytest.mark.parametrize("then", ["down", "up"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_half_way(lab_name: str, moment: str, then: str) -> None:
    what, number, when, there = MOMENTS[moment]
    arguments = [lab_name, what, str(number), when]
    ended = subprocess.run([sys.executable, "-c", KILLED, *arguments], capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert len(namespaces(lab_name)) == there
    assert read_record(lab_name).state == "unfinished"
    if then == "up":
        with Lab("direct", lab_name) as lab:
            lab.run("client", "ping", "-c", "1", "-W", "2", "192.0.2.2")
    else:
        assert manage.down(lab_name) == []
    assert namespaces(lab_name) == []
    assert list(record.FOLDER.glob(f"*{lab_name}*")) == []


def test_a_lab_of_a_killed_process(lab_name: str) -> None:
    code = (
        "import sys; from wirebrick.lab import Lab\n"
        f"with Lab('direct', {lab_name!r}) as lab:\n"
        "    print(lab.start('server', 'sleep', '100').pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        started = int(process.stdout.readline())
        assert lab_name not in Lab.remove_leftovers()  # it is alive
        assert read_record(lab_name).state == "up"
        process.kill()
    # Tests that run beside this one remove what is left over, too.
    assert lives(started) or read_record(lab_name) is None
    assert read_record(lab_name) is None or read_record(lab_name).state == "left over"
    Lab.remove_leftovers()
    assert namespaces(lab_name) == []
    assert read_record(lab_name) is None
    assert not lives(started)


def test_what_the_kernel_refuses_leaves_nothing(tmp_path: Path, lab_name: str) -> None:
    (tmp_path / "mine.toml").write_text('[hosts.a.addresses]\nlo = ["192.0.2.1/24", "192.0.2.1/24"]\n')
    with (
        pytest.raises(LabError, match=r"the host a can't be made: .*exists"),
        Lab(tmp_path / "mine.toml", lab_name),
    ):
        pass
    assert namespaces(lab_name) == []
    assert read_record(lab_name) is None


def test_without_the_capabilities() -> None:
    code = "from wirebrick.lab import Lab\nwith Lab('pair', 'mine'): pass"
    ended = subprocess.run(
        ["setpriv", "--bounding-set", "-sys_admin,-net_admin", sys.executable, "-c", code],
        capture_output=True,
        text=True,
    )
    if "setpriv" in ended.stderr:
        pytest.skip(ended.stderr)
    assert "CAP_NET_ADMIN and CAP_SYS_ADMIN missing" in ended.stderr
    assert "help: run it with sudo" in ended.stderr
