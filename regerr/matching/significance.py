"""Number of false alarms of a matching: a bound that holds whatever the search did (theory, section 22).

The map is taken anew from as few of the pairs as determine it, in all ways or in many; what the other pairs then do is no longer
fitted, and for independent sets follows a binomial law.
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np

from .chance import log_tail
from .families import Maps
from .problem import Problem
from .windows import Window

_RESOLVED = 1e-6  # of the spacing: closer counts as this close
_SUBSETS = 400  # of the pairs, from which the map is taken


def log_false_alarms(problem: Problem, maps: Maps, moving: np.ndarray, fixed: np.ndarray, count: int,
                     rng: np.random.Generator) -> float:
    """``log10`` of how many matchings as good as this one two independent sets yield in the mean.

    Parameters
    ----------
    maps : Maps
        One map, for the density of points about the pairs.
    moving, fixed : (k,) arrays of int
        The pairs, closest first.
    count : int
        The first so many of them determine the map.
    """
    m, count = problem.minimal, min(count, len(moving))
    if count <= m:
        return problem.log_tests
    x, y = problem.moving.points[moving], problem.fixed.points[fixed]
    subsets = _subsets(count, m, rng)
    weight = np.zeros((len(subsets), len(x)))
    np.put_along_axis(weight, subsets, 1.0, -1)
    tried = problem.family.fit(x[subsets], y[subsets], np.ones(subsets.shape))
    gaps = np.maximum(np.linalg.norm(tried.apply(x) - y, axis=-1), _RESOLVED * problem.fixed.spacing)
    residuals = np.sort(np.where(weight > 0, np.inf, gaps), -1)[:, : len(x) - m]
    size = np.abs(np.linalg.det(tried.matrix))[:, None] ** (1.0 / x.shape[-1])
    there, back = maps.apply(problem.moving.points), maps.inverse().apply(problem.fixed.points)
    tails = [_tails(problem.fixed, there, residuals, m),
             _tails(problem.moving, back, residuals / np.maximum(size, 1e-300), m)]
    return float(np.max(tails, axis=0).min() + problem.log_tests)


def _tails(window: Window, others: np.ndarray, residuals: np.ndarray, minimal: int) -> np.ndarray:
    """``log10`` of chance for the points of a window to come so close to those of the other set, (subsets, k)."""
    near = others[window.inside(others, window.spacing)]
    expected = window.crowding(near).sum() * window.share(residuals)
    return log_tail(window.n - minimal, np.arange(1, residuals.shape[-1] + 1), np.minimum(expected, 1.0))


def _subsets(count: int, minimal: int, rng: np.random.Generator) -> np.ndarray:
    """Ways to take so few of so many pairs: all, or many different draws, (s, minimal)."""
    if comb(count, minimal) <= _SUBSETS:
        return np.array(list(combinations(range(count), minimal)))
    return np.argsort(rng.random((_SUBSETS, count)), axis=-1)[:, :minimal]
