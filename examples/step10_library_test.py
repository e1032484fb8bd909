"""Step 10: Wirebrick as a library, in a test: packets in, packets out, as bytes.

``wirebrick.run`` is what the command line calls. ``rx`` takes a port or packets, the result has the
counts and, for packets that came from Python, those that left. ``interpret=True`` runs the same in
plain Python, where breakpoints work: both must give the same bytes.

    python -m pytest examples/step10_library_test.py
"""

from pathlib import Path

import pytest
from step02_parse import age
from step04_own_header import DNS

import wirebrick
from wirebrick.headers import Ethernet, IPv4, golden

CAPTURE = Path(__file__).parent.parent / "captures" / "mixed.pcap"


def frame(ttl):
    """An Ethernet frame with an IPv4 packet."""
    ip = IPv4(src="192.0.2.1", dst="192.0.2.2", ttl=ttl, total_length=46)
    return bytes(Ethernet(ethertype=0x0800)) + bytes(ip) + bytes(26)


@pytest.mark.parametrize("interpret", [False, True], ids=["compiled", "interpreted"])
def test_age(interpret):
    """Packets lose a hop; one without hops left is dropped."""
    result = wirebrick.run(age, rx=[frame(64), frame(1)], interpret=interpret)
    assert [IPv4.from_bytes(packet[14:]).ttl for packet in result.packets] == [63]
    assert result.drops == {"age.ttl_expired": 1}


def test_both_ways_to_run_give_the_same_bytes(tmp_path):
    """Compiled and interpreted, over the whole capture."""
    for way in (False, True):
        wirebrick.run(age, rx=CAPTURE, tx=tmp_path / f"{way}.pcap", interpret=way)
    assert (tmp_path / "False.pcap").read_bytes() == (tmp_path / "True.pcap").read_bytes()


def test_dns_header():
    """The header makes these bytes, and they read back as it."""
    golden(DNS(id=1, qr=1, rcode=3, questions=1), bytes.fromhex("0001 8003 0001 0000 0000 0000"))
