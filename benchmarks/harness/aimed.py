"""Made packets that are aimed: with addresses, ports and protocols as given, for both sides of a measurement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.harness import baseline
from wirebrick.ports.memory import port
from wirebrick.ports.memory.native import LINE
from wirebrick.ports.memory.templates import Templates, make_templates
from wirebrick.ports.memory.traffic import Traffic

_FIELDS = {"src": (26, 4), "dst": (30, 4), "src_port": (34, 2), "dst_port": (36, 2), "protocol": (23, 1)}


@contextmanager
def aimed(columns: Mapping[str, np.ndarray[Any, Any]]) -> Iterator[None]:
    """Within it, flow i of IPv4 packets has the i-th address, port and protocol of the columns."""

    def make(traffic: Traffic, worker: int = 0, workers: int = 1) -> Templates:
        templates = make_templates(traffic, worker, workers)
        lines = templates.buffer.reshape(-1, LINE)
        heads = templates.index[:, 0]  # the line with a packet's headers; flows take turns
        for name, (at, size) in _FIELDS.items():
            values = columns[name][worker::workers].astype(">u8").view(np.uint8).reshape(-1, 8)
            own = values[: len(range(worker, traffic.flows, workers)), 8 - size :]
            lines[heads, at : at + size] = np.resize(own, (len(heads), size))
        return templates

    with mock.patch.object(port, "make_templates", make), mock.patch.object(baseline, "make_templates", make):
        yield
