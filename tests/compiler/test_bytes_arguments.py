"""Operations of state objects that take bytes of a packet, and that change a second object's block."""

import pytest
import sums_native as native
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from wirebrick import Array, network_function, run
from wirebrick.errors import CheckError
from wirebrick.fields import U64
from wirebrick.headers import TCP as TCPHeader
from wirebrick.headers import Ethernet, IPv4
from wirebrick.packet.memory import load64
from wirebrick.state.arguments import octets
from wirebrick.state.base import State
from wirebrick.state.operation import Operation

PAYLOADS = [b"", b"a", b"wirebrick", bytes(range(256)), b"\xff" * 1400]


class Word(State):
    """A block of one word."""

    def block_size(self):
        """One word."""
        return 8


class Sums(Word):
    """A state object that Wirebrick doesn't know."""

    operations = {
        "add": Operation(native.sums_add, ("bytes", "number"), (1,), result="natural", others=("other",))
    }

    def __init__(self):
        super().__init__("Sums")
        self.other = Word("Other")

    def add(self, data, times=1):
        """As ``sums_add``."""
        view = octets(data)
        return native.sums_add(self.changing(), self.other.changing(), view._at, len(view), times)


def packets():
    options = [("MSS", 1460), ("NOP", None), ("WScale", 3)]
    frames = [
        bytes(Ether() / IP(src="10.0.0.1") / TCP(seq=1 + n, options=options) / text)
        for n, text in enumerate(PAYLOADS)
    ]
    return [frame.ljust(60, b"\x07") for frame in frames]  # padding is no payload


def outcome(make, operator="map", interpret=False):
    kept = []

    @network_function
    def nf(stream):
        sums, out = Sums(), Array(U64, 4)
        kept.extend((sums, out))
        return make(stream.parse(Ethernet).parse(IPv4).parse(TCPHeader), sums, out)

    run(nf, rx=packets(), interpret=interpret)
    sums, out = kept
    return load64(sums.blocks[0]), load64(sums.other.blocks[0]), out.totals()


def both(make):
    compiled = outcome(make)
    assert compiled == outcome(make, interpret=True)
    return compiled


def test_payload():
    def make(stream, sums, out):
        def look(packet):
            out[0] += sums.add(packet.payload)

        return stream.map(look)

    total = sum(map(sum, PAYLOADS))
    assert both(make) == (total, total, [sum(map(len, PAYLOADS)), 0, 0, 0])


def test_slices_options_variables_and_functions():
    def times(part, sums):
        return sums.add(part, 3)

    def make(stream, sums, out):
        def look(packet):
            middle = packet.payload[1:-1]
            out[0] += sums.add(middle)
            out[1] += times(middle[2:5], sums)
            out[2] += sums.add(packet.header.options)
            out[3] += sums.add(packet[IPv4].options, -1)

        return stream.map(look)

    middles = [text[1:-1] for text in PAYLOADS]
    small = [text[2:5] for text in middles]
    total, other, out = both(make)
    assert out == [sum(map(len, middles)), sum(map(len, small)), 8 * len(PAYLOADS), 0]
    options = len(PAYLOADS) * sum(bytes.fromhex("020405b401030303"))
    assert total == sum(map(sum, middles)) + 3 * sum(map(sum, small)) + options
    assert other == sum(map(sum, middles)) + sum(map(sum, small)) + options


def test_window():
    def make(stream, sums, out):
        def look(window):
            out[0] += sums.add(window.data)
            out[1] += sums.add(window.data[:3])

        return stream.window(None, None, 10.0, look)

    total, other, out = both(make)
    assert out[0] > 0
    assert total == other > 0


@pytest.mark.parametrize("interpret", [False, True])
@pytest.mark.parametrize(
    ("what", "message"),
    [
        (
            lambda sums: lambda packet: sums.add(packet.length),
            r"add\(\) of Sums takes bytes of a packet, not an integer",
        ),
        (lambda sums: lambda packet: sums.add(b"text"), "takes bytes of a packet, not bytes"),
        (lambda sums: lambda packet: sums.add(packet.header), "takes bytes of a packet, not"),
        (lambda sums: lambda packet: sums.add(), r"add\(\) of Sums takes 1 to 2 arguments"),
    ],
)
def test_refusals(what, message, interpret):
    with pytest.raises(CheckError, match=message):
        outcome(lambda stream, sums, out: stream.map(what(sums)), interpret=interpret)
