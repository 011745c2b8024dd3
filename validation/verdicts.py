"""Does it cover? A test against a margin that was declared before the study was run (Serlin 2000).

With enough replicates any approximate region differs from its nominal level significantly; what matters is whether it differs by
more than the margin. "covers" means that a deviation of the margin or more is rejected on both sides; "under-covers" and
"over-covers", that a deviation within the margin is rejected; "undecided", that the replicates do not tell. Of an estimator
without any fit, tables say "cannot".
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from .measures import bounds_of_share, independent_draws

CONFIDENCE = 0.95


class Verdict(StrEnum):
    """What a test against the margin says."""

    COVERS = "covers"
    UNDER = "under-covers"
    OVER = "over-covers"
    UNDECIDED = "undecided"
    CANNOT = "cannot"


def judge_mean(coverage: float, error: float, replicates: float, targets: int, level: float, margin: float) -> Verdict:
    """Judge the mean coverage over targets.

    Parameters
    ----------
    coverage, error : float
        With its Monte Carlo standard error, over replicates. It says as how many independent draws they count: at least the
        replicates, at most replicates times targets.
    replicates, targets : int
    level, margin : float
    """
    draws = independent_draws(np.array(coverage), np.array(error), np.array(replicates), np.array(targets))
    low, high = bounds_of_share(np.array(coverage), draws, CONFIDENCE)
    return _verdict(float(low), float(high), float(high), float(low), _edges(level, margin))


def judge_worst(shares: np.ndarray, replicates: np.ndarray, level: float, margin: float) -> Verdict:
    """Judge the targets of a scenario by the worst of them.

    All of them cover when each one does by itself (an intersection of tests needs no allowance); one of them fails only when it
    does in spite of having been picked from so many.
    """
    each = bounds_of_share(shares, replicates, CONFIDENCE)
    picked = bounds_of_share(shares, replicates, CONFIDENCE, looks=len(shares))
    return _verdict(each[0].min(), each[1].max(), picked[1].min(), picked[0].max(), _edges(level, margin))


def _edges(level: float, margin: float) -> np.ndarray:
    return np.array([level - margin, min(level + margin, 1.0)])


def _verdict(low: float, high: float, lowest_high: float, highest_low: float, edges: np.ndarray) -> Verdict:
    """From bounds of the least and greatest coverage: both inside the edges, one beyond an edge, or neither."""
    if lowest_high < edges[0]:
        return Verdict.UNDER
    if highest_low > edges[1]:
        return Verdict.OVER
    if low > edges[0] and (high < edges[1] or edges[1] >= 1.0):
        return Verdict.COVERS
    return Verdict.UNDECIDED
