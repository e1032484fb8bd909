"""The C load balancer sends what Wirebrick's does, byte for byte."""

from __future__ import annotations

import shutil

import pytest
from benchmarks.experiments import measure
from benchmarks.experiments.maglev import DELIVERIES, c_maglev, configuration
from benchmarks.experiments.maglev_disruption import METHODS, disruption, over_provisioned
from benchmarks.harness.baseline import Baseline
from benchmarks.harness.options import Options
from traffic_of_all_kinds import frames

import wirebrick
from wirebrick.nf.maglev import maglev
from wirebrick.ports.memory.templates import make_templates
from wirebrick.ports.memory.traffic import Traffic

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="the baselines need gcc")


@needs_gcc
@pytest.mark.parametrize("delivery", DELIVERIES)
def test_the_same_packets_leave(delivery, tmp_path):
    path = tmp_path / "lb.toml"
    path.write_text(configuration(delivery))
    size = 64 if delivery == "gre" else "imix"  # a full frame has no room for an outer header
    traffic = Traffic(size=size, flows=300, servers=1, protocols="udp:90/tcp:10", payload="random")
    templates = make_templates(traffic)
    packets = [templates.packet(number % len(templates.index)) for number in range(600)]
    packets += frames(300, 3)
    result = wirebrick.run(maglev(config=path, capacity=1000), rx=packets)
    baseline = Baseline([c_maglev(path, 1000)], traffic)
    sent = []
    for first in range(0, len(packets), baseline.burst):
        sent += baseline.process(packets[first : first + baseline.burst])
    assert result.packets == sent
    flows, dropped, other = baseline.state(0)[5:]
    assert flows > 250
    assert result.drops == {"maglev.no_service": dropped}
    assert 200 < other <= 300


@needs_gcc
def test_the_rows(monkeypatch):
    monkeypatch.setattr("benchmarks.experiments.maglev.DELIVERIES", ("mac",))
    monkeypatch.setattr("benchmarks.experiments.maglev.FLOWS", {"few": 500})
    rows = list(measure("maglev", Options(seconds=0.01, repeats=1)))
    assert [row.name for row in rows] == [f"maglev, mac, few connections{more}" for more in ("", ", IMIX")]
    assert all(row.ratio for row in rows)


@pytest.mark.parametrize("name", METHODS)
def test_only_places_of_what_failed_change_hands_with_the_others(name):
    before, after = METHODS[name](1009, list(range(20))), METHODS[name](1009, list(range(2, 20)))
    assert (disruption(before, after, 2) == 0) == (name != "maglev")
    assert disruption(before, after, 2) < 12
    assert over_provisioned(before) < (3 if name == "maglev" else 60)
