from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from namespace import Net


@pytest.fixture
def net() -> Iterator[Net]:
    made = Net()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def hosts(net: Net) -> SimpleNamespace:
    """Two hosts (``a``: 10.9.0.1, ``b``: 10.9.0.2), and between them a box with the interfaces in0 and out0."""
    a, b, box = (net.namespace(name) for name in ("a", "b", "x"))
    net.wire(a, box, "in0", 1)
    net.wire(b, box, "out0", 2)
    return SimpleNamespace(a=a, b=b, box=box, net=net)
