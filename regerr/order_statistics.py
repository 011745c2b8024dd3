"""Ranks among exchangeable scores: the one new score is equally likely to take any place among the n + 1 (theory, section 15)."""

from __future__ import annotations

import math

import numpy as np

ROUNDING = 1e-9  # of a rank: 0.07 * 100 is seven


def conformal_rank(n: int, level: float) -> int:
    """``ceil(level (n + 1))``: a new score is at most that one, of n, with at least the level's probability; n + 1 for none."""
    return math.ceil(level * (n + 1) - ROUNDING)


def at_rank(scores: np.ndarray, rank: int) -> np.ndarray:
    """The rank-th smallest of scores (..., n), (...): infinite beyond the last, NaN where a score is NaN."""
    n = scores.shape[-1]
    if rank > n:
        return np.where(np.isnan(scores).any(-1), np.nan, np.inf)
    found = np.partition(scores, rank - 1, axis=-1)[..., rank - 1]
    return np.where(np.isnan(scores).any(-1), np.nan, found)


def conformal_p_value(smaller: np.ndarray, n: int) -> np.ndarray:
    """P-value of a new score with ``smaller`` of n scores below it: what regions at `conformal_rank` hold has ``p >= 1 - level``.

    It is short of ``1 - smaller/(n + 1)`` by rounding: at a level of exactly ``smaller/(n + 1)`` the score is outside.
    """
    return 1.0 - (smaller + ROUNDING) / (n + 1)
