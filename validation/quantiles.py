"""Medians from counts that merge by addition: for what may be infinite, and for what has no moments.

The logarithm of a positive number is counted in bins of 2 %, and a quantile is read between their edges. Bins are the same
everywhere, so the counts of chunks add up.
"""

from __future__ import annotations

import numpy as np

WIDTH = 0.02  # of a bin, in the natural logarithm
REACH = 16.0  # largest size of the logarithm that has a bin of its own
LAST = 2 * round(REACH / WIDTH) + 1  # what is larger, infinite above all; bin 0 holds what is smaller


def binned(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the bins that hold something, and the counts; what is not a number is left out."""
    known = values[~np.isnan(values)]
    with np.errstate(divide="ignore"):
        place = np.floor((np.log(known) + REACH) / WIDTH) + 1
    return np.unique(np.clip(place, 0, LAST).astype(np.int64), return_counts=True)


def quantile(bins: np.ndarray, counts: np.ndarray, share: float) -> float:
    """The value below which a share of what was counted lies; NaN for nothing, 0 and infinity beyond the last bins."""
    order = np.argsort(bins)
    below = np.concatenate([[0.0], np.cumsum(counts[order])])
    if not below[-1]:
        return float("nan")
    wanted = share * below[-1]
    i = int(np.clip(np.searchsorted(below, wanted, side="right") - 1, 0, len(bins) - 1))
    number = bins[order][i]
    if number in (0, LAST):
        return 0.0 if number == 0 else float("inf")
    part = (wanted - below[i]) / counts[order][i]
    return float(np.exp(WIDTH * (number - 1 + min(part, 1.0)) - REACH))


def median(bins: np.ndarray, counts: np.ndarray, draws: float) -> tuple[float, float]:
    """The median and its Monte Carlo standard error, from the order statistics one standard error of a share away.

    Parameters
    ----------
    bins, counts : as made by `binned`, added up
    draws : float
        Independent draws. The targets of a replicate share a fit and count as one, which makes the error rather too large.
    """
    half = 0.5 / np.sqrt(draws) if draws else 0.5
    low, middle, high = (quantile(bins, counts, share) for share in (max(0.5 - half, 0.0), 0.5, min(0.5 + half, 1.0)))
    return middle, float("nan") if np.isinf(low) else (high - low) / 2.0
