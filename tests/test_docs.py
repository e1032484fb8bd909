"""README and docs: every Python block and every ``$ wirebrick`` command runs, and prints what they say.

A block whose first line is ``# NAME.py`` (or ``.toml``) is a file for the commands of its document. In ``console``
blocks the output below a command is compared as in a doctest (``...`` stands for anything); ``# exit N`` behind
one is its status. Blocks that begin with ``console root`` or ``python root`` run where the user is root, with a
``/run`` of their own: the labs that they make are not those of the machine, and are gone with it.
"""

from __future__ import annotations

import doctest
import inspect
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from wirebrick.cli.main import ACTIONS
from wirebrick.lab.privileges import missing_capabilities

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "examples" / "README.md"]
BLOCK = re.compile(r"^```(\w+)( root)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w.]+\.(?:py|toml|acl|rules))\n")
LINK = re.compile(r"\]\(([^)#]*)(?:#([^)]*))?\)")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass
class Block:
    kind: str
    root: bool
    text: str
    place: str


def blocks(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    name = document.relative_to(ROOT)
    return [
        Block(m[1], bool(m[2]), m[3], f"{name}:{text.count(chr(10), 0, m.start()) + 2}")
        for m in BLOCK.finditer(text)
    ]


def cases(kind: str) -> list:
    """One test for each document that has such blocks."""
    return [
        pytest.param(document, id=str(document.relative_to(ROOT)))
        for document in DOCUMENTS
        if any(block.kind == kind for block in blocks(document))
    ]


@pytest.fixture
def shell(tmp_path: Path):
    """Run a command in a folder with the captures and examples, as the documents have it."""
    programs = tmp_path / ".bin"
    programs.mkdir()
    command = programs / "wirebrick"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m wirebrick "$@"\n')
    command.chmod(0o755)
    for name in ("captures", "chains", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }

    def run(line: str | list[str], before: list[str] | None = None) -> subprocess.CompletedProcess[str]:
        # /tmp in a document is this test's own folder: two may run at once.
        words = ["bash", "-c", line.replace("/tmp/", f"{tmp_path}/")] if isinstance(line, str) else line
        return subprocess.run(
            [*(before or []), *words],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )

    run.folder = tmp_path  # type: ignore[attr-defined]
    return run


@pytest.fixture
def as_root(tmp_path: Path):
    """The words to put before a command of root, for its ``/run``; None where that can't be."""
    if missing_capabilities() or not all(map(shutil.which, ("unshare", "nsenter", "ping"))):
        yield None
        return
    own_run = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /run && echo ready && exec sleep 1000"]
    with subprocess.Popen(own_run, stdout=subprocess.PIPE, text=True) as holder:
        ready = holder.stdout is not None and holder.stdout.readline() == "ready\n"
        enter = ["nsenter", "--mount", "--target", str(holder.pid)]
        yield [*enter, "sh", "-c", 'cd "$0" && exec "$@"', str(tmp_path)] if ready else None
        holder.kill()


def write_files(document: Path, folder: Path) -> None:
    for block in blocks(document):
        named = FILE.match(block.text)
        if named:
            (folder / named[1]).write_text(block.text)


@pytest.mark.parametrize("document", cases("python"))
def test_python_blocks_run(document, shell, as_root):
    write_files(document, shell.folder)
    left_out = []
    for number, block in enumerate(blocks(document)):
        if block.kind != "python":
            continue
        if block.root and not as_root:
            left_out.append(block.place)
            continue
        script = shell.folder / f"block{number}.py"
        script.write_text(block.text.replace("/tmp/", f"{shell.folder}/"))
        ended = shell([sys.executable, str(script)], as_root if block.root else None)
        assert ended.returncode == 0, f"{block.place}\n{ended.stdout}"
    if left_out:
        pytest.skip(f"the others ran; there is no root or no ping for {left_out}")


def commands(block: Block) -> list[tuple[str, str, int]]:
    """Command, expected output (empty: any), expected status."""
    found = []
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, output = part.partition("\n")
        status = re.search(r"  # exit (\d+)$", line)
        found.append((line, output, int(status[1]) if status else 0))
    return found


@pytest.mark.parametrize("document", cases("console"))
def test_commands_run_and_print_what_is_shown(document, shell, as_root):
    write_files(document, shell.folder)
    checker = doctest.OutputChecker()
    left_out = []
    for block in blocks(document):
        for line, expected, status in commands(block) if block.kind == "console" else []:
            if ("--filter" in line and not has_libpcap()) or (block.root and not as_root):
                left_out.append(line)
                continue
            ended = shell(line, as_root if block.root else None)
            where = f"{block.place}: {line}\n{ended.stdout}"
            assert ended.returncode == status, where
            if expected:
                assert checker.check_output(expected, ended.stdout, FLAGS), where
    if left_out:
        pytest.skip(f"the others ran; there is no libpcap, no root or no ping for {left_out}")


def has_libpcap() -> bool:
    from wirebrick.errors import ParameterError
    from wirebrick.runtime.filter import compile_filter

    try:
        return compile_filter("ip") != 0
    except ParameterError:
        return False


def headings(document: Path) -> set[str]:
    found = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in found}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    prose = BLOCK.sub("", document.read_text(encoding="utf-8"))
    for path, part in LINK.findall(prose):
        if path.startswith("http"):
            continue
        target = document.parent / path if path else document
        assert target.exists(), path
        assert not part or part in headings(target), f"{path}#{part}"


def test_the_readme_names_every_nf_command_and_header():
    from wirebrick.cli.main import COMMANDS
    from wirebrick.headers import Header, __all__
    from wirebrick.nf.load import LIBRARY

    text = (ROOT / "README.md").read_text()
    assert not [name for name in LIBRARY if f"| `{name}` |" not in text]
    assert not [name for name in COMMANDS if not re.search(rf"\b{name}\b", text)]
    headers = (ROOT / "docs" / "headers.md").read_text()
    import wirebrick.headers as shipped

    for name in __all__:
        kind = getattr(shipped, name)
        if isinstance(kind, type) and issubclass(kind, Header) and kind is not Header:
            row = next(line for line in headers.splitlines() if line.startswith(f"| `{name}` |"))
            assert not [field for field in kind.fields if f"`{field}`" not in row]


def test_the_command_line_document_names_every_option():
    text = (ROOT / "docs" / "cli.md").read_text()
    for name in ("run", "trace", "capture", "bench", "graph", "check"):
        source = (ROOT / "src" / "wirebrick" / "cli" / f"{name}.py").read_text()
        signature = re.search(rf"def {name}_command\((.*?)\) -> int", source, re.DOTALL)
        assert signature
        options = re.findall(r"^    (\w+):", signature[1], re.MULTILINE)
        section = re.search(rf"^## {name}\b.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        assert section
        missing = [one for one in options if f"--{one.strip('_')}" not in section[0]]
        assert not [one for one in missing if f"`{one.upper()}`" not in section[0]]


@pytest.mark.parametrize(
    ("command", "action"), [(command, action) for command in ACTIONS for action in ACTIONS[command]]
)
def test_the_command_line_document_names_every_action(command, action):
    text = (ROOT / "docs" / "cli.md").read_text()
    section = re.search(rf"^## {command}\b.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section
    rows = [line for line in section[0].splitlines() if re.match(rf"\| `{action}\b", line)]
    assert len(rows) == 1
    function = getattr(import_module(f"wirebrick.cli.{command}.{action}"), f"{action}_command")
    options = inspect.signature(function).parameters.values()
    assert not [one for one in options if one.kind is one.KEYWORD_ONLY and f"--{one.name}" not in rows[0]]
