"""Wirebrick: network functions written as plain Python, run as native code.

>>> import wirebrick
>>> from wirebrick.headers import Ethernet, IPv4
>>> @wirebrick.network_function
... def ttl(packets):
...     def alive(packet):
...         return packet.header.ttl > 1
...     def age(packet):
...         packet.header.ttl -= 1
...     return packets.parse(Ethernet).parse(IPv4).filter(alive, reason="ttl_expired").transform(age)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wirebrick.addresses import IPv4Address, IPv4Network, IPv6Address, IPv6Network, MacAddress
    from wirebrick.errors import WirebrickError
    from wirebrick.packet.flow import FlowKey
    from wirebrick.packet.memory import cycles
    from wirebrick.runtime.report import Report
    from wirebrick.runtime.run import Result, run
    from wirebrick.state.array import Array
    from wirebrick.state.classifier import Classifier
    from wirebrick.state.consistency import Bounded, Partitioned, Strict
    from wirebrick.state.count_min import CountMin
    from wirebrick.state.counter import Counter
    from wirebrick.state.heavy_hitters import HeavyHitters
    from wirebrick.state.log import Log
    from wirebrick.state.lpm import LongestPrefixMatch
    from wirebrick.state.random import Random
    from wirebrick.state.record import Record
    from wirebrick.state.table import Table
    from wirebrick.state.token_bucket import TokenBucket
    from wirebrick.stream.events import after, every
    from wirebrick.stream.graph import at_end
    from wirebrick.stream.merge import merge
    from wirebrick.stream.network_function import network_function
    from wirebrick.stream.stream import Stream

__version__ = "0.1.0"

_HOMES = {
    "Array": "wirebrick.state.array",
    "Bounded": "wirebrick.state.consistency",
    "Classifier": "wirebrick.state.classifier",
    "CountMin": "wirebrick.state.count_min",
    "Counter": "wirebrick.state.counter",
    "FlowKey": "wirebrick.packet.flow",
    "HeavyHitters": "wirebrick.state.heavy_hitters",
    "IPv4Address": "wirebrick.addresses",
    "IPv4Network": "wirebrick.addresses",
    "IPv6Address": "wirebrick.addresses",
    "IPv6Network": "wirebrick.addresses",
    "Log": "wirebrick.state.log",
    "LongestPrefixMatch": "wirebrick.state.lpm",
    "MacAddress": "wirebrick.addresses",
    "Partitioned": "wirebrick.state.consistency",
    "Random": "wirebrick.state.random",
    "Record": "wirebrick.state.record",
    "Report": "wirebrick.runtime.report",
    "Result": "wirebrick.runtime.run",
    "Stream": "wirebrick.stream.stream",
    "Strict": "wirebrick.state.consistency",
    "Table": "wirebrick.state.table",
    "TokenBucket": "wirebrick.state.token_bucket",
    "WirebrickError": "wirebrick.errors",
    "after": "wirebrick.stream.events",
    "at_end": "wirebrick.stream.graph",
    "cycles": "wirebrick.packet.memory",
    "every": "wirebrick.stream.events",
    "merge": "wirebrick.stream.merge",
    "network_function": "wirebrick.stream.network_function",
    "run": "wirebrick.runtime.run",
}

__all__ = [
    "Array",
    "Bounded",
    "Classifier",
    "CountMin",
    "Counter",
    "FlowKey",
    "HeavyHitters",
    "IPv4Address",
    "IPv4Network",
    "IPv6Address",
    "IPv6Network",
    "Log",
    "LongestPrefixMatch",
    "MacAddress",
    "Partitioned",
    "Random",
    "Record",
    "Report",
    "Result",
    "Stream",
    "Strict",
    "Table",
    "TokenBucket",
    "WirebrickError",
    "after",
    "at_end",
    "cycles",
    "every",
    "merge",
    "network_function",
    "run",
]


def __getattr__(name: str) -> Any:
    # Loaded when first used: the command line must start in a moment.
    if name not in _HOMES:
        raise AttributeError(f"module 'wirebrick' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
