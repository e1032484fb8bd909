"""Rules that are never reached, and ones that contradict others: what is told of, where."""

from __future__ import annotations

from pathlib import Path

import pytest

import wirebrick
from wirebrick.cli.check import check_command
from wirebrick.nf.firewall import firewall
from wirebrick.nf.firewall.access import AccessList
from wirebrick.nf.firewall.review import MOST, remarks
from wirebrick.nf.firewall.rules import parse_rules


def told(text: str) -> list[str]:
    return remarks(AccessList(parse_rules(text), Path("acl"), capacity=None, scan=False))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("allow tcp\ndeny tcp port 25", ["acl:2: 'deny tcp port 25' is never reached: line 1", "does the opposite"]),
        ("allow tcp\n# so\n\nallow tcp port 25", [
            "acl:4: 'allow tcp port 25' is never reached: line 1 covers all of it"]),
        ("allow all\ndeny ip6", ["acl:2: 'deny ip6' is never reached"]),
        ("deny ip\ndeny ip6\nallow all", ["acl:3: 'allow all' is never reached: line 1 covers"]),
        ("deny tcp dst port 80\nallow src 10.0.0.1", ["acl:2: 'allow src 10.0.0.1' overlaps line 1", "line 1 decides"]),
        ("allow frag\ndeny udp frag later", ["acl:2: 'deny udp frag later' is never reached"]),
        ("deny ttl 0-5\nallow ttl 5-9", ["acl:2: 'allow ttl 5-9' overlaps line 1"]),
        ("allow icmp type 8\ndeny icmp type 0-255 code 0", ["acl:2: 'deny icmp type 0-255 code 0' overlaps line 1"]),
    ],
)  # fmt: skip
def test_told(text: str, expected: list[str]) -> None:
    (found,) = told(text)
    for part in expected:
        assert part in found


@pytest.mark.parametrize(
    "text",
    [
        "deny tcp port 25\nallow tcp",  # an exception before what it is one of
        "allow src 10.0.0.1\nallow dst port 80",  # both do the same
        "deny src 10.0.0.0/8\nallow src 11.0.0.0/8",
        "allow ip\ndeny ip6",
        "allow tcp flags syn,!ack\nallow tcp flags ack",
        "allow tcp port 80\nallow all",
    ],
)
def test_nothing_to_tell(text: str) -> None:
    assert told(text) == []


def test_only_some_are_told_one_by_one() -> None:
    found = told("allow tcp\n" + "".join(f"deny tcp dst port {port}\n" for port in range(MOST + 3)))
    assert len(found) == MOST + 1
    assert found[-1] == "3 more rules are never reached"


def test_notices_of_a_run_and_warnings_of_a_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "acl.rules"
    file.write_text("allow tcp\ndeny tcp port 25\n")
    heard: list[str] = []
    result = wirebrick.run(firewall(rules=file), rx=[], notice=heard.append, interpret=True)
    assert result.notices == heard == [
        f"{file}:2: 'deny tcp port 25' is never reached: line 1 covers all of it, and does the opposite"
    ]  # fmt: skip
    assert not result.warnings
    assert check_command(f"firewall:rules={file}") == 0
    assert f"warning: {heard[0]}" in capsys.readouterr().err
