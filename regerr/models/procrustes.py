"""Rotation with or without a scale, isotropic noise: what the rigid and the similarity model share.

The fit is Kabsch's (1976) rotation, always proper; a new pair changes it through ``H + c v w'`` (theory, sections 4, 5, 10),
which is solved again in closed form. All scatters are kept relative to the fit, so that RSS is right to its own rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..covariances import Covariance, Dense, Proportional, Swung
from ..errors import Failure, UnsupportedError
from ..linalg import (
    about,
    apply,
    components,
    cross,
    dot,
    entries,
    identity,
    inverse_components,
    inverse_symmetric,
    matrix_components,
    product,
    proper_rotation,
    quadratic,
    root,
    rows,
    rows_matrix,
    square,
    times,
    trace,
)
from ..noise import Noise
from ..scatter import Frame, Scatter, joining_factor
from ..transforms import Transform
from .base import Card, Estimator, Fit, Joint, latent_share, rest_of, variance_factor
from .heavy_tails import heavy_tailed
from .latent_positions import LatentPositions
from .layout import undetermined
from .reweighting import Maximiser, Moments, Piece
from .scale import noisy_scale

_UNDIRECTED = 1e-12  # correlation of the best rotation that counts as none


@dataclass(frozen=True, eq=False)
class ProcrustesFit(Fit):
    """A fit with its scatters ``vv, vr, rr`` (..., d, d) of `regerr.scatter.Frame`."""

    vv: np.ndarray
    vr: np.ndarray
    rr: np.ndarray

    @property
    def frame(self) -> Frame:
        """Scatters seen in the target."""
        return Frame(self.vv, self.vr, self.rr)


@dataclass(frozen=True)
class Procrustes(Estimator):
    """Closed-form rotation, with a scale if ``scaled`` is true.

    Parameters
    ----------
    noise : Noise
    size : float
        Scale of the map where it is not fitted.
    """

    noise: Noise
    size: float = 1.0

    polar = True
    scaled = False

    def linear(self, dimension: int) -> bool:
        return self.scaled and dimension == 2 and self.noise.ratio == 0

    def degrees_of_freedom(self, n: int, dimension: int) -> int:
        return n * dimension - self.card.parameters[dimension]

    def fit(self, source: np.ndarray, target: np.ndarray) -> ProcrustesFit:
        scatter = Scatter.of(source, target)
        n, d = scatter.n, scatter.dimension
        failure = undetermined(scatter, missing=1)
        sxy = scatter.sxy if d == 2 else np.where(np.isfinite(scatter.sxy), scatter.sxy, 0.0)
        rotation, nu = proper_rotation(sxy)
        undirected = nu <= _UNDIRECTED * np.sqrt(scatter.x_length2 * scatter.y_length2)
        failure = np.where((failure == 0) & undirected, np.int8(Failure.NO_ROTATION), failure)
        matrix = self.size * rotation
        if self.scaled:
            with np.errstate(divide="ignore", invalid="ignore"):
                scale = noisy_scale(scatter.y_length2, scatter.x_length2, nu, self.noise.source_share)
            matrix = scale[..., None, None] * rotation
        matrix = np.where(failure[..., None, None] > 0, np.nan, matrix)
        frame = Frame.of(scatter, matrix)
        rss = np.where(frame.rss < scatter.smallest_resolved(), 0.0, frame.rss)
        unit = np.ones_like(rss)
        variance = self.effective_variance(rss, unit, n, d)
        return ProcrustesFit(n, scatter.x_mean, scatter.y_mean, matrix, rss, unit, variance[..., None, None] * np.eye(d),
                             scatter.rounding(), failure, scatter.source, scatter.target, frame.vv, frame.vr, frame.rr)

    def joint(self, fit: ProcrustesFit, dx: np.ndarray, dy: np.ndarray, weight: float) -> Joint:
        c = joining_factor(fit.n, weight)
        v = times(entries(fit.matrix), dx)
        change, scale = self._refit(fit, v, dy, c)
        rss = fit.rss[..., None]
        e = dy - v - times(change, v)
        increase = _rss_change(fit, change) + c * square(e)
        deleted = self._deleted(fit, change, scale, v, e, weight, c)
        total = rss + increase
        remaining = rest_of(total, deleted)
        if self.scaled and self.noise.source_share > 0:
            increase = increase + total * np.expm1(-2.0 * self.noise.source_share * np.log(scale))
        return Joint(deleted, remaining, increase, rss, fit.unit[..., None])

    def _refit(self, fit: ProcrustesFit, v: np.ndarray, w: np.ndarray, c: float) -> tuple[np.ndarray, Any]:
        """Joint linear part over the fitted one, minus the identity (d, d, ..., m), and the ratio of the scales."""
        turn, nu = _turn(entries(fit.frame.vy), v, w, c)
        if not self.scaled:
            return turn, 1.0
        a = trace(fit.frame.yy)[..., None] + c * square(w)
        b = trace(fit.vv)[..., None] + c * square(v)
        scale = noisy_scale(a, b, nu, self.noise.source_share)
        return scale * turn + (scale - 1.0) * identity(v), scale

    def _deleted(self, fit: ProcrustesFit, change: np.ndarray, scale: Any, v: np.ndarray, e: np.ndarray, weight: float,
                 c: float) -> np.ndarray:
        """``c e'(I + c J N^-1 J') e``, N of the n pairs at the joint fit: the inverse of section 10, written out."""
        k = self.noise.source_share
        own = latent_share(k, weight * self.kept(fit.n, len(e)))
        u = v + times(change, v)
        if own:
            u = u + own * e
        turned, spread = _information(fit, change, scale, k, u, e)
        if self.scaled:
            turned = turned + dot(u, e) ** 2 / spread
        return c * (square(e) + c * turned)

    def covariance(self, fit: ProcrustesFit, dx: np.ndarray, weight: float) -> Covariance:
        v = times(entries(fit.matrix), dx)
        eta = fit.frame.latent(self.noise.source_share)
        variance, base = fit.noise_covariance[..., 0, 0, None], variance_factor(fit.n, weight)
        if len(v) == 3:
            return Dense(self._spread(eta, v, base) * variance)
        lever = v * np.sqrt(1.0 / trace(eta))[..., None]
        if self.scaled:
            return Proportional(entries(fit.noise_covariance), square(lever) + base)
        return Swung(variance, base, np.stack([-lever[1], lever[0]]))

    def _spread(self, eta: np.ndarray, v: np.ndarray, base: float) -> np.ndarray:
        """``base I + J(v) N^-1 J(v)'``, with a scale also ``v v' / tr E``, in 3D: (3, 3, ..., m)."""
        out = _swing(eta, v)
        if self.scaled:
            out += v[:, None] * v[None, :] / trace(eta)[..., None]
        for i in range(3):
            out[i, i] += base
        return out

    def matrix_covariance(self, fit: ProcrustesFit) -> np.ndarray:
        """From ``dA = sum_k w_k B_k A``, ``Cov(w) = s2 N^-1``, ``N_kl = sum_i (B_k eta_i)'(B_l eta_i)`` over latent points."""
        d = fit.matrix.shape[-1]
        moves = self.card.moves(d)
        information = np.einsum("kij,lim,...jm->...kl", moves, moves, fit.frame.latent(self.noise.source_share))
        failed = fit.failure[..., None, None] > 0
        covariance = fit.noise_covariance[..., :1, :1] * np.linalg.inv(np.where(failed, np.eye(len(moves)), information))
        directions = moves @ fit.matrix[..., None, :, :]
        return np.einsum("...kij,...kl,...lmn->...ijmn", directions, covariance, directions)

    def sample(self, fit: ProcrustesFit, k: int, rng: np.random.Generator) -> Transform:
        d = fit.x_mean.shape[-1]
        dof = self.degrees_of_freedom(fit.n, d)
        variance = fit.noise_covariance[..., 0, 0] * np.ones((k, *fit.batch_shape))
        if self.noise.scale is None:
            variance = variance * dof / rng.chisquare(dof, variance.shape)
        sd = np.sqrt(variance)[..., None]
        centre = fit.y_mean + sd / np.sqrt(fit.n) * rng.standard_normal((*variance.shape, d))
        eta = fit.frame.latent(self.noise.source_share)
        matrix = _drawn_rotation(eta, sd, rng) @ fit.matrix
        if self.scaled:
            growth = sd[..., 0] / np.sqrt(trace(eta)) * rng.standard_normal(variance.shape)
            matrix = np.exp(growth)[..., None, None] * matrix
        return Transform(matrix, np.broadcast_to(fit.x_mean, centre.shape), centre)

    def left_out(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Exact, by removing each pair from the scatters (a new pair of weight -1)."""
        fit = self.fit(source, target)
        factor = fit.n / (fit.n - 1.0)
        v = components(apply(fit.matrix, about(source, fit.x_mean)))
        w = components(about(target, fit.y_mean))
        change, _ = self._refit(fit, v, w, -factor)
        left = factor * rows(w - v - times(change, v))
        return np.where(self._determined_without(fit, v, factor)[..., None], left, np.nan)

    def _determined_without(self, fit: ProcrustesFit, v: np.ndarray, factor: float) -> np.ndarray:
        """Whether the pairs left when v is taken out still determine the rotation, (..., n)."""
        size = trace(fit.vv)[..., None]
        if len(v) == 2:
            return size - factor * square(v) > 1e-14 * size
        rest = rows_matrix(entries(fit.vv) - factor * v[:, None] * v[None, :])
        return np.linalg.eigvalsh(np.where(np.isfinite(rest), rest, 0.0))[..., 1] > 1e-14 * size


class IsotropicModel:
    """A family that Procrustes fits: one estimator, for isotropic noise alone."""

    card: Card
    estimator: type[Procrustes]
    weighted: staticmethod[[Moments, Noise, np.ndarray | None], Piece]
    scale: float = 1.0
    """Scale of the map where it is not fitted."""

    def under(self, noise: Noise) -> Estimator:
        """The estimator for a noise; refuses noise whose covariance would have to be estimated."""
        if noise.tails is not None:
            return heavy_tailed(noise, self.card, self.maximiser, polar=True)
        if noise.shape == "given":
            return LatentPositions(noise, self.card, self.under, bends=True)
        if noise.shape != "isotropic":
            raise UnsupportedError(f"the {self.card.name} model cannot use {noise.describe()}: use isotropic noise ('both', "
                                   "'target' or 'source'), or the affine model")
        return self.estimator(noise, self.scale)

    @property
    def maximiser(self) -> Maximiser:
        """Its closed form for weighted scatters."""
        return self.weighted


def _turn(vy: np.ndarray, v: np.ndarray, w: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    """The rotation that a new pair adds, minus the identity (d, d, ..., m), and the joint nu (..., m)."""
    if len(v) == 3:
        h = rows_matrix(vy + c * v[:, None] * w[None, :])
        rotation, nu = proper_rotation(np.where(np.isfinite(h), h, 0.0))
        return matrix_components(rotation - np.eye(3)) + 0.0 * v[0], nu
    p = vy[0, 0] + vy[1, 1] + c * dot(v, w)
    q = vy[0, 1] - vy[1, 0] + c * cross(v, w)[0]
    nu = np.hypot(p, q)
    sine = q / nu
    # 1 - cos without cancellation for small angles
    versine = np.where(p > 0, q * q / (nu * (nu + np.abs(p))), 1.0 - p / nu)
    return np.stack([np.stack([-versine, -sine]), np.stack([sine, -versine])]), nu


def _rss_change(fit: ProcrustesFit, change: np.ndarray) -> np.ndarray:
    """``sum |r - G v|^2 - sum |r|^2`` for a change G of the linear part: (..., m)."""
    vv, vr = entries(fit.vv), entries(fit.vr)
    out = quadratic(vv, change[0])
    for row in change[1:]:
        out += quadratic(vv, row)
    for i, row in enumerate(change):
        out -= 2.0 * dot(vr[:, i], row)
    return out


def _information(fit: ProcrustesFit, change: np.ndarray, scale: Any, k: float, u: np.ndarray,
                 e: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(u x e)' N^-1 (u x e)`` and ``tr E``, E and N of the fiducials' latent points under the joint fit."""
    vy, yy = entries(fit.frame.vy), entries(fit.frame.yy)
    b, a = trace(fit.vv)[..., None], trace(fit.frame.yy)[..., None]
    mixed = vy[0, 0] + vy[1, 1] + dot(change[0], vy[:, 0]) + dot(change[1], vy[:, 1])
    if len(u) == 3:
        mixed = mixed + vy[2, 2] + dot(change[2], vy[:, 2])
    spread = (1 - k) ** 2 * b * scale**2 + k**2 * a + 2 * k * (1 - k) * mixed
    moment = cross(u, e)
    if len(u) == 2:
        return square(moment) / spread, spread
    whole = change + identity(u)
    half = product(whole, vy)
    eta = (1 - k) ** 2 * product(product(whole, entries(fit.vv)), np.swapaxes(whole, 0, 1)) + k**2 * yy
    eta = eta + k * (1 - k) * (half + np.swapaxes(half, 0, 1))
    return quadratic(inverse_components(_inertia(eta)), moment), spread


def _inertia(eta: np.ndarray) -> np.ndarray:
    """``tr(E) I - E`` of component matrices: ``sum J'J`` of the rotation in 3D."""
    total = eta[0, 0] + eta[1, 1] + eta[2, 2]
    return total * identity(eta[0]) - eta


def _swing(eta: np.ndarray, v: np.ndarray) -> np.ndarray:
    """``J(v) N^-1 J(v)'`` (3, 3, ..., m): what an uncertain rotation does at v."""
    inverse = inverse_components(_inertia(entries(eta)))
    columns = np.stack([cross(np.broadcast_to(inverse[:, j], (3, *v.shape[1:])), v) for j in range(3)], 1)
    return np.stack([cross(columns[i], v) for i in range(3)])


def _drawn_rotation(eta: np.ndarray, sd: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rotations near the identity with covariance ``s2 N^-1``: (k, ..., d, d)."""
    shape = sd.shape[:-1]
    if eta.shape[-1] == 2:
        angle = sd[..., 0] / np.sqrt(trace(eta)) * rng.standard_normal(shape)
        c, s = np.cos(angle), np.sin(angle)
        return np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)
    from scipy.spatial.transform import Rotation

    inertia = trace(eta)[..., None, None] * np.eye(3) - eta
    vector = sd * apply(root(inverse_symmetric(inertia)), rng.standard_normal((*shape, 1, 3)))[..., 0, :]
    drawn = Rotation.from_rotvec(np.nan_to_num(vector.reshape(-1, 3))).as_matrix().reshape(*shape, 3, 3)
    return np.where(np.isfinite(vector).all(-1)[..., None, None], drawn, np.nan)
