"""Rigid registration with any weighting under any noise: Danilchenko & Fitzpatrick 2011 (IEEE Trans. Med. Imaging 30).

Each pair has its own weighting matrix W_i and its own covariance ``Sigma_i`` of the noise of both spaces. To first order the fit
solves the linear problem ``C q = W e`` for shift and rotation, ``C_i = W_i G_i``, so that both the TRE and the weighted residuals
are linear in the noise: ``q = C^+ W e``, residuals ``(I - C C^+) W e``. Ideal weights are ``W_i = Sigma_i^(-1/2)``, updated with
the rotation (Balachandran & Fitzpatrick 2009); with them TRE and residuals are independent (theory, sections 4, 6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..linalg import inverse_symmetric, root, transpose
from ..models import parse_model
from ..noise import Noise, parse_noise
from ..pairs import FiducialPairs
from ..predictions import KINDS
from .asking import answerable, plain_fit, points_of
from .gaussian import GaussianPrediction, scaled
from .known_noise import KnownNoise, known_noise
from .weighted import FAMILIES, Reweighted, WeightedFit, inverse_of, weighted_fit

Weigh = Callable[[KnownNoise, np.ndarray], np.ndarray]


def estimate_covariance(fitted: WeightedFit, noise: np.ndarray) -> np.ndarray:
    """Covariance of shift and rotation, ``N^-1 (sum G_i' P_i Sigma_i P_i G_i) N^-1`` with ``N = sum G_i' P_i G_i``.

    Parameters
    ----------
    fitted : WeightedFit
        Batch (...); ``P_i = W_i' W_i``.
    noise : (..., n, d, d)
        ``Sigma_i``.

    Returns
    -------
    (..., d + q, d + q)
    """
    back = inverse_of(fitted.information)
    return np.asarray(back @ _meat(fitted, noise) @ back)


def expected_square(fitted: WeightedFit, noise: np.ndarray) -> np.ndarray:
    """Expected ``sum |W_i r_i|^2``, to first order: ``sum tr(P_i Sigma_i) - tr(N^-1 sum G_i' P_i Sigma_i P_i G_i)``, (...)."""
    whole = np.einsum("...nij,...nji->...", fitted.precisions, noise)
    taken = np.einsum("...kl,...lk->...", inverse_of(fitted.information), _meat(fitted, noise))
    return np.asarray(whole - taken)


def fre_covariance(fitted: WeightedFit, noise: np.ndarray) -> np.ndarray:
    """Covariance of the weighted residuals of all pairs, ``(I - C C^+) W Sigma W' (I - C C^+)'``, W the roots of P.

    Its trace is the expected squared weighted FRE times n.

    Returns
    -------
    (..., n d, n d)
    """
    *batch, n, d, _ = fitted.precisions.shape
    w = root(fitted.precisions)  # w w' = P, so w' weighs
    c = (transpose(w) @ fitted.jacobian(fitted.points)).reshape(*batch, n * d, -1)
    left = np.eye(n * d) - c @ inverse_of(fitted.information) @ transpose(c)
    weighted = transpose(w) @ noise @ w
    spread = np.zeros((*batch, n, d, n, d))
    spread[..., np.arange(n), :, np.arange(n), :] = np.moveaxis(weighted, -3, 0)
    return np.asarray(left @ spread.reshape(*batch, n * d, n * d) @ left)


def _meat(fitted: WeightedFit, noise: np.ndarray) -> np.ndarray:
    pull = fitted.precisions @ fitted.jacobian(fitted.points)
    return np.einsum("...nik,...nij,...njl->...kl", pull, noise, pull, optimize=True)


def _ideal(noise: KnownNoise, matrix: np.ndarray) -> np.ndarray:
    return inverse_symmetric(noise.effective(matrix))


def _uniform(noise: KnownNoise, matrix: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.eye(matrix.shape[-1]), (*matrix.shape[:-2], *noise.target.shape[-3:]))


_WEIGHTS: dict[str, Weigh] = {"ideal": _ideal, "uniform": _uniform}


@dataclass(frozen=True, eq=False)
class Danilchenko:
    """Weighted rigid registration with the covariance of its TRE.

    Parameters
    ----------
    weights : {"ideal", "uniform"} or (n, d, d) array
        Weighting matrices W_i, in the target's axes.
    noise : {"both", "target", "source"} or Noise
        Covariances for pairs that carry none: those of the noise, else isotropic ones of its ratio. With ``Noise(scale=1.0)``
        they are known, and the law is chi-square; else known up to one scale, estimated by the weighted residuals, and the law is
        F with ``nd - k`` degrees of freedom (exact to first order for ideal weights only).
    """

    weights: Any = "ideal"
    noise: str | Noise = "both"

    model = "rigid"
    method = "danilchenko"
    kinds = KINDS
    closed_form_volume = True

    def __post_init__(self) -> None:
        self._weigh()
        parse_noise(self.noise)

    @property
    def _word(self) -> str:
        return self.weights if isinstance(self.weights, str) else "given"

    @property
    def name(self) -> str:
        """For tables."""
        return f"rigid-{self.method}-{self._word}{'' if parse_noise(self.noise).scale is None else '-known-scale'}"

    @property
    def label(self) -> str:
        """For figures."""
        known = "" if parse_noise(self.noise).scale is None else " (noise known)"
        return f"rigid, Danilchenko & Fitzpatrick 2011, {self._word} weights{known}"

    def fit(self, pairs: FiducialPairs) -> tuple[WeightedFit, KnownNoise]:
        """Weighted fits (...) and the covariances that the law of their deviations is made of.

        Raises
        ------
        UndeterminedError
            For too few pairs.
        """
        known = known_noise(pairs, parse_noise(self.noise), one_unit=True)
        first = plain_fit(pairs, self.model).fitted
        weighting = Reweighted(self._weigh(), known.flat())
        return weighted_fit(pairs.source, pairs.target, weighting, FAMILIES[self.model], first.matrix, first.failure), known

    def predict(self, pairs: FiducialPairs, targets: Any, kind: str) -> GaussianPrediction:
        """Predict targets (m, d) or (..., m, d) of pairs of batch shape (...); kind is tre, lre or observation.

        A new point is taken to be localised as the mean fiducial.
        """
        points, kind = points_of(pairs, targets), answerable(kind, KINDS, self.name)
        fitted, known = self.fit(pairs)
        noise, g = known.effective(fitted.transform.matrix), fitted.at(points)
        covariance = g @ estimate_covariance(fitted, noise)[..., None, :, :] @ transpose(g)
        covariance = covariance + known.added(fitted.transform.matrix, kind)
        freedom = pairs.n * pairs.dimension - parse_model(self.model).card.parameters[pairs.dimension]
        return scaled(fitted.transform.apply(points), covariance, fitted.failure, known.scale,
                      fitted.rss / expected_square(fitted, noise), freedom)

    def _weigh(self) -> Weigh:
        if isinstance(self.weights, str):
            if self.weights not in _WEIGHTS:
                raise InputError(f"the weights are {self.weights!r}: use 'ideal', 'uniform', or one matrix per pair (n, d, d)")
            return _WEIGHTS[self.weights]
        w = np.asarray(self.weights, float)
        if w.ndim != 3 or w.shape[-1] != w.shape[-2] or not np.isfinite(w).all():
            raise InputError(f"the weights have shape {w.shape}: give one finite matrix per pair, (n, d, d)")
        return lambda noise, matrix: np.broadcast_to(transpose(w) @ w, (*matrix.shape[:-2], *w.shape))


BASELINES = (Danilchenko(), Danilchenko("uniform"))
