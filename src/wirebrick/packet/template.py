"""Templates: the constant bytes that new packets are made of, checked as packets are parsed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from wirebrick.headers.header import Header
from wirebrick.packet.alone import alone
from wirebrick.packet.bracket import full_checksum
from wirebrick.packet.layer import Layer
from wirebrick.packet.memory import load16, load16be, store16

LARGEST = 1536  # bytes: every frame has room for them


@dataclass(frozen=True)
class Template:
    """The bytes of a packet to be made, checksums filled in, and where in it the headers are."""

    data: bytes
    layers: tuple[Layer, ...]


@lru_cache(maxsize=1024)
def template_of(data: bytes, headers: tuple[type[Header], ...]) -> Template:
    """Parse ``headers`` in ``data``. Checksums that are zero are filled in.

    Raises ValueError, with the reason, where there is no byte or there are too many, where a header isn't
    announced, doesn't fit or makes no sense, and where a checksum is wrong.

    >>> from wirebrick.headers import Ethernet, IPv4, UDP
    >>> frame = bytes(12) + bytes.fromhex("0800 45000020000000004011 0000 0a000001 0a000002")
    >>> made = template_of(frame + bytes.fromhex("0001 0002 000c 0000") + b"ping", (Ethernet, IPv4, UDP))
    >>> made.data[24:26].hex(), made.data[40:42].hex(), [layer.start for layer in made.layers]
    ('66cb', '0d00', [0, 14, 34])
    >>> template_of(frame, (Ethernet, IPv4))
    Traceback (most recent call last):
    ...
    ValueError: IPv4 is malformed
    """
    if not 0 < len(data) <= LARGEST:
        raise ValueError(f"a packet has 1 to {LARGEST:,} bytes, this one {len(data):,}")
    packet = alone(data)
    for header in headers:
        layer = packet._parse(header)
        if isinstance(layer, str):
            raise ValueError(f"{header.__name__} is {_WORDS.get(layer, layer)}")
    start = packet._descriptor.data
    # The innermost first: checksums around it cover it.
    for index in reversed(range(len(headers))):
        rule = headers[index].checksum_rule
        if rule is not None:
            at = packet._layers[index].checksum_at(start)
            given = load16(at)
            full_checksum(start, packet._layers, index, cut=False)
            right = load16be(at)
            if given and load16(at) != given:
                store16(at, given)
                raise ValueError(
                    f"the checksum of {headers[index].__name__} is {load16be(at):#06x}, not {right:#06x}"
                )
    return Template(bytes(packet), tuple(packet._layers))


_WORDS = {"absent": "not announced by what is before it"}


def is_headers(values: Iterable[object]) -> bool:
    """Whether all are header classes.

    >>> from wirebrick.headers import IPv4
    >>> is_headers([IPv4]), is_headers([IPv4, int])
    (True, False)
    """
    return all(isinstance(value, type) and issubclass(value, Header) for value in values)
