"""golden: the test helper for a header's bytes."""

from __future__ import annotations

from wirebrick.headers.header import Header


def golden(header: Header, data: bytes) -> None:
    """Test helper: ``header`` makes exactly ``data``, and ``data`` reads back as it. Raises AssertionError.

    >>> from wirebrick.headers import UDP
    >>> golden(UDP(src_port=1, dst_port=2, length=8), bytes.fromhex("0001000200080000"))
    """
    made = bytes(header)
    assert made == data, f"{header!r} makes {made.hex(' ')}, not {data.hex(' ')}"
    parsed = type(header).from_bytes(data)
    assert parsed == header, f"{data.hex(' ')} reads back as {parsed!r}, not {header!r}"
