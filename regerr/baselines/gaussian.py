"""Predictions from a covariance: their region is the ellipsoid of a Gaussian law whose scale is known or was estimated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..laws import Law
from ..linalg import trace
from ..models.base import Estimator
from ..predictions import checked_level
from .shapes import Ellipsoids


@dataclass(frozen=True, eq=False)
class GaussianPrediction:
    """Predicted points and covariances, with the law of ``e' C^-1 e``.

    Attributes
    ----------
    mean : (..., m, d)
    covariance : (..., m, d, d)
        Target units squared; NaN for a failed dataset.
    failure : (...)
        One `regerr.Failure` code for each dataset.
    law : Law
        Of ``e' C^-1 e / divisor``.
    divisor : float
        What the estimated scale was divided by, 1 when it is known.
    """

    mean: np.ndarray
    covariance: np.ndarray
    failure: np.ndarray
    law: Law
    divisor: float = 1.0

    @classmethod
    def under(cls, estimator: Estimator, n: int, mean: np.ndarray, covariance: np.ndarray, failure: np.ndarray) -> Self:
        """With the law of a model under its noise, of n pairs."""
        d = mean.shape[-1]
        return cls(mean, covariance, failure, estimator.law(n, d), estimator.divisor(n, d))

    @property
    def rms(self) -> np.ndarray:
        """Root mean square length of the deviation, (..., m)."""
        return np.asarray(np.sqrt(trace(self.covariance)))

    def region(self, level: float = 0.95) -> Ellipsoids:
        """Ellipsoids of a nominal level."""
        return Ellipsoids(self.mean, self.covariance * (self.law.threshold(checked_level(level)) * self.divisor))

    def p_value(self, points: Any) -> np.ndarray:
        """P-values of points, (..., m): the region of a level holds those with ``p >= 1 - level``."""
        return self.law.survival(Ellipsoids(self.mean, self.covariance).excess(points) / self.divisor)
