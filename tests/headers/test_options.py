"""find_option."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirebrick.headers import TCP, IPv4, find_option


def options(data: bytes):
    return TCP(data_offset=15, options=data.ljust(40, b"\0")).options


@pytest.mark.parametrize(
    ("data", "kind", "at"),
    [
        ("020405b4 0402 01 030307", 2, 0),
        ("020405b4 0402 01 030307", 4, 4),
        ("020405b4 0402 01 030307", 1, 6),
        ("020405b4 0402 01 030307", 3, 7),
        ("020405b4 0402 01 030307", 0, 10),
        ("020405b4 0402 01 030307", 8, -1),
        ("00 020405b4", 2, -1),
        ("0200 020405b4", 2, -1),
        ("0201 020405b4", 2, -1),
        ("0300 020405b4", 2, -1),
        ("03ff 020405b4", 2, -1),
        ("02ff", 2, -1),
        ("01" * 38 + "0202", 2, 38),
        ("01" * 38 + "0203", 2, -1),
        ("01" * 39 + "02", 2, -1),
    ],
)
def test_find(data, kind, at):
    assert find_option(options(bytes.fromhex(data)), kind) == at


def test_none_at_all():
    assert find_option(TCP().options, 2) == -1
    assert find_option(TCP().options, 0) == -1


def test_router_alert_of_ipv4():
    header = IPv4(ihl=6, total_length=24, options=bytes.fromhex("94040000"))
    assert find_option(header.options, 0x94) == 0


@given(st.binary(max_size=40), st.integers(0, 255))
def test_what_is_found_lies_in_the_options(data, kind):
    view = options(data)
    at = find_option(view, kind)
    assert -1 <= at < len(view)
    if at >= 0:
        assert view[at] == kind
        if kind > 1:
            assert at + view[at + 1] <= len(view)
