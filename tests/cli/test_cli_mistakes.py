"""What users do wrong: each is one clear message, the right exit status, and never a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def test_no_nf(refused) -> None:
    assert "no network function is named" in refused("run")


def test_an_unknown_nf(refused, capture: Path) -> None:
    told = refused("run", "tll", "--in", capture)
    assert "there is no NF 'tll'" in told
    assert "did you mean 'ttl'" in told


def test_a_misspelt_parameter(refused, capture: Path) -> None:
    told = refused("run", "delay:cycels=5", "--in", capture)
    assert "cycels" in told
    assert "did you mean 'cycles'" in told


def test_a_parameter_of_the_wrong_type(refused, capture: Path) -> None:
    assert "cycles=many is not a whole number" in refused("run", "delay:cycles=many", "--in", capture)


def test_an_option_of_the_wrong_type(refused, capture: Path) -> None:
    assert "--workers" in refused("run", "ttl", "--in", capture, "--workers", "two")
    for option, value in (("--workers", 0), ("--count", 0), ("--duration", 0), ("--count", -1)):
        told = refused("run", "ttl", "--in", capture, option, value)
        assert option in told


def test_no_input(refused) -> None:
    assert "--in is missing" in refused("run", "ttl", "--out", "out.pcap")
    assert "--in is missing" in refused("trace", "ttl")


def test_ports_that_nobody_can_open(refused, capture: Path) -> None:
    assert "no kind of port called 'mem'" in refused("run", "ttl", "--in", "mem:size=5")
    assert "'sise'" in refused("run", "ttl", "--in", "memory:sise=5")
    assert "port out" in refused("run", "ttl", "--in", capture, "--out", "what")
    assert "--port side" in refused("run", "ttl", "--in", capture, "--port", "side")
    told = refused("run", "ttl", "--in", capture, "--port", "a=null:", "--port", "a=null:")
    assert "given twice" in told


def test_files_that_are_not_there(refused) -> None:
    assert "none.pcap" in refused("run", "ttl", "--in", "none.pcap", status=1)
    assert "none.py" in refused("run", "none.py", "--in", "memory:")
    assert "none.toml" in refused("run", "none.toml")
    assert "none.rules" in refused("run", "firewall:rules=none.rules", "--in", "memory:", "--interpret")


def test_what_is_no_capture(refused, wirebrick) -> None:
    (wirebrick.folder / "text.pcap").write_text("this is no capture, but a text\n" * 9)
    (wirebrick.folder / "empty.pcap").write_bytes(b"")
    for name in ("text.pcap", "empty.pcap"):
        assert name in refused("run", "ttl", "--in", name, "--interpret", status=1)


def test_an_output_that_can_not_be_written(refused, capture: Path) -> None:
    told = refused("run", "ttl", "--in", capture, "--out", "none/out.pcap", "--interpret", status=1)
    assert "none/out.pcap" in told


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk(wirebrick, capture: Path) -> None:
    ended = wirebrick("run", "ttl", "--in", capture, "--out", "pcap:/dev/full", "--interpret")
    assert ended.status == 1
    assert "no space left" in ended.err


def test_the_input_is_not_overwritten(wirebrick, capture: Path) -> None:
    before = capture.read_bytes()
    ended = wirebrick("run", "ttl", "--in", capture, "--out", "in.pcap", "--interpret")
    assert ended.status == 1
    assert "would be overwritten" in ended.err
    assert capture.read_bytes() == before


def test_a_syntax_error_in_the_users_file(refused, wirebrick, capture: Path) -> None:
    (wirebrick.folder / "bad.py").write_text("def nf(packets:\n    pass\n")
    told = refused("run", "bad.py", "--in", capture)
    assert "bad.py:1:" in told
    assert "SyntaxError" in told


def test_an_exception_in_the_users_file(refused, wirebrick, capture: Path) -> None:
    (wirebrick.folder / "bad.py").write_text("import wirebrick\nx = 1 / 0\n")
    told = refused("run", "bad.py", "--in", capture)
    assert "bad.py:2:" in told
    assert "ZeroDivisionError" in told


def test_a_graph_that_is_wrong(refused, wirebrick, capture: Path) -> None:
    (wirebrick.folder / "twice.py").write_text(
        "import wirebrick\n@wirebrick.network_function\ndef twice(packets):\n"
        "    packets.drop('a')\n    return packets\n"
    )
    told = refused("run", "twice.py", "--in", capture, status=1)
    assert "twice.py" in told
    assert "used twice" in told


def test_a_function_that_is_refused(refused, wirebrick, capture: Path) -> None:
    (wirebrick.folder / "bad.py").write_text(
        "import wirebrick\n@wirebrick.network_function\ndef bad(packets):\n"
        "    def look(packet):\n        with open('x') as file:\n            pass\n"
        "    return packets.map(look)\n"
    )
    told = refused("run", "bad.py", "--in", capture, status=1)
    assert "bad.py:5:" in told


def test_a_filter_with_a_mistake(refused, capture: Path) -> None:
    told = refused("run", "ttl", "--in", capture, "--filter", "tcp prot 80", "--interpret")
    assert "the filter 'tcp prot 80' is not right" in told
