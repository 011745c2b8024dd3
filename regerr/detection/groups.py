"""What the spots of one image have in common: whether their brightnesses form two groups, whether their sizes are one."""

from __future__ import annotations

import math

import numpy as np

from .likelihood import Found
from .profiles import Profile

_LEAST = 20  # values
_GAP = math.log(1.5)
_APART = 6.0  # Ashman's D
_CHI_SQUARE_MEDIAN = 0.4549
_MEDIAN_SE = 2.33  # of a median of n chi-squares on 1, over their true median, times the root of n


def faint_group(values: np.ndarray) -> float | None:
    """The middle of the widest gap of positive values if it parts two groups clearly; else None.

    In logarithms, with the means m and s.d. s of the groups: ``D = sqrt(2) |m1 - m2|/sqrt(s1^2 + s2^2)`` above 6 (Ashman, Bird &
    Zepf 1994 ask for 2), the gap at least a factor of 1.5, each group at least two values, at least 20 in all. Of 20 or more
    values from one law (log-uniform over a factor of 3 to 30, lognormal of s.d. 1) 1 % or fewer are parted.
    """
    x = np.sort(np.log(values[values > 0]))
    n = len(x)
    if n < _LEAST:
        return None
    k = 2 + int(np.argmax(np.diff(x)[1:-1]))  # size of the lower group
    low, high = x[:k], x[k:]
    apart = math.sqrt(2.0) * (high.mean() - low.mean()) / math.sqrt(max(low.var() + high.var(), 1e-300))
    return math.exp(0.5 * (low[-1] + high[0])) if high[0] - low[-1] > _GAP and apart > _APART else None


def common_size(found: Found, profile: Profile) -> np.ndarray | None:
    """The size of all spots (sizes,), unless they clearly differ by more than by noise; None then.

    One size is nearer to each spot's own than the fitted one as long as sizes truly differ by less than their noise: then half of
    the squared differences of logarithms, over their variances, are below twice the median of chi-square on 1, 0.455. Up to
    three standard errors more is put down to chance. Logarithms, because a spot that looks narrow also claims to be
    precise: the mean of sizes with weights 1/variance is 12 % too small for beads of 200 photons in 3D.
    """
    d = found.position.shape[1]
    spread = np.einsum("mpp->mp", found.covariance)
    variance = spread[:, d + 2:d + 2 + found.size.shape[1]]
    if variance.shape[1] != found.size.shape[1] or len(variance) < 2 or not ((variance > 0) & (found.size > 0)).all():
        return None
    weight = found.size**2 / variance
    size = np.log(profile.about_truth(found.size, spread[:, :d]))
    mean = (weight * size).sum(0) / weight.sum(0)
    ratio = np.median(weight * (size - mean) ** 2, 0) / _CHI_SQUARE_MEDIAN
    return np.exp(mean) if (ratio < 2.0 * (1.0 + 3.0 * _MEDIAN_SE / math.sqrt(len(variance)))).all() else None
