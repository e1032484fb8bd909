"""``python -m benchmarks``: names, JSON, errors; the experiments that run other processes, in small."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
from benchmarks.__main__ import main
from benchmarks.experiments import EXPERIMENTS, capture, measure
from benchmarks.harness.captures import write_capture
from benchmarks.harness.errors import BenchmarkError
from benchmarks.harness.options import Options
from benchmarks.harness.process import run_command
from benchmarks.harness.testpmd import forwards

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="the baselines need gcc")


@needs_gcc
def test_json_is_one_object(capsys):
    assert main(["ttl", "macswap", "--json", "--seconds", "0.002", "--repeats", "3"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"machine", "settings", "experiments"}
    (row,) = found["experiments"]["ttl"]
    assert row["name"] == "ttl"
    assert row["target"] == "ratio >= 0.97"
    assert row["ratio_min"] <= row["ratio"] <= row["ratio_max"]
    assert len(row["wirebrick_runs"]) == len(row["baseline_runs"]) == 3
    assert len(found["experiments"]["macswap"]) == 2


@needs_gcc
def test_the_table_has_a_line_for_each_row(capsys):
    assert main(["rx", "--seconds", "0.002", "--repeats", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:14] for line in lines[-3:]] == ["experiment    ", "rx alone      ", "rx alone, IMIX"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["tll"], "did you mean 'ttl'"), (["--seconds", "0"], "--seconds"), (["--repeats", "0"], "--repeats")],
)
def test_wrong_arguments(arguments, told, capsys):
    assert main(arguments) == 2
    assert told in capsys.readouterr().err


def test_without_gcc(monkeypatch, capsys):
    from benchmarks.harness.build import library

    library.cache_clear()
    monkeypatch.setenv("PATH", "/nonexistent")
    assert main(["ttl"]) == 1
    told = capsys.readouterr().err
    assert "gcc is not installed" in told
    assert "help: " in told


def test_experiments_without_a_baseline():
    rows = list(measure("interpreter", Options(seconds=0.01, repeats=1)))
    assert rows
    assert all(row.wirebrick > 0 and row.baseline is None for row in rows)


@pytest.mark.skipif(shutil.which("dpdk-testpmd") is None, reason="the baseline is dpdk-testpmd")
def test_dpdk_beside_testpmd(monkeypatch):
    monkeypatch.setattr("benchmarks.experiments.dpdk.SIZES", (128,))
    (row,) = measure("dpdk", Options(seconds=0.1, repeats=1))
    assert row.name == "dpdk:net_null, 128 bytes"
    assert row.wirebrick > 0
    assert row.baseline > 0


@pytest.mark.skipif(shutil.which("dpdk-testpmd") is None, reason="the baseline is dpdk-testpmd")
def test_a_testpmd_that_does_not_start_is_told():
    with pytest.raises(BenchmarkError, match=r"(?s)did not start.*net_nul0"):
        forwards(["net_nul0"], 0.1, None)


def test_every_experiment_can_be_imported():
    for name in EXPERIMENTS:
        iter(measure(name, Options()))


def test_a_capture_is_measured():
    ((mpps, peak),) = capture.measure(500, 1)
    assert mpps > 0
    assert 10 < peak < 1000


def test_a_capture_is_what_it_is_said_to_be(tmp_path):
    from scapy.utils import rdpcap

    write_capture(tmp_path / "some.pcap", 30, flows=7)
    packets = rdpcap(str(tmp_path / "some.pcap"))
    assert [len(packet) for packet in packets] == [64] * 30
    assert bytes(packets[0]) == bytes(packets[7]) != bytes(packets[1])
    assert packets[29].time - packets[0].time == pytest.approx(29e-6)


def test_a_command_that_fails_is_told():
    with pytest.raises(BenchmarkError, match=r"(?s)status 3.*no good"):
        run_command([sys.executable, "-c", "import sys; sys.stderr.write('no good'); sys.exit(3)"])


def test_the_peak_of_a_command_is_its_own():
    ballast = bytearray(200 << 20)
    for at in range(0, len(ballast), 4096):
        ballast[at] = 1
    assert run_command([sys.executable, "-I", "-S", "-c", "pass"]).peak_bytes < 100 << 20
