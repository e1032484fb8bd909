"""Offloads of interfaces (ethtool(8), ``-K``).

A veth hands a packet to its peer as the kernel's stack has it: with a checksum still to be filled in, with tens
of kilobytes to be cut into segments, with its VLAN tag beside it. AF_XDP sees the bytes alone. With these off,
frames are as they would be on a wire.
"""

from __future__ import annotations

from wirebrick.errors import LabError
from wirebrick.lab.topology import OFFLOADS


def set_offloads(interface: str, names: frozenset[str]) -> None:
    """Turn those of `OFFLOADS` on that are named, and the others off, at an interface of this thread's namespace.

    Raises LabError where the driver keeps one on.
    """
    from pyroute2.ethtool.ethtool import Ethtool

    off = tuple(prefix for name, prefixes in OFFLOADS.items() if name not in names for prefix in prefixes)
    with Ethtool() as ethtool:
        found = ethtool.get_features(interface)
        for name, feature in found.features.items():
            if off and name.startswith(off) and feature.available:
                feature.enable = False
        if "gro" in names:  # the others are on in a new veth
            found.features["rx-gro"].enable = True
        ethtool.set_features(interface, found)
        now = ethtool.get_features(interface).features
    still = [
        name for name, one in now.items() if off and name.startswith(off) and one.enable and one.available
    ]
    if still:
        raise LabError(f"{interface} keeps {', '.join(still)} on", cure="leave it on: offload = true")
