"""What an oracle knows: the bound at every target, and the region of an estimate whose covariance is known (theory, section 8).

The oracle's region is the ellipsoid ``e' C^-1 e <= chi2_d(level)`` about the estimate. For ``tre``, C is the Cramer-Rao
covariance at the true parameters under the true covariances of the noise, in the family of the estimator that is judged, or in
the truth's where that family lacks the truth. For ``lre`` and ``observation`` the noise of the target joins: ``A Omega_0 A'``,
and ``Lambda_0``. So a size of 1 is what one could have if nothing but the transformation had to be estimated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import chdtri

from regerr.baselines.weighted_chi_square import quantile
from regerr.bounds import cramer_rao
from simulations import Experiment, Observed

FAMILIES = ("rigid", "similarity", "affine")  # each holds those before it
_BALL = {2: math.pi, 3: 4.0 * math.pi / 3.0}


@dataclass(frozen=True, eq=False)
class Oracle:
    """Covariances at targets, each (m, d, d) or (..., m, d, d), target units squared.

    Attributes
    ----------
    bound : Cramer-Rao covariance of the image of a target
    source, target : noise with which the target itself is localised, seen in the target; (m or 1, d, d), batched like the truth
    """

    bound: np.ndarray
    source: np.ndarray
    target: np.ndarray

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return int(self.bound.shape[-1])

    def covariance(self, kind: str) -> np.ndarray:
        """Of what a question is about."""
        return {"tre": self.bound, "lre": self.bound + self.source, "observation": self.bound + self.source + self.target}[kind]

    def volume(self, kind: str, level: float) -> np.ndarray:
        """Area or volume of the oracle's region, (m,) or (..., m)."""
        c = self.covariance(kind)
        d = c.shape[-1]
        return np.asarray(_BALL[d] * chdtri(d, 1.0 - level) ** (d / 2) * np.sqrt(np.linalg.det(c)))

    @cached_property
    def median_square(self) -> np.ndarray:
        """Median squared deviation of a Gaussian estimate that meets the bound (weighted chi-squares): (m,) or (..., m)."""
        variances = np.maximum(np.linalg.eigvalsh(self.bound), 0.0)
        return np.asarray(quantile(0.5, variances))


def oracle(family: str, experiment: Experiment, observed: Observed) -> Oracle | None:
    """The oracle of a family that holds the truth; None when the noise states no covariance.

    Fiducials that were spoiled count as they were before; t noise by its covariance.
    """
    fiducials, located = stated(experiment.noise), stated(experiment.target_noise or experiment.noise)
    if fiducials is None or located is None:
        return None
    transform: Any = observed.true_transform
    bound = cramer_rao(family, observed.true_source, transform, *fiducials, observed.targets.true_source)
    source, target = (_matrices(c, bound.shape[-1]) for c in located)
    a = transform.matrix[..., None, :, :]
    return Oracle(bound, a @ source @ np.swapaxes(a, -1, -2), target)


def stated(noise: Any) -> tuple[Any, Any] | None:
    """Covariances of source and target that a noise law states, 0 for a space without noise; None when it states neither."""
    gaussian = getattr(noise, "noise", noise)  # heavy tails have the covariance of the law that they are made from
    covariances = [getattr(gaussian, f"{space}_covariance", None) for space in ("source", "target")]
    if all(c is None for c in covariances):
        return None
    source, target = (0.0 if c is None else c for c in covariances)
    return source, target


def judged_in(family: str, truth: str) -> str:
    """The family whose oracle an estimator is held against: its own, or the truth's where that is larger or it has none."""
    return max(family or truth, truth, key=FAMILIES.index)


def holds(family: str, truth: str) -> bool:
    """Whether a family holds the truth."""
    return not family or FAMILIES.index(family) >= FAMILIES.index(truth)


def _matrices(covariance: Any, dimension: int) -> np.ndarray:
    """A variance or covariances as (m or 1, d, d)."""
    c = np.asarray(covariance, float)
    return c * np.eye(dimension)[None] if c.ndim == 0 else c if c.ndim > 2 else c[None]
