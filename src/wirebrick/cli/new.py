"""``wirebrick new``: a network function to start from, and its test."""

from __future__ import annotations

import importlib.util
import keyword
import os
import sys
from pathlib import Path

from wirebrick.errors import ParameterError, WirebrickError

NF = '''\
"""{name}: a network function."""

from wirebrick import Stream, network_function
from wirebrick.headers import Ethernet, IPv4


@network_function
def {name}(packets: Stream, *, smallest: int = 2) -> Stream:
    """Age IPv4 packets by one hop; drop those with a TTL below ``smallest``."""

    def alive(packet):
        return packet.header.ttl >= smallest

    def age(packet):
        packet.header.ttl -= 1

    return packets.parse(Ethernet).parse(IPv4).filter(alive, reason="too_old").transform(age)
'''

TEST = '''\
"""The network function {name}: packets in, packets out."""

from {name} import {name}

import wirebrick
from wirebrick.headers import Ethernet, IPv4


def frame(ttl):
    """An Ethernet frame with an IPv4 packet."""
    return bytes(Ethernet(ethertype=0x0800)) + bytes(IPv4(ttl=ttl, total_length=46)) + bytes(26)


def test_packets_age():
    result = wirebrick.run({name}, rx=[frame(64)])
    assert [IPv4.from_bytes(packet[14:]).ttl for packet in result.packets] == [63]


def test_old_packets_are_dropped():
    result = wirebrick.run({name}(smallest=10), rx=[frame(9), frame(10)])
    assert result.packets_out == 1
    assert result.drops == {{"{name}.too_old": 1}}


def test_other_packets_pass_unchanged():
    other = bytes(60)
    assert wirebrick.run({name}, rx=[other], interpret=True).packets == [other]
'''


def new_command(name: str) -> int:
    """Write NAME.py, a network function of ten lines that works, and test_NAME.py, its test for pytest.

    Parameters
    ----------
    name
        What it is called: a name as Python has them.
    """
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise ParameterError(
            f"{name!r} can't be the name of a network function",
            cure="use letters, digits and _, a letter first, such as rate_limiter",
        )
    if name in sys.stdlib_module_names or _installed(name):
        raise ParameterError(
            f"{name!r} is the name of a Python module, which the file would hide",
            cure=f"call it my_{name}, say",
        )
    files = {Path(f"{name}.py"): NF.format(name=name), Path(f"test_{name}.py"): TEST.format(name=name)}
    for path in files:
        if path.exists() or path.is_symlink():
            raise WirebrickError(f"{path} is there already", cure="take another name, or move it away")
    for path, text in files.items():
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise WirebrickError(f"{path} can't be written: {error.strerror}") from None
    print(f"{name}.py and test_{name}.py are written. Next:")
    print(f"  wirebrick check {name}.py\n  wirebrick bench {name}.py\n  python -m pytest test_{name}.py")
    return 0


def _installed(name: str) -> bool:
    """Whether a module of that name can be imported from elsewhere than this folder."""
    found = importlib.util.find_spec(name)
    here = os.path.realpath(f"{name}.py")
    return found is not None and os.path.realpath(found.origin or "") != here
