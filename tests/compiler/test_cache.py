"""The disk cache: what changed is compiled anew, what is damaged or foreign is never run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wirebrick.compiler import cache

MAIN = """\
import json, sys
import wirebrick
from wirebrick.compiler.cache import stats
import helper_file
@wirebrick.network_function
def nf(packets):
    def work(packet):
        packet.payload[0] = helper_file.value(packet.length)
    return packets.transform(work)
result = wirebrick.run(nf, rx=[bytes(60)])
print(json.dumps([result.packets[0][0], stats["hits"], stats["misses"]]))
"""


def written(folder: Path) -> Path:
    """A folder with a program and a helper in another file."""
    (folder / "main.py").write_text(MAIN)
    (folder / "helper_file.py").write_text("LIMIT = 7\ndef value(n):\n    return n + LIMIT\n")
    return folder


@pytest.fixture
def project(tmp_path):
    return written(tmp_path)


@pytest.fixture(scope="module")
def cached(tmp_path_factory):
    """A project that has run, and the entries it has made."""
    project = written(tmp_path_factory.mktemp("cached"))
    assert end(start(project))[0] == 67
    texts = {path: path.read_bytes() for path in entries(project)}
    assert len(texts) > 1
    return project, texts


def start(project: Path, folder: Path | None = None) -> subprocess.Popen[str]:
    source = Path(cache.__file__).parents[2]
    environment = {
        **os.environ,
        "PYTHONPATH": str(source),
        "WIREBRICK_CACHE": str(folder or project / "cache"),
    }
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.Popen(
        [sys.executable, "main.py"],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> list[int]:
    """The first byte sent, the cache's hits and misses."""
    import json

    out, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    found: list[int] = json.loads(out)
    return found


def entries(project: Path) -> list[Path]:
    return sorted((project / "cache").glob("*.o"))


def test_an_edit_in_another_file_is_seen_and_another_line_is_none(project):
    assert end(start(project))[0] == 67
    main = project / "main.py"
    main.write_text(main.read_text().replace("@wire", "# the same on another line\n@wire"))
    value, hits, misses = end(start(project))
    assert (value, misses) == (67, 0)
    assert hits
    helper = project / "helper_file.py"
    helper.write_text(helper.read_text().replace("LIMIT = 7", "LIMIT = 8"))
    assert end(start(project))[0] == 68
    helper.write_text(helper.read_text().replace("n + LIMIT", "n - LIMIT"))
    assert end(start(project))[0] == 52


@pytest.mark.parametrize("spoil", ["cut", "empty", "byte", "head", "swapped", "group", "others"])
def test_spoilt_entries_are_compiled_anew(cached, spoil):
    project, texts = cached
    for number, (path, data) in enumerate(texts.items()):
        if spoil == "cut":
            path.write_bytes(data[:-20])
        elif spoil == "empty":
            path.write_bytes(b"")
        elif spoil == "byte":
            path.write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])
        elif spoil == "head":
            path.write_bytes(b"X" + data[1:])
        elif spoil == "swapped":
            path.write_bytes(list(texts.values())[number - 1])
        else:
            path.chmod(0o620 if spoil == "group" else 0o602)
    value, hits, misses = end(start(project))
    assert (value, hits) == (67, 0)
    assert misses == len(texts)
    assert {path: path.read_bytes() for path in entries(project)} == texts
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in texts)


def test_an_entry_that_was_compiled_anew_is_read(cached):
    project, texts = cached
    next(iter(texts)).write_bytes(b"")
    assert end(start(project)) == [67, len(texts) - 1, 1]
    assert end(start(project)) == [67, len(texts), 0]


def test_a_foreign_entry_is_not_read(tmp_path, monkeypatch):
    key = cache.key_of(["x"])
    path = tmp_path / "entry.o"
    cache.write_entry(path, key, b"code")
    assert cache.read_entry(path, key) == b"code"
    assert cache.read_entry(path, cache.key_of(["y"])) is None
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert cache.read_entry(path, key) is None


@pytest.mark.parametrize("kind", ["file", "below a file", "no right to write"])
def test_where_nothing_can_be_cached(project, kind):
    folder = project / "blocked"
    if kind == "no right to write":
        folder.mkdir(mode=0o500)
        if os.geteuid() == 0:
            folder = Path("/proc/wirebrick")  # even root can't
    else:
        folder.write_text("in the way")
        folder = folder if kind == "file" else folder / "cache"
    value, hits, _ = end(start(project, folder))
    assert (value, hits) == (67, 0)


def test_several_starts_at_once(project):
    several = [start(project) for _ in range(3)]
    assert [end(process)[0] for process in several] == [67] * 3
    assert all(path.suffix == ".o" for path in (project / "cache").iterdir())
    assert end(start(project))[2] == 0
