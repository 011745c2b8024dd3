"""What the plugin ec-CLEM 2 computes, as it is coded: for comparison with its numbers, not as a published formula.

It departs from the literature in four places, kept here on purpose (theory, section 16):

- the squared FLE is the squared FRE over ``1 - 1/(2n)``, whatever the dimension and the number of parameters;
- its map of the TRE divides the part of the rotation by d twice and not by n;
- that map measures distances from the axes about the origin of the coordinates, so it changes when the image is moved;
- its rigid ellipse takes the factor and the degrees of freedom of the affine one.

Not kept: in 3D its derivative by the second Euler angle has a bracket in the wrong place, so that its rigid covariances there
depend on how the images are turned; a rotation that is a reflection; the scale of its similarity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError, UndeterminedError
from ..laws import FisherLaw
from ..linalg import about, apply, gram, symmetrised, transpose
from ..models.base import Fit
from ..pairs import FiducialPairs
from ..tangent import turns, velocities
from .asking import answerable, plain_fit, points_of
from .fitzpatrick import BallPrediction
from .formula import Formula
from .gaussian import GaussianPrediction
from .known_noise import images, inverse_of

_NOISES = {"affine": "full", "rigid": "target"}


def squared_fle(squared_fre: np.ndarray, n: int) -> np.ndarray:
    """The squared FLE as coded, ``FRE^2 / (1 - 1/(2n))``, (...)."""
    return squared_fre / (1.0 - 1.0 / (2.0 * n))


def squared_tre(fiducials: np.ndarray, points: np.ndarray, fle: np.ndarray) -> np.ndarray:
    """The squared TRE as coded, ``FLE^2 (1/n + mean_k(d_k^2/f_k^2)/d)``, (..., m).

    Parameters
    ----------
    fiducials : (..., n, d)
        In the target.
    points : (m, d) or (..., m, d)
        In the target.
    fle : (...)
        Squared FLE.

    Notes
    -----
    In 2D, too, it takes the principal axes that lie in the plane. A point is projected onto an axis from the origin and then
    compared with the centroid b, so that ``d_k^2`` is the squared distance from the axis plus ``(a_k . b)^2``.
    """
    n, d = fiducials.shape[-2:]
    mean = fiducials.mean(-2)
    centred = about(fiducials, mean)
    spread, axes = np.linalg.eigh(gram(centred, centred) / n)
    u = apply(transpose(axes), points - mean[..., None, :])
    offset = np.einsum("...ik,...i->...k", axes, mean)
    away = (u**2).sum(-1, keepdims=True) - u**2 + (offset**2)[..., None, :]
    f2 = spread.sum(-1, keepdims=True) - spread
    with np.errstate(divide="ignore", invalid="ignore"):  # fiducials on one line: an axis without spread
        return np.asarray(np.asarray(fle)[..., None] * (1.0 / n + (away / f2[..., None, :]).mean(-1) / d))


@dataclass(frozen=True)
class _EcClem(Formula):
    """What both share.

    Parameters
    ----------
    model : {"rigid", "affine"}
    """

    model: str = "rigid"

    def __post_init__(self) -> None:
        if self.model not in _NOISES:
            raise InputError(f"the model is {self.model!r}: what ec-CLEM codes is kept for "
                             f"{' and '.join(map(repr, sorted(_NOISES)))}")


@dataclass(frozen=True)
class EcClemEllipse(_EcClem):
    """The 95 % ellipse of the plugin, for where a feature will be seen.

    Parameters
    ----------
    model : {"rigid", "affine"}
        The affine one is that of the ICIP paper; the rigid one takes its factor ``d n/(n - 2d) F_{d, n-2d}`` over.
    """

    method = "ec-clem-as-coded"
    words = "ec-CLEM as coded, ellipse"
    kinds = ("observation",)

    def predict(self, pairs: FiducialPairs, targets: Any, kind: str) -> GaussianPrediction:
        """Predict targets (m, d) or (..., m, d) of pairs of batch shape (...); kind is observation.

        Raises
        ------
        UndeterminedError
            For 2d pairs or fewer.
        """
        points, n, d = points_of(pairs, targets), pairs.n, pairs.dimension
        answerable(kind, self.kinds, self.name)
        if n <= 2 * d:
            raise UndeterminedError(f"{n} pairs are too few for the ellipse of ec-CLEM in {d}D, which needs {2 * d + 1}: "
                                    f"add {2 * d + 1 - n} more")
        result = plain_fit(pairs, self.model, _NOISES[self.model])
        if self.model == "affine":
            where = result.predict(points, kind)
            covariance = where.covariance * ((n - d - 1) / n)
        else:
            covariance = _rigid_covariance(pairs, result.fitted, points)
        return GaussianPrediction(result.transform.apply(points), covariance, result.failure, FisherLaw(d, n - 2 * d), float(n))


def _rigid_covariance(pairs: FiducialPairs, fitted: Fit, points: np.ndarray) -> np.ndarray:
    """``s2 (I + I/n + J N^-1 J')`` with ``s2 = RSS/(nd)`` and N the observed information, not the expected one."""
    n, d, transform = pairs.n, pairs.dimension, fitted.transform
    v = apply(transform.matrix, about(pairs.source, fitted.x_mean))
    moments = symmetrised(gram(v, about(pairs.target, fitted.y_mean)))
    generators = turns(d)
    observed = np.einsum("kai,laj,...ij->...kl", generators, generators, moments)
    j = velocities(generators, images(transform, points))
    spread = (1.0 + 1.0 / n) * np.eye(d) + j @ inverse_of(observed)[..., None, :, :] @ transpose(j)
    return np.asarray(spread * (fitted.rss / (n * d))[..., None, None, None])


@dataclass(frozen=True)
class EcClemMap(_EcClem):
    """The r.m.s. TRE of the plugin's map, with balls made from it by the customary step (see `FitzpatrickBall`).

    Parameters
    ----------
    model : {"rigid", "affine"}
        Whose FRE is read; the formula is the rigid one for both.
    """

    method = "ec-clem-map-as-coded"
    words = "ec-CLEM as coded, map"
    kinds = ("tre",)

    def predict(self, pairs: FiducialPairs, targets: Any, kind: str) -> BallPrediction:
        """Predict targets (m, d) or (..., m, d) of pairs of batch shape (...); kind is tre."""
        points = points_of(pairs, targets)
        answerable(kind, self.kinds, self.name)
        result = plain_fit(pairs, self.model, _NOISES[self.model])
        mean = result.transform.apply(points)
        residuals = result.residuals
        fre2 = np.einsum("...nd,...nd->...", residuals, residuals) / pairs.n
        return BallPrediction(mean, squared_tre(pairs.target, mean, squared_fle(fre2, pairs.n)), result.failure)


BASELINES = (EcClemEllipse(), EcClemEllipse("affine"), EcClemMap())
