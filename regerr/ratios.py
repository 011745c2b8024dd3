"""How a region decides: the statistics of theory section 10, and how their p-values combine.

A method is a few ratios, each of which follows the estimator's law, and a multiplicity for each:
``p = min_k multiplicity_k p_k``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .laws import Law
from .linalg import EPS, entries, square, times
from .models.base import Estimator
from .pair_covariances import Weight


@dataclass(frozen=True)
class Method(ABC):
    """One way to test a point.

    Parameters
    ----------
    simultaneous : bool
        Whether regions hold at all targets at once (theory, section 13) and not at each by itself.
    """

    simultaneous: bool = False

    name: ClassVar[str]
    multiplicities: ClassVar[tuple[float, ...]] = (1.0,)
    kinds: ClassVar[tuple[str, ...]] = ("tre", "lre", "observation")
    even: ClassVar[bool] = True  # whether a rotation's regions are alike on both sides of the line from centroid to prediction

    def refusal(self, estimator: Estimator, n: int, level: float | None) -> str:
        """Why n pairs tell nothing at that level, or at any when it is None, and the mend; empty where they do."""
        return ""

    @abstractmethod
    def statistics(self, estimator: Estimator, fit: Any, dx: np.ndarray, dy: np.ndarray, weight: Weight) -> list[np.ndarray]:
        """Each statistic over its constant, (..., m), for fits with residuals."""

    def ellipsoid(self, linear: bool) -> bool:
        """Whether its regions are ellipsoids about the prediction, for a model that is linear or not."""
        return linear

    def law(self, estimator: Estimator, n: int, dimension: int) -> Law:
        """The law of its statistics."""
        return estimator.band(n, dimension) if self.simultaneous else estimator.law(n, dimension)

    def ratios(self, estimator: Estimator, fit: Any, dx: np.ndarray, dy: np.ndarray, weight: Weight) -> list[np.ndarray]:
        """Each statistic over its constant, (..., m): what `Law.survival` and `Law.threshold` speak of."""
        ratios = self.statistics(estimator, fit, dx, dy, weight)
        exact = estimator.exact(fit)[..., None]
        if not exact.any():
            return ratios
        alone = np.where(is_the_prediction(fit, dx, dy), 0.0, np.inf)
        return [np.where(exact, alone, ratio) for ratio in ratios]

    def thresholds(self, estimator: Estimator, fit: Any, level: float) -> list[Any]:
        """The ratio of each statistic on the boundary of the region of that level: a number, or one per dataset (..., 1)."""
        law = self.law(estimator, fit.n, fit.x_mean.shape[-1])
        return [law.threshold(1.0 - (1.0 - level) / multiplicity) for multiplicity in self.multiplicities]

    def excess(self, estimator: Estimator, fit: Any, dx: np.ndarray, dy: np.ndarray, weight: Weight,
               level: float) -> np.ndarray:
        """The largest ratio over its threshold: at most 1 inside the region, 1 on its boundary, NaN for a failed fit."""
        thresholds = self.thresholds(estimator, fit, level)
        ratios = self.ratios(estimator, fit, dx, dy, weight)
        worst = ratios[0] / thresholds[0]
        for ratio, threshold in zip(ratios[1:], thresholds[1:], strict=True):
            worst = np.maximum(worst, ratio / threshold)
        return worst

    def p_value(self, estimator: Estimator, fit: Any, dx: np.ndarray, dy: np.ndarray, weight: Weight) -> np.ndarray:
        """The highest level complement at which the point is still inside."""
        law = self.law(estimator, fit.n, len(dx))
        p = [m * law.survival(r) for m, r in zip(self.multiplicities, self.ratios(estimator, fit, dx, dy, weight), strict=True)]
        return np.minimum(np.minimum.reduce(p), 1.0)


class LikelihoodRatio(Method):
    """The fall of the likelihood when the pair joins (theory, section 5)."""

    name = "likelihood-ratio"

    def statistics(self, estimator: Estimator, fit: Any, dx: np.ndarray, dy: np.ndarray, weight: Weight) -> list[np.ndarray]:
        joint = estimator.joint(fit, dx, dy, weight)
        return [estimator.law(fit.n, len(dx)).ratio(joint.increase, joint.before, joint.unit)]


class Score(Method):
    """The deleted residual in the joint fit, kept from wandering off by the likelihood ratio at twice its level (section 10).

    Where an estimator's ellipse is steadier than its likelihood ratio, both must exclude a point to keep it out: in the poorest
    layouts the likelihood ratio alone would cut what belongs to the region.
    """

    name = "score"
    multiplicities = (1.0, 2.0)

    def statistics(self, estimator: Estimator, fit: Any, dx: np.ndarray, dy: np.ndarray, weight: Weight) -> list[np.ndarray]:
        joint = estimator.joint(fit, dx, dy, weight)
        law = estimator.law(fit.n, len(dx))
        limit = law.ratio(joint.increase, joint.before, joint.unit)
        if estimator.steady_ellipse:
            limit = np.minimum(limit, Wald().statistics(estimator, fit, dx, dy, weight)[0])
        return [law.ratio(joint.deleted, joint.remaining, joint.unit), limit]


class Deletion(Method):
    """The score statistic alone, for a pair that was among the fiducials: its externally studentised residual."""

    name = "deletion"

    def statistics(self, estimator: Estimator, fit: Any, dx: np.ndarray, dy: np.ndarray, weight: Weight) -> list[np.ndarray]:
        joint = estimator.joint(fit, dx, dy, weight)
        return [estimator.law(fit.n, len(dx)).ratio(joint.deleted, joint.remaining, joint.unit)]


class Wald(Method):
    """The ellipsoid of the first-order covariance: regression F, Cramer-Rao, and the ellipse of section 10."""

    name = "wald"

    def ellipsoid(self, linear: bool) -> bool:
        return True

    def statistics(self, estimator: Estimator, fit: Any, dx: np.ndarray, dy: np.ndarray, weight: Weight) -> list[np.ndarray]:
        e = dy - times(entries(fit.matrix), dx)
        return [estimator.covariance(fit, dx, weight).distance(e) / estimator.divisor(fit.n, len(dx))]


def is_the_prediction(fit: Any, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Whether points are the predicted ones to rounding: all that the region of an exact fit holds."""
    e = dy - times(entries(fit.matrix), dx)
    reach = 8.0 * fit.rounding[..., None] + 64.0 * EPS * np.sqrt(square(dy))
    return square(e) <= reach**2
