"""Affine with noise of any covariance in both spaces, ``A Omega A' = rho Lambda`` (theory, section 5).

The fit commutes with every linear map of either space, so both spaces are whitened first: the scatter of the fiducials is the
identity in each, however poor the layout. The singular values of what is left are canonical correlations, each corrected as
one noisy scale. A new pair asks for the same decomposition once more, in the white frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..bands import affine_band
from ..covariances import Covariance, leveraged
from ..errors import Failure
from ..laws import Law
from ..linalg import (
    about,
    apply,
    components,
    determinant,
    entries,
    gram,
    inverse_root,
    mahalanobis,
    matrix_components,
    product,
    rows_matrix,
    square,
    times,
    trace,
    transpose,
)
from ..noise import Noise
from ..scatter import Scatter, joining_factor
from ..transforms import Transform
from .base import Estimator, Fit, Joint, latent_share, variance_factor
from .layout import undetermined
from .regression import AFFINE_CARD, rows_and_columns, sample_affine
from .scale import noisy_scale


@dataclass(frozen=True, eq=False)
class FreeCovarianceFit(Fit):
    """A fit with its scatters in the white frame of the target.

    Attributes
    ----------
    white_x, white_y : (..., d, d)
        Make the scatter of the fiducials the identity in source and target.
    core, correlation : (..., d, d)
        The fit between the white frames, and ``sum y x'`` there.
    colour : (..., d, d)
        Inverse of ``white_y``.
    xr, rr : (..., d, d)
        ``sum x r'`` and ``sum r r'`` of white source points x and residuals r, the latter in target units: whitened, noise that
        is alike in all directions would not be.
    known : (..., d, d)
        A root of the inverse scatter of the true points in the white target; infinite where the noise hides a direction.
    """

    white_x: np.ndarray
    white_y: np.ndarray
    core: np.ndarray
    correlation: np.ndarray
    colour: np.ndarray
    xr: np.ndarray
    rr: np.ndarray
    known: np.ndarray


@dataclass(frozen=True)
class FreeCovariance(Estimator):
    """Noise in both spaces, its covariance estimated, its ratio given."""

    noise: Noise

    card = AFFINE_CARD

    def degrees_of_freedom(self, n: int, dimension: int) -> int:
        return n - dimension - 1

    def denominator(self, n: int, dimension: int) -> int:
        return n - 2 * dimension

    def band(self, n: int, dimension: int) -> Law:
        return affine_band(None, True, dimension, self.degrees_of_freedom(n, dimension))

    def fit(self, source: np.ndarray, target: np.ndarray) -> FreeCovarianceFit:
        scatter = Scatter.of(source, target)
        failure = undetermined(scatter, missing=0)
        (white_x, x), (white_y, y) = _whitened(scatter.dx, failure), _whitened(scatter.dy, failure)
        correlation = gram(y, x)
        core = self._core(correlation)
        singular = ~np.isfinite(core).all((-2, -1))
        failure = np.where((failure == 0) & singular, np.int8(Failure.NO_SOLUTION), failure)
        core = np.where(failure[..., None, None] > 0, np.nan, core)
        return self._complete(scatter, x, white_x, white_y, core, correlation, failure)

    def _complete(self, scatter: Scatter, x: np.ndarray, white_x: np.ndarray, white_y: np.ndarray, core: np.ndarray,
                  correlation: np.ndarray, failure: np.ndarray) -> FreeCovarianceFit:
        n, d, share = scatter.n, scatter.dimension, self.noise.source_share
        colour = np.linalg.inv(white_y)
        r = scatter.dy - apply(colour @ core, x)
        rr = gram(r, r)
        rr = np.where((trace(rr) < scatter.smallest_resolved())[..., None, None], 0.0, rr)
        covariance = rr / self.residual_divisor(n, d)
        hidden = n * share * (1.0 - share) * (white_y @ covariance @ transpose(white_y))
        truth = _rows_latent(core, correlation, share) - hidden
        return FreeCovarianceFit(n, scatter.x_mean, scatter.y_mean, colour @ core @ white_x, trace(rr), np.ones(rr.shape[:-2]),
                                 covariance, scatter.rounding(), failure, scatter.source, scatter.target, white_x, white_y,
                                 core, correlation, colour, gram(x, r), rr, _inverse_root_if_positive(truth))

    def _core(self, correlation: np.ndarray) -> np.ndarray:
        """``U C V'`` from a correlation ``U D V'`` (..., d, d) of white spaces; NaN where it is not finite."""
        finite = np.isfinite(correlation).all((-2, -1))[..., None, None]
        u, canonical, vt = np.linalg.svd(np.where(finite, correlation, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            corrected = noisy_scale(1.0, 1.0, canonical, self.noise.source_share)
        return np.where(finite, (u * corrected[..., None, :]) @ vt, np.nan)

    def joint(self, fit: FreeCovarianceFit, dx: np.ndarray, dy: np.ndarray, weight: float) -> Joint:
        c, k = joining_factor(fit.n, weight), self.noise.source_share
        x, w = times(entries(fit.white_x), dx), times(entries(fit.white_y), dy)
        core = self._refit(fit, x, w, c)
        e = w - times(core, x)
        # triangular roots stay positive where a determinant would be rounding
        root = inverse_root(_residual_scatter(fit, core))
        own = latent_share(k, weight * self.kept(fit.n, len(dx)))
        leverage = square(times(inverse_root(_latent_scatter(fit, core, k)), times(core, x) + own * e))
        distance = square(times(root, times(entries(fit.colour), e)))
        deleted = c * (1.0 + c * leverage) * distance
        remaining = np.maximum(1.0 - c * c * leverage * distance, 0.0)
        before = np.ones_like(remaining)
        return Joint(deleted, remaining, self._growth(fit, root, core, c * distance), before, fit.unit[..., None])

    def _refit(self, fit: FreeCovarianceFit, x: np.ndarray, w: np.ndarray, c: float) -> np.ndarray:
        """The joint fit (d, d, ..., m) between the white frames of the n pairs."""
        down_x, down_y, up_y = _stretched(x, c, -0.5), _stretched(w, c, -0.5), _stretched(w, c, 0.5)
        correlation = product(product(down_y, entries(fit.correlation) + c * w[:, None] * x[None, :]), down_x)
        core = matrix_components(self._core(rows_matrix(correlation)))
        return product(product(up_y, core), down_x)

    def _growth(self, fit: FreeCovarianceFit, root: np.ndarray, core: np.ndarray, own: np.ndarray) -> np.ndarray:
        """``Q_0/Q_n - 1`` with ``Q = |W| |A|^(-2 k)``."""
        before = inverse_root(entries(fit.rr))
        area = np.abs(determinant(core) / determinant(entries(fit.core)))
        growth = np.log1p(own) - 2.0 * self.noise.source_share * np.log(area)
        for i in range(len(root)):
            growth = growth + 2.0 * np.log(before[i, i] / root[i, i])
        return np.expm1(growth)

    def covariance(self, fit: FreeCovarianceFit, dx: np.ndarray, weight: float) -> Covariance:
        return leveraged(fit.noise_covariance, _inward(fit), dx, variance_factor(fit.n, weight))

    def studentised(self, fit: FreeCovarianceFit, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """With the leverage of section 5, at latent points of the fit itself."""
        x, r = components(about(source, fit.x_mean)), components(target - fit.transform.apply(source))
        latent = times(entries(fit.core), times(entries(fit.white_x), x))
        latent = latent + self.noise.source_share * times(entries(fit.white_y), r)
        scatter = entries(_rows_latent(fit.core, fit.correlation, self.noise.source_share))
        left = 1.0 - 1.0 / fit.n - square(times(inverse_root(scatter), latent))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(left > 0, mahalanobis(entries(fit.noise_covariance), r) / left, np.nan)

    def matrix_covariance(self, fit: FreeCovarianceFit) -> np.ndarray:
        return rows_and_columns(fit.noise_covariance, _inward(fit))

    def sample(self, fit: FreeCovarianceFit, k: int, rng: np.random.Generator) -> Transform:
        inward = _inward(fit)
        return sample_affine(self, fit, np.where(np.isinf(inward), np.nan, inward), k, rng)


def _inward(fit: FreeCovarianceFit) -> np.ndarray:
    """Whitens the true points, from the source (..., d, d); infinite where the noise hides a direction."""
    finite = np.where(np.isinf(fit.known), 0.0, fit.known) @ fit.core @ fit.white_x
    return np.where(np.isinf(fit.known), np.inf, finite)


def _whitened(centred: np.ndarray, failure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The matrix (..., d, d) that makes the scatter of points (..., n, d) the identity, and the points it makes."""
    d = centred.shape[-1]
    failed = failure[..., None, None] > 0
    upper = np.linalg.qr(np.where(failed, 0.0, centred), mode="r")
    _, singular, vt = np.linalg.svd(upper)
    singular = np.where(failed[..., 0], 1.0, singular)
    white = np.where(failed, np.eye(d), vt / singular[..., :, None])
    points = apply(white, centred)
    # on a thin layout the first whitening is right to eps over the thinness; a triangular second one spares the wide directions
    again = rows_matrix(inverse_root(matrix_components(np.where(failed, np.eye(d), gram(points, points)))))
    return again @ white, apply(again, points)


def _stretched(z: np.ndarray, c: float, power: float) -> np.ndarray:
    """``(I + c z z')^power`` of component vectors (d, ..., m), right at any distance: (d, d, ..., m)."""
    length2 = square(z)
    factor = np.expm1(power * np.log1p(c * length2)) / np.where(length2 > 0, length2, 1.0)
    out = factor * z[:, None] * z[None, :]
    for i in range(len(z)):
        out[i, i] += 1.0
    return out


def _inverse_root_if_positive(matrix: np.ndarray) -> np.ndarray:
    """R with ``R'R`` the inverse of symmetric (..., d, d); infinite where not positive definite, NaN where not finite."""
    finite = np.asarray(np.isfinite(matrix).all((-2, -1)))[..., None, None]
    values, vectors = np.linalg.eigh(np.where(finite, matrix, np.eye(matrix.shape[-1])))
    positive = np.asarray((values > 0).all(-1))[..., None, None]
    root = transpose(vectors) / np.sqrt(np.where(values > 0, values, 1.0))[..., :, None]
    return np.where(finite, np.where(positive, root, np.inf), np.nan)


def _residual_scatter(fit: FreeCovarianceFit, core: np.ndarray) -> np.ndarray:
    """``W`` of the n pairs under a joint fit, target units: ``sum (r - G x)(r - G x)'``, G the change of the fit."""
    change = product(entries(fit.colour), core - entries(fit.core))
    mixed = product(change, entries(fit.xr))
    return entries(fit.rr) - mixed - np.swapaxes(mixed, 0, 1) + product(change, np.swapaxes(change, 0, 1))


def _latent_scatter(fit: FreeCovarianceFit, core: np.ndarray, k: float) -> np.ndarray:
    """``sum eta eta'`` of the n pairs under a joint fit, in the white target."""
    half = product(core, np.swapaxes(entries(fit.correlation), 0, 1))
    out = (1 - k) ** 2 * product(core, np.swapaxes(core, 0, 1)) + k * (1 - k) * (half + np.swapaxes(half, 0, 1))
    for i in range(len(core)):
        out[i, i] += k**2
    return out


def _rows_latent(core: np.ndarray, correlation: np.ndarray, k: float) -> np.ndarray:
    """The same of the fit itself, (..., d, d)."""
    half = core @ transpose(correlation)
    return (1 - k) ** 2 * core @ transpose(core) + k * (1 - k) * (half + transpose(half)) + k**2 * np.eye(core.shape[-1])
