"""The scale between two noisy lengths, the one-dimensional errors-in-variables problem that several models solve."""

from __future__ import annotations

import numpy as np


def noisy_scale(a: np.ndarray | float, b: np.ndarray | float, nu: np.ndarray, share: float) -> np.ndarray:
    """The s with ``(1-k) b s^2 - (1-2k) nu s - k a = 0``, k the source's share of the noise (theory, section 4).

    Parameters
    ----------
    a, b : (...)
        Sums of squares in target and source.
    nu : (...)
        Sum of products.
    share : float
        ``rho/(1 + rho)``: 0 gives the regression ``nu/b``, 1/2 the symmetric ``sqrt(a/b)`` (Horn 1987), 1 gives ``a/nu``.
    """
    if share == 0.5:
        return np.sqrt(a / b) + 0.0 * nu
    half = (1.0 - 2.0 * share) * nu
    root = np.sqrt(half * half + 4.0 * share * (1.0 - share) * a * b)
    return (half + root) / (2.0 * (1.0 - share) * b) if share < 0.5 else 2.0 * share * a / (root - half)
