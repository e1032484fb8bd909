"""Chain files: what they say, what the command line says over it, and mistakes with their lines."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from wirebrick.cli.chain_file import read_chain_file
from wirebrick.errors import ParameterError

GOOD = """\
[ports]
in  = "in.pcap"
out = "out.pcap"

[[chain]]
use = "ttl"

[[chain]]
use    = "delay"
cycles = 5

[run]
count = 6
interpret = true
filter = "ip"
"""


def test_run(wirebrick, capture: Path) -> None:
    (wirebrick.folder / "chain.toml").write_text(GOOD)
    ended = wirebrick("run", "chain.toml", "--json")
    assert ended.status == 0, ended.err
    assert (ended.json["packets_in"], ended.json["packets_out"], ended.json["compile_s"]) == (6, 5, 0.0)
    assert [nf["name"] for nf in ended.json["nfs"]] == ["ttl", "delay"]
    assert (wirebrick.folder / "out.pcap").stat().st_size > 24


def test_the_command_line_comes_first(wirebrick, capture: Path) -> None:
    (wirebrick.folder / "chain.toml").write_text(GOOD)
    ended = wirebrick("run", "chain.toml", "--json", "--out", "other.pcap", "--count", 2, "--filter", "")
    assert ended.json["packets_in"] == 2
    assert (wirebrick.folder / "other.pcap").exists()
    assert not (wirebrick.folder / "out.pcap").exists()


def test_other_names_of_ports(wirebrick, capture: Path) -> None:
    text = GOOD.replace('in  = "in.pcap"', 'inside = "pcap:in.pcap,"').replace('out = "', 'outside = "pcap:,')
    (wirebrick.folder / "chain.toml").write_text(text)
    ended = wirebrick("run", "chain.toml")
    assert ended.status == 0, ended.err
    assert "output: out.pcap" in ended.out


def test_files_are_found_beside_it(tmp_path: Path, wirebrick, capture: Path) -> None:
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "acl.rules").write_text("deny udp\n")
    (folder / "mine.py").write_text(
        "import wirebrick\n@wirebrick.network_function\ndef mine(packets, *, limit: int):\n"
        "    return packets.filter(lambda packet: packet.length < limit, reason='long')\n"
    )
    (folder / "chain.toml").write_text(
        '[[chain]]\nuse = "firewall"\nrules = "acl.rules"\ndefault = "allow"\n'
        '[[chain]]\nuse = "mine.py:mine"\nlimit = 50\n'
    )
    ended = wirebrick("run", "conf/chain.toml", "--in", "in.pcap", "--interpret", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["drops"] == {"firewall.denied": 10}
    assert wirebrick("check", "conf/chain.toml").status == 0
    assert "mine" in wirebrick("graph", "conf/chain.toml").out


@pytest.mark.parametrize(
    ("change", "line", "told"),
    [
        (("[ports]", "[prots]"), 1, "there is no 'prots'"),
        (('"in.pcap"', "5"), 2, "the port in is 5, not a text"),
        (('use = "ttl"', 'use = "tll"'), 6, "there is no NF 'tll'"),
        (('use = "ttl"', 'us = "ttl"'), 5, "does not say which NF"),
        (("cycles = 5", 'cycles = "5"'), 10, "cycles='5' is not a whole number"),
        (("cycles = 5", "cycels = 5"), 10, "no parameter 'cycels'"),
        (("count = 6", 'count = "6"'), 13, "count = '6' is not a whole number"),
        (("count = 6", "cuont = 6"), 13, "there is no 'cuont' in [run]"),
        (("interpret = true", "interpret = 1"), 14, "interpret = 1 is not true or false"),
        (("[run]", "[run"), 12, "Expected ']'"),
        (("count = 6", "count = "), 13, "Invalid value"),
    ],
)
def test_mistakes_are_told_with_their_line(
    tmp_path: Path, change: tuple[str, str], line: int, told: str
) -> None:
    path = tmp_path / "chain.toml"
    assert change[0] in GOOD
    path.write_text(GOOD.replace(*change))
    with pytest.raises(ParameterError, match=re.escape(told)) as error:
        read_chain_file(str(path))
    assert error.value.place is not None
    assert (error.value.place.file, error.value.place.line) == (str(path), line)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names no NF"),
        ("chain = 5\n", "chain is a section"),
        ("ports = 5\n", "ports is a section"),
        ('chain = ["ttl"]\n', "does not say which NF"),
    ],
)
def test_what_is_no_chain(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "chain.toml"
    path.write_text(text)
    with pytest.raises(ParameterError, match=re.escape(told)):
        read_chain_file(str(path))


def test_exit_statuses(refused, wirebrick, capture: Path) -> None:
    (wirebrick.folder / "chain.toml").write_text(GOOD.replace("count = 6", "count = 0"))
    assert "--count 0" in refused("run", "chain.toml")
    (wirebrick.folder / "chain.toml").write_text(GOOD.replace("ttl", "tll"))
    told = refused("run", "chain.toml")
    assert told.startswith(f"wirebrick: chain.toml:6:1: there is no NF 'tll'{os.linesep}")
    assert "stands alone" in refused("run", "chain.toml", "ttl")
    (wirebrick.folder / "latin.toml").write_bytes(b'x = "\xe4"')
    assert "latin.toml can't be read" in refused("run", "latin.toml")
