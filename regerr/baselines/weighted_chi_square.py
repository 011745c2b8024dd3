"""The law of a squared length: a weighted sum of independent chi-squares, ``Q = sum_j lambda_j z_j^2``.

Its Laplace transform ``prod (1 + 2 lambda_j s)^(-1/2)`` has all its singularities on the negative real axis, so that one
contour around them (Talbot's, with the constants of Trefethen, Weideman & Schmelzer, BIT 2006) inverts it whatever the weights:
equal ones, three unlike ones, or some that are zero, to 1e-12 with a dozen complex values.
"""

from __future__ import annotations

import numpy as np
from scipy.special import chdtri

from ..blocks import BLOCK

_NODES = 24  # error about 3.9^-24; more would only add rounding
_STEPS = 60  # Newton's steps that leave a bracket are halvings, so this many always suffice
_SETTLED = 1e-13


def _contour() -> tuple[np.ndarray, np.ndarray]:
    """Nodes in the upper half plane, and weights such that ``f(t) = Im(sum w exp(z) F(z / t)) / t``."""
    theta = np.pi * np.arange(1, _NODES, 2) / _NODES
    cot = 1.0 / np.tan(0.6407 * theta)
    z = _NODES * (0.5017 * theta * cot - 0.6122 + 0.2645j * theta)
    dz = _NODES * (0.5017 * cot - 0.5017 * 0.6407 * theta * (1.0 + cot**2) + 0.2645j)
    return z, np.exp(z) * dz * 2.0 / _NODES


_Z, _W = _contour()


def distribution(q: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``P(Q <= q)`` and the density of ``log Q`` at q.

    Parameters
    ----------
    q : (...)
        Squared lengths, above 0.
    weights : (..., d)
        Eigenvalues of a covariance, at least 0, in the same units.

    Returns
    -------
    share, density : (...)
        To an absolute 1e-12.
    """
    shape = np.broadcast_shapes(np.shape(q), weights.shape[:-1])
    flat = np.broadcast_to(weights / np.asarray(q)[..., None], (*shape, weights.shape[-1])).reshape(-1, weights.shape[-1])
    out = np.empty((2, len(flat)))
    step = BLOCK // 4
    for i in range(0, len(flat), step):
        out[:, i:i + step] = _inverted(flat[i:i + step])
    return out[0].reshape(shape), out[1].reshape(shape)


def _inverted(relative: np.ndarray) -> np.ndarray:
    """Share and density (2, m) at q = 1."""
    transform = np.ones((len(relative), len(_Z)), complex)
    for column in relative.T:
        transform /= np.sqrt(1.0 + 2.0 * column[:, None] * _Z)
    return np.stack([transform @ (_W / _Z), transform @ _W]).imag


def survival(q: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """P-value of squared lengths, ``P(Q > q)``: (...); where all weights are zero 1 at zero and 0 beyond."""
    q, largest = np.asarray(q, float), weights.max(-1)
    proper = (q > 0) & (q < np.inf) & (largest > 0) & (largest < np.inf)
    share, _ = distribution(np.where(proper, q, 1.0), np.where(proper[..., None], weights, 1.0))
    outside = np.where((q > 0) & ~np.isinf(largest), 0.0, 1.0) + 0.0 * np.where(np.isinf(q), 0.0, q)
    return np.where(proper, np.clip(1.0 - share, 0.0, 1.0), np.where(np.isnan(largest), np.nan, outside))


def quantile(level: float, weights: np.ndarray) -> np.ndarray:
    """The squared length that Q stays below with probability ``level``.

    Parameters
    ----------
    level : float
        Between 0 and 1.
    weights : (..., d)
        At least 0; NaN and infinity come back as they are.

    Returns
    -------
    (...), in the units of the weights
    """
    largest = weights.max(-1)
    proper = (largest > 0) & (largest < np.inf)
    relative = np.where(proper[..., None], weights, 1.0) / np.where(proper, largest, 1.0)[..., None]
    return np.where(proper, largest * _solved(level, relative), largest)


def _solved(level: float, relative: np.ndarray) -> np.ndarray:
    """Quantiles of weights whose largest is 1, by Newton on the logarithm, between those of 1 and d equal weights."""
    d = relative.shape[-1]
    low, high = (np.full(relative.shape[:-1], np.log(chdtri(k, 1.0 - level))) for k in (1, d))
    mean, square = relative.sum(-1), (relative**2).sum(-1)
    # two moments of a scaled chi-square
    freedom = mean**2 / square
    u = np.clip(np.log(square / mean * chdtri(freedom, 1.0 - level)), low, high)
    for _ in range(_STEPS):
        share, density = distribution(np.exp(u), relative)
        below = share < level
        low, high = np.where(below, u, low), np.where(below, high, u)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = u + (level - share) / density
        # rounding of the share may put the root a hair outside
        inside = (step >= low - _SETTLED) & (step <= high + _SETTLED)
        new = np.where(inside, step, 0.5 * (low + high))
        done = np.abs(new - u) <= _SETTLED * np.maximum(1.0, np.abs(u)) + 4.0 * np.finfo(float).eps
        u = new
        if done.all():
            break
    return np.asarray(np.exp(u))
