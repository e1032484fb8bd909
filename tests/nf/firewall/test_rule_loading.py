"""Rule files: reading them, and refusing what can't be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from wirebrick.errors import ParameterError
from wirebrick.nf.firewall.rules import LARGEST_FILE, load_rules


def test_load(tmp_path: Path) -> None:
    path = tmp_path / "acl.rules"
    path.write_bytes(b"\xef\xbb\xbfallow tcp # gr\xc3\xbcn\r\ndeny all")
    assert [(rule.line, rule.action) for rule in load_rules(path)] == [(1, "allow"), (2, "deny")]
    assert load_rules(str(path)) == load_rules(path)
    path.write_bytes(b"")
    assert load_rules(path) == []


def test_load_shows_the_line_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "acl.rules"
    for text in ("allow tcpp", "allow udpp port 53"):
        path.write_text(text)
        with pytest.raises(ParameterError, match="unknown word") as caught:
            load_rules(path)
        assert str(caught.value).splitlines()[1:3] == [f"    {text}", "          ^"]


@pytest.mark.parametrize(
    ("content", "line", "column", "byte"),
    [
        (b"allow tcp\n# gr\xfcn\n", 2, 5, "0xfc"),
        (b"\xff\xfea\0l\0", 1, 1, "0xff"),
        (b"allow t\xe2\x82", 1, 8, "0xe2"),
        (b"\xef\xbb\xbfallow \xff", 1, 7, "0xff"),
        (b"\xef\xbb", 1, 1, "0xef"),
    ],
)
def test_load_refuses_other_encodings(
    tmp_path: Path, content: bytes, line: int, column: int, byte: str
) -> None:
    path = tmp_path / "acl.rules"
    path.write_bytes(content)
    with pytest.raises(ParameterError, match="not UTF-8") as caught:
        load_rules(path)
    error = caught.value
    assert error.place is not None
    assert (error.place.line, error.place.column) == (line, column)
    assert byte in error.message
    assert "UTF-8" in error.cure


def test_load_refuses_what_cannot_be_read(tmp_path: Path) -> None:
    large = tmp_path / "large.rules"
    with large.open("wb") as stream:
        stream.truncate(LARGEST_FILE + 1)
    for path, message in [
        (tmp_path / "missing.rules", "No such file"),
        (tmp_path, "Is a directory"),
        ("a\0b", "can't be read"),
        (large, "larger than 16 MiB"),
    ]:
        with pytest.raises(ParameterError, match=message) as caught:
            load_rules(path)
        assert "one rule a line" in caught.value.cure
