"""The port: specs, one reader, shared writers, no file destroyed."""

from __future__ import annotations

import os

import pytest
from pcap_bench import Bench
from pcap_files import classic

from wirebrick.errors import PortError
from wirebrick.ports.pcap import loader, reader, writer
from wirebrick.ports.pcap.port import PcapPort, refuse_same_file

DATA = classic([(n, 5, bytes([n]) * 60, None) for n in range(20)], magic=0xA1B23C4D)


@pytest.fixture(autouse=True)
def _no_compiler(monkeypatch):
    monkeypatch.setattr(reader, "receive_address", lambda: 1)
    monkeypatch.setattr(writer, "transmit_address", lambda: 2)


@pytest.fixture
def capture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.pcap").write_bytes(DATA)
    return tmp_path / "in.pcap"


@pytest.mark.parametrize(
    ("spec", "paths", "receive", "transmit"),
    [
        ("pcap:a", ("a", "a"), True, True),
        ("pcap:a,b", ("a", "b"), True, True),
        ("pcap:a,", ("a", ""), True, False),
        ("pcap:,b", ("", "b"), False, True),
        ("pcap:-", ("-", "-"), True, True),
        ("-", ("-", "-"), True, True),
        ("dir/a,b.pcap", ("dir/a,b.pcap", "dir/a,b.pcap"), True, True),
    ],
)
def test_specs(spec, paths, receive, transmit):
    made = PcapPort(spec)
    assert (made.paths, made.can_receive, made.can_transmit) == (paths, receive, transmit)


@pytest.mark.parametrize("spec", ["pcap:", "pcap:,", "pcap:a,b,c", ""])
def test_specs_that_make_no_sense(spec):
    with pytest.raises(PortError) as caught:
        PcapPort(spec)
    assert caught.value.cure


def test_in_and_out(capture: object, bench: Bench):
    made = PcapPort("pcap:in.pcap,out.pcap")
    before = made.frame_size
    source = made.source(0, 1)
    assert source.receive == 1
    assert before < made.frame_size == 65549
    sink = made.sink(0, 1)
    assert sink.transmit == 2
    bench.send(sink, bench.drain(source))
    sink.close()
    made.close()
    with open("out.pcap", "rb") as stream:  # nanoseconds came in, nanoseconds go out
        assert stream.read()[24:] == DATA[24:]


def test_sinks_of_workers_share_the_file(capture: object, bench: Bench, read):
    made = PcapPort("pcap:out.pcap")
    packets = bench.drain(PcapPort("in.pcap").source(0, 1))
    sinks = [made.sink(worker, 2) for worker in range(2)]
    for sink in sinks:
        bench.send(sink, packets[:10])
        sink.close()
    made.close()
    assert len(read("out.pcap")[0]) == 20


def test_one_worker_reads_for_all():
    assert not PcapPort("in.pcap").splits(2)


def test_only_read_only_written(capture: object):
    with pytest.raises(PortError, match="names no capture to write"):
        PcapPort("pcap:in.pcap,").sink(0, 1)
    with pytest.raises(PortError, match="names no capture to read"):
        PcapPort("pcap:,out.pcap").source(0, 1)


@pytest.mark.parametrize("out", ["in.pcap", "./in.pcap", "soft.pcap", "hard.pcap"])
def test_input_is_never_overwritten(capture, out):
    os.symlink("in.pcap", "soft.pcap")
    os.link("in.pcap", "hard.pcap")
    with pytest.raises(PortError, match=r"is read and would be overwritten") as caught:
        PcapPort(f"pcap:in.pcap,{out}").sink(0, 1)
    assert caught.value.cure
    made = PcapPort("pcap:in.pcap")
    made.source(0, 1)
    with pytest.raises(PortError, match=r"is read and would be overwritten"):
        made.sink(0, 1)
    made.close()
    assert capture.read_bytes() == DATA


def test_what_was_written_is_not_read(capture: object):
    made = PcapPort("pcap:new.pcap")
    made.sink(0, 1)
    with pytest.raises(PortError, match=r"is read and would be overwritten"):
        made.source(0, 1)
    made.close()


def test_devices_and_pipes_may_be_both():
    refuse_same_file("/dev/null", "/dev/null")
    refuse_same_file("no such file", "no such file")


def test_loader_asks_for_both_functions(monkeypatch):
    asked = []

    class Native:
        @staticmethod
        def load_native(module, functions):
            asked.append((module, functions))
            return dict.fromkeys(functions, 4096)

    monkeypatch.setitem(__import__("sys").modules, "wirebrick.compiler.native", Native)
    assert loader.receive_address() == loader.transmit_address() == 4096
    assert (
        asked
        == [
            ("wirebrick.ports.pcap.native", {"receive": 3, "transmit": 4}),
        ]
        * 2
    )
