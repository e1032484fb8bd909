"""For all tests: examples of hypothesis are the same in each run.

Those of tcpdump's filters are skipped, with the reason, where libpcap is not installed; those of labs where the
user is not root.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from scapy.config import conf
from scapy.layers import inet, inet6  # noqa: F401  (they register themselves)

# The same examples in every run: a failure is one of the change at hand, and comes again.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.load_profile("suite")

# Else scapy asks the machine's network, with a patience of seconds, for the MAC addresses of what is only built.
conf.neighbor.resolvers.clear()

ROOT = Path(__file__).parent
ALL: frozenset[str] = frozenset()

# Files, and which of their tests need it (or ALL).
NEED_LIBPCAP = {
    ROOT / "src" / "wirebrick" / "runtime" / "filter.py": ALL,
    ROOT / "tests" / "runtime" / "test_filter.py": ALL,
    ROOT / "tests" / "cli" / "test_cli_chain_file.py": frozenset(
        {"test_run", "test_the_command_line_comes_first", "test_other_names_of_ports"}
    ),
    ROOT / "tests" / "cli" / "test_cli_mistakes.py": frozenset({"test_a_filter_with_a_mistake"}),
    ROOT / "tests" / "cli" / "test_cli_run.py": frozenset({"test_options"}),
}


_numbers = itertools.count()


@pytest.fixture
def lab_name() -> Iterator[str]:
    """A name for a lab that this test alone has. What is left of it is removed, and what killed tests left."""
    from wirebrick.lab import Lab, manage
    from wirebrick.lab.privileges import missing_capabilities
    from wirebrick.lab.record import read_record

    missing = missing_capabilities()
    if missing:
        pytest.skip(f"no network namespaces without {' and '.join(missing)}")
    for program in ("ip", "ping"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    Lab.remove_leftovers()
    name = f"lab{os.getpid()}-{next(_numbers)}"
    yield name
    if read_record(name):
        manage.down(name, kill=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that would fail for want of a library."""
    found = [item for item in items if _needs(item)]
    missing = _missing() if found else ""
    if missing:
        for item in found:
            item.add_marker(pytest.mark.skip(reason=missing))


def _needs(item: pytest.Item) -> bool:
    names = NEED_LIBPCAP.get(item.path)
    return names is not None and (names == ALL or item.name.partition("[")[0] in names)


def _missing() -> str:
    """Why filters can't be compiled here; nothing where they can."""
    from wirebrick.errors import ParameterError
    from wirebrick.runtime.filter import bpf

    try:
        bpf("ip")
    except ParameterError as error:
        return error.message
    return ""
