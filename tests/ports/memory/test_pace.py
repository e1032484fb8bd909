"""Made packets in real time: rates, ramps, counts; and what can't be asked for."""

from __future__ import annotations

import ctypes

import pytest

import wirebrick
from wirebrick.errors import PortError
from wirebrick.ports.memory import paced_native as paced
from wirebrick.ports.memory.pace import read_pace
from wirebrick.ports.spec import open_port


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [
        ("memory:count=2000,rate=20kpps", 0.1),
        ("memory:size=1000,count=500,rate=40Mbit", 0.1),
        ("memory:imix,count=300,rate=10Mbit", 0.0866),
        ("memory:count=1000,rate=0pps-20kpps,ramp=100ms", 0.1),
    ],
)
def test_it_takes_as_long_as_the_rate_says(spec, seconds):
    if "rate=0" in spec:
        spec = spec.replace("rate=0pps", "rate=1pps")
    wirebrick.run("ttl", rx="memory:count=1,rate=1Mpps", tx="null:")  # compiled
    result = wirebrick.run("ttl", rx=spec, tx="null:")
    assert result.packets_in == result.packets_out
    assert 0.9 * seconds < result.elapsed_s < 1.5 * seconds + 0.2


def test_times_are_the_walls(tmp_path):
    import struct
    import time

    path = tmp_path / "out.pcap"
    before = time.time_ns()
    wirebrick.run("ttl", rx="memory:count=100,rate=10kpps", tx=str(path))
    data = path.read_bytes()
    seconds, nanoseconds = struct.unpack_from("<2I", data, 24)
    assert before <= seconds * 10**9 + nanoseconds <= time.time_ns()


def test_workers_share_the_rate():
    result = wirebrick.run("ttl", rx="memory:flows=64,rate=20kpps,count=4000", tx="null:", workers=2)
    assert result.packets_in == 4000
    assert 0.18 < result.elapsed_s < 0.6


def test_credit_by_the_clock():
    state = (ctypes.c_int64 * (paced.PACED // 8))()
    at = ctypes.addressof(state)
    state[paced.P_FIRST // 8], state[paced.P_LAST // 8] = 1000, 3000
    state[paced.P_RAMP // 8], state[paced.P_MOST // 8] = 2 * paced.SECOND, paced.SECOND
    assert [paced.rate_at(at, second * paced.SECOND) for second in (0, 1, 2, 3)] == [1000, 2000, 3000, 3000]
    assert paced.credit_at(at, 10**18) == 0
    assert paced.credit_at(at, 10**18 + 2_000_000) == 2_000_000 * 1002
    # What is longer ago than LATE is not made up for, and a clock that goes back brings nothing.
    credit = paced.credit_at(at, 10**18 + 60 * paced.SECOND)
    assert credit <= paced.LATE * 3000 + paced.SECOND
    assert paced.credit_at(at, 10**18) <= credit


@pytest.mark.parametrize(
    "options",
    [
        "rate=fast",
        "rate=1kpps-2kpps",
        "rate=1kpps,ramp=1s",
        "rate=1kpps-2Mbit,ramp=1s",
        "ramp=1s",
        "rate=200Gbit",
    ],
)
def test_what_cant_be(options):
    with pytest.raises(PortError):
        open_port(f"memory:{options}")


def test_without_a_rate_there_is_no_pace():
    assert read_pace("", "") is None
