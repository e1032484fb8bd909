"""Mistakes in wiring: found while the graph is built, at the line and column of the user's file."""

from __future__ import annotations

import importlib.util
import itertools
import sys

import pytest

import wirebrick
from wirebrick.errors import GraphError, ParameterError

PRELUDE = "from wirebrick import *\nfrom wirebrick.headers import *\nfrom wirebrick.fields import *\n"
HEAD = "@network_function\ndef nf(packets):\n"
_numbers = itertools.count()


def load(folder, text):
    name = f"wiring_{next(_numbers)}"
    path = folder / f"{name}.py"
    path.write_text(PRELUDE + text)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


# body of the NF (its first line is line 6 of the file), line, text at the column, words of message and cure
MISTAKES = [
    (
        "a = packets.parse(Ethernet)\nb = packets.parse(Ethernet)\nreturn a",
        2,
        "packets.parse",
        "used twice (first at",
        "group_by",
    ),
    ("packets.drop('x')\npackets.send('out')", 2, "packets.send", "used twice", "one place only"),
    ("return merge(packets, packets)", 1, "merge(", "used twice", "one place only"),
    (
        "a, b = packets.group_by(2, lambda p: 0)\nreturn a",
        1,
        "packets.group_by",
        "group_by (group 1) goes nowhere",
        "drop it",
    ),
    ("packets.group_by(2, lambda p: 0)", 1, "packets.group_by", "goes nowhere", "drop it"),
    ("packets.parse(Ethernet)", 1, "packets.parse", "goes nowhere", "return it"),
    (
        "r = Stream()\nreturn packets.parse(Ethernet, otherwise=r)",
        2,
        "packets.parse",
        "(otherwise) goes nowhere",
        "drop it",
    ),
    (
        "s = packets.parse(Ethernet).parse(IPv4)\nreturn s.parse(TCP).parse(VLAN)",
        2,
        "s.parse",
        "VLAN can't follow TCP",
        "announced by",
    ),
    (
        "return packets.parse(IPv4)",
        1,
        "packets.parse",
        "IPv4 can't follow the start of a packet",
        "announced by",
    ),
    (
        "return packets.parse(UDP)",
        1,
        "packets.parse",
        "UDP can't follow the start of a packet",
        "announced by IPv4",
    ),
    (
        "return packets.parse(Ethernet).push(TCP)",
        1,
        "packets.parse(Ethernet).push",
        "TCP can't follow Ethernet",
        "push one",
    ),
    ("return packets.parse('IPv4')", 1, "packets.parse", "takes a header class, not 'IPv4'", ""),
    ("return packets.parse(int)", 1, "packets.parse", "takes a header class", ""),
    (
        "return packets.parse(Ethernet, otherwise='skip')",
        1,
        "packets.parse",
        'neither "bypass", "drop" nor',
        "",
    ),
    (
        "return packets.parse(Ethernet, otherwise=packets)",
        1,
        "packets.parse",
        "fed already",
        "Stream() of its own",
    ),
    (
        "r = Stream()\na = packets.parse(Ethernet, otherwise=r).parse(IPv4, otherwise=r)\nreturn merge(a, r)",
        2,
        "packets",
        "fed already",
        "merge()",
    ),
    ("r = Stream()\nreturn r.parse(Ethernet)", 2, "r.parse", "no source yet", ""),
    ("return merge(packets, Stream())", 1, "merge(", "no source yet", ""),
    ("return merge()", 1, "merge(", "at least one stream", ""),
    ("return packets.deparse()", 1, "packets.deparse", "no parsed header to deparse", "parse one first"),
    ("return packets.pop()", 1, "packets.pop", "", ""),
    ("return packets.group_by(0, lambda p: 0)[0]", 1, "packets.group_by", "1 to 1024 groups, not 0", ""),
    ("return packets.group_by('2', lambda p: 0)[0]", 1, "packets.group_by", "1 to 1024 groups", ""),
    ("packets.send(5)", 1, "packets.send", "a port's name, not 5", ""),
    ("packets.send('')", 1, "packets.send", "a port's name", ""),
    ("packets.drop('two words')", 1, "packets.drop", "can't be a reason", "one word"),
    (
        "return packets.filter(lambda p: True, reason='')",
        1,
        "packets.filter",
        "can't be a reason",
        "one word",
    ),
    ("return packets.filter(lambda: True)", 1, "", "takes one argument, the packet; <lambda> takes 0", ""),
    ("return packets.transform(lambda p, q: None)", 1, "", "takes 2", ""),
    ("return packets.transform(print)", 1, "packets.transform", "takes a plain function", "def or lambda"),
    ("return packets.transform(None)", 1, "packets.transform", "takes a plain function", "def or lambda"),
    ("return packets.metadata(int, lambda p: 1)", 1, "packets.metadata", "", ""),
    ("at_end(print)\nother(packets, packets)", 2, "other(", "takes 1 stream(s)", ""),
    ("return other(packets, 5)", 1, "other(", "takes 1 stream(s)", ""),
]


@pytest.mark.parametrize(("body", "line", "at", "message", "cure"), MISTAKES)
def test_wiring(tmp_path, body, line, at, message, cure):
    other = "@network_function\ndef other(packets):\n    return packets\n"
    text = HEAD + "".join(f"    {one}\n" for one in body.splitlines()) + other
    module = load(tmp_path, text)
    with pytest.raises(GraphError) as caught:
        wirebrick.run(module.nf, rx=[])
    error = caught.value
    assert message in error.message
    assert cure in error.cure
    assert error.place is not None
    assert (error.place.file, error.place.line) == (module.__file__, 5 + line)
    written = body.splitlines()[line - 1]
    if at:
        assert error.place.column == 5 + written.index(at)
    assert f"{error.place.file}:{error.place.line}:" in str(error)


def test_a_returned_stream_that_is_used_already(tmp_path):
    module = load(tmp_path, HEAD + "    a = packets.map(lambda p: None)\n    a.drop('x')\n    return a\n")
    with pytest.raises(GraphError, match="used twice") as caught:
        wirebrick.run(module.nf, rx=[])
    assert f"first at {module.__file__}:7:5" in caught.value.message


def test_streams_of_different_graphs(tmp_path):
    module = load(
        tmp_path,
        "kept = []\n@network_function\ndef first(packets):\n    kept.append(packets)\n    return packets\n"
        "@network_function\ndef nf(packets):\n    return merge(packets, kept[0])\n",
    )
    wirebrick.run(module.first, rx=[])
    with pytest.raises(GraphError, match="streams of one network function") as caught:
        wirebrick.run(module.nf, rx=[])
    assert (caught.value.place.line, caught.value.place.column) == (11, 12)


def test_what_an_nf_returns(tmp_path):
    module = load(tmp_path, "@network_function\ndef nf(packets):\n    return 5\n")
    with pytest.raises(GraphError, match="the NF nf returned 5") as caught:
        wirebrick.run(module.nf, rx=[])
    assert caught.value.place.file == module.__file__


def test_an_nf_without_output_in_mid_chain(tmp_path):
    module = load(
        tmp_path,
        "@network_function\ndef end(packets):\n    packets.drop('all')\n" + HEAD + "    return packets\n",
    )
    with pytest.raises(GraphError, match="the NF end has no output"):
        wirebrick.run([module.end, module.nf], rx=[])
    assert wirebrick.run([module.nf, module.end], rx=[bytes(60)]).drops == {"end.all": 1}


def test_an_nf_with_several_outputs_in_a_chain(tmp_path):
    module = load(tmp_path, HEAD + "    return packets.group_by(2, lambda p: 0)\n")
    with pytest.raises(GraphError, match="one output") as caught:
        wirebrick.run(module.nf, rx=[])
    assert "merges" in caught.value.cure


def test_parameters(tmp_path):
    module = load(
        tmp_path,
        "@network_function\ndef inner(packets, *, limit: int = 5):\n    return packets\n"
        + HEAD
        + "    return inner(packets, limitt=3)\n",
    )
    with pytest.raises(ParameterError, match="no parameter 'limitt'") as caught:
        wirebrick.run(module.nf, rx=[])
    assert (caught.value.place.line, caught.value.place.column) == (9, 12)
    assert "limit" in caught.value.cure
    with pytest.raises(ParameterError, match="no parameter 'x'") as caught:
        module.inner(x=1)
    assert caught.value.place.file == __file__


@pytest.mark.parametrize("chain", [5, None, [5], print, [None]])
def test_what_is_no_nf(chain):
    with pytest.raises(GraphError, match="is not a network function"):
        wirebrick.run(chain, rx=[])
