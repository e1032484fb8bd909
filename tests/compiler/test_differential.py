"""Compiled = interpreted, packet for packet and count for count, on the zoo of network functions."""

from __future__ import annotations

import pytest
from frames import frames
from zoo import ZOO

import wirebrick

PAIRS = [
    ["ttl", "ttl"],
    ["structure", "ttl", "tag", "untag"],
    ["vxlan", "unvxlan"],
    ["vlans", "tag", "vlans"],
]
CHAINS = [[name] for name in ZOO] + PAIRS


def both(chain: list[str], packets: list[bytes]):
    functions = [ZOO[name] for name in chain]
    interpreted = wirebrick.run(functions, rx=packets, interpret=True)
    compiled = wirebrick.run(functions, rx=packets)
    return interpreted, compiled


@pytest.mark.parametrize("chain", CHAINS, ids="+".join)
def test_compiled_as_interpreted(chain):
    # Interpreted, a loop without an end takes a tenth of a second until its fuel is used up.
    packets = frames(seed=len(chain), count=80 if chain == ["faults"] else 250)
    interpreted, compiled = both(chain, packets)
    for number, (mine, theirs) in enumerate(zip(interpreted.packets, compiled.packets, strict=False)):
        assert mine.hex() == theirs.hex(), f"output {number}"
    assert len(interpreted.packets) == len(compiled.packets)
    assert interpreted.drops == compiled.drops
    assert interpreted.nfs == compiled.nfs
    assert interpreted.packets_copied == compiled.packets_copied
