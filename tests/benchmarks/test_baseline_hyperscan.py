"""The experiment ``patterns``: payloads, literals, and that both sides find the same."""

import shutil

import pytest
from benchmarks.experiments import measure
from benchmarks.harness.options import Options
from benchmarks.harness.signatures import frame_payloads, literals, payloads

from wirebrick.state import hyperscan


def test_literals_and_payloads():
    texts, nocase = literals(944)
    assert len(set(texts)) == len(nocase) == 944
    assert 4 <= min(map(len, texts)) <= max(map(len, texts)) <= 40
    assert 100 < sum(nocase) < 500
    sizes = frame_payloads("imix", 1200)
    assert sorted(set(sizes)) == [18, 548, 1472]
    assert [sizes.count(size) for size in (18, 548, 1472)] == [700, 400, 100]
    assert frame_payloads("64", 3) == [18] * 3
    for kind in ("random", "web"):
        made = payloads(sizes, kind, texts)
        assert list(map(len, made)) == sizes
        assert sum(any(text in data for text in texts) for data in made) >= 5


@pytest.mark.skipif(shutil.which("gcc") is None, reason="the baselines need gcc")
@pytest.mark.skipif(hyperscan.library() is None, reason="libhyperscan5 is not installed")
def test_both_find_the_same():
    rows = list(measure("patterns", Options(seconds=0.002, repeats=1)))
    assert [row.name for row in rows[:2]] == ["auto, 64, random", "builtin, 64, random"]
    assert len(rows) == 8
    assert all(row.ratio for row in rows)
