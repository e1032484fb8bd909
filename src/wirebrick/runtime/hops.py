"""The ports of hops outside of Wirebrick: part of the chain's text, but ports of the run like all others.

>>> from wirebrick.nf.external import external
>>> chain, ports = with_ports([external(inside="memory:", outside="far")])
>>> ports, chain[0].parameters
({'external.inside': 'memory:'}, {'inside': 'external.inside', 'outside': 'far'})
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wirebrick.stream.network_function import Configured, Hop, NetworkFunction


def with_ports(
    chain: Sequence[NetworkFunction | Configured],
) -> tuple[list[NetworkFunction | Configured], dict[str, str]]:
    """The chain with names in the place of its hops' ports, and these ports by name.

    A parameter without a colon names a port of the run already.
    """
    found: list[NetworkFunction | Configured] = []
    ports: dict[str, str] = {}
    for nf in chain:
        if isinstance(nf, Configured) and isinstance(nf.nf, Hop):
            named = dict(nf.parameters)
            hops = sum(isinstance(one, Configured) and isinstance(one.nf, Hop) for one in found)
            for leg in ("inside", "outside"):
                if ":" in str(named.get(leg, "")):
                    name = f"{nf.nf.name}{f'#{hops + 1}' if hops else ''}.{leg}"
                    ports[name], named[leg] = named[leg], name
            nf = replace(nf, parameters=named)
        found.append(nf)
    return found, ports
