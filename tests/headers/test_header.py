"""Headers of users: declared, built, read, written, derived; and what is refused."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirebrick.errors import HeaderError
from wirebrick.fields import F64, U1, U3, U4, U5, U7, U8, U12, U13, U16, U64, IPv4Address, MacAddress, Octets
from wirebrick.headers import UDP, Ethernet, Header, IPv4, IPv6, computed, golden
from wirebrick.headers.header import announcements, may_follow


class Odd(Header):
    """Fields that begin and end within bytes, one of them over nine."""

    a: U3 = 5
    b: U64
    c: U13
    d: U1 = 1
    e: U7


class Tail(Header):
    """As long as it says, with an address and a computed value."""

    words: U8 = 1
    kind: U8
    peer: IPv4Address = "192.0.2.1"
    rest: Octets

    announced_by = UDP.dst_port == 9999, UDP.src_port == 9999

    @computed
    def parity(self) -> int:
        """Whether ``words`` is odd."""
        return self.words & 1

    def header_length(self) -> int:
        """Six bytes, and four for each word."""
        return 6 + self.words * 4


class Next(Header):
    """What a Tail of kind 7 carries."""

    value: U16
    announced_by = (Tail.kind == 7) & (Tail.parity == 1)


def test_layout():
    assert [(f.offset, f.bits, f.first, f.bytes, f.shift) for f in Odd.fields.values()] == [
        (0, 3, 0, 1, 5),
        (3, 64, 0, 9, 5),
        (67, 13, 8, 2, 0),
        (80, 1, 10, 1, 7),
        (81, 7, 10, 1, 0),
    ]
    assert Odd.size == 11


@given(st.tuples(*[st.integers(0, field.mask) for field in Odd.fields.values()]))
def test_bits_round_trip(numbers):
    values = dict(zip(Odd.fields, numbers, strict=True))
    header = Odd(**values)
    bits = "".join(f"{values[name]:0{field.bits}b}" for name, field in Odd.fields.items())
    assert bytes(header) == int(bits, 2).to_bytes(11, "big")
    assert {name: getattr(header, name) for name in values} == values
    golden(header, bytes(header))


@given(
    st.binary(min_size=11, max_size=11), st.sampled_from(list(Odd.fields)), st.integers(-(1 << 70), 1 << 70)
)
def test_a_store_keeps_the_low_bits_and_the_other_fields(data, name, value):
    header = Odd.from_bytes(data)
    before = {other: getattr(header, other) for other in Odd.fields}
    setattr(header, name, value)
    before[name] = value & Odd.fields[name].mask
    assert {other: getattr(header, other) for other in Odd.fields} == before


def test_defaults_and_text():
    header = Tail(rest=b"abcd")
    assert (header.words, header.kind, header.peer, header.rest) == (1, 0, IPv4Address("192.0.2.1"), b"abcd")
    assert repr(header) == "Tail(words=1, kind=0, peer=192.0.2.1, rest=b'abcd')"
    assert Tail(peer="10.0.0.1").peer == Tail(peer=bytes([10, 0, 0, 1])).peer == 0x0A000001


def test_computed_reads_like_a_field():
    assert [Tail(words=words).parity for words in range(4)] == [0, 1, 0, 1]
    assert [repr(c) for c in Next.announced_by] == ["Tail.kind == 7 & Tail.parity == 1"]
    assert may_follow(Next, Tail)
    assert not may_follow(Next, UDP)
    assert not may_follow(Next, None)


def test_several_announcements():
    assert [repr(c) for c in announcements(Tail, UDP)] == ["UDP.dst_port == 9999", "UDP.src_port == 9999"]


def test_without_announcement_it_follows_anything():
    assert may_follow(Odd, None)
    assert may_follow(Odd, Ethernet)


def test_functions_may_hold_classes():
    size = U12

    class Inner(Header):
        low: size
        high: U4

    assert Inner(low=0xABC, high=0xD).low == 0xABC


def test_derived_headers_have_the_fields_of_their_base_first():
    class More(Header):
        first: U8 = 3

        @computed
        def twice(self) -> int:
            return self.first * 2

    class Most(More):
        second: U16 = 0x0102

    assert bytes(Most()) == b"\x03\x01\x02"
    assert (More.size, Most.size, Most.fields["first"].owner, More.fields["first"].owner) == (
        1,
        3,
        Most,
        More,
    )
    assert (Most.first == 1).header is Most
    assert (Most.twice == 2).header is Most
    assert (More.first == 1).header is More
    assert Most().twice == 6


def test_a_view_outlives_its_header():
    rest = Tail(rest=b"abcd").rest
    part = Tail(rest=b"efgh").rest[1:3]
    gc.collect()
    assert (rest, part) == (b"abcd", b"fg")


def test_octets_are_stored_in_place():
    header = Tail(rest=b"abcd")
    header.rest[0] = 0x41
    header.rest.put_u16(2, 0x5859)
    assert bytes(header)[6:] == b"AbXY"


def test_equality_is_type_and_bytes():
    assert UDP(src_port=1) == UDP(src_port=1)
    assert UDP(src_port=1) != UDP(src_port=2)
    assert UDP() != Ethernet()


def test_golden_says_what_differs():
    with pytest.raises(AssertionError, match="makes 00 01"):
        golden(Next(value=1), b"\x00\x02")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"src_port": 65536}, "UDP.src_port = 65536 does not fit its 16 bits"),
        ({"src_port": -1}, "does not fit"),
        ({"src_port": "53"}, "UDP.src_port = '53'"),
        ({"src_port": 1.5}, "UDP.src_port = 1.5"),
        ({"port": 1}, "UDP has no field 'port'"),
    ],
)
def test_wrong_values_are_refused(values, message):
    with pytest.raises(HeaderError, match=message) as caught:
        UDP(**values)
    assert caught.value.place.file == __file__


@pytest.mark.parametrize("value", ["10.0.0.256", "::1", b"123", 1 << 32, None])
def test_wrong_addresses_are_refused(value):
    with pytest.raises(HeaderError, match=r"IPv4\.src"):
        IPv4(src=value)


@pytest.mark.parametrize("value", [5, "text", None])
def test_the_variable_part_is_bytes(value):
    with pytest.raises(HeaderError, match="is not bytes"):
        IPv4(options=value)


def declare(annotations, **body):
    return type("Wrong", (Header,), {"__annotations__": annotations, **body})


@pytest.mark.parametrize(
    ("annotations", "body", "message"),
    [
        ({"a": U7}, {}, r"(?s)7 bits.*add a field of 1 bits"),
        ({"a": int}, {}, "is not a field type"),
        ({"a": F64}, {}, "is not a field type"),
        ({"a": "U99"}, {}, "U99"),
        ({"a": U8, "rest": Octets, "b": U8}, {}, "nothing can follow Octets"),
        ({"a": U8}, {"a": 256}, "does not fit its 8 bits"),
        ({"a": U8}, {"a": "x"}, r"Wrong\.a = 'x'"),
        ({"a": MacAddress}, {"a": "02:00"}, "is not a MAC address"),
        ({"_a": U8}, {}, "can't be called that"),
        ({"size": U8}, {}, "can't be called that"),
        ({"valid": U8}, {}, "can't be called that"),
        ({"a": U8}, {"announced_by": 9999}, "can't be announced by 9999"),
        ({"a": U8}, {"announced_by": (UDP.dst_port == 1, None)}, "can't be announced by None"),
        ({"a": U3, "b": U5, "c": U4}, {}, "12 bits"),
    ],
)
def test_wrong_declarations_are_refused(annotations, body, message):
    with pytest.raises(HeaderError, match=message) as caught:
        declare(annotations, **body)
    assert caught.value.place.file == __file__


def test_conditions_join_with_ampersand_and_about_one_header():
    with pytest.raises(HeaderError, match="join conditions with &"):
        _ = UDP.dst_port == 1 and UDP.src_port == 1
    with pytest.raises(HeaderError, match="about different headers"):
        _ = (UDP.dst_port == 1) & (IPv6.hop_limit == 1)
