"""Functions with the mark @seldom do the same, compiled apart."""

import wirebrick
from wirebrick.headers import Ethernet
from wirebrick.seldom import seldom


@seldom
def mixed(packet, number):
    """A helper with a packet."""
    return packet.header.src ^ number


@wirebrick.network_function
def marked(packets):
    @seldom
    def rare(packet):
        packet.header.dst = mixed(packet, 5) if packet.length > 60 else 7

    return packets.parse(Ethernet).transform(rare)


def test_the_same_with_the_mark():
    frames = [bytes(range(size)) for size in (60, 61, 13)]
    results = [wirebrick.run(marked, rx=frames, interpret=interpret) for interpret in (True, False)]
    assert results[0].packets == results[1].packets
    assert [frame[:6].hex() for frame in results[1].packets] == [
        "000000000007",
        "060708090a0e",
        "000102030405",
    ]
