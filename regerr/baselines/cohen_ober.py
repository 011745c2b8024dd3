"""Generalised least squares with a covariance for each point: Cohen & Ober 2013 (IEEE Trans. Signal Process. 61).

Fiducials are localised in both images with known covariances (from photon counts, say), so each pair has its own effective
noise ``Sigma_i = Lambda_i + A Omega_i A'`` at the map itself. The estimate minimises ``sum r_i' Sigma_i^-1 r_i``; its asymptotic
covariance is ``(sum [1 x_i][1 x_i]' (x) Sigma_i^-1)^-1``. Where the covariances of the pairs are multiples of common ones, by the
same factors in both images, the estimate has a closed form (Gleser 1981). They name the TRE and the LRE of a new point, both
Gaussian in the limit. The rigid and the similarity map are given the same ellipse here (theory, sections 6, 12).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from ..blocks import fit_blocks
from ..linalg import apply, transpose
from ..models import parse_model
from ..models.base import Estimator
from ..models.latent_positions import LatentFit
from ..noise import Noise, parse_noise
from ..pair_covariances import PairCovariances
from ..pairs import FiducialPairs
from ..predictions import KINDS
from ..tangent import gradient
from .asking import answerable, points_of
from .formula import Formula
from .gaussian import GaussianPrediction
from .known_noise import added, checked_noise, estimator_of, images, known_variant, stated


def closed_form(source: np.ndarray, target: np.ndarray, weights: np.ndarray, source_covariance: np.ndarray,
                target_covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The affine map for covariances ``Omega/w_i`` and ``Lambda/w_i``.

    In units in which both common covariances are the identity, the graph of the map is spanned by the d leading principal axes of
    the weighted pairs (Gleser 1981; Cohen & Ober 2013, section IV).

    Parameters
    ----------
    source, target : (..., n, d)
    weights : (..., n)
    source_covariance, target_covariance : (..., d, d)
        Positive definite.

    Returns
    -------
    matrix : (..., d, d)
    source_centre, target_centre : (..., d)
        The weighted means, mapped onto each other. NaN or infinite where the axes do not span a map.
    """
    d = source.shape[-1]
    share = weights / weights.sum(-1, keepdims=True)
    centres = [np.einsum("...n,...nd->...d", share, points) for points in (source, target)]
    colours = [np.linalg.cholesky(c) for c in (source_covariance, target_covariance)]
    white = [apply(np.linalg.inv(colour), points - centre[..., None, :])
             for colour, points, centre in zip(colours, (source, target), centres, strict=True)]
    pairs = np.concatenate(white, -1) * np.sqrt(share)[..., None]
    finite = np.isfinite(pairs).all((-2, -1))[..., None, None]
    axes = np.linalg.svd(np.where(finite, pairs, 0.0), full_matrices=True)[2][..., :d, :]
    x, y = transpose(axes[..., :d]), transpose(axes[..., d:])
    regular = np.abs(np.linalg.det(x)) > 0
    inner = y @ np.linalg.inv(np.where(regular[..., None, None], x, np.eye(d)))
    matrix = colours[1] @ inner @ np.linalg.inv(colours[0])
    return np.where(regular[..., None, None] & finite, matrix, np.nan), centres[0], centres[1]


@dataclass(frozen=True)
class CohenOber(Formula):
    """Heteroscedastic generalised least squares with its asymptotic ellipse.

    Parameters
    ----------
    model : {"affine", "similarity", "rigid"}
        The paper's is the affine one.
    noise : {"both", "target", "source"} or Noise
        Covariances for pairs that carry none: those of the noise, else isotropic ones of its ratio. With ``Noise(scale=1.0)``
        they are known, and the law is chi-square; else known up to one scale that is estimated, and the law is F.
    """

    model: str = "affine"
    noise: str | Noise = "both"

    method = "cohen-ober"
    words = "Cohen & Ober 2013"
    kinds = KINDS

    def __post_init__(self) -> None:
        parse_model(self.model)
        checked_noise(self.noise)

    @property
    def _variant(self) -> tuple[str, str]:
        return known_variant(self.noise)

    @property
    def _noise(self) -> Noise:
        return parse_noise(self.noise)

    def predict(self, pairs: FiducialPairs, targets: Any, kind: str) -> GaussianPrediction:
        """Predict targets (m, d) or (..., m, d) of pairs of batch shape (...); kind is tre, lre or observation.

        A new point is taken to be localised as the mean fiducial.

        Raises
        ------
        UndeterminedError
            For too few pairs.
        """
        points, kind = points_of(pairs, targets), answerable(kind, KINDS, self.name)
        given, fitted, estimator = self.fit(pairs)
        g = gradient(estimator.card.moves(pairs.dimension), images(fitted.transform, points))
        covariance = g @ fitted.lever[..., None, :, :] @ transpose(g) + added(given, fitted.matrix, kind)
        return GaussianPrediction.under(estimator, pairs.n, fitted.transform.apply(points),
                                        covariance * fitted.variance[..., None, None, None], fitted.failure)

    def fit(self, pairs: FiducialPairs) -> tuple[PairCovariances, LatentFit, Estimator]:
        """The covariances, the maximum likelihood maps (...) under them, and the estimator that found these."""
        noise = self._noise
        given, estimator = stated(pairs, noise, self.model == "rigid"), estimator_of(pairs, self.model, noise)
        return given, cast(LatentFit, fit_blocks(estimator, pairs.source, pairs.target, given)), estimator


BASELINES = (CohenOber(), CohenOber("rigid"))
