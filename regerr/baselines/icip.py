"""The regions of Potier, Baudoin, Kunne & Paul-Gilloteaux (ICIP 2021), noise in the target alone.

Affine: multivariate regression and its F ellipse, exact under that noise (theory, section 3). Rigid: Procrustes and the ellipse
of the Cramer-Rao bound, to first order (section 4). Both are models of this library with the noise they assume.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from ..pairs import FiducialPairs
from .asking import answerable, plain_fit, points_of
from .formula import Formula
from .gaussian import GaussianPrediction

_NOISES = {"affine": "full", "rigid": "target"}


@dataclass(frozen=True)
class Icip(Formula):
    """First-order ellipses with noise in the target.

    Parameters
    ----------
    model : {"affine", "rigid"}
        The noise has any covariance under the affine model, and is alike in all directions under the rigid one.
    """

    model: str = "affine"

    method = "icip-2021"
    words = "ICIP 2021 ellipse"
    kinds = ("tre", "observation")

    def __post_init__(self) -> None:
        if self.model not in _NOISES:
            raise InputError(f"the model is {self.model!r}: the paper has {' and '.join(map(repr, _NOISES))}")

    def predict(self, pairs: FiducialPairs, targets: Any, kind: str) -> GaussianPrediction:
        """Predict targets (m, d) or (..., m, d) of pairs of batch shape (...); kind is tre or observation.

        Raises
        ------
        UndeterminedError
            For too few pairs.
        """
        points, kind = points_of(pairs, targets), answerable(kind, self.kinds, self.name)
        result = plain_fit(pairs, self.model, _NOISES[self.model])
        where = result.predict(points, kind)
        return GaussianPrediction.under(result.estimator, pairs.n, where.mean, where.covariance, result.failure)


BASELINES = (Icip(), Icip("rigid"))
