"""Affine with noise of any covariance in both spaces, ``A Omega A' = rho Lambda`` (theory, section 5).

The fit commutes with every linear map of either space, so both spaces are whitened first: the scatter of the fiducials is the
identity in each, however poor the layout. The singular values of what is left are canonical correlations, each corrected as
one noisy scale. A new pair asks for the same decomposition once more, in the white frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..covariances import Covariance, Proportional
from ..errors import Failure
from ..linalg import (
    EPS,
    apply,
    determinant,
    dot,
    entries,
    gram,
    inverse_components,
    product,
    quadratic,
    rows_matrix,
    square,
    symmetrised,
    times,
    trace,
    transpose,
)
from ..noise import Noise
from ..scatter import Scatter, joining_factor
from ..transforms import Transform
from .base import Estimator, Fit, Joint, variance_factor
from .layout import undetermined
from .regression import AFFINE_CARD, sample_affine
from .scale import noisy_scale


@dataclass(frozen=True, eq=False)
class FreeCovarianceFit(Fit):
    """A fit with its scatters in the white frame of the target.

    Attributes
    ----------
    inward, white : (..., d, d)
        Source to white frame by the fit, and target to white frame.
    vv, vr, rr : (..., d, d)
        Scatters of fitted points v and residuals r in the white frame.
    precision : (..., d, d)
        Inverse scatter of the true points there; infinite where the noise hides a direction.
    """

    inward: np.ndarray
    white: np.ndarray
    vv: np.ndarray
    vr: np.ndarray
    rr: np.ndarray
    precision: np.ndarray

    @property
    def vy(self) -> np.ndarray:
        """``sum v y'``."""
        return self.vv + self.vr

    @property
    def yy(self) -> np.ndarray:
        """``sum y y'``."""
        return self.vv + self.vr + transpose(self.vr) + self.rr


@dataclass(frozen=True)
class FreeCovariance(Estimator):
    """Noise in both spaces, its covariance estimated, its ratio given."""

    noise: Noise

    card = AFFINE_CARD

    def degrees_of_freedom(self, n: int, dimension: int) -> int:
        return n - dimension - 1

    def denominator(self, n: int, dimension: int) -> int:
        return n - 2 * dimension

    def fit(self, source: np.ndarray, target: np.ndarray) -> FreeCovarianceFit:
        scatter = Scatter.of(source, target)
        failure = undetermined(scatter, missing=0)
        white_x, white_y = _whitener(scatter.dx, failure), _whitener(scatter.dy, failure)
        x, y = apply(white_x, scatter.dx), apply(white_y, scatter.dy)
        core = self._core(gram(y, x))
        singular = ~np.isfinite(core).all((-2, -1))
        failure = np.where((failure == 0) & singular, np.int8(Failure.NO_SOLUTION), failure)
        core = np.where(failure[..., None, None] > 0, np.nan, core)
        v = apply(core, x)
        return self._complete(scatter, core @ white_x, white_y, v, y - v, failure)

    def _complete(self, scatter: Scatter, inward: np.ndarray, white: np.ndarray, v: np.ndarray, r: np.ndarray,
                  failure: np.ndarray) -> FreeCovarianceFit:
        n, d, share = scatter.n, scatter.dimension, self.noise.source_share
        vv, vr, rr = gram(v, v), gram(v, r), gram(r, r)
        colour = np.linalg.inv(white)
        residuals = colour @ rr @ transpose(colour)
        exact = trace(residuals) < scatter.smallest_resolved()
        rr, residuals = (np.where(exact[..., None, None], 0.0, m) for m in (rr, residuals))
        truth = symmetrised(vv + share * (vr + transpose(vr)) + share**2 * rr - n * share * (1 - share) / (n - d - 1) * rr)
        return FreeCovarianceFit(n, scatter.x_mean, scatter.y_mean, colour @ inward, trace(residuals), np.ones(exact.shape),
                                 residuals / (n - d - 1), scatter.rounding(), failure, inward, white, vv, vr, rr,
                                 _inverse_if_positive(truth))

    def _core(self, correlation: np.ndarray) -> np.ndarray:
        """``U C V'`` from a correlation ``U D V'`` (..., d, d) of white spaces; NaN where it is not finite."""
        finite = np.isfinite(correlation).all((-2, -1))[..., None, None]
        u, canonical, vt = np.linalg.svd(np.where(finite, correlation, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            corrected = noisy_scale(1.0, 1.0, canonical, self.noise.source_share)
        return np.where(finite, (u * corrected[..., None, :]) @ vt, np.nan)

    def joint(self, fit: FreeCovarianceFit, dx: np.ndarray, dy: np.ndarray, weight: float) -> Joint:
        c, k = joining_factor(fit.n, weight), self.noise.source_share
        v, w = times(entries(fit.inward), dx), times(entries(fit.white), dy)
        whole = self._refit(fit, v, w, c)
        change = whole - np.eye(len(v)).reshape(len(v), len(v), *(1,) * (w.ndim - 1))
        e = w - v - times(change, v)
        residual = _residual_scatter(fit, change)
        own = k if np.isinf(weight) or weight == 1.0 else 1.0
        leverage = quadratic(inverse_components(_latent_scatter(fit, whole, k)), v + times(change, v) + own * e)
        distance = quadratic(inverse_components(residual), e)
        deleted = np.where(square(e) == 0, 0.0, c * (1.0 + c * leverage) * distance)
        remaining = np.maximum(1.0 - c * c * leverage * distance, 0.0)
        before = np.ones_like(remaining)
        return Joint(deleted, remaining, self._growth(fit, residual, whole, c * distance), before, fit.unit[..., None])

    def _refit(self, fit: FreeCovarianceFit, v: np.ndarray, w: np.ndarray, c: float) -> np.ndarray:
        """Joint linear part over the fitted one (d, d, ..., m)."""
        xx, xy, yy = (entries(s) + c * p[:, None] * q[None, :] for s, p, q in ((fit.vv, v, v), (fit.vy, v, w), (fit.yy, w, w)))
        back_x, back_y = _inverse_root(xx), _inverse_root(yy)
        correlation = product(product(back_y, np.swapaxes(xy, 0, 1)), np.swapaxes(back_x, 0, 1))
        core = np.moveaxis(self._core(rows_matrix(correlation)), (-2, -1), (0, 1))
        return product(product(_triangular_inverse(back_y), core), back_x)

    def _growth(self, fit: FreeCovarianceFit, residual: np.ndarray, whole: np.ndarray, own: np.ndarray) -> np.ndarray:
        """``Q_0/Q_n - 1`` with ``Q = |W| |A|^(-2 k)``."""
        after = determinant(residual) / determinant(entries(fit.rr))
        area = np.abs(determinant(whole))
        return np.expm1(np.log(after) + np.log1p(own) - 2.0 * self.noise.source_share * np.log(area))

    def covariance(self, fit: FreeCovarianceFit, dx: np.ndarray, weight: float) -> Covariance:
        v = times(entries(fit.inward), dx)
        closed = np.isfinite(fit.precision[..., 0, 0])[..., None]
        inner = times(entries(np.where(np.isfinite(fit.precision), fit.precision, 0.0)), v)
        spread = np.where(closed, dot(inner, v), np.inf) + variance_factor(fit.n, weight)
        return Proportional(entries(fit.noise_covariance), spread)

    def sample(self, fit: FreeCovarianceFit, k: int, rng: np.random.Generator) -> Transform:
        return sample_affine(self, fit, transpose(fit.inward) @ fit.precision @ fit.inward, k, rng)


def _whitener(centred: np.ndarray, failure: np.ndarray) -> np.ndarray:
    """The matrix (..., d, d) that makes the scatter of points (..., n, d) the identity; the identity for failed layouts."""
    d = centred.shape[-1]
    failed = failure[..., None, None] > 0
    upper = np.linalg.qr(np.where(failed, 0.0, centred), mode="r")
    _, singular, vt = np.linalg.svd(upper)
    singular = np.where(failed[..., 0], 1.0, singular)
    return np.where(failed, np.eye(d), vt / singular[..., :, None])


def _inverse_root(m: np.ndarray) -> np.ndarray:
    """``L^-1`` of the Cholesky factor of component matrices (d, d, ...)."""
    d = len(m)
    lower = np.zeros(m.shape)
    for j in range(d):
        known = sum((lower[j, k] ** 2 for k in range(j)), start=np.zeros(()))
        lower[j, j] = np.sqrt(np.maximum(m[j, j] - known, EPS * m[j, j]))
        for i in range(j + 1, d):
            known = sum((lower[i, k] * lower[j, k] for k in range(j)), start=np.zeros(()))
            lower[i, j] = (m[i, j] - known) / lower[j, j]
    return _triangular_inverse(lower)


def _triangular_inverse(lower: np.ndarray) -> np.ndarray:
    """Inverse of lower triangular component matrices by forward substitution."""
    out = np.zeros(lower.shape)
    for j in range(len(lower)):
        out[j, j] = 1.0 / lower[j, j]
        for i in range(j + 1, len(lower)):
            out[i, j] = -sum((lower[i, k] * out[k, j] for k in range(j, i)), start=np.zeros(())) / lower[i, i]
    return out


def _inverse_if_positive(matrix: np.ndarray) -> np.ndarray:
    """Inverse of symmetric (..., d, d); infinite where not positive definite, NaN where not finite."""
    finite = np.asarray(np.isfinite(matrix).all((-2, -1)))[..., None, None]
    values, vectors = np.linalg.eigh(np.where(finite, matrix, np.eye(matrix.shape[-1])))
    positive = np.asarray((values > 0).all(-1))
    values = np.where(positive[..., None], values, 1.0)
    inverse = (vectors / values[..., None, :]) @ transpose(vectors)
    inverse = np.where(positive[..., None, None], inverse, np.inf * np.eye(matrix.shape[-1]))
    return np.where(finite, inverse, np.nan)


def _residual_scatter(fit: FreeCovarianceFit, change: np.ndarray) -> np.ndarray:
    """``W`` of the n pairs after a change G of the linear part: ``rr - G vr - (G vr)' + G vv G'``."""
    mixed = product(change, entries(fit.vr))
    moved = product(product(change, entries(fit.vv)), np.swapaxes(change, 0, 1))
    return entries(fit.rr) - mixed - np.swapaxes(mixed, 0, 1) + moved


def _latent_scatter(fit: FreeCovarianceFit, whole: np.ndarray, k: float) -> np.ndarray:
    """``sum eta eta'`` of the n pairs under the joint fit."""
    half = product(whole, entries(fit.vy))
    out = (1 - k) ** 2 * product(product(whole, entries(fit.vv)), np.swapaxes(whole, 0, 1)) + k**2 * entries(fit.yy)
    return out + k * (1 - k) * (half + np.swapaxes(half, 0, 1))
