"""The examples in the harness's docstrings."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import shutil

import benchmarks.harness
import pytest

MODULES = [
    module.name for module in pkgutil.walk_packages(benchmarks.harness.__path__, "benchmarks.harness.")
]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="the baselines need gcc")
@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0
