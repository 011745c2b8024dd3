"""Affine with isotropic noise in both spaces: total least squares after scaling the source (Gleser 1981).

With ``a`` that makes both noises equal, the fitted graph is spanned by the d large eigenvectors of the scatter of
``[a x; y]``. A new pair is a rank-one update of that scatter: its small eigenvalues come from the secular equation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..bands import affine_band
from ..covariances import Covariance, leveraged
from ..errors import Failure
from ..laws import Law
from ..linalg import about, dot, entries, nuclear_norm, times, trace, transpose
from ..noise import Noise
from ..scatter import Scatter, joining_factor
from ..secular import small_roots
from ..transforms import Transform
from .base import Estimator, Fit, Joint, rest_of, variance_factor
from .layout import undetermined
from .regression import AFFINE_CARD, rows_and_columns, sample_affine
from .scale import noisy_scale

_SHARP = 1e-8  # residual share of the scatter below which singular values of the points replace its eigenvalues
_GAP = 1e-10  # a large eigenvector whose source half is shorter than this makes the map infinite


@dataclass(frozen=True, eq=False)
class ErrorsInVariablesFit(Fit):
    """A fit with the eigensystem of the scatter of ``[a x; y]``.

    Attributes
    ----------
    stretch : (...)
        The scale a of the source.
    values : (..., 2d)
        Eigenvalues L, ascending.
    vectors : (..., 2d, 2d)
        Eigenvectors in columns.
    white : (..., d, d)
        A root of ``D^-1`` of theory section 10, ``dx' D^-1 dx = |white dx|^2``; infinite where D is not positive.
    """

    stretch: np.ndarray
    values: np.ndarray
    vectors: np.ndarray
    white: np.ndarray


@dataclass(frozen=True)
class ErrorsInVariables(Estimator):
    """Isotropic noise in both spaces of known ratio."""

    noise: Noise

    card = AFFINE_CARD
    steady_ellipse = True

    def degrees_of_freedom(self, n: int, dimension: int) -> int:
        return dimension * (n - dimension - 1)

    def band(self, n: int, dimension: int) -> Law:
        return affine_band(self.noise.scale, False, dimension, self.degrees_of_freedom(n, dimension))

    def fit(self, source: np.ndarray, target: np.ndarray) -> ErrorsInVariablesFit:
        scatter = Scatter.of(source, target)
        d = scatter.dimension
        failure = undetermined(scatter, missing=0)
        stretch = np.where(failure > 0, 1.0, self._stretch(scatter))
        z = np.concatenate([stretch[..., None, None] * scatter.dx, scatter.dy], -1)
        values, vectors = _eigensystem(np.where(failure[..., None, None] > 0, 0.0, z), d)
        upper = vectors[..., :d, d:]
        flat = np.linalg.svd(upper, compute_uv=False)[..., -1] < _GAP
        failure = np.where((failure == 0) & flat, np.int8(Failure.NO_SOLUTION), failure)
        failed = failure[..., None, None] > 0
        slope = vectors[..., d:, d:] @ np.linalg.inv(np.where(failed, np.eye(d), upper))
        slope = np.where(failed, np.nan, slope)
        rss = values[..., :d].sum(-1)
        exact = np.asarray(rss < scatter.smallest_resolved())
        rss, values = np.where(exact, 0.0, rss), values.copy()
        values[exact, :d] = 0.0
        return self._complete(scatter, stretch, values, vectors, slope, rss, failure)

    def _stretch(self, scatter: Scatter) -> np.ndarray:
        """``a = s/sqrt(rho)``, s of a similarity (theory, section 5) that may mirror, as an affine map may."""
        nu = nuclear_norm(np.where(np.isfinite(scatter.sxy), scatter.sxy, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = noisy_scale(scatter.y_length2, scatter.x_length2, nu, self.noise.source_share)
        return scale / np.sqrt(self.noise.ratio)

    def _complete(self, scatter: Scatter, stretch: np.ndarray, values: np.ndarray, vectors: np.ndarray, slope: np.ndarray,
                  rss: np.ndarray, failure: np.ndarray) -> ErrorsInVariablesFit:
        n, d = scatter.n, scatter.dimension
        both = np.eye(d) + slope @ transpose(slope)
        unit = trace(both) / d
        large = values[..., d:]
        with np.errstate(divide="ignore", invalid="ignore"):
            s2 = rss / self.residual_divisor(n, d)
            curved = s2 * (1.0 / large).sum(-1)
            s2 = np.where(curved < 1, s2 / (1.0 - np.minimum(curved, 0.999999)), s2)
            s2 = np.maximum(s2, self.noise.least_variance / unit)
            if self.noise.scale is not None:
                s2 = self.noise.scale**2 / unit
            spread = large - n * s2[..., None]
        inward = np.linalg.inv(np.where(failure[..., None, None] > 0, np.eye(d), vectors[..., :d, d:]))
        hidden = np.asarray((spread <= 0).any(-1))[..., None, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            white = np.where(hidden, np.inf, stretch[..., None, None] * inward / np.sqrt(spread)[..., :, None])
        return ErrorsInVariablesFit(n, scatter.x_mean, scatter.y_mean, stretch[..., None, None] * slope, rss, unit,
                                    s2[..., None, None] * both, scatter.rounding(), failure, scatter.source, scatter.target,
                                    stretch, values, vectors, white)

    def joint(self, fit: ErrorsInVariablesFit, dx: np.ndarray, dy: np.ndarray, weight: float) -> Joint:
        d, c = len(dx), joining_factor(fit.n, weight)
        new = np.concatenate([np.broadcast_to(fit.stretch[..., None] * dx, dy.shape), dy])
        along = times(entries(transpose(fit.vectors)), new)
        values, z2 = np.maximum(np.moveaxis(fit.values, -1, 0)[..., None], 1e-300), along**2
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            change, component2 = small_roots(values, z2, c, d)
            small = values[:d] + change
            # 1 - c sum over the large eigenvectors, as a sum of positive terms
            left = 1.0 / (1.0 + c * (z2 / values).sum(0)) + c * (component2 / small).sum(0)
            deleted = c * component2.sum(0) / left
        deleted = np.where(z2[:d].sum(0) == 0, 0.0, deleted)
        increase, rss = change.sum(0), fit.rss[..., None]
        remaining = rest_of(rss + increase, deleted)
        return Joint(deleted, remaining, increase / self._bartlett(fit, along, values, c), rss, fit.unit[..., None])

    def _bartlett(self, fit: ErrorsInVariablesFit, along: np.ndarray, values: np.ndarray, c: float) -> np.ndarray:
        """The factor b of theory section 10; the components along the large eigenvectors of ``[a dx; T(x) - ybar]``."""
        d = len(along) // 2
        large = values[d:]
        # [a dx; T(x) - ybar] lies in the graph: its components follow from the new pair's a dx alone
        upper = np.linalg.inv(np.where(fit.failure[..., None, None] > 0, np.eye(d), fit.vectors[..., :d, d:]))
        vectors = entries(fit.vectors)
        stretched = np.stack([dot(vectors[i], along) for i in range(d)])
        v = times(entries(upper), stretched)
        s2 = fit.rss[..., None] / self.residual_divisor(fit.n, d)
        curved = s2 * (1.0 / large).sum(0)
        ratio = v / large
        q = c * dot(ratio, ratio) / (1.0 + c * dot(ratio, v))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(curved < 1.0, 1.0 + (fit.n - d) * q * s2 / (1.0 - curved), np.inf)

    def covariance(self, fit: ErrorsInVariablesFit, dx: np.ndarray, weight: float) -> Covariance:
        return leveraged(fit.noise_covariance, fit.white, dx, variance_factor(fit.n, weight))

    def studentised(self, fit: ErrorsInVariablesFit, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Section 10's leverage, at latent points of the fit itself: a far pair hides no direction from it."""
        d = source.shape[-1]
        z = np.concatenate([fit.stretch[..., None, None] * about(source, fit.x_mean), about(target, fit.y_mean)], -1)
        along = (z @ fit.vectors) ** 2
        left = 1.0 - 1.0 / fit.n - (along[..., d:] / fit.values[..., None, d:]).sum(-1)
        variance = trace(fit.noise_covariance) / (d * fit.unit)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(left > 0, along[..., :d].sum(-1) / left / variance[..., None], np.nan)

    def matrix_covariance(self, fit: ErrorsInVariablesFit) -> np.ndarray:
        return rows_and_columns(fit.noise_covariance, fit.white)

    def sample(self, fit: ErrorsInVariablesFit, k: int, rng: np.random.Generator) -> Transform:
        return sample_affine(self, fit, np.where(np.isinf(fit.white), np.nan, fit.white), k, rng)


def _eigensystem(z: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (..., 2d), ascending, and eigenvectors of ``z'z``; from singular values of z where the small ones are tiny."""
    values, vectors = np.linalg.eigh(transpose(z) @ z)
    sharp = values[..., :d].sum(-1) < _SHARP * values.sum(-1)
    if sharp.any():
        upper = np.linalg.qr(z[sharp], mode="r")
        _, s, vt = np.linalg.svd(upper)
        full = np.zeros((len(upper), 2 * d))
        full[:, :s.shape[-1]] = s
        values, vectors = values.copy(), vectors.copy()
        values[sharp], vectors[sharp] = full[:, ::-1] ** 2, transpose(vt)[..., ::-1]
    return np.maximum(values, 0.0), vectors


