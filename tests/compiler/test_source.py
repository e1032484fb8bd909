"""Finding the source of user functions, wherever they come from."""

from __future__ import annotations

import functools
import linecache
import sys
import types

import pytest
from snippets import FIRST, PACKETS, load, nf_text, refused, same

import wirebrick
from wirebrick.compiler.source import source_of
from wirebrick.errors import CheckError, GraphError


def twice(value):
    return value * 2


@pytest.mark.parametrize(
    ("filters", "drops"),
    [
        (
            "filter(lambda p: p.length > 61, 'a').filter(lambda p: p.length > 150, 'b')",
            {"nf.a": 1, "nf.b": 1},
        ),
        ("filter(lambda p: p.length > 150, 'a').filter(lambda p: p.length > 61, 'b')", {"nf.a": 2}),
        ("filter(above(61), 'a').filter(above(150), 'b')", {"nf.a": 1, "nf.b": 1}),
        ("filter(two(1), 'a').filter(two(2), 'b')", {"nf.a": 1, "nf.b": 1}),
        ("filter(lambda p: True, 'a').filter(lambda p: False, 'b')", {"nf.b": 3}),
        ("filter((lambda p: p.length > 61) if CHOICE else (lambda p: p.length > 150), 'a')", {"nf.a": 1}),
        ("filter(\n        lambda p: (p.length\n          > 61), 'a')", {"nf.a": 1}),
    ],
)
def test_lambdas(tmp_path, filters, drops):
    text = (
        "CHOICE = True\nabove = lambda n: lambda p: p.length > n\n"
        "def two(n):\n"
        "    f, g = (lambda p: p.length > 61), (lambda p: p.length > 150); return f if n == 1 else g\n"
        f"@network_function\ndef nf(packets):\n    return packets.{filters}\n"
    )
    assert same(tmp_path, text)[1] == drops


def test_closures_made_in_a_loop_see_its_last_value(tmp_path):
    text = (
        "@network_function\ndef nf(packets):\n    for i in (61, 150):\n"
        "        packets = packets.filter(lambda p: p.length > i)\n    return packets\n"
    )
    assert same(tmp_path, text)[1] == {"nf.filtered": 2}


def test_decorated_functions(tmp_path):
    text = (
        "def keep(f):\n    f.kept = True\n    return f\n"
        "def several(*names):\n    return keep\n"
        "@network_function\ndef nf(packets):\n    @keep\n    @several(\n        'a', 'b')\n"
        "    def work(packet):\n"
        "        packet.header.dst = 5\n    return packets.parse(Ethernet).transform(work)\n"
    )
    assert same(tmp_path, text)[0][0][:6] == bytes(5) + b"\x05"


def test_a_wrapping_decorator_is_refused(tmp_path):
    text = (
        "def logged(f):\n    @functools.wraps(f)\n    def inner(*args):\n        return f(*args)\n"
        "    return inner\n"
        "@network_function\ndef nf(packets):\n    @logged\n    def work(packet):\n"
        "        packet.header.dst = 5\n"
        "    return packets.parse(Ethernet).transform(work)\n"
    )
    error = refused(tmp_path, text)
    assert "* is not supported in a call" in error.message
    assert error.place.line == FIRST + 3


def test_a_positional_only_argument(tmp_path):
    text = nf_text("packet.header.dst = 5").replace("def work(packet)", "def work(packet, /)")
    assert same(tmp_path, text)[0][0][:6] == bytes(5) + b"\x05"


def test_annotations_and_defaults_stay_where_they_belong(tmp_path):
    text = (
        "from __future__ import annotations\n"
        "def make(limit):\n    def helper(x: Missing, *, more: Missing = limit) -> Missing:\n"
        "        return x + more\n    return helper\nhelper = make(4)\n"
    )
    path_text = text + nf_text("packet.header.dst = helper(1) + helper(1, more=10)")
    # A __future__ import stands first in a file.
    module = load(tmp_path, "")
    source = (tmp_path / f"{module.__name__}.py").read_text()
    (tmp_path / "future.py").write_text(path_text.replace("annotations\n", f"annotations\n{source}", 1))
    namespace = types.ModuleType("future")
    exec(compile((tmp_path / "future.py").read_text(), str(tmp_path / "future.py"), "exec"), vars(namespace))
    for interpret in (True, False):
        result = wirebrick.run(namespace.nf, rx=PACKETS[:1], interpret=interpret)
        assert result.packets[0][:6] == bytes(5) + b"\x10"


def test_no_source():
    space = {"network_function": wirebrick.network_function}
    exec(
        "def work(packet):\n    return True\n@network_function\ndef nf(p):\n    return p.filter(work)", space
    )
    with pytest.raises(CheckError, match="can't be read") as caught:
        wirebrick.run(space["nf"], rx=PACKETS)
    assert "notebook cell" in caught.value.cure


def test_a_helper_without_source_is_told_where_it_is_called(tmp_path):
    text = nf_text("x = hidden(packet.length)", "exec('def hidden(n):\\n    return n')\n")
    error = refused(tmp_path, text)
    assert "the source of hidden can't be read" in error.message
    assert error.place.line == FIRST + 2


def test_notebook_cells():
    text = (
        "import wirebrick\nfrom wirebrick.headers import Ethernet\n@wirebrick.network_function\n"
        "def nf(packets):\n    def work(packet):\n        packet.header.dst = 5\n"
        "    return packets.parse(Ethernet).transform(work)\n"
    )
    name = "<ipython-input-1-0a1b2c>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    space = {"__name__": "__main__"}
    exec(compile(text, name, "exec"), space)
    assert wirebrick.run(space["nf"], rx=PACKETS[:1]).packets[0][:6] == bytes(5) + b"\x05"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("> 61", "> 62"),
        ("> 61", ">= 61"),
        ("p.length", "p.timestamp"),
        ("def work(p)", "\n\ndef work(p)"),
        ("return", "retrun"),
        ("def work", "def walk"),
    ],
)
def test_a_function_edited_after_it_was_loaded(tmp_path, old, new):
    text = (
        "def work(p):\n    return p.length > 61\n@network_function\ndef nf(q):\n    return q.filter(work)\n"
    )
    module = load(tmp_path, text)
    path = tmp_path / f"{module.__name__}.py"
    path.write_text(path.read_text().replace(old, new, 1))
    linecache.checkcache()
    with pytest.raises(CheckError, match="has changed since it was loaded") as caught:
        wirebrick.run(module.nf, rx=PACKETS)
    assert caught.value.place.line == FIRST


def test_an_edit_elsewhere_in_the_file_does_not_matter(tmp_path):
    text = "def work(p):\n    return p.length > 61\n"
    text += "@network_function\ndef nf(q):\n    return q.filter(work)\nX = 1\n"
    module = load(tmp_path, text)
    path = tmp_path / f"{module.__name__}.py"
    path.write_text(path.read_text().replace("X = 1", "X = 2\nY = 3"))
    linecache.checkcache()
    assert wirebrick.run(module.nf, rx=PACKETS).drops == {"nf.filtered": 1}


def test_asserts_rewritten_by_a_test_runner_are_no_edit():
    def work(packet):
        assert packet.length > 60
        packet.header.dst = twice(2)

    @wirebrick.network_function
    def nf(packets):
        from wirebrick.headers import Ethernet

        return packets.parse(Ethernet).transform(work)

    assert wirebrick.run(nf, rx=PACKETS).drops == {"nf.fault_raise": 1}


class Holder:
    def work(self, packet):
        return True

    def __call__(self, packet):
        return True


@pytest.mark.parametrize(
    "function", [Holder().work, Holder(), functools.partial(twice, 1), len, 5, None, Holder]
)
def test_what_is_no_plain_function(function):
    @wirebrick.network_function
    def nf(packets):
        return packets.filter(function)

    with pytest.raises(GraphError, match=r"filter\(\) takes a plain function") as caught:
        wirebrick.run(nf, rx=PACKETS)
    assert caught.value.place.file == __file__
    assert "def or lambda" in caught.value.cure


def test_an_async_function_is_refused(tmp_path):
    text = nf_text("return").replace("def work", "async def work")
    error = refused(tmp_path, text)
    assert "work is async" in error.message
    assert error.place.line == FIRST


def test_a_name_without_a_value_yet(tmp_path):
    text = "@network_function\ndef nf(q):\n    s = q.filter(lambda p: p.length > later)\n"
    text += "    return s\n    later = 5\n"
    error = refused(tmp_path, text)
    assert "later has no value yet" in error.message
    assert error.place.line == FIRST + 2


def test_a_source_knows_its_names():
    found = source_of(twice)
    assert (found.name, found.arguments, found.file) == ("twice", ["value"], __file__)
    assert found.lookup("pytest") is pytest
    assert found.lookup("len") is len
    assert sys.modules[__name__].twice is found.lookup("twice")
