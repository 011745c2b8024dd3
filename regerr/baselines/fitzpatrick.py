"""Rigid registration as image-guided surgery predicts it: Fitzpatrick, West & Maurer 1998, Fitzpatrick & West 2001.

The first paper gives the r.m.s. TRE at a target from the r.m.s. FLE, and the FLE from the FRE. A region comes from it by the
customary step: the deviation is taken for Gaussian and alike in all directions. The second paper gives the law of the length of
the TRE, a weighted sum of chi-squares, and with it the radius that holds a stated share. Both plug the estimated FLE in as if
it were known. They speak of the TRE; for the other questions the noise of the new point is added (theory, sections 2, 4, 6).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import chdtrc, chdtri

from ..errors import InputError
from ..linalg import about, apply, gram, transpose
from ..models import parse_model
from ..pairs import FiducialPairs
from ..predictions import KINDS, checked_level
from .asking import added_share, plain_fit, points_of
from .formula import Formula
from .shapes import Balls
from .weighted_chi_square import quantile, survival


def squared_fle(squared_fre: np.ndarray, n: int, dimension: int) -> np.ndarray:
    """Expected squared FLE of a rigid fit from the mean squared FRE, ``FRE^2 / (1 - k/(nd))``, (...).

    ``1 - 2/n`` in 3D (Sibson 1979; Fitzpatrick, West & Maurer 1998, eq. 10), ``1 - 3/(2n)`` in 2D.
    """
    parameters = parse_model("rigid").card.parameters[dimension]
    return squared_fre / (1.0 - parameters / (n * dimension))


def tre_covariance(fiducials: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Covariance of the TRE over the noise variance of one coordinate, seen along the fiducials' principal axes.

    ``(I + sum_k a_k a_k' / f_k^2) / n``: a rotation about axis k moves the target along a_k, by its distance from that axis;
    f_k is the r.m.s. distance of the fiducials from it.

    Parameters
    ----------
    fiducials : (..., n, d)
    targets : (m, d) or (..., m, d)

    Returns
    -------
    (..., m, d, d)
    """
    n, d = fiducials.shape[-2:]
    mean = fiducials.mean(-2)
    centred = about(fiducials, mean)
    spread, axes = np.linalg.eigh(gram(centred, centred) / n)
    u = apply(transpose(axes), targets - mean[..., None, :])
    total = np.broadcast_to(np.eye(d), (*u.shape, d)).copy()
    for i, j in combinations(range(d), 2):
        across = np.zeros_like(u)
        across[..., i], across[..., j] = -u[..., j], u[..., i]
        turned = (spread[..., i] + spread[..., j])[..., None, None, None]
        total += across[..., :, None] * across[..., None, :] / turned
    return np.asarray(total / n)


def squared_tre(fiducials: np.ndarray, targets: np.ndarray, fle: np.ndarray) -> np.ndarray:
    """Expected squared TRE, ``FLE^2/n (1 + 1/d sum_k d_k^2/f_k^2)`` (Fitzpatrick, West & Maurer 1998, eq. 46), (..., m).

    Parameters
    ----------
    fiducials : (..., n, d)
    targets : (m, d) or (..., m, d)
    fle : (...)
        Squared FLE, a mean squared length.

    Notes
    -----
    ``d_k`` is the distance of the target from principal axis k. In 2D there is one axis, upright on the centroid.
    """
    d = fiducials.shape[-1]
    return np.einsum("...ii->...", tre_covariance(fiducials, targets)) * (np.asarray(fle) / d)[..., None]


@dataclass(frozen=True)
class _Fitzpatrick(Formula):
    """What both share.

    Parameters
    ----------
    fle : float, optional
        Known r.m.s. FLE of one pair, the noise of both spaces together, a length; from the FRE when None.
    """

    fle: float | None = None

    model = "rigid"
    kinds = KINDS

    @property
    def _variant(self) -> tuple[str, str]:
        return ("-known-fle", " (FLE known)") if self.fle is not None else ("", "")

    def __post_init__(self) -> None:
        if self.fle is not None and not (self.fle > 0 and math.isfinite(self.fle)):
            raise InputError(f"the r.m.s. FLE is {self.fle}: give a positive length in target units, or leave it out")

    def _asked(self, pairs: FiducialPairs, targets: Any, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Predicted points, covariances in principal axes, and failures."""
        points, share, result = points_of(pairs, targets), added_share(kind), plain_fit(pairs, self.model)
        n, d = pairs.n, pairs.dimension
        fle = squared_fle(result.fre_rms**2, n, d) if self.fle is None else np.full(pairs.batch_shape, self.fle**2)
        with np.errstate(divide="ignore", invalid="ignore"):
            covariance = tre_covariance(pairs.source, points) + share * np.eye(d)
        variance = np.where(result.failure > 0, np.nan, fle / d)
        return result.transform.apply(points), covariance * variance[..., None, None, None], result.failure


@dataclass(frozen=True)
class FitzpatrickBall(_Fitzpatrick):
    """Balls of the r.m.s. TRE of Fitzpatrick, West & Maurer (1998): squared radius ``TRE^2/d`` times a quantile of chi-square_d.

    Parameters
    ----------
    fle : float, optional
        Known r.m.s. FLE of one pair, a length; from the FRE when None.
    """

    method = "fitzpatrick-1998"
    words = "Fitzpatrick 1998 ball"

    def predict(self, pairs: FiducialPairs, targets: Any, kind: str) -> BallPrediction:
        """Predict targets (m, d) or (..., m, d) of pairs of batch shape (...); kind is tre, lre or observation."""
        mean, covariance, failure = self._asked(pairs, targets, kind)
        return BallPrediction(mean, np.einsum("...ii->...", covariance), failure)


@dataclass(frozen=True)
class FitzpatrickWest(_Fitzpatrick):
    """Balls that hold a share of the law of the length of the TRE (Fitzpatrick & West 2001).

    Parameters
    ----------
    fle : float, optional
        Known r.m.s. FLE of one pair, a length; from the FRE when None.
    """

    method = "fitzpatrick-west-2001"
    words = "Fitzpatrick & West 2001 ball"

    def predict(self, pairs: FiducialPairs, targets: Any, kind: str) -> LengthPrediction:
        """Predict targets (m, d) or (..., m, d) of pairs of batch shape (...); kind is tre, lre or observation."""
        mean, covariance, failure = self._asked(pairs, targets, kind)
        finite = np.isfinite(covariance).all((-2, -1))
        values = np.linalg.eigvalsh(np.where(finite[..., None, None], covariance, 0.0))
        return LengthPrediction(mean, np.where(finite[..., None], np.maximum(values, 0.0), np.nan), failure)


@dataclass(frozen=True, eq=False)
class BallPrediction:
    """Predicted points, and deviations taken for Gaussian and alike in all directions.

    Attributes
    ----------
    mean : (..., m, d)
    mean_square : (..., m)
        Expected squared deviation, target units squared.
    failure : (...)
    """

    mean: np.ndarray
    mean_square: np.ndarray
    failure: np.ndarray

    @property
    def rms(self) -> np.ndarray:
        """Root mean square length of the deviation, (..., m)."""
        return np.asarray(np.sqrt(self.mean_square))

    def region(self, level: float = 0.95) -> Balls:
        """Balls of a nominal level."""
        d = self.mean.shape[-1]
        return Balls(self.mean, self.rms * math.sqrt(float(chdtri(d, 1.0 - checked_level(level))) / d))

    def p_value(self, points: Any) -> np.ndarray:
        """P-values of points, (..., m)."""
        d = self.mean.shape[-1]
        return np.asarray(chdtrc(d, d * Balls(self.mean, self.rms).excess(points)))


@dataclass(frozen=True, eq=False)
class LengthPrediction:
    """Predicted points, and the law of the length of the deviation.

    Attributes
    ----------
    mean : (..., m, d)
    variances : (..., m, d)
        Eigenvalues of the covariance, target units squared.
    failure : (...)
    """

    mean: np.ndarray
    variances: np.ndarray
    failure: np.ndarray

    @property
    def rms(self) -> np.ndarray:
        """Root mean square length of the deviation, (..., m)."""
        return np.asarray(np.sqrt(self.variances.sum(-1)))

    def region(self, level: float = 0.95) -> Balls:
        """Balls of a nominal level."""
        return Balls(self.mean, np.sqrt(quantile(checked_level(level), self.variances)))

    def p_value(self, points: Any) -> np.ndarray:
        """P-values of points, (..., m)."""
        e = np.asarray(points, float) - self.mean
        return survival(np.einsum("...d,...d->...", e, e), self.variances)


BASELINES = (FitzpatrickBall(), FitzpatrickWest())
