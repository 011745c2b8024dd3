"""Confidence regions of a predicted point: one set, asked in different ways.

A region is all points whose statistic is at most its threshold. `contains` compares the two, `boundary` is where they are
equal, `volume` its content. An ellipsoid has both in closed form; any other region is measured by `regerr.geometry.contours`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .blocks import evaluate
from .covariances import Covariance
from .methods import Method

if TYPE_CHECKING:
    from .predictions import Prediction


@dataclass(frozen=True, eq=False)
class Region:
    """The confidence regions of a prediction at one level, one for each dataset and target.

    Attributes
    ----------
    prediction : Prediction
    level : float
        Nominal level, between 0 and 1.
    method : Method
    """

    prediction: Prediction
    level: float
    method: Method

    def at(self, k: int) -> Region:
        """The region of one target alone, of one dataset."""
        return replace(self, prediction=self.prediction.at(k))

    @property
    def thresholds(self) -> list[Any]:
        """The ratio of each of the method's statistics on the boundary: a number, or one per dataset (..., 1)."""
        p = self.prediction
        return self.method.thresholds(p.estimator, p.fit, self.level)

    def excess(self, points: Any) -> np.ndarray:
        """The statistic over its threshold, (..., m): at most 1 inside, 1 on the boundary; NaN for a failed dataset.

        Parameters
        ----------
        points : broadcasts against (..., m, d), target units; further leading axes allowed
        """
        p = self.prediction
        return evaluate(lambda f, dx, dy, w: self.method.excess(p.estimator, f, dx, dy, w, self.level), p.fit, p.weight,
                        p.targets, p.checked_points(points))

    def contains(self, points: Any) -> np.ndarray:
        """Whether points lie inside, (..., m) bool; a failed dataset contains nothing."""
        p = self.prediction
        return evaluate(lambda f, dx, dy, w: self.method.excess(p.estimator, f, dx, dy, w, self.level) <= 1.0, p.fit, p.weight,
                        p.targets, p.checked_points(points), dtype=bool)

    @property
    def bounded(self) -> np.ndarray:
        """Whether each region is bounded, (..., m) bool."""
        from .geometry.contours import bounded

        return bounded(self)

    @property
    def volume(self) -> np.ndarray:
        """Area in 2D, volume in 3D, (..., m), target units to that power; infinite where unbounded, NaN for a failed dataset."""
        from .geometry.contours import volume

        return volume(self)

    def boundary(self, resolution: int = 64) -> list[Any]:
        """The boundary at each target of one dataset.

        Parameters
        ----------
        resolution : int
            Points along a curve, or subdivisions of a mesh.

        Returns
        -------
        list of m items: in 2D a list of curves (k, 2), holes clockwise, open where unbounded; in 3D a `Mesh`
        of `regerr.geometry.contours`.
        """
        from .geometry.contours import boundary

        return boundary(self, resolution)


@dataclass(frozen=True, eq=False)
class Ellipsoid(Region):
    """A region that is an ellipsoid: ``e' C^-1 e <= q`` about the prediction."""

    @property
    def matrix(self) -> np.ndarray:
        """``q C``, (..., m, d, d): the region is ``e' (q C)^-1 e <= 1``; infinite where unbounded."""
        p = self.prediction
        scale = np.asarray(self._scale(p.fit))[..., None, None]
        return p.covariance * scale

    @property
    def radius(self) -> np.ndarray:
        """Largest semi-axis, (..., m), target units."""
        matrix = self.matrix
        finite = np.isfinite(matrix).all((-2, -1))
        largest = np.linalg.eigvalsh(np.where(finite[..., None, None], matrix, 0.0))[..., -1]
        return np.where(finite, np.sqrt(largest), np.where(np.isnan(matrix[..., 0, 0]), np.nan, np.inf))

    @property
    def bounded(self) -> np.ndarray:
        """Whether each ellipsoid is bounded, (..., m) bool."""
        return ~np.isinf(self._evaluate(lambda covariance, scale: covariance.trace() * scale))

    @property
    def volume(self) -> np.ndarray:
        """Area or volume in closed form, (..., m)."""
        d = self.prediction.dimension
        unit_ball = math.pi ** (d / 2) / math.gamma(d / 2 + 1)
        return self._evaluate(lambda covariance, scale: unit_ball * scale ** (d / 2) * np.sqrt(covariance.determinant()))

    def boundary(self, resolution: int = 64) -> list[Any]:
        """Ellipses as curves (resolution + 1, 2), closed; ellipsoids as meshes."""
        from .geometry.contours import ellipsoid_boundary

        return ellipsoid_boundary(self, resolution)

    def _scale(self, fit: Any) -> Any:
        """What the covariance is multiplied by: a number, or one per dataset (..., 1)."""
        p = self.prediction
        return self.method.thresholds(p.estimator, fit, self.level)[0] * p.estimator.divisor(fit.n, p.dimension)

    def _evaluate(self, function: Callable[[Covariance, Any], np.ndarray]) -> np.ndarray:
        p = self.prediction
        return evaluate(lambda f, dx, _, w: function(p.estimator.covariance(f, dx, w), self._scale(f)), p.fit, p.weight,
                        p.targets)


def region_of(prediction: Prediction, level: float, method: Method) -> Region:
    """The region as an ellipsoid where it is one, whatever the method: Wald always, linear models by every method."""
    linear = prediction.estimator.linear(prediction.dimension)
    kind = Ellipsoid if method.ellipsoid(linear) else Region
    return kind(prediction, level, method)


