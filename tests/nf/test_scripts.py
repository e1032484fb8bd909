"""Every NF on its scripts, interpreted and compiled."""

from __future__ import annotations

from pathlib import Path

import pytest
from script import Case, read_cases

from wirebrick.nf.load import LIBRARY

FILES = sorted(Path(__file__).parent.glob("*.test"))
WAYS = {"interpreted": True, "compiled": False}
CASES = [
    pytest.param(case, interpret, id=f"{file.stem}: {case.title}-{way}")
    for file in FILES
    for case in read_cases(file)
    for way, interpret in WAYS.items()
    if interpret or "interpreted" not in case.sections
]


@pytest.mark.parametrize(("case", "interpret"), CASES)
def test_script(case: Case, interpret: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    case.run(tmp_path, interpret)


def test_every_nf_has_scripts() -> None:
    assert {file.stem for file in FILES} == set(LIBRARY)
