"""How many coincidences chance makes: binomial tails and the number of tests (theory, section 22).

All logarithms are decimal.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

_LN10 = float(np.log(10.0))


def log_tail(trials: np.ndarray | int, successes: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Bound on ``log10 P(Bin(n, p) >= k)``, exact to a few per cent where it is small: Chernoff's with its leading factor.

    Parameters
    ----------
    trials, successes, probability : arrays that broadcast
        n, k and p.
    """
    n, k, p = np.broadcast_arrays(np.asarray(trials, float), np.asarray(successes, float),
                                  np.clip(np.asarray(probability, float), 1e-300, 1.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        mass = (gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + k * np.log(p)
                + np.where(n > k, (n - k) * np.log1p(-p), 0.0))
        ratio = (n - k) * p / ((k + 1) * (1 - p))  # of the next term to this one; the later ratios are smaller
        tail = mass - np.log1p(-ratio)
    out = np.where((ratio < 1) & (k > 0), np.minimum(tail, 0.0), 0.0)
    return np.where(k > n, -np.inf, out) / _LN10


def log_tests(n_source: int, n_target: int, minimal: int) -> float:
    """``log10`` of the number of ways in which so few pairs can be formed, times the numbers of pairs that are tried."""
    ways = sum(gammaln(n + 1) - gammaln(n - minimal + 1) for n in (n_source, n_target)) - gammaln(minimal + 1)
    return float(ways / _LN10 + np.log10(max(min(n_source, n_target) - minimal, 1)))
