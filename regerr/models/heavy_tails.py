"""Heavy-tailed noise: rigid, similarity and affine maps by the likelihood of Student's t (Lange, Little & Taylor 1989).

A pair far from the others gets little weight instead of a vote (theory, section 14). The region for `tre` is a likelihood
ratio, maximised over the map and the scale under ``T(x) = y``. A localised point is one new draw from the t law, to which no
likelihood ratio applies: `lre` and `observation` take the predictive ellipse, put on the scale of the estimator's own law.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import betainc, betaincinv, chdtri

from ..covariances import Covariance, Dense
from ..errors import Failure, InputError, UnsupportedError
from ..linalg import about, apply, components, entries, gram, inverse_components, mahalanobis, root, rows_matrix, times, trace
from ..noise import Noise
from ..scatter import Scatter
from ..transforms import Transform
from . import reweighting
from .base import Card, Estimator, Fit, Joint, mapped
from .layout import undetermined
from .reweighting import Maximiser, Problem, Solution, better, maximise, rebuilt

_LAW = "to first order, for true positions under heavy-tailed noise; for localised ones it is on the safe side"
_POINTS = 1 << 19  # coordinates of pairs that are refitted at a time
_MARGIN = 1.25  # over the number of pairs at which few of them, fitted exactly, would make the likelihood infinite
_ENOUGH = 1e-7  # change of the weights below which a likelihood is known well enough
_ROUGHLY = 1e-4  # and below which it tells which of several maxima is the highest
_FEW = 8  # pairs up to which the iteration also starts without each of them in turn
_FORGOTTEN = 1e-3  # weight of a pair that a start leaves out
_FEWEST = 2.0  # degrees of freedom at which t noise loses its covariance


@dataclass(frozen=True, eq=False)
class HeavyTailsFit(Fit):
    """A t fit.

    Attributes
    ----------
    weights : (..., n)
        Of the pairs; 1 on average.
    s2 : (...)
        Squared scale of the t law in the metric of the noise.
    likelihood : (...)
        Its logarithm, up to a constant.
    stretch : (...)
        Scale of the source that makes both noises equal (affine, both spaces), else 1.
    metric : (..., d, d)
        M: residuals count as ``r' M r``.
    centre, spread : (..., d), (..., d, d)
        Mean and scatter of the latent points, about ``y_mean``.
    """

    weights: np.ndarray
    s2: np.ndarray
    likelihood: np.ndarray
    stretch: np.ndarray
    metric: np.ndarray
    centre: np.ndarray
    spread: np.ndarray


@dataclass(frozen=True)
class HeavyTails(Estimator):
    """One model under t noise.

    Parameters
    ----------
    noise : Noise
        Isotropic, with ``tails`` degrees of freedom above 2.
    card : Card
        Of the model.
    maximiser : callable
        Its closed form for weighted scatters, of `regerr.models.reweighting`.
    polar : bool
        Whether its regions bend around the fiducials' centroid.
    """

    noise: Noise
    card: Card  # type: ignore[misc]  # one for each object, where other estimators have one for each class
    maximiser: Maximiser
    polar: bool = False  # type: ignore[misc]

    @property
    def tails(self) -> float:
        """Degrees of freedom nu of the t law."""
        return float(self.noise.tails or np.inf)

    def degrees_of_freedom(self, n: int, dimension: int) -> int:
        return n * dimension - self.card.parameters[dimension]

    def least_pairs(self, dimension: int) -> int:
        """With an unknown scale so many that no few pairs, fitted exactly, make the likelihood infinite."""
        n = super().least_pairs(dimension)
        through = self.card.parameters[dimension] // dimension
        while self.noise.scale is None and (self.tails + dimension) * (n - through) <= _MARGIN * n * dimension:
            n += 1
        return n

    def fit(self, source: np.ndarray, target: np.ndarray) -> HeavyTailsFit:
        scatter = Scatter.of(source, target)
        n, d = scatter.n, scatter.dimension
        any_matrix = self.card.parameters[d] == d * (d + 1)
        failure = undetermined(scatter, missing=0 if any_matrix else 1)
        floor = scatter.smallest_resolved() / (n * d)
        x, y = (p.reshape(-1, n, d).transpose(2, 1, 0) for p in (scatter.dx, scatter.dy))
        found = _best(self._problem(x, y, True, floor.ravel()))
        return self._complete(source, target, scatter, _batched(found, failure.shape), failure, floor)

    def _problem(self, x: np.ndarray, y: np.ndarray, free: bool, floor: np.ndarray, stretch: np.ndarray | None = None) -> Problem:
        known = None if self.noise.scale is None else self.noise.scale**2 * (self.tails - 2.0) / self.tails
        return Problem(np.ascontiguousarray(x), np.ascontiguousarray(y), self.noise, self.tails, self.maximiser, free, floor,
                       known, stretch)

    def _complete(self, source: np.ndarray, target: np.ndarray, scatter: Scatter, found: Solution, failure: np.ndarray,
                  floor: np.ndarray) -> HeavyTailsFit:
        n, d, piece = scatter.n, scatter.dimension, found.piece
        finite = np.isfinite(piece.matrix).all((-2, -1)) & np.isfinite(piece.metric).all((-2, -1))
        failure = np.where((failure == 0) & ~finite, np.int8(Failure.NO_SOLUTION), failure)
        failed = failure[..., None, None] > 0
        matrix = np.where(failed, np.nan, piece.matrix)
        exact = found.rss <= n * d * floor
        s2 = np.where(exact & (self.noise.scale is None), 0.0, found.s2)
        dx, dy = about(scatter.dx, found.x_mean), about(scatter.dy, found.y_mean)
        seen = apply(matrix, dx)
        # a pair of little weight tells no more of its own noise-free place than one that fits
        eta = seen + self.noise.source_share * np.minimum(found.weights, 1.0)[..., None] * (dy - seen)
        centre = eta.mean(-2)
        around = about(eta, centre)
        shape = np.linalg.inv(np.where(failed, np.eye(d), piece.metric))
        variance = self._unbiased(s2, n, d) * self.tails / (self.tails - 2.0)
        covariance = np.where(failed, np.nan, variance[..., None, None] * shape)
        return HeavyTailsFit(n, scatter.x_mean + found.x_mean, scatter.y_mean + found.y_mean, matrix,
                             np.where(exact, 0.0, found.rss), trace(shape) / d, covariance, scatter.rounding(), failure, source,
                             target, found.weights, s2, found.likelihood, piece.stretch, piece.metric, centre,
                             gram(around, around))

    def _unbiased(self, s2: np.ndarray, n: int, dimension: int) -> np.ndarray:
        """s^2 with regard to the degrees of freedom that the map took."""
        return s2 if self.noise.scale is not None else s2 * n * dimension / self.degrees_of_freedom(n, dimension)

    def joint(self, fit: HeavyTailsFit, dx: np.ndarray, dy: np.ndarray, weight: float) -> Joint:
        part = self._likelihood_ratio(fit, dx, dy) if math.isinf(weight) else self._predictive(fit, dx, dy, 1.0 / weight)
        one = np.ones_like(part)
        if self.noise.scale is not None:
            return Joint(part, one, part, one, self.noise.scale**2 * one)
        rest = np.where(fit.s2[..., None] == 0, 0.0, one)
        return Joint(part, rest, part, rest, one)

    def _likelihood_ratio(self, fit: HeavyTailsFit, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """``2 (l - l(x, y))``, over ``n d`` where the scale is estimated: (..., m)."""
        d, n, batch = len(dx), fit.n, fit.batch_shape
        shape = np.broadcast_shapes(dx.shape[1:], dy.shape[1:])
        x0, y0 = (np.broadcast_to(p, (d, *shape)).reshape(d, 1, -1) for p in (dx, dy))
        flat = mapped(fit, lambda a: a.reshape(-1, *a.shape[len(batch):]))
        dataset = np.broadcast_to(np.arange(len(flat.failure)).reshape(*batch, 1), shape).ravel()
        step = max(1, _POINTS // (n * d))
        parts = [slice(i, i + step) for i in range(0, max(len(dataset), 1), step)]
        lost = [self._lost(_chosen(flat, dataset[part]), x0[..., part], y0[..., part]) for part in parts]
        twice = 2.0 * np.maximum(np.concatenate(lost), 0.0).reshape(shape)
        return twice if self.noise.scale is not None else twice / (n * d)

    def _lost(self, fit: HeavyTailsFit, x0: np.ndarray, y0: np.ndarray) -> np.ndarray:
        """What the log-likelihood of each fit (b,) loses when its map takes x0 to y0, (d, 1, b) about the centroids."""
        x, y = (about(p, mean).transpose(2, 1, 0) for p, mean in ((fit.source, fit.x_mean), (fit.target, fit.y_mean)))
        problem = self._problem(x - x0, y - y0, False, fit.rounding**2, fit.stretch)
        bound = maximise(problem, np.ascontiguousarray(fit.weights.T), _ENOUGH)
        return np.where(fit.failure > 0, np.nan, fit.likelihood - bound.likelihood)

    def _predictive(self, fit: HeavyTailsFit, dx: np.ndarray, dy: np.ndarray, share: float) -> np.ndarray:
        """``e' (share/M + C)^-1 e / d ~ F_{d,nu}``, as what has the same p-value under the estimator's law: (..., m).

        A t fit follows few pairs so closely that the scale needs the correction for the map's degrees of freedom twice.
        """
        d = len(dx)
        dof = self.degrees_of_freedom(fit.n, d)
        s2 = self._unbiased(self._unbiased(fit.s2, fit.n, d), fit.n, d)[..., None]
        covariance = s2 * (self._uncertainty(fit, dx) + share * inverse_components(entries(fit.metric)))
        e = dy - times(entries(fit.matrix), dx)
        nu = self.tails if self.noise.scale is not None else min(self.tails, dof)
        p = betainc(0.5 * nu, 0.5 * d, 1.0 / (1.0 + mahalanobis(covariance, e) / nu))
        if self.noise.scale is not None:
            return np.asarray(chdtri(d, p))
        z = betaincinv(0.5 * dof, 0.5 * d, p)
        return np.asarray((1.0 - z) / z)

    def _uncertainty(self, fit: HeavyTailsFit, dx: np.ndarray) -> np.ndarray:
        """Asymptotic covariance of the predicted true point over s^2, (d, d, ..., m)."""
        d = len(dx)
        eta = times(entries(fit.matrix), dx) - np.moveaxis(fit.centre, -1, 0)[..., None]
        moves = self.card.moves(d)
        columns = np.einsum("kij,j...->ki...", moves, eta)
        swung = np.einsum("kl...,li...->ki...", entries(self._turning(fit)), columns)
        spread = np.einsum("ki...,kj...->ij...", columns, swung) + inverse_components(entries(fit.metric)) / fit.n
        return np.asarray(spread * self._inefficiency(d))

    def _inefficiency(self, dimension: int) -> float:
        """Variance of a place by t noise of scale s over that by Gaussian noise of s.d. s."""
        return (self.tails + dimension + 2.0) / (self.tails + dimension)

    def _turning(self, fit: HeavyTailsFit) -> np.ndarray:
        """``N^-1``, ``N_kl = sum_i (B_k eta_i)' M (B_l eta_i)``: (..., q, q)."""
        moves = self.card.moves(fit.x_mean.shape[-1])
        pushed = np.einsum("...in,lnm->...lim", fit.metric, moves) @ fit.spread[..., None, :, :]
        information = np.einsum("kij,...lij->...kl", moves, pushed)
        failed = fit.failure[..., None, None] > 0
        return np.linalg.inv(np.where(failed, np.eye(len(moves)), information))

    def covariance(self, fit: HeavyTailsFit, dx: np.ndarray, weight: float) -> Covariance:
        s2 = self._unbiased(fit.s2, fit.n, len(dx))[..., None]
        return Dense(self._uncertainty(fit, dx) * s2 + entries(fit.noise_covariance) / weight)

    def matrix_covariance(self, fit: HeavyTailsFit) -> np.ndarray:
        d = fit.matrix.shape[-1]
        directions = self.card.moves(d) @ fit.matrix[..., None, :, :]
        variance = self._unbiased(fit.s2, fit.n, d) * self._inefficiency(d)
        return np.einsum("...,...kij,...kl,...lmn->...ijmn", variance, directions, self._turning(fit), directions)

    def leverages(self, fit: HeavyTailsFit) -> np.ndarray:
        """Of pairs that all count alike, in the metric of the noise: (..., n)."""
        d = fit.x_mean.shape[-1]
        spread = self._uncertainty(fit, components(fit.source) - components(fit.x_mean)[..., None]) / self._inefficiency(d)
        return np.einsum("ij...,ji...->...", entries(fit.metric), spread) / d

    def sample(self, fit: HeavyTailsFit, k: int, rng: np.random.Generator) -> Transform:
        n, d = fit.n, fit.x_mean.shape[-1]
        dof = self.degrees_of_freedom(n, d)
        variance = self._unbiased(fit.s2, n, d) * self._inefficiency(d) * np.ones((k, *fit.batch_shape))
        if self.noise.scale is None:
            variance = variance * dof / rng.chisquare(dof, variance.shape)
        turning = root(self._turning(fit))
        steps = (turning @ rng.standard_normal((*variance.shape, turning.shape[-1], 1)))[..., 0]
        growth = rows_matrix(self.card.moved(np.moveaxis(np.sqrt(variance)[..., None] * steps, -1, 0)))
        shape = root(np.linalg.inv(np.where(fit.failure[..., None, None] > 0, np.eye(d), fit.metric)))
        shift = np.sqrt(variance / n)[..., None] * (shape @ rng.standard_normal((*variance.shape, d, 1)))[..., 0]
        # the map turns and grows about the image of the latent points' centre
        landed = fit.y_mean + fit.centre + shift - apply(growth, fit.centre[..., None, :])[..., 0, :]
        return Transform(growth @ fit.matrix, np.broadcast_to(fit.x_mean, shift.shape), landed)


def heavy_tailed(noise: Noise, card: Card, maximiser: Maximiser, *, polar: bool = False) -> HeavyTails:
    """A model's estimator under t noise.

    Raises
    ------
    UnsupportedError
        For a noise of any shape but isotropic.
    InputError
        For tails of 2 degrees of freedom or fewer: such noise has no covariance.
    """
    if noise.shape != "isotropic":
        raise UnsupportedError(f"heavy-tailed noise must be isotropic, and this is {noise.describe()}: leave out the tails, or "
                               "use isotropic noise")
    if not (noise.tails or np.inf) > _FEWEST:
        raise InputError(f"noise with tails of {noise.tails:g} degrees of freedom has no covariance: give more than 2, such as 4")
    return HeavyTails(noise, replace(card, exact=_LAW), maximiser, polar)


def affine_maximiser(noise: Noise) -> Maximiser:
    """The closed form for the space or spaces that are noisy."""
    return {0.0: reweighting.regression, math.inf: reweighting.inverse_regression}.get(
        noise.ratio, reweighting.total_least_squares)


def _best(problem: Problem) -> Solution:
    """The likeliest of several maxima: from equal weights, from a similarity's, and of few pairs without each in turn."""
    n, size = problem.x.shape[1:]
    equal = np.ones((n, size))
    alike = maximise(replace(problem, maximiser=reweighting.similarity), equal, _ROUGHLY)
    starts = [np.nan_to_num(alike.weights, nan=1.0)]
    if n <= _FEW:
        starts += [np.where(np.arange(n)[:, None] == i, _FORGOTTEN, equal) for i in range(n)]
    found = maximise(problem, equal, _ROUGHLY)
    for start in starts:
        found = better(found, maximise(problem, start, _ROUGHLY))
    return maximise(problem, found.weights)


def _chosen(fit: HeavyTailsFit, datasets: np.ndarray) -> HeavyTailsFit:
    """The fits of some datasets (b,), again and again."""
    return mapped(fit, lambda a: a[datasets])


def _batched(found: Solution, batch: tuple[int, ...]) -> Solution:
    """The arrays of flat problems (..., b) with the batch in front and in its own shape."""
    return rebuilt(found, lambda a: np.moveaxis(a, -1, 0).reshape(*batch, *a.shape[:-1]))
