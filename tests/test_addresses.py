"""Addresses and prefixes."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirebrick.addresses import IPv4Address, IPv4Network, IPv6Address, IPv6Network, MacAddress

TYPES = [MacAddress, IPv4Address, IPv6Address]


@pytest.mark.parametrize("kind", TYPES)
@given(data=st.data())
def test_text_bytes_and_number_are_one(kind, data):
    number = data.draw(st.integers(0, (1 << kind.bits) - 1))
    address = kind(number)
    assert address == number == int(address)
    assert kind(str(address)) == kind(address.packed) == address
    assert eval(repr(address)) == address
    assert len(address.packed) * 8 == kind.bits
    assert hash(address) == hash(number)


@given(st.integers(0, (1 << 32) - 1))
def test_ipv4_prints_as_the_standard_library_does(number):
    assert str(IPv4Address(number)) == str(ipaddress.IPv4Address(number))


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        ("2001:DB8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("0:0:0:0:0:0:0:0", "::"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ],
)
def test_ipv6_prints_as_rfc_5952_says(text, printed):
    assert str(IPv6Address(text)) == printed


@pytest.mark.parametrize("text", ["02:00:00:00:00:0A", "02-00-00-00-00-0a"])
def test_mac_notations(text):
    assert str(MacAddress(text)) == "02:00:00:00:00:0a"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (MacAddress, "02:00:00:00:00"),
        (MacAddress, "02:00-00:00:00:01"),
        (MacAddress, "02:00:00:00:00:0g"),
        (MacAddress, "2:0:0:0:0:1"),
        (MacAddress, ""),
        (IPv4Address, "10.0.0"),
        (IPv4Address, "10.0.0.256"),
        (IPv4Address, "10.0.0.1\n"),
        (IPv4Address, "::1"),
        (IPv6Address, "10.0.0.1"),
        (IPv6Address, ":::"),
        (IPv4Address, b"123"),
        (IPv6Address, b"1234"),
        (IPv4Address, -1),
        (IPv4Address, 1 << 32),
        (MacAddress, 1 << 48),
        (IPv6Address, 1 << 128),
    ],
)
def test_what_is_no_address_is_refused(kind, value):
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
        kind(value)


@pytest.mark.parametrize("kind", TYPES)
def test_zero_by_default(kind):
    assert kind() == 0


@given(st.integers(0, 32), st.integers(0, (1 << 32) - 1), st.integers(0, (1 << 32) - 1))
def test_membership_is_the_standard_librarys(length, prefix, number):
    theirs = ipaddress.IPv4Network((prefix, length), strict=False)
    ours = IPv4Network(str(theirs))
    assert str(ours) == str(theirs)
    assert (IPv4Address(number) in ours) == (ipaddress.IPv4Address(number) in theirs)


@given(st.integers(0, 128), st.integers(0, (1 << 128) - 1), st.integers(0, 127))
def test_ipv6_membership(length, prefix, bit):
    theirs = ipaddress.IPv6Network((prefix, length), strict=False)
    number = prefix ^ 1 << bit
    assert (IPv6Address(number) in IPv6Network(str(theirs))) == (ipaddress.IPv6Address(number) in theirs)


def test_networks():
    assert repr(IPv4Network("10.0.0.0/8")) == "IPv4Network('10.0.0.0/8')"
    assert str(IPv4Network("192.0.2.1")) == "192.0.2.1/32"
    assert str(IPv6Network("2001:db8::/32")) == "2001:db8::/32"
    assert IPv4Network("10.0.0.0/8") == IPv4Network("10.0.0.0/8") != IPv4Network("10.0.0.0/9")
    assert len({IPv4Network("0.0.0.0/0"), IPv4Network("0.0.0.0/0"), IPv6Network("::/0")}) == 2


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/x", "10.0.0/8", "/8", "10.0.0.1/8"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
        IPv4Network(text)


def test_bits_behind_the_prefix_are_named():
    with pytest.raises(ValueError, match=r"write 10\.0\.0\.0/8"):
        IPv4Network("10.1.2.3/8")
