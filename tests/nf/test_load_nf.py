"""NFs by what users write: names, files, parameters, and files that fail."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import wirebrick
from wirebrick.errors import ParameterError
from wirebrick.nf.load import LIBRARY, library, load_nf, split_parameters
from wirebrick.stream.network_function import NetworkFunction

HEAD = "from wirebrick import network_function\n"
ONE = HEAD + "@network_function\ndef limiter(packets, *, rate: int = 5):\n    return packets\n"
TWO = ONE + "@network_function\ndef other(packets):\n    return packets\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))


def fails(text: str) -> ParameterError:
    with pytest.raises(ParameterError) as caught:
        load_nf(text)
    return caught.value


def test_the_library() -> None:
    found = library()
    assert list(found) == sorted(LIBRARY)
    for name, nf in found.items():
        assert isinstance(nf, NetworkFunction)
        assert nf.name == name
        page = nf.__doc__ or ""
        sections = [
            line.strip() for line in page.splitlines() if line.startswith("    ") and line[4:5].strip()
        ]
        parts = ["Parameters", "What it does", "Drop reasons", "State", "Example", "References"]
        assert [part for part in sections if part in parts] == parts
        assert f"``wirebrick run {name}" in page
        for parameter in nf.parameters:
            assert re.search(rf"``{parameter}``(, ``\w+``)*: ", page), parameter


def test_names_and_parameters() -> None:
    assert load_nf("ttl").nf.name == "ttl"
    assert load_nf("delay:cycles=7").parameters == {"cycles": 7}
    assert load_nf("firewall:rules=a.acl,default=allow").parameters == {
        "rules": Path("a.acl"),
        "default": "allow",
    }
    assert load_nf('monitor:out="a,b.csv", top = 3').parameters == {"out": Path("a,b.csv"), "top": 3}
    assert load_nf("monitor", {"top": 3, "idle": 2}).parameters == {"top": 3, "idle": 2.0}
    assert load_nf("monitor:out=none").parameters == {"out": None}


@pytest.mark.parametrize(
    ("text", "message", "cure"),
    [
        ("tll", "there is no NF 'tll'", "'ttl'"),
        ("", "there is no NF ''", "there are: "),
        ("firewal:rules=x", "no NF 'firewal'", "'firewall'"),
        ("ttl:hops=1", "has no parameter 'hops'", "it has none"),
        ("delay:cycle=1", "has no parameter 'cycle'", "'cycles'"),
        ("delay:cycles=soon", "delay: cycles=soon is not a whole number", ""),
        ("delay:cycles=1<<20", "cycles=1<<20 is not a whole number", ""),
        ("delay:cycles", "can't read the parameters from 'cycles' on", "NAME=VALUE"),
        ("delay:cycles=1,cycles=2", "cycles is given twice", "leave one"),
        ("monitor:out='a", "monitor: the suffix", ""),
        ("firewall:rules=a,default=dropp", "default=dropp is not drop, deny", "'drop'"),
        ("nowhere.py", "nowhere.py can't be read: No such file", "path of a Python file"),
        (".py", ".py can't be read", ""),
        ("a\0b.py", "can't be read", ""),
    ],
)
def test_what_is_wrong_is_said(text: str, message: str, cure: str) -> None:
    if text.startswith("monitor:out="):
        with pytest.raises(ParameterError) as caught:
            wirebrick.run(load_nf(text), rx=[], interpret=True)
        error = caught.value
    else:
        error = fails(text)
    assert message in error.message
    assert cure in error.cure


def test_the_firewall_needs_rules() -> None:
    with pytest.raises(ParameterError, match="needs rules"):
        wirebrick.run(load_nf("firewall"), rx=[], interpret=True)


@pytest.mark.parametrize("text", ["my.py", "my.py:limiter", "./my.py:limiter:", "my.py:"])
def test_a_file(text: str) -> None:
    Path("my.py").write_text(ONE)
    assert load_nf(text).nf.name == "limiter"
    assert wirebrick.run(load_nf(text), rx=[b"x"], interpret=True).packets == [b"x"]


@pytest.mark.parametrize("text", ["my.py:rate=0x10", "my.py:limiter:rate=16"])
def test_a_file_with_parameters(text: str) -> None:
    Path("my.py").write_text(ONE)
    assert load_nf(text).parameters == {"rate": 16}


def test_values_may_have_colons() -> None:
    Path("my.py").write_text(
        "from wirebrick import IPv6Address, network_function\n"
        "@network_function\ndef to(packets, *, at: IPv6Address):\n    return packets\n"
    )
    assert load_nf("my.py:at=2001:db8::1").parameters["at"] == wirebrick.IPv6Address("2001:db8::1")
    assert load_nf("my.py:to:at=::1").parameters["at"] == 1
    assert "needs its parameter at" in fails("my.py").message
    assert load_nf("my.py", {"at": "::2"}).parameters["at"] == 2


def test_several_nfs_in_a_file() -> None:
    Path("my.py").write_text(TWO)
    error = fails("my.py")
    assert error.message == "my.py defines 2 NFs"
    assert error.cure == "say which one: my.py:limiter, my.py:other"
    assert load_nf("my.py:other").nf.name == "other"
    assert "'limiter'" in fails("my.py:limitr").cure


def test_an_imported_nf_is_not_the_file_s_own() -> None:
    Path("my.py").write_text("from wirebrick.nf.ttl import ttl\n" + ONE)
    assert load_nf("my.py").nf.name == "limiter"
    assert load_nf("my.py:ttl").nf.name == "ttl"


def test_a_configured_nf() -> None:
    Path("my.py").write_text(ONE + "fast = limiter(rate=1000)\n")
    assert load_nf("my.py").nf.name == "limiter"
    assert load_nf("my.py:fast").parameters == {"rate": 1000}
    assert load_nf("my.py:fast:rate=7").parameters == {"rate": 7}


def test_no_nf_in_a_file() -> None:
    Path("my.py").write_text("x = 1\n")
    assert fails("my.py").message == "my.py defines no NFs"
    assert fails("my.py:x").cure == "it defines none"


def test_helpers_beside_the_file() -> None:
    for folder, rate in (("one", 1), ("two", 2)):
        Path(folder).mkdir()
        Path(folder, "nf_helpers.py").write_text(f"RATE = {rate}\n")
        Path(folder, "my.py").write_text("from nf_helpers import RATE\n" + ONE.replace("= 5", "= RATE"))
    assert load_nf("one/my.py").nf.parameters["rate"].default == 1
    assert load_nf("two/my.py").nf.parameters["rate"].default == 2
    assert not list(Path("one").glob("__pycache__/my*"))


def test_a_file_is_run_once_until_it_changes() -> None:
    Path("my.py").write_text(ONE)
    first = load_nf("my.py").nf
    assert load_nf("./my.py").nf is first
    Path("my.py").write_text(ONE.replace("= 5", "= 66"))
    assert load_nf("my.py").nf.parameters["rate"].default == 66


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("x = 1\ny = x / 0\n", 2, "ZeroDivisionError: division by zero"),
        ("x = 1\n\ndef broken(:\n", 3, "SyntaxError"),
        ("  x = 1\n", 1, "IndentationError"),
        ("import nowhere_at_all\n", 1, "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("import sys\nsys.exit(3)\n", 2, "the file ends the program"),
        ("def f():\n    raise ValueError\nf()\n", 2, "ValueError"),
        (
            "from wirebrick import IPv4Address\nIPv4Address('1.2')\n",
            2,
            "AddressValueError: ",
        ),
        ("x = '\x00'\n", 1, ""),
        ("from wirebrick import Table\nTable(1, 2, 3)\n", 2, "the key of a Table can't be 1"),
    ],
)
def test_a_file_that_fails(source: str, line: int, message: str) -> None:
    Path("bad.py").write_text(source)
    with pytest.raises(wirebrick.WirebrickError) as caught:
        load_nf("bad.py")
    assert caught.value.message.startswith(message)
    assert caught.value.place is not None
    assert (caught.value.place.file, caught.value.place.line) == ("bad.py", line)
    Path("bad.py").write_text(ONE)  # mended: the next attempt finds nothing of the failed one
    assert load_nf("bad.py").nf.name == "limiter"


def test_a_helper_that_fails() -> None:
    Path("faulty_helper.py").write_text("x = 1\nx.nothing\n")
    Path("my.py").write_text("import faulty_helper\n" + ONE)
    error = fails("my.py")
    assert error.place is not None
    assert (Path(error.place.file).name, error.place.line) == ("faulty_helper.py", 2)
    assert error.message == "AttributeError: 'int' object has no attribute 'nothing'"


def test_a_file_that_is_no_text() -> None:
    Path("bad.py").write_bytes(b"\xff\xfe\x00\x01")
    assert "bad.py" in str(fails("bad.py"))
    Path("dir.py").mkdir()
    assert "directory" in fails("dir.py").message


def test_split_parameters() -> None:
    assert split_parameters("a=1,b=,c='x=y,z',d=\"'\"") == {"a": "1", "b": "", "c": "x=y,z", "d": "'"}
