"""Affine by multivariate linear regression: noise in one space only (Johnson & Wichern, ch. 7; Potier et al., ICIP 2021).

With noise in the target the regions are exact, isotropic or of any covariance. Noise in the source alone is the same
regression of the source on the target, read backwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..bands import affine_band
from ..covariances import Covariance, leveraged
from ..laws import Law
from ..linalg import (
    EPS,
    about,
    apply,
    entries,
    gram,
    inverse_root,
    mahalanobis,
    matrix_components,
    root,
    rows_matrix,
    square,
    times,
    trace,
    transpose,
)
from ..noise import Noise
from ..scatter import Scatter
from ..tangent import anyhow, moved_anyhow
from ..transforms import Transform
from .base import Card, Estimator, Fit, Joint, variance_factor
from .layout import undetermined

AFFINE_CARD = Card("affine", {2: 6, 3: 12}, {2: 3, 3: 4}, "with noise in one space only; else to first order", anyhow,
                   moved_anyhow)
_POOR = 1e-6  # reciprocal condition of the scatter below which the points themselves are decomposed


@dataclass(frozen=True, eq=False)
class RegressionFit(Fit):
    """A regression fit.

    Attributes
    ----------
    white : (..., d, d)
        Makes the scatter of the regressors the identity: the leverage is ``1/n + |white dx|^2``.
    residual_scatter : (..., d, d)
        ``R'R``.
    """

    white: np.ndarray
    residual_scatter: np.ndarray


@dataclass(frozen=True)
class Regression(Estimator):
    """Noise in the target only, isotropic or of any covariance."""

    noise: Noise

    card = AFFINE_CARD

    @property
    def full(self) -> bool:
        """Whether the covariance of the noise is free."""
        return self.noise.shape == "full"

    @property
    def kinds(self) -> tuple[str, ...]:
        return ("tre", "observation") if self.full else ("tre", "lre", "observation")

    def linear(self, dimension: int) -> bool:
        return True

    def degrees_of_freedom(self, n: int, dimension: int) -> int:
        return (n - dimension - 1) * (1 if self.full else dimension)

    def denominator(self, n: int, dimension: int) -> int:
        return n - 2 * dimension if self.full else self.degrees_of_freedom(n, dimension)

    def band(self, n: int, dimension: int) -> Law:
        return affine_band(self.noise.scale, self.full, dimension, self.degrees_of_freedom(n, dimension))

    def fit(self, source: np.ndarray, target: np.ndarray) -> RegressionFit:
        scatter = Scatter.of(source, target)
        n, d = scatter.n, scatter.dimension
        failure = undetermined(scatter, missing=0, spaces="source")
        matrix, white = least_squares(scatter)
        residuals = scatter.dy - apply(matrix, scatter.dx)
        rr = gram(residuals, residuals)
        exact = trace(rr) < scatter.smallest_resolved()
        rr = np.where(exact[..., None, None], 0.0, rr)
        rss, unit = trace(rr), np.ones(rr.shape[:-2])
        failed = failure[..., None, None] > 0
        matrix = np.where(failed, np.nan, matrix)
        covariance = rr / self.residual_divisor(n, d)
        if not self.full:
            covariance = self.effective_variance(rss, unit, n, d)[..., None, None] * np.eye(d)
        return RegressionFit(n, scatter.x_mean, scatter.y_mean, matrix, rss, unit, np.where(failed, np.nan, covariance),
                             scatter.rounding(), failure, scatter.source, scatter.target, white, rr)

    def joint(self, fit: RegressionFit, dx: np.ndarray, dy: np.ndarray, weight: float) -> Joint:
        e = dy - times(entries(fit.matrix), dx)
        spread = square(times(entries(fit.white), dx)) + variance_factor(fit.n, weight)
        rss = fit.rss[..., None]
        if self.full:
            deleted = mahalanobis(entries(fit.residual_scatter), e) / spread
            rest = np.ones_like(rss)
            return Joint(deleted, rest, deleted, rest, fit.unit[..., None])
        deleted = square(e) / spread
        return Joint(deleted, rss, deleted, rss, fit.unit[..., None])

    def covariance(self, fit: RegressionFit, dx: np.ndarray, weight: float) -> Covariance:
        return leveraged(fit.noise_covariance, fit.white, dx, variance_factor(fit.n, weight))

    def matrix_covariance(self, fit: RegressionFit) -> np.ndarray:
        return rows_and_columns(fit.noise_covariance, fit.white)

    def sample(self, fit: RegressionFit, k: int, rng: np.random.Generator) -> Transform:
        return sample_affine(self, fit, fit.white, k, rng)

    def left_out(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """``r_i / (1 - h_ii)``."""
        fit = self.fit(source, target)
        white = apply(fit.white, about(source, fit.x_mean))
        leverage = 1.0 / fit.n + np.einsum("...ni,...ni->...n", white, white)
        # with a leverage of 1 the others do not determine the map
        spare = np.where(leverage < 1.0 - 1e-13, 1.0 - leverage, np.nan)
        return (target - fit.transform.apply(source)) / spare[..., None]


@dataclass(frozen=True, eq=False)
class InverseRegressionFit(Fit):
    """``back``: the regression of source on target, whose inverse is the fit."""

    back: RegressionFit


@dataclass(frozen=True)
class InverseRegression(Estimator):
    """Isotropic noise in the source only."""

    noise: Noise

    card = AFFINE_CARD

    @property
    def _back(self) -> Regression:
        return Regression(Noise(0.0, self.noise.shape))

    def degrees_of_freedom(self, n: int, dimension: int) -> int:
        return dimension * (n - dimension - 1)

    def band(self, n: int, dimension: int) -> Law:
        return affine_band(self.noise.scale, False, dimension, self.degrees_of_freedom(n, dimension))

    def fit(self, source: np.ndarray, target: np.ndarray) -> InverseRegressionFit:
        n, d = source.shape[-2:]
        back = self._back.fit(target, source)
        scatter = Scatter.of(source, target)
        failure = np.maximum(back.failure, undetermined(scatter, missing=0, spaces="source"))
        failed = failure[..., None, None] > 0
        back = replace(back, matrix=np.where(failed, np.nan, back.matrix))
        matrix = np.where(failed, np.nan, np.linalg.inv(np.where(failed, np.eye(d), back.matrix)))
        both = matrix @ transpose(matrix)
        unit = trace(both) / d
        variance = self.effective_variance(back.rss, unit, n, d)
        return InverseRegressionFit(n, back.y_mean, back.x_mean, matrix, back.rss, unit,
                                    (variance / unit)[..., None, None] * both, scatter.rounding(), failure, scatter.source,
                                    scatter.target, back)

    def joint(self, fit: InverseRegressionFit, dx: np.ndarray, dy: np.ndarray, weight: float) -> Joint:
        there = self._back.joint(fit.back, dy, dx, weight)
        return Joint(there.deleted, there.remaining, there.increase, there.before, fit.unit[..., None])

    def covariance(self, fit: InverseRegressionFit, dx: np.ndarray, weight: float) -> Covariance:
        dy = times(entries(fit.matrix), dx)
        return leveraged(fit.noise_covariance, fit.back.white, dy, variance_factor(fit.n, weight))

    def matrix_covariance(self, fit: InverseRegressionFit) -> np.ndarray:
        return rows_and_columns(fit.noise_covariance, fit.back.white @ fit.matrix)

    def sample(self, fit: InverseRegressionFit, k: int, rng: np.random.Generator) -> Transform:
        return sample_affine(self, fit, fit.back.white @ fit.matrix, k, rng)


def least_squares(scatter: Scatter) -> tuple[np.ndarray, np.ndarray]:
    """Linear part (..., d, d) of target on source and the whitening of the source, one refinement from the residuals."""
    white = rows_matrix(inverse_root(matrix_components(scatter.sxx)))
    matrix = transpose(transpose(white) @ (white @ scatter.sxy))
    residuals = scatter.dy - apply(matrix, scatter.dx)
    matrix = matrix + transpose(transpose(white) @ (white @ gram(scatter.dx, residuals)))
    size = scatter.x_length2
    with np.errstate(invalid="ignore", over="ignore"):
        poor = ~((white**2).sum((-2, -1)) * size < 1.0 / _POOR) & np.isfinite(size)
    if poor.any():
        matrix, white = matrix.copy(), white.copy()
        matrix[poor], white[poor] = _decomposed(scatter.dx[poor], scatter.dy[poor])
    return matrix, white


def _decomposed(dx: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same from singular values, for nearly degenerate layouts."""
    u, s, vt = np.linalg.svd(dx, full_matrices=False)
    s = np.maximum(s, EPS * s[..., :1])
    white = vt / np.where(s > 0, s, 1.0)[..., :, None]
    return transpose(transpose(white) @ (transpose(u) @ dy)), white


def rows_and_columns(noise: np.ndarray, white: np.ndarray) -> np.ndarray:
    """``Cov(A_ij, A_kl) = Sigma_ik (white' white)_jl`` (theory, section 18), (..., d, d, d, d)."""
    with np.errstate(invalid="ignore"):
        precision = transpose(white) @ white
        return noise[..., :, None, :, None] * precision[..., None, :, None, :]


def sample_affine(estimator: Estimator, fit: Fit, white: np.ndarray, k: int, rng: np.random.Generator) -> Transform:
    """Draw affine maps (k, ...): rows of A vary by the noise covariance, its columns by ``white' white``."""
    n, d = fit.n, fit.x_mean.shape[-1]
    shape = (k, *fit.batch_shape)
    noise = root(fit.noise_covariance)
    if estimator.noise.shape == "full":
        noise = noise @ _inverse_wishart_root(n - d - 1, d, shape, rng)
    elif estimator.noise.scale is None:
        dof = estimator.degrees_of_freedom(n, d)
        noise = noise * np.sqrt(dof / rng.chisquare(dof, shape))[..., None, None]
    draws = noise @ rng.standard_normal((*shape, d, d + 1))
    matrix = fit.matrix + draws[..., :d] @ white
    centre = fit.y_mean + draws[..., d] / np.sqrt(n)
    return Transform(matrix, np.broadcast_to(fit.x_mean, centre.shape), centre)


def _inverse_wishart_root(dof: int, d: int, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """L with ``L L' = dof W^-1``, W standard Wishart with that many degrees of freedom."""
    z = rng.standard_normal((*shape, dof, d))
    return np.sqrt(dof) * transpose(np.linalg.inv(np.linalg.cholesky(transpose(z) @ z)))


