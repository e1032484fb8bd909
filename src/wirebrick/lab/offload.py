"""Offloads of interfaces (ethtool(8), ``-K``).

A veth hands a packet to its peer as the kernel's stack has it: with a checksum still to be filled in, with tens
of kilobytes to be cut into segments, with its VLAN tag beside it. AF_XDP sees the bytes alone. With these off,
frames are as they would be on a wire.
"""

from __future__ import annotations

from collections.abc import Iterable

from wirebrick.errors import LabError
from wirebrick.lab.topology import OFFLOADS


def leave_on(interface: str, names: Iterable[str]) -> None:
    """Turn all of `OFFLOADS` off but ``names``, at an interface of the calling thread's namespace.

    Raises LabError where the driver keeps one on.
    """
    off = tuple(prefix for name, prefixes in OFFLOADS.items() if name not in names for prefix in prefixes)
    if not off:
        return
    from pyroute2.ethtool.ethtool import Ethtool

    with Ethtool() as ethtool:
        found = ethtool.get_features(interface)
        for name, feature in found.features.items():
            if name.startswith(off) and feature.available:
                feature.enable = False
        ethtool.set_features(interface, found)
        now = ethtool.get_features(interface).features
    still = [name for name, feature in now.items() if name.startswith(off) and feature.enable]
    if any(now[name].available for name in still):
        raise LabError(f"{interface} keeps {', '.join(still)} on", cure="leave it on: offload = true")
