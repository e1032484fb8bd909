"""The C blocklist lets the same packets pass as Wirebrick's, and counts the same."""

import shutil

import pytest
from benchmarks.experiments.blocklist import c_blocklist, made_list
from benchmarks.harness.baseline import Baseline
from traffic_of_all_kinds import frames

import wirebrick
from wirebrick.nf.blocklist.nf import blocklist

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="the baselines need gcc")


def test_the_same_packets_pass(tmp_path):
    path = tmp_path / "drop.txt"
    path.write_text(
        "10.0.0.0/10\n10.1.0.0/16\n192.0.2.0/28\n198.18.0.0/16\n2001:db8::/33\n2001:db8:8000::/34\n8000::/1\n"
    )
    packets = frames(3000, 3)
    result = wirebrick.run(blocklist(prefixes=path), rx=packets)
    nf = c_blocklist(path)
    baseline = Baseline([nf])
    passed = []
    for first in range(0, len(packets), baseline.burst):
        passed += baseline.process(packets[first : first + baseline.burst])
    assert passed == result.packets
    dropped = result.packets_dropped
    assert baseline.state(0)[2] == dropped
    assert 0 < dropped < len(packets)
    assert int(nf.keeps[1].sum()) == dropped == sum(row[1] for row in result.reports[0][1].rows)


def test_made_lists():
    lines = made_list(2000).split()
    assert len(set(lines)) > 1900
    assert sum(line.endswith("/24") for line in lines) == 500
