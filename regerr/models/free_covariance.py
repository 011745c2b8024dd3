"""Affine with noise of any covariance in both spaces, ``A Omega A' = rho Lambda`` (theory, section 5).

The fit commutes with every linear map of either space: whiten both, decompose the correlation, and correct each canonical
correlation as a single noisy scale. Seen in the frame of the fit, a new pair asks for the same decomposition once more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import Failure
from ..linalg import (dot, entries, inverse_components, product, quadratic, square, symmetrised, times, trace,
                      transpose)
from ..noise import Noise
from ..scatter import Frame, Scatter, joining_factor
from ..transforms import Transform
from .base import Estimator, Fit, Joint, variance_factor
from .layout import undetermined
from .regression import AFFINE_CARD, sample_affine
from .scale import noisy_scale


@dataclass(frozen=True, eq=False)
class FreeCovarianceFit(Fit):
    """A fit with the scatters ``vv, vr, rr`` of `regerr.scatter.Frame`.

    Attributes
    ----------
    precision : (..., d, d)
        Inverse scatter of the true points, seen in the target; infinite where the noise hides a direction.
    """

    vv: np.ndarray
    vr: np.ndarray
    rr: np.ndarray
    precision: np.ndarray

    @property
    def frame(self) -> Frame:
        """Scatters seen in the target."""
        return Frame(self.vv, self.vr, self.rr)


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
        n, d = scatter.n, scatter.dimension
        failure = undetermined(scatter, missing=0)
        matrix = self._matrix(scatter.sxx, scatter.sxy, scatter.syy, failure > 0)
        singular = ~np.isfinite(matrix).all((-2, -1))
        failure = np.where((failure == 0) & singular, np.int8(Failure.NO_SOLUTION), failure)
        frame = Frame.of(scatter, matrix)
        exact = frame.rss < scatter.smallest_resolved()
        rr = np.where(exact[..., None, None], 0.0, frame.rr)
        covariance = rr / (n - d - 1)
        share = self.noise.source_share
        truth = symmetrised(frame.latent(share)) - n * share * (1.0 - share) * covariance
        return FreeCovarianceFit(n, scatter.x_mean, scatter.y_mean, matrix, trace(rr), np.ones(rr.shape[:-2]), covariance, failure,
                                 frame.vv, frame.vr, rr, _inverse_if_positive(truth))

    def _matrix(self, xx: np.ndarray, xy: np.ndarray, yy: np.ndarray, failed: np.ndarray) -> np.ndarray:
        """``A = L_y U C V' L_x^-1`` from the scatters (..., d, d); NaN where failed."""
        identity, mask = np.eye(xx.shape[-1]), failed[..., None, None]
        root_x = np.linalg.cholesky(np.where(mask, identity, xx))
        root_y = np.linalg.cholesky(np.where(mask, identity, yy))
        back_x = np.linalg.inv(root_x)
        correlation = np.linalg.inv(root_y) @ np.where(mask, identity, transpose(xy)) @ transpose(back_x)
        u, canonical, vt = np.linalg.svd(correlation)
        with np.errstate(divide="ignore", invalid="ignore"):
            corrected = noisy_scale(1.0, 1.0, canonical, self.noise.source_share)
        return np.where(mask, np.nan, root_y @ (u * corrected[..., None, :]) @ vt @ back_x)

    def joint(self, fit: FreeCovarianceFit, dx: np.ndarray, dy: np.ndarray, weight: float) -> Joint:
        c, k = joining_factor(fit.n, weight), self.noise.source_share
        v = times(entries(fit.matrix), dx)
        whole = self._refit(fit, v, dy, c)
        change = whole - np.eye(len(v)).reshape(len(v), len(v), *(1,) * (v.ndim - 1))
        e = dy - v - times(change, v)
        residual = _residual_scatter(fit, change)
        eta = _latent_scatter(fit, whole, k)
        own = k if np.isinf(weight) or weight == 1.0 else 1.0
        leverage = quadratic(inverse_components(eta), v + times(change, v) + own * e)
        distance = quadratic(inverse_components(residual), e)
        deleted = np.where(square(e) == 0, 0.0, c * (1.0 + c * leverage) * distance)
        remaining = np.maximum(1.0 - c * c * leverage * distance, 0.0)
        before = np.ones_like(remaining)
        return Joint(deleted, remaining, self._growth(fit, residual, whole, c * distance), before, fit.unit[..., None])

    def _refit(self, fit: FreeCovarianceFit, v: np.ndarray, w: np.ndarray, c: float) -> np.ndarray:
        """Joint linear part over the fitted one (d, d, ..., m)."""
        frame = fit.frame
        scatters = [np.moveaxis(entries(s) + c * p[:, None] * q[None, :], (0, 1), (-2, -1))
                    for s, p, q in ((frame.vv, v, v), (frame.vy, v, w), (frame.yy, w, w))]
        failed = ~np.isfinite(scatters[1]).all((-2, -1))
        return np.moveaxis(self._matrix(*scatters, failed), (-2, -1), (0, 1))

    def _growth(self, fit: FreeCovarianceFit, residual: np.ndarray, whole: np.ndarray, own: np.ndarray) -> np.ndarray:
        """``Q_0/Q_n - 1`` with ``Q = |W| |A|^(-2 k)``."""
        rows = (np.moveaxis(m, (0, 1), (-2, -1)) for m in (residual, whole))
        with np.errstate(divide="ignore", invalid="ignore"):
            (_, after), (_, area) = (np.linalg.slogdet(m) for m in rows)
            before = np.linalg.slogdet(fit.rr)[1][..., None]
            growth = np.expm1(after - before + np.log1p(own) - 2.0 * self.noise.source_share * area)
        return np.where(np.isinf(before) & ~np.isnan(own), np.where(own == 0, 0.0, np.inf), growth)

    def covariance(self, fit: FreeCovarianceFit, dx: np.ndarray, weight: float) -> np.ndarray:
        v = times(entries(fit.matrix), dx)
        closed = np.isfinite(fit.precision[..., 0, 0])[..., None]
        inner = times(entries(np.where(np.isfinite(fit.precision), fit.precision, 0.0)), v)
        spread = np.where(closed, dot(inner, v), np.inf) + variance_factor(fit.n, weight)
        with np.errstate(invalid="ignore"):
            return entries(fit.noise_covariance) * spread

    def sample(self, fit: FreeCovarianceFit, k: int, rng: np.random.Generator) -> Transform:
        precision = transpose(fit.matrix) @ np.where(np.isfinite(fit.precision), fit.precision, 0.0) @ fit.matrix
        return sample_affine(self, fit, precision, k, rng)


def _inverse_if_positive(matrix: np.ndarray) -> np.ndarray:
    """Inverse of symmetric (..., d, d); infinite where not positive definite."""
    values, vectors = np.linalg.eigh(np.where(np.isfinite(matrix), matrix, 0.0))
    positive = (values > 0).all(-1)
    values = np.where(positive[..., None], values, 1.0)
    inverse = (vectors / values[..., None, :]) @ transpose(vectors)
    return np.where(positive[..., None, None], inverse, np.inf * np.eye(matrix.shape[-1]))


def _residual_scatter(fit: FreeCovarianceFit, change: np.ndarray) -> np.ndarray:
    """``W`` of the n pairs after a change G of the linear part: ``rr - G vr - (G vr)' + G vv G'``."""
    mixed = product(change, entries(fit.vr))
    moved = product(product(change, entries(fit.vv)), np.swapaxes(change, 0, 1))
    return entries(fit.rr) - mixed - np.swapaxes(mixed, 0, 1) + moved


def _latent_scatter(fit: FreeCovarianceFit, whole: np.ndarray, k: float) -> np.ndarray:
    """``sum eta eta'`` of the n pairs under the joint fit."""
    half = product(whole, entries(fit.frame.vy))
    out = (1 - k) ** 2 * product(product(whole, entries(fit.vv)), np.swapaxes(whole, 0, 1)) + k**2 * entries(fit.frame.yy)
    return out + k * (1 - k) * (half + np.swapaxes(half, 0, 1))


