"""The C baseline of ids: the same packets, and every literal found in as many of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from benchmarks.experiments import measure
from benchmarks.experiments.ids import c_ids, rule_file
from benchmarks.harness.baseline import Baseline
from benchmarks.harness.options import Options
from traffic_of_all_kinds import frames

import wirebrick
from wirebrick.nf.ids import ids
from wirebrick.nf.ids.rules import parse_rules
from wirebrick.state import hyperscan
from wirebrick.state.patterns_tables import Literal

pytestmark = [
    pytest.mark.skipif(shutil.which("gcc") is None, reason="the baselines need gcc"),
    pytest.mark.skipif(hyperscan.library() is None, reason="libhyperscan5 is not installed"),
]
COUNT = 2000


def test_both_find_the_same(tmp_path: Path):
    packets = frames(COUNT, 5)
    texts = sorted({frame[at : at + 3] for frame in packets[:60] for at in (44, 50) if len(frame) > 60})
    path = tmp_path / "local.rules"
    path.write_text(
        "\n".join(
            f'alert ip any any -> any any (content:"|{text.hex(" ")}|"; sid:{number};)'
            for number, text in enumerate(texts, 1)
        )
    )
    result = wirebrick.run(ids(rules=path), rx=packets)
    rows = {row[0]: row[4] for row in result.reports[0][1].rows}
    database = hyperscan.Database([Literal(text, False) for text in texts], 1, once=True)
    theirs, hits = c_ids(database, len(texts))
    baseline = Baseline([theirs])
    left = []
    for first in range(0, COUNT, baseline.burst):
        left += baseline.process(packets[first : first + baseline.burst])
    assert left == result.packets == packets
    assert {f"1:{number}": int(count) for number, count in enumerate(hits, 1) if count} == rows
    assert len(rows) > 10


def test_rules():
    assert len(parse_rules(rule_file()).rules) == 944


def test_the_experiment():
    found = list(measure("ids", Options(seconds=0.002, repeats=1)))
    assert [row.name.split(",")[1] for row in found] == [" 64 B", " 64 B", " IMIX", " IMIX"]
