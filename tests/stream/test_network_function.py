"""Parameters of network functions."""

from __future__ import annotations

import pytest

import wirebrick
from wirebrick.errors import ParameterError


@wirebrick.network_function
def by_position(packets, longest=100):
    return packets.filter(lambda packet: packet.length <= longest, reason="long")


@wirebrick.network_function
def required(packets, *, longest: int):
    return packets.filter(lambda packet: packet.length <= longest, reason="long")


@pytest.mark.parametrize("interpret", [True, False])
def test_a_parameter_with_a_default_may_stand_by_position(interpret):
    result = wirebrick.run(by_position(longest=70), rx=[bytes(64), bytes(80)], interpret=interpret)
    assert result.drops == {"by_position.long": 1}


def test_a_missing_parameter_is_named():
    with pytest.raises(ParameterError, match="the NF required needs its parameter longest"):
        wirebrick.run(required, rx=[bytes(60)])


def test_an_unknown_parameter_is_named():
    with pytest.raises(ParameterError, match="has no parameter 'lngest'"):
        required(lngest=3)
