"""Parameters of network functions."""

from __future__ import annotations

import pytest

import wirebrick
from wirebrick import Array, network_function
from wirebrick.errors import CheckError, ParameterError
from wirebrick.fields import U64


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


@pytest.mark.parametrize("interpret", [False, True], ids=["compiled", "interpreted"])
def test_state_is_the_network_function_s_own(interpret):
    shared = {}

    @network_function
    def owner(packets):
        counts = shared["counts"] = Array(U64, 1)

        def count(packet):
            counts[0] += 1

        return packets.map(count)

    @network_function
    def other(packets):
        counts = shared["counts"]

        def count(packet):
            counts[0] += 1

        return packets.map(count)

    @network_function
    def outer(packets):
        counts = Array(U64, 1)

        @network_function
        def inner(packets):
            def count(packet):
                counts[0] += 1

            return packets.map(count)

        return inner(packets)

    rx = "memory:count=10"
    with pytest.raises(CheckError, match="belongs to the NF owner, not to other") as caught:
        wirebrick.run([owner, other], rx=rx, interpret=interpret)
    assert caught.value.cure
    assert wirebrick.run([outer, outer], rx=rx, interpret=interpret).packets_out == 10
