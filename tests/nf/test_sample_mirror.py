"""sample and mirror: shares, whole flows, copies elsewhere; junk goes through unharmed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import wirebrick
from wirebrick.errors import CheckError, GraphError, ParameterError, WirebrickError
from wirebrick.nf.load import load_nf

BOTH = pytest.mark.parametrize("interpret", [True, False], ids=["interpreted", "compiled"])
CAPTURE = Path(__file__).parents[2] / "captures" / "mixed.pcap"


@pytest.mark.parametrize("by", ["count", "random", "flow"])
def test_about_one_in_n(by):
    count = 100_000
    result = wirebrick.run(
        load_nf(f"sample:n=20,by={by}"), rx=f"memory:count={count},flows=20000", tx="null:"
    )
    assert abs(result.packets_out / count - 0.05) < 0.006
    assert result.packets_out + result.drops["sample.not_sampled"] == count
    (_, report), *_ = result.reports
    assert report.rows[0] == ("packets", count, result.packets_out, 20 * result.packets_out)


def test_seeds_choose_other_flows():
    chosen = {
        frozenset(
            packet[26:38]
            for packet in wirebrick.run(load_nf(f"sample:n=4,by=flow,seed={seed}"), rx=frames()).packets
        )
        for seed in (1, 1, 2)
    }
    assert len(chosen) == 2


def frames():
    from wirebrick.headers import UDP, Ethernet, IPv4

    ip = [bytes(IPv4(src=src, dst=77, protocol=17, total_length=46)) for src in range(100)]
    return [
        bytes(Ethernet(ethertype=0x0800)) + head + bytes(UDP(src_port=5, dst_port=6)) + bytes(18)
        for head in ip
    ] * 2


@BOTH
def test_both_directions_of_a_capture_are_chosen_alike(interpret):
    result = wirebrick.run(load_nf("sample:n=3,by=flow"), rx=CAPTURE, tx=(found := []), interpret=interpret)
    flows = {}
    every = wirebrick.run(load_nf("sample:n=1"), rx=CAPTURE, tx=(all_packets := []))
    assert every.packets_out == every.packets_in
    chosen = set(found)
    for packet in all_packets:
        if (
            packet[12:14] == b"\x08\x00"
            and packet[14] == 0x45
            and packet[23] in (6, 17)
            and not packet[20] & 0x3F
        ):
            ends = frozenset([packet[26:30] + packet[34:36], packet[30:34] + packet[36:38]])
            flows.setdefault((packet[23], ends), set()).add(packet in chosen)
    assert all(len(choices) == 1 for choices in flows.values())
    assert {True, False} == set().union(*flows.values())
    assert result.packets_out == len(found)


@BOTH
def test_copies_of_samples_leave_elsewhere(interpret):
    result = wirebrick.run(
        load_nf("sample:n=5,by=count,to=tap"),
        rx=[bytes(60)] * 100,
        tx="null:",
        ports={"tap": "null:"},
        interpret=interpret,
    )
    assert {port.name: port.packets_out for port in result.ports if port.packets_out} == {
        "out": 100,
        "tap": 20,
    }
    assert result.packets_copied == 20


@BOTH
def test_mirrored_copies_are_cut(interpret, tmp_path):
    path = tmp_path / "tap.pcap"
    result = wirebrick.run(
        load_nf("mirror:to=tap,length=64,match=tcp"),
        rx=CAPTURE,
        tx=(out := []),
        ports={"tap": f"pcap:,{path}"},
        interpret=interpret,
    )
    again = wirebrick.run(load_nf("sample:n=1"), rx=path, tx=(copies := []))
    wanted = wirebrick.run(load_nf("sample:n=1"), rx=CAPTURE, tx=(tcp := []), filter="tcp")
    assert result.packets_out == result.packets_in + wanted.packets_in
    assert len(out) == result.packets_in
    assert copies == [packet[:64] for packet in tcp]
    assert again.bytes_in == sum(map(len, copies))


@pytest.mark.parametrize(
    ("nf", "error", "message"),
    [
        ("sample:n=0", ParameterError, "n=0"),
        ("sample:n=2,by=hash", ParameterError, "by"),
        ("sample:n=2,to=nowhere", WirebrickError, "no port named"),
        ("mirror:to=nowhere", GraphError, "no port named"),
        ("mirror:to=out,length=5", ParameterError, "length=5"),
        ("mirror:to=out,match=tcp port", GraphError, "tcp port"),
        ("mirror", ParameterError, "to"),
    ],
)
def test_mistakes_are_told(nf, error, message):
    assert issubclass(CheckError, WirebrickError)
    with pytest.raises(error, match=message):
        wirebrick.run(load_nf(nf), rx=[])


@BOTH
@pytest.mark.parametrize(
    "nf",
    [
        "link:delay=1ms,jitter=1ms,ordered=no,duplicate=10%,corrupt=50%,loss=5%,rate=1Mbit",
        "shaper:rate=1Mbit,per=flow",
        "shaper:rate=1Mbit,per=dscp",
        "policer:rate=1Mbit,per=src,red=cs1",
        "policer:rate=1kpps,per=flow",
        "sample:n=2,by=flow",
        "mirror:to=out,length=20",
    ],
)
def test_junk_costs_nothing_but_itself(nf, interpret):
    source = random.Random(5)
    frames = [source.randbytes(source.choice([0, 1, 13, 14, 20, 34, 60, 300])) for _ in range(150)]
    starts = [b"\x08\x00", b"\x86\xdd", b"\x81\x00\x00\x01\x08\x00", b"\x81\x00"]
    for _ in range(300):
        head = bytes(12) + source.choice(starts) + source.choice([b"\x45", b"\x60", b"\x4f", b""])
        frames.append(head + source.randbytes(source.randrange(90)))
    both = [
        wirebrick.run(load_nf(nf), rx=list(enumerate(frames)), interpret=way) for way in (interpret, False)
    ]
    assert both[0].packets == both[1].packets
    assert both[0].drops == both[1].drops
    assert not any(".fault" in reason for reason in both[0].drops)
    assert both[0].packets_in + both[0].packets_copied == both[0].packets_out + both[0].packets_dropped
