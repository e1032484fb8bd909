import ctypes
import sys
import types

import pytest

from wirebrick.errors import PortError
from wirebrick.packet.memory import call3, call4
from wirebrick.ports import null_native
from wirebrick.ports.base import ENDED
from wirebrick.ports.null import NullPort


@pytest.fixture
def asked(monkeypatch):
    asked = []

    def load_native(module, functions):
        asked.append((module, functions))
        return dict.fromkeys(functions, 1234)

    fake = types.ModuleType("wirebrick.compiler.native")
    fake.load_native = load_native
    monkeypatch.setitem(sys.modules, "wirebrick.compiler.native", fake)
    return asked


def test_native():
    positions = (ctypes.c_uint32 * 7)(5, 0)
    at = ctypes.addressof(positions)
    assert null_native.transmit(0, 0, at, 0) == 5
    assert null_native.transmit(0, 0, at, 5) == 0
    assert null_native.receive(0, 0, 32) == ENDED


def test_source_and_sink(asked):
    port = NullPort("null:")
    assert port.source(0, 1).receive == 1234
    sink = port.sink(0, 1)
    assert (sink.transmit, sink.bytes_copied) == (1234, 0)
    sink.flush()
    sink.close()
    assert asked == [("wirebrick.ports.null_native", {"receive": 3, "transmit": 4})] * 2


def test_options_are_refused():
    with pytest.raises(PortError, match="no options"):
        NullPort("null:0")


def test_compiled():
    port = NullPort("null:")
    positions = (ctypes.c_uint32 * 7)(5, 0)
    source, sink = port.source(0, 1), port.sink(0, 1)
    assert call3(source.receive, source.state, 0, 32) == ENDED
    assert call4(sink.transmit, sink.state, 0, ctypes.addressof(positions), 2) == 3
