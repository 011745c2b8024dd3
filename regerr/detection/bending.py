"""What the inverse information leaves out of the covariance of a faint spot: the next order in noise over signal.

Noise does not only move the maximum of the likelihood, it also bends it; and the fit settles where the spot looks brightest, so
that the information at the fitted parameters is too large (theory, section 21).
"""

from __future__ import annotations

import numpy as np

from .camera import Variance
from .likelihood import Found
from .profiles import Axes, Profile

_STEP = 1e-3  # voxels


def excess_share(profile: Profile, axes: Axes, found: Found, variance: Variance) -> np.ndarray:
    """By which share of itself the covariance of each place exceeds the inverse information there, (m,).

    ``mean_i (K_i + d - 3) lambda_i V_i`` with the sharpness lambda and the bend K of a typical spot, and the part V of the
    variance of a place that the photons of the spot itself do not make: these bend nothing, as their likelihood is a parabola.
    """
    own = np.maximum(variance.slope * found.shape, 0.0)
    behind = np.einsum("mik,mk->mi", found.lever**2, variance.at(found.mean) - own)
    if not found.settled.any():
        return np.zeros(len(behind))
    sharpness, bend = sharpness_and_bend(profile, axes, np.median(found.size[found.settled], 0))
    return np.asarray((behind * (bend + len(axes) - 3.0) * sharpness).mean(1))


def sharpness_and_bend(profile: Profile, axes: Axes, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sharpness lambda and bend K of a spot p along each axis, (d,): ``1/(2 s^2)`` and ``d + 2`` for a Gaussian.

    ``lambda_i = sum p_i^2/sum p^2`` and ``K_i = sum_j (sum p_ij^2/sum p^2)/(lambda_i lambda_j)``, indices for derivatives.
    """
    d = len(axes)
    value, moved, _ = profile.evaluate(axes, np.zeros((1, d)), size[None])
    steps = _STEP * np.concatenate([np.eye(d), -np.eye(d)])
    around = profile.evaluate(axes, steps, np.broadcast_to(size, (2 * d, len(size))))[1]
    bent = (around[:d] - around[d:]) / (2.0 * _STEP)
    power = (value**2).sum()
    sharpness = (moved[0] ** 2).sum(1) / power
    return sharpness, ((bent**2).sum(2) / power / np.maximum(np.outer(sharpness, sharpness), 1e-30)).sum(0)
