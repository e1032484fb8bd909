"""Delays that vary: the quantiles of a distribution, from which each packet draws one."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Literal

Distribution = Literal["uniform", "normal", "pareto"]

STEPS = 4096  # quantiles, each as likely as the others
_SHAPE = 3.0  # of the Pareto distribution: its mean is 3/2, its variance 3/4


def delays(mean: int, spread: int, distribution: Distribution) -> list[int]:
    """STEPS delays in nanoseconds, ascending, none below 0.

    ``spread`` is the standard deviation of ``normal`` and ``pareto``, and how far ``uniform`` goes to both sides.

    >>> some = delays(1000, 100, "uniform")
    >>> some[0], some[-1], round(sum(some) / len(some))
    (900, 1100, 1000)
    >>> [round(sum(delays(10**6, 10**4, shape)) / STEPS, -3) for shape in ("normal", "pareto")]
    [1000000.0, 1000000.0]
    """
    middles = ((step + 0.5) / STEPS for step in range(STEPS))
    return [max(0, mean + round(spread * _deviation(distribution, share))) for share in middles]


def _deviation(distribution: Distribution, share: float) -> float:
    """How far the quantile lies from the mean."""
    if distribution == "normal":
        return NormalDist().inv_cdf(share)
    if distribution == "pareto":
        return (float((1.0 - share) ** (-1.0 / _SHAPE)) - 1.5) / math.sqrt(0.75)
    return 2.0 * share - 1.0
