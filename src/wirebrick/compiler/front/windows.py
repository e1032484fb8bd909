"""The window in its user function: bytes, flow, offset, per-flow metadata, and what goes on."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from wirebrick.compiler.front.convert import int64
from wirebrick.compiler.front.emitter import Emitter, PacketInfo, Rights
from wirebrick.compiler.front.expressions import expression
from wirebrick.compiler.kinds import (
    BOOL,
    NAT,
    NOTHING,
    Known,
    Nothing,
    OctetsKind,
    RecordKind,
    Value,
    WindowKind,
)
from wirebrick.packet.faults import INDEX, ROOM
from wirebrick.packet.flow import FlowKey
from wirebrick.state.reassembly_layout import (
    F_CLOSED,
    F_DATA,
    F_GAP,
    F_KEY,
    F_META,
    F_OFFSET,
    F_SIZE,
)

if TYPE_CHECKING:
    from wirebrick.stream.window import Window

ATTRIBUTES = ("data", "flow", "offset", "closed", "gap", "metadata")
METHODS = ("emit",)
DATA = -1  # stands for the window where packets have numbers
FLOW, STREAM = "wf", "rw"  # names of the flow's address, and of what packetize knows of it


def window_rights(node: Window) -> Rights:
    """What the function of a window may do."""
    return Rights("window", result="consumed", emit=not node.forward)


def start_window(f: Emitter, name: str, schema: Any) -> None:
    """The window's bytes, at the beginning of its function."""
    flow = f.need(FLOW)
    f.packets[DATA] = PacketInfo("", "wd", ())
    f.line(f"wd = load64({flow} + {F_DATA})")
    f.line(f"ws = load64({flow} + {F_SIZE})")
    f.locals.update(("wd", "ws"))
    f.argument(name, Value(WindowKind(schema), None))


def window_attribute(f: Emitter, node: ast.Attribute, kind: WindowKind) -> Value:
    """``window.name``."""
    from wirebrick.compiler.front.access import unknown

    name, flow = node.attr, f.need(FLOW)
    if name == "data":
        f.unit.footprint("reads", "stream bytes")
        return Value(OctetsKind(DATA, None, writable=False), ("0", f.need("ws")))
    if name in ("offset", "gap"):
        return Value(NAT, f.keep(f"load64({flow} + {F_OFFSET if name == 'offset' else F_GAP})"))
    if name == "closed":
        return Value(BOOL, f"({f.keep(f'load64({flow} + {F_CLOSED})')} != 0)")
    if name == "flow":
        f.unit.footprint("reads", "flow")
        at = f.keep(f"{f.need('scratch')} + {f.unit.scratch(FlowKey.size)}")
        f.line(f"copy({at}, {flow} + {F_KEY}, {FlowKey.size})")
        return Value(RecordKind(FlowKey, fresh=True), at)
    if name == "metadata":
        if kind.schema is None:
            f.refuse(
                node,
                "this window has no metadata",
                "declare it: window(..., metadata=Schema), a Record class",
            )
        return Value(RecordKind(kind.schema), f.keep(f"{flow} + {F_META}"))
    if name in METHODS:
        f.refuse(node, f"window.{name} is not called", f"write window.{name}(...) with its parentheses")
    return unknown(f, node, "a window", name, (*ATTRIBUTES, *METHODS))


def window_method(f: Emitter, node: ast.Call, kind: WindowKind, name: str) -> Value:
    """``window.emit(bytes...)``."""
    from wirebrick.compiler.front.access import unknown

    if name != "emit":
        return unknown(f, node, "a window", f"{name}()", (*ATTRIBUTES, *METHODS))
    if not f.rights.emit:
        f.refuse(
            node,
            "what a window(..., forward=True) emits would go nowhere: its packets go on as they are",
            "window(..., forward=False).packetize(headers)",
        )
    if node.keywords:
        f.refuse(node, "emit() takes bytes, one after the other")
    f.unit.footprint("writes", "stream bytes")
    for argument in node.args:
        _emit(f, argument, expression(f, argument))
    return Value(NOTHING, "0")


def _emit(f: Emitter, node: ast.expr, value: Value) -> None:
    stream = f.need(STREAM)
    block = f.need(f.unit.stream_block)
    if isinstance(value.kind, OctetsKind):
        begin, end = value.code
        data = f.need(f.packets[value.kind.packet].data)
        f.fault_if(f"rewrite_emit({block}, {stream}, {data} + {begin}, {end} - {begin}) < 0", ROOM)
        return
    if isinstance(value.kind, Known) and isinstance(value.kind.value, bytes):
        data = value.kind.value
        if not data:
            return
        at = f.keep(f"{f.need('scratch')} + {f.unit.scratch(len(data) + 8)}")
        for offset in range(0, len(data), 8):
            word = int.from_bytes(data[offset : offset + 8].ljust(8, b"\0"), "little", signed=True)
            f.line(f"store64({at} + {offset}, {word})")
        f.fault_if(f"rewrite_emit({block}, {stream}, {at}, {len(data)}) < 0", ROOM)
        return
    f.refuse(
        node, f"emit() takes bytes, not {value.kind}", 'a part of window.data, or a constant such as b"text"'
    )


def consumed(f: Emitter, value: ast.expr | None) -> None:
    """A return: how many bytes the function is done with, plus one; 0 where it doesn't say."""
    if value is None or (isinstance(value, ast.Constant) and value.value is None):
        f.line("return 0")
        return
    got = expression(f, value)
    if isinstance(got.kind, Nothing):
        f.line("return 0")
        return
    code = f.keep(int64(f, value, got, "the number of bytes that the function is done with").code)
    f.fault_if(f"{code} < 0 or {code} > {f.need('ws')}", INDEX)
    f.line(f"return {code} + 1")
