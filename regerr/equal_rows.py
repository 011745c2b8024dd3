"""Which points are equal to the last bit, in one dataset or, fast, in many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def weighted_sum(x: np.ndarray, weights: Sequence[float]) -> np.ndarray:
    """A weighted sum of coordinates (..., n, d) -> (..., n), by elementwise steps so that equal rows give equal sums."""
    key = x[..., 0] * weights[0]
    for axis in range(1, x.shape[-1]):
        key += x[..., axis] * weights[axis]
    return key


def have_equals(key: np.ndarray) -> np.ndarray:
    """Which datasets have two equal keys, (...)."""
    ordered = np.sort(key, axis=-1)
    return np.asarray((ordered[..., 1:] == ordered[..., :-1]).any(-1))


def equal_rows(rows: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of indices of equal rows of (n, k), exactly."""
    first: dict[tuple[float, ...], int] = {}
    numbered = [(first.setdefault(tuple(row), i), i) for i, row in enumerate(rows.tolist())]
    return [(a, b) for a, b in numbered if a != b]
