"""Random user functions: compiled and interpreted they give the same packets, drops, faults and state."""

from __future__ import annotations

from run_programs import differences

SEED, FUNCTIONS, FRAMES = 7, 25, 300


def test_random_functions_compiled_as_interpreted(tmp_path):
    found, refused = differences(tmp_path, SEED, FUNCTIONS, FRAMES)
    assert found == []
    assert refused < 4 * FUNCTIONS  # most of what is made is valid
