"""nfs, describe, check and graph: what they show, and their exit statuses."""

from __future__ import annotations

import shutil
import subprocess
import xml.dom.minidom

import pytest

FILE = """\
from wirebrick import Stream, network_function
from wirebrick.headers import Ethernet, IPv4


@network_function
def limiter(packets: Stream, *, longest: int, strict: bool = False) -> Stream:
    \"\"\"Drop what is too long.

    More about it.
    \"\"\"
    return packets.filter(lambda packet: packet.length <= longest, reason="too_long")


@network_function
def mark(packets: Stream) -> Stream:
    def set_dscp(packet):
        packet.header.dscp = 5
        if packet.header.ttl == 7:
            packet.drop("seven")
    return packets.parse(Ethernet).parse(IPv4).transform(set_dscp)
"""


def test_nfs(wirebrick) -> None:
    ended = wirebrick("nfs")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines()[0].split() == ["name", "what", "it", "does"]
    names = [line.split()[0] for line in ended.out.splitlines()[1:]]
    assert {"ttl", "macswap", "firewall", "monitor", "delay"} <= set(names)
    found = wirebrick("nfs", "--json").json["nfs"]
    assert [nf["name"] for nf in found] == names
    assert all(nf["summary"].endswith(".") for nf in found)


def test_describe(wirebrick) -> None:
    ended = wirebrick("describe", "delay")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("delay: Keep the processor busy")
    assert "cycles" in ended.out
    assert "1000" in ended.out
    found = wirebrick("describe", "ttl", "--json").json
    assert (found["name"], found["parameters"], found["drop_reasons"]) == ("ttl", [], ["ttl_expired"])
    assert "RFC 1812" in found["man_page"]


def test_describe_an_nf_whose_parameters_are_missing(wirebrick) -> None:
    (wirebrick.folder / "mine.py").write_text(FILE)
    found = wirebrick("describe", "mine.py:limiter", "--json").json
    assert (found["summary"], found["drop_reasons"]) == ("Drop what is too long.", None)
    longest, strict = found["parameters"]
    assert (longest["name"], longest["required"], longest["default"]) == ("longest", True, None)
    assert (strict["type"], strict["required"], strict["default"]) == ("yes or no", False, False)
    assert "must be given" in wirebrick("describe", "mine.py:limiter").out
    assert wirebrick("describe", "mine.py:limiter:longest=9", "--json").json["drop_reasons"] == ["too_long"]
    assert wirebrick("describe", "mine.py:mark", "--json").json["drop_reasons"] == ["seven"]


def test_describe_mistakes(refused) -> None:
    assert "did you mean 'ttl'" in refused("describe", "ttll")
    assert "there is no NF" in refused("describe", "xyzzy")
    refused("describe")
    refused("describe", "ttl", "firewall")


def test_check(wirebrick) -> None:
    ended = wirebrick("check", "ttl", "macswap")
    assert (ended.status, ended.err) == (0, "")
    assert "ttl: passes" in ended.out
    assert "macswap: passes" in ended.out
    found, _ = wirebrick("check", "ttl", "macswap", "--json").json["nfs"]
    assert found["nf"] == "ttl"
    assert found["writes"] == ["IPv4.ttl", "IPv6.hop_limit"]
    assert (found["can_drop"], found["can_send"], found["can_copy"]) == (True, False, False)


def test_check_a_file_that_does_not_pass(wirebrick) -> None:
    (wirebrick.folder / "mine.py").write_text(FILE.replace(", *, longest: int", ", *, longest: int = 9"))
    ended = wirebrick("check", "mine.py")
    assert (ended.status, ended.err) == (0, "")
    assert "limiter: passes" in ended.out
    assert "mark: passes" in ended.out
    (wirebrick.folder / "bad.py").write_text(
        FILE.replace(", *, longest: int", ", *, longest: int = 9").replace(
            'packet.drop("seven")', 'packet.drop("seven")\n            packet.header.ttl = 3'
        )
    )
    ended = wirebrick("check", "bad.py", "--json")
    assert ended.status == 1
    assert [nf["nf"] for nf in ended.json["nfs"]] == ["limiter"]
    assert "bad.py:20:" in ended.json["errors"][0]
    assert "bad.py:20:" in ended.err


def test_check_ports(wirebrick) -> None:
    (wirebrick.folder / "sends.py").write_text(
        FILE.replace(", *, longest: int", ", *, longest: int = 9").replace('drop("seven")', 'send("mirror")')
    )
    ended = wirebrick("check", "sends.py:mark")
    assert ended.status == 1
    assert "mirror" in ended.err
    found = wirebrick("check", "sends.py:mark", "--port", "mirror", "--json").json["nfs"][0]
    assert (found["ports"], found["can_send"]) == (["mirror"], True)


def test_check_mistakes(refused, wirebrick) -> None:
    (wirebrick.folder / "none.py").write_text("x = 1\n")
    assert "defines no NF" in refused("check", "none.py")
    assert "nothing is named" in refused("check")
    assert "can't be read" in refused("check", "absent.py")
    (wirebrick.folder / "mine.py").write_text(FILE)
    assert "needs its parameter longest" in refused("check", "mine.py")


def test_graph(wirebrick) -> None:
    ended = wirebrick("graph", "ttl", "macswap")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("flowchart TD\n")
    assert '"ttl"' in ended.out
    assert '-. "bypass" .->' in ended.out
    assert '-. "otherwise" .->' in ended.out
    dot = wirebrick("graph", "ttl", "--format", "dot").out
    assert dot.startswith("digraph wirebrick {")
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tplain"], input=dot, text=True, check=True, capture_output=True)


def test_graph_into_a_file(wirebrick) -> None:
    ended = wirebrick("graph", "ttl", "--out", "chain.svg")
    assert (ended.status, ended.out) == (0, "")
    drawn = xml.dom.minidom.parse(str(wirebrick.folder / "chain.svg")).documentElement
    texts = [node.firstChild.data for node in drawn.getElementsByTagName("text")]
    assert {"ttl", "parse(IPv4)", "bypass"} <= set(texts)
    assert wirebrick("graph", "ttl", "--out", "absent/chain.svg").status == 1


def test_graph_mistakes(refused) -> None:
    assert "--format" in refused("graph", "ttl", "--format", "png")
    assert "no network function" in refused("graph")


@pytest.mark.parametrize("form", ["mermaid", "dot", "svg"])
def test_nested_functions_are_drawn_in_each_other(wirebrick, form: str) -> None:
    (wirebrick.folder / "nest.py").write_text(
        "import wirebrick\nfrom wirebrick.nf.ttl import ttl\n"
        "@wirebrick.network_function\ndef nest(packets):\n"
        "    a, b = packets.group_by(2, lambda packet: 0)\n    b.drop('other')\n    return ttl(ttl(a))\n"
    )
    drawn = wirebrick("graph", "nest.py", "-f", form).out
    for name in ("nest", "ttl", "group 1", "drop(other)"):
        assert name in drawn
    if form == "mermaid":
        assert drawn.count("subgraph") == 3
        assert '        subgraph s1 ["ttl"]' in drawn
