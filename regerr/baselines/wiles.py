"""Rigid registration without weights under anisotropic noise: Wiles, Likholyot, Frantz & Peters 2008 (IEEE T. Med. Imaging 27).

All fiducials carry noise of one covariance ``Sigma``, that of both spaces together as seen in the target, which a plain
Procrustes fit does not heed. The shift has covariance ``Sigma/n``, the rotation ``M^-1 (sum J_i' Sigma J_i) M^-1`` with
``M = sum J_i' J_i``, and both are independent, since moments are taken about the centroid (theory, sections 4, 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..linalg import gram, trace, transpose
from ..noise import Noise, parse_noise
from ..pairs import FiducialPairs
from ..predictions import KINDS
from ..tangent import turns, velocities
from .asking import answerable, plain_fit, points_of
from .formula import Formula
from .gaussian import GaussianPrediction
from .known_noise import added, checked_noise, estimator_of, images, inverse_of, known_variant, stated


def rotation_covariance(scatter: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """``M^-1 (sum J_i' Sigma J_i) M^-1`` from the scatter ``sum v v'`` of the fiducials in the target, (..., q, q).

    Parameters
    ----------
    scatter, noise : (..., d, d)
    """
    back = inverse_of(_moments(scatter, np.eye(scatter.shape[-1])))
    return np.asarray(back @ _moments(scatter, noise) @ back)


def tre_covariance(scatter: np.ndarray, points: np.ndarray, noise: np.ndarray, n: int) -> np.ndarray:
    """Covariance of the TRE, ``Sigma/n + J(v) Cov(w) J(v)'``.

    Parameters
    ----------
    scatter : (..., d, d)
        ``sum v v'`` of the n fiducials, seen in the target.
    points : (..., m, d)
        Targets v there, about the fiducials' centroid.
    noise : (..., d, d)

    Returns
    -------
    (..., m, d, d)
    """
    j = velocities(turns(points.shape[-1]), points)
    return np.asarray((noise / n)[..., None, :, :] + j @ rotation_covariance(scatter, noise)[..., None, :, :] @ transpose(j))


def expected_square(scatter: np.ndarray, noise: np.ndarray, n: int) -> np.ndarray:
    """Expected ``sum |r_i|^2``, to first order: ``(n - 1) tr Sigma - tr(M^-1 sum J_i' Sigma J_i)``, (...)."""
    back = inverse_of(_moments(scatter, np.eye(scatter.shape[-1])))
    return np.asarray((n - 1) * trace(noise) - np.einsum("...kl,...lk->...", back, _moments(scatter, noise)))


def _moments(scatter: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """``sum J_i' Sigma J_i = tr(D_k' Sigma D_l sum v v')`` over rotations k, l."""
    generators = turns(scatter.shape[-1])
    return np.einsum("kai,...ab,lbj,...ij->...kl", generators, noise, generators, scatter, optimize=True)


@dataclass(frozen=True)
class Wiles(Formula):
    """Procrustes with the covariance that anisotropic noise gives its TRE.

    Parameters
    ----------
    noise : {"both", "target", "source"} or Noise
        Covariances for pairs that carry none: those of the noise, else isotropic ones. All pairs get their mean. With
        ``Noise(scale=1.0)`` they are known, and the law is chi-square; else known up to one scale, estimated by the FRE, and the
        law is F with ``nd - k`` degrees of freedom, which anisotropic noise makes approximate.
    """

    noise: str | Noise = "both"

    model = "rigid"
    method = "wiles"
    words = "Wiles 2008"
    kinds = KINDS

    def __post_init__(self) -> None:
        checked_noise(self.noise)

    @property
    def _variant(self) -> tuple[str, str]:
        return known_variant(self.noise)

    def predict(self, pairs: FiducialPairs, targets: Any, kind: str) -> GaussianPrediction:
        """Predict targets (m, d) or (..., m, d) of pairs of batch shape (...); kind is tre, lre or observation."""
        points, kind, n = points_of(pairs, targets), answerable(kind, KINDS, self.name), pairs.n
        estimator = estimator_of(pairs, self.model, parse_noise(self.noise))
        given, fitted = stated(pairs, parse_noise(self.noise), one_unit=True), plain_fit(pairs, self.model).fitted
        v = images(fitted.transform, pairs.source)
        scatter, noise = gram(v, v), given.effective(fitted.matrix).mean(-3)
        covariance = tre_covariance(scatter, images(fitted.transform, points), noise, n) + added(given, fitted.matrix, kind)
        scale2 = estimator.noise.scale**2 if estimator.noise.scale else fitted.rss / expected_square(scatter, noise, n)
        return GaussianPrediction.under(estimator, n, fitted.transform.apply(points),
                                        covariance * np.asarray(scale2)[..., None, None, None], fitted.failure)


BASELINES = (Wiles(),)
