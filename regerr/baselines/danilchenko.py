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

from ..errors import Failure, InputError
from ..linalg import (
    EPS,
    about,
    components,
    dot,
    inverse_symmetric,
    matrix_components,
    root,
    rows_matrix,
    symmetrised,
    times,
    transpose,
)
from ..models.solver import Problem, Terms, normal_equations, solved
from ..noise import Noise, parse_noise
from ..pair_covariances import PairCovariances
from ..pairs import FiducialPairs
from ..predictions import KINDS
from ..tangent import gradient, turned, turns
from ..transforms import Transform
from .asking import answerable, plain_fit, points_of
from .formula import Formula
from .gaussian import GaussianPrediction
from .known_noise import added, checked_noise, estimator_of, images, inverse_of, known_variant, stated

_ROUNDS = 200
_SETTLED = 1e-14  # fall of the sum of squares that a step still promises, relative, at which it is too small to matter


@dataclass(frozen=True, eq=False)
class WeightedFit:
    """Rigid maps that minimise ``sum r_i' P_i r_i``, ``P_i = W_i' W_i``; batch (...).

    Attributes
    ----------
    transform : Transform
        Kept as the image of the fiducials' centroid and a rotation.
    precisions : (..., n, d, d)
        ``P_i`` at the fit.
    points, residuals : (..., n, d)
        Images of the fiducials about that of their centroid, and residuals.
    failure : (...)
    """

    transform: Transform
    precisions: np.ndarray
    points: np.ndarray
    residuals: np.ndarray
    failure: np.ndarray

    @property
    def rss(self) -> np.ndarray:
        """``sum |W_i r_i|^2``, (...)."""
        return np.einsum("...ni,...nij,...nj->...", self.residuals, self.precisions, self.residuals, optimize=True)

    @property
    def gradients(self) -> np.ndarray:
        """``G_i = [I, J_i]``, (..., n, d, d + q)."""
        return gradient(turns(self.points.shape[-1]), self.points)

    @property
    def information(self) -> np.ndarray:
        """``sum G_i' P_i G_i``, (..., d + q, d + q)."""
        g = self.gradients
        return symmetrised(np.einsum("...nik,...nij,...njl->...kl", g, self.precisions, g, optimize=True))


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
    whole = np.einsum("...nij,...nji->...", fitted.precisions, np.broadcast_to(noise, fitted.precisions.shape))
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
    c = (transpose(w) @ fitted.gradients).reshape(*batch, n * d, -1)
    left = np.eye(n * d) - c @ inverse_of(fitted.information) @ transpose(c)
    weighted = np.broadcast_to(transpose(w) @ noise @ w, fitted.precisions.shape)
    spread = np.zeros((*batch, n, d, n, d))
    spread[..., np.arange(n), :, np.arange(n), :] = np.moveaxis(weighted, -3, 0)
    return np.asarray(left @ spread.reshape(*batch, n * d, n * d) @ left)


def _meat(fitted: WeightedFit, noise: np.ndarray) -> np.ndarray:
    pull = fitted.precisions @ fitted.gradients
    return np.einsum("...nik,...nij,...njl->...kl", pull, np.broadcast_to(noise, fitted.precisions.shape), pull, optimize=True)


@dataclass(frozen=True, eq=False)
class Danilchenko(Formula):
    """Weighted rigid registration with the covariance of its TRE.

    Parameters
    ----------
    weights : {"ideal", "uniform"} or (n, d, d) array
        Invertible weighting matrices W_i, in the target's axes.
    noise : {"both", "target", "source"} or Noise
        Covariances for pairs that carry none: those of the noise, else isotropic ones of its ratio. With ``Noise(scale=1.0)``
        they are known, and the law is chi-square; else known up to one scale, estimated by the weighted residuals, and the law is
        F with ``nd - k`` degrees of freedom (exact to first order for ideal weights only).
    """

    weights: Any = "ideal"
    noise: str | Noise = "both"

    model = "rigid"
    method = "danilchenko"
    words = "Danilchenko & Fitzpatrick 2011"
    kinds = KINDS

    def __post_init__(self) -> None:
        checked_noise(self.noise)
        if isinstance(self.weights, str):
            if self.weights not in ("ideal", "uniform"):
                raise InputError(f"the weights are {self.weights!r}: use 'ideal', 'uniform', or one matrix per pair (n, d, d)")
            return
        w = np.asarray(self.weights, float)
        if w.ndim != 3 or w.shape[-1] != w.shape[-2] or not (np.linalg.cond(w) < 1e8).all():
            raise InputError(f"the weights have shape {w.shape}: give one invertible matrix per pair, (n, d, d)")

    @property
    def _word(self) -> str:
        return self.weights if isinstance(self.weights, str) else "given"

    @property
    def _variant(self) -> tuple[str, str]:
        name, label = known_variant(self.noise)
        return f"-{self._word}{name}", f", {self._word} weights{label}"

    def predict(self, pairs: FiducialPairs, targets: Any, kind: str) -> GaussianPrediction:
        """Predict targets (m, d) or (..., m, d) of pairs of batch shape (...); kind is tre, lre or observation.

        A new point is taken to be localised as the mean fiducial.

        Raises
        ------
        UndeterminedError
            For too few pairs.
        """
        points, kind, d = points_of(pairs, targets), answerable(kind, KINDS, self.name), pairs.dimension
        given, fitted = self.fit(pairs)
        transform, noise = fitted.transform, given.effective(fitted.transform.matrix)
        g = gradient(turns(d), images(transform, points))
        covariance = g @ estimate_covariance(fitted, noise)[..., None, :, :] @ transpose(g)
        covariance = covariance + added(given, transform.matrix, kind)
        estimator = estimator_of(pairs, self.model, parse_noise(self.noise))
        scale2 = estimator.noise.scale**2 if estimator.noise.scale else fitted.rss / expected_square(fitted, noise)
        return GaussianPrediction.under(estimator, pairs.n, transform.apply(points),
                                        covariance * np.asarray(scale2)[..., None, None, None], fitted.failure)

    def fit(self, pairs: FiducialPairs) -> tuple[PairCovariances, WeightedFit]:
        """The covariances of the pairs, and weighted fits (...)."""
        given, first = stated(pairs, parse_noise(self.noise), one_unit=True), plain_fit(pairs, self.model).fitted
        matrix, shift, failure = first.matrix, np.zeros_like(first.y_mean), first.failure
        if self._word != "uniform":
            start = np.where((failure > 0)[..., None, None], np.eye(pairs.dimension), matrix)
            matrix, shift, settled = _searched(pairs, self._spread, given, start)
            failure = np.where((failure == 0) & ~settled, np.int8(Failure.NOT_SETTLED), failure)
        matrix = np.where((failure > 0)[..., None, None], np.nan, matrix)
        transform = Transform(matrix, first.x_mean, first.y_mean + shift)
        residuals = np.where((first.rss == 0)[..., None, None], 0.0, pairs.target - transform.apply(pairs.source))
        precisions = np.broadcast_to(inverse_symmetric(self._spread(given, matrix)), (*pairs.source.shape, pairs.dimension))
        return given, WeightedFit(transform, precisions, images(transform, pairs.source), residuals, failure)

    def _spread(self, given: PairCovariances, matrix: np.ndarray) -> np.ndarray:
        """``P_i^-1`` at rotations (..., d, d): (..., n or 1, d, d)."""
        if self._word == "ideal":
            return given.effective(matrix)
        w = np.eye(matrix.shape[-1])[None] if self._word == "uniform" else np.asarray(self.weights, float)
        return inverse_symmetric(transpose(w) @ w)


def _searched(pairs: FiducialPairs, spread: Callable[[PairCovariances, np.ndarray], np.ndarray], given: PairCovariances,
              start: np.ndarray) -> tuple[np.ndarray, ...]:
    """Rotations and shifts (...), by steps with the weights of the rotation so far; and which of them settled."""
    batch, (n, d) = pairs.batch_shape, pairs.source.shape[-2:]
    x, y = (components(about(points, points.mean(-2)).reshape(-1, n, d)) for points in (pairs.source, pairs.target))
    flat, matrix = given.flat(batch), start.reshape(-1, d, d).copy()
    shift, settled, rows = np.zeros((d, x.shape[1])), np.zeros(x.shape[1], bool), np.arange(x.shape[1])
    for _ in range(_ROUNDS):
        if not len(rows):
            break
        step, done = _step(x[:, rows], y[:, rows], spread(_part(flat, rows), matrix[rows]), matrix[rows], shift[:, rows])
        matrix[rows] = rows_matrix(turned(step[d:])) @ matrix[rows]
        shift[:, rows] += step[:d]
        settled[rows] = done
        rows = rows[~done]
    return matrix.reshape(*batch, d, d), shift.T.reshape(*batch, d), settled.reshape(batch)


def _step(x: np.ndarray, y: np.ndarray, held: np.ndarray, matrix: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shift and turn (d + q, b) that fit best with weights held, to first order; and whether they are too small to matter."""
    d = len(x)
    spread = matrix_components(held)
    spread = spread.reshape(d, d, -1, spread.shape[-1])  # one for all datasets where weights are given
    problem = Problem(x, y, np.zeros((d, d, 1, 1)), spread, turns(d), turned)
    terms = Terms.of(problem, matrix_components(matrix), shift)
    normal, right = normal_equations(problem, terms)
    step = solved(normal, right)
    smallest = EPS**2 * dot(y, times(terms.precision, y)).sum(-1)
    return step.T, np.einsum("bk,bk->b", step, right) <= _SETTLED * terms.rss + 64.0 * smallest


def _part(given: PairCovariances, rows: np.ndarray) -> PairCovariances:
    return given.mapped(lambda c: c[rows] if len(c) > 1 else c)


BASELINES = (Danilchenko(), Danilchenko("uniform"))
