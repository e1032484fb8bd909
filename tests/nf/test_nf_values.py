"""Values of parameters: from command lines and from TOML, checked against the annotation."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wirebrick
from wirebrick import IPv4Address, IPv4Network, IPv6Address, MacAddress
from wirebrick.errors import ParameterError
from wirebrick.fields import U8
from wirebrick.nf.parameters import configure, parameters_of
from wirebrick.nf.values import NAMES, Unfit, allowed, read

CHOICE = Literal["drop", "allow", 3]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (int, "12", 12),
        (int, "-12", -12),
        (int, "0x1F", 31),
        (int, "0b101", 5),
        (int, "1_000", 1000),
        (int, "007", 7),
        (float, "2.5", 2.5),
        (float, "1e-3", 0.001),
        (float, "60", 60.0),
        (bool, "Yes", True),
        (bool, "0", False),
        (str, "a text", "a text"),
        (Path, "a/b", Path("a/b")),
        (U8, "0xff", 255),
        (MacAddress, "02:00:00:00:00:01", MacAddress("02:00:00:00:00:01")),
        (IPv4Address, "192.0.2.1", IPv4Address("192.0.2.1")),
        (IPv6Address, "::1", IPv6Address("::1")),
        (IPv4Network, "10.0.0.0/8", IPv4Network("10.0.0.0/8")),
        (CHOICE, "allow", "allow"),
        (CHOICE, "3", 3),
        (int | None, "None", None),
        (Path | None, "none", None),
        (int | str, "x", "x"),
    ],
)
def test_from_text(kind: Any, text: str, value: Any) -> None:
    found = read(kind, text, text=True)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (int, ["", "x", "1.0", "1e3", "1<<20", "0x", "1_", "_1", "١٢", "1" * 5000, " "]),
        (float, ["", "x", "nan", "inf", "1e999"]),
        (bool, ["", "2", "maybe"]),
        (Path, ["", "a\0b"]),
        (U8, ["256", "-1", "x"]),
        (IPv4Address, ["1.2.3", "::1", "host"]),
        (IPv4Network, ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/x"]),
        (MacAddress, ["2:0:0:0:0:1"]),
        (CHOICE, ["", "Drop", "4"]),
        (int | None, ["", "nil"]),
    ],
)
def test_what_does_not_fit_is_refused(kind: Any, texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(Unfit, match=r"^not "):
            read(kind, text, text=True)


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        (int, 5, 5),
        (int, "5", Unfit),
        (int, 5.0, Unfit),
        (int, True, Unfit),
        (float, 5, 5.0),
        (float, True, Unfit),
        (float, float("nan"), Unfit),
        (bool, True, True),
        (bool, 1, Unfit),
        (bool, "yes", Unfit),
        (str, "x", "x"),
        (str, 5, Unfit),
        (Path, "x", Path("x")),
        (Path, ["x"], Unfit),
        (IPv4Address, "192.0.2.1", IPv4Address("192.0.2.1")),
        (IPv4Address, IPv4Address("192.0.2.1"), IPv4Address("192.0.2.1")),
        (IPv4Address, 7, Unfit),
        (IPv4Network, "10.0.0.0/8", IPv4Network("10.0.0.0/8")),
        (CHOICE, "drop", "drop"),
        (CHOICE, 3, 3),
        (CHOICE, True, Unfit),
        (Literal[1], True, Unfit),
        (U8, 256, Unfit),
        (int | None, None, None),
        (int | None, "none", Unfit),
    ],
)
def test_from_toml(kind: Any, value: Any, result: Any) -> None:
    if result is Unfit:
        with pytest.raises(Unfit):
            read(kind, value, text=False)
    else:
        assert read(kind, value, text=False) == result


@given(st.sampled_from([*NAMES, U8, CHOICE, int | None]), st.text() | st.none() | st.integers() | st.floats())
def test_any_value_fits_or_is_refused(kind: Any, value: Any) -> None:
    for text in [True, False] if isinstance(value, str) else [False]:
        try:
            read(kind, value, text=text)
        except Unfit as error:
            assert str(error).startswith("not ")  # noqa: PT017
    assert allowed(kind)


def test_the_error_names_nf_parameter_value_and_what_is_allowed() -> None:
    @wirebrick.network_function
    def shaper(packets: Any, *, rate: int, mode: Literal["fast", "slow"] = "fast") -> Any:
        return packets

    with pytest.raises(ParameterError) as caught:
        configure(shaper, {"rate": "1k"}, text=True)
    assert caught.value.message == "shaper: rate=1k is not a whole number, such as 1000 or 0x3e8"
    with pytest.raises(ParameterError) as caught:
        configure(shaper, {"rate": 1, "mode": "fats"})
    assert caught.value.message == "shaper: mode='fats' is not fast or slow"
    with pytest.raises(ParameterError, match="needs its parameter rate"):
        configure(shaper, {})


def test_types_without_annotation_and_types_that_can_t_be() -> None:
    def bare(packets, *, a=1, b=None, c):  # type: ignore[no-untyped-def]
        return packets

    assert [p.kind for p in parameters_of(wirebrick.network_function(bare))] == [int, str | None, str]

    def odd(packets: Any, *, a: list[int]) -> Any:
        return packets

    with pytest.raises(ParameterError, match=r"the type of its parameter a can't be given: list\[int\]"):
        parameters_of(wirebrick.network_function(odd))

    def unknown(packets: Any, *, a: Nowhere) -> Any:  # type: ignore[name-defined]  # noqa: F821
        return packets

    with pytest.raises(ParameterError, match="name 'Nowhere' is not defined"):
        parameters_of(wirebrick.network_function(unknown))
