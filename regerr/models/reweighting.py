"""Maximum likelihood under Student's t noise by expectation and maximisation: weighted closed forms, repeated.

Every pair gets the weight ``(nu + d)/(nu + |r|^2/s^2)``, and each model's closed form is solved again with weighted scatters
(theory, section 14). All arrays are components with the problems in the last axis: points (d, n, b), weights (n, b).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..linalg import (
    cross,
    determinant,
    dot,
    inverse_components,
    matrix_components,
    nuclear_norm,
    product,
    proper_rotation,
    rows_matrix,
    times,
)
from ..noise import Noise
from .scale import noisy_scale

_STEPS = 1000
_COMPRESS = 0.5  # share of unsolved problems below which the solved ones are laid aside

Moments = tuple[np.ndarray, np.ndarray, np.ndarray]
Maximiser = Callable[[Moments, Noise, np.ndarray | None], "Piece"]


@dataclass(frozen=True, eq=False)
class Piece:
    """The linear part that fits weighted scatters best.

    Attributes
    ----------
    matrix : (d, d, b)
    metric : (d, d, b)
        M: the residuals count as ``r' M r``.
    growth : (b,)
        Logarithm that the likelihood gains per coordinate: ``k log s`` of a similarity, else 0.
    stretch : (b,)
        Scale of the source that makes both noises equal (affine, both spaces), else 1.
    """

    matrix: np.ndarray
    metric: np.ndarray
    growth: np.ndarray
    stretch: np.ndarray


@dataclass(frozen=True, eq=False)
class Solution:
    """What the iteration ends at: weights (n, b), means (d, b), scale^2, weighted RSS and log-likelihood (b,)."""

    piece: Piece
    weights: np.ndarray
    x_mean: np.ndarray
    y_mean: np.ndarray
    s2: np.ndarray
    rss: np.ndarray
    likelihood: np.ndarray


@dataclass(frozen=True, eq=False)
class Problem:
    """Pairs whose t-likelihood is to be maximised.

    Attributes
    ----------
    x, y : (d, n, b)
    noise : Noise
    tails : float
        Degrees of freedom nu of the t law.
    maximiser : callable
        The model's closed form for weighted scatters.
    free : bool
        Whether a translation is fitted; else the map takes the origin to the origin.
    floor : (b,)
        Least s^2: what rounding can make.
    known : float or None
        s^2 where it is known.
    stretch : (b,) or None
        Fixed scale of the source (affine, both spaces), or None to find it.
    """

    x: np.ndarray
    y: np.ndarray
    noise: Noise
    tails: float
    maximiser: Maximiser
    free: bool
    floor: np.ndarray
    known: float | None = None
    stretch: np.ndarray | None = None

    def part(self, chosen: np.ndarray) -> Problem:
        """Some of the problems."""
        stretch = None if self.stretch is None else self.stretch[chosen]
        return Problem(self.x[..., chosen], self.y[..., chosen], self.noise, self.tails, self.maximiser, self.free,
                       self.floor[chosen], self.known, stretch)

    def step(self, weights: np.ndarray) -> Solution:
        """One expectation and one maximisation (with the expanded parameter of Liu, Rubin & Wu 1998 for s^2)."""
        d, n = self.x.shape[:2]
        total = weights.sum(0)
        x_mean, y_mean = (np.zeros((d, len(total))) if not self.free else (weights * p).sum(1) / total for p in (self.x, self.y))
        dx, dy = self.x - x_mean[:, None], self.y - y_mean[:, None]
        piece = self.maximiser(_moments(dx, dy, weights), self.noise, self.stretch)
        r = dy - times(piece.matrix[:, :, None], dx)
        q = dot(r, times(piece.metric[:, :, None], r))
        rss = (weights * q).sum(0)
        s2 = np.maximum(rss / (d * total), self.floor) if self.known is None else np.full(len(total), self.known)
        excess = q / (self.tails * s2)
        likelihood = n * d * (piece.growth - 0.5 * np.log(s2)) - 0.5 * (self.tails + d) * np.log1p(excess).sum(0)
        return Solution(piece, (self.tails + d) / self.tails / (1.0 + excess), x_mean, y_mean, s2, rss, likelihood)


def maximise(problem: Problem, weights: np.ndarray, tolerance: float = 1e-12) -> Solution:
    """Iterate from weights (n, b) until none of a problem's weights changes by more than the tolerance.

    The likelihood is then right to about the square of the tolerance.
    """
    left, part = np.arange(weights.shape[1]), problem
    step = found = rebuilt(part.step(weights), np.array)
    for _ in range(_STEPS):
        # residuals at the floor are rounding: their weights never settle
        moving = (np.abs(step.weights - weights) > tolerance).any(0) & (step.s2 > part.floor)
        if not moving.any():
            break
        weights = step.weights
        if moving.mean() < _COMPRESS:
            _store(found, step, left)
            left, part, weights = left[moving], part.part(moving), weights[:, moving]
        step = part.step(weights)
    _store(found, step, left)
    return found


def better(one: Solution, other: Solution) -> Solution:
    """Of two solutions of the same problems the likelier, each by each, in the arrays of the first."""
    where = np.flatnonzero(~(one.likelihood >= other.likelihood))
    _store(one, rebuilt(other, lambda a: a[..., where]), where)
    return one


def _store(found: Solution, step: Solution, where: np.ndarray) -> None:
    """Write the solutions of some problems into those of all."""
    for a, b in zip(_arrays(found), _arrays(step), strict=True):
        if a is not b:
            a[..., where] = b


def _arrays(solution: Solution) -> list[np.ndarray]:
    own = [value for name, value in vars(solution).items() if name != "piece"]
    return [*vars(solution.piece).values(), *own]


def rebuilt(solution: Solution, function: Callable[[np.ndarray], np.ndarray]) -> Solution:
    """The same record with a function applied to each of its arrays."""
    values = [function(a) for a in _arrays(solution)]
    return Solution(Piece(*values[:4]), *values[4:])


def _moments(dx: np.ndarray, dy: np.ndarray, weights: np.ndarray) -> Moments:
    """Weighted ``sum x x'``, ``sum x y'``, ``sum y y'``: (d, d, b) each."""
    wx, wy = weights * dx, weights * dy
    return _sum(wx, dx), _sum(wx, dy), _sum(wy, dy)


def _sum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("inb,jnb->ijb", a, b))


# The closed forms


def rigid(moments: Moments, noise: Noise, stretch: np.ndarray | None, size: float = 1.0) -> Piece:
    """Kabsch's rotation, times a scale that is known."""
    turn, _ = _rotation(moments)
    return _plain(size * turn)


def similarity(moments: Moments, noise: Noise, stretch: np.ndarray | None) -> Piece:
    """Kabsch's rotation and the scale of theory section 4."""
    turn, nu = _rotation(moments)
    xx, _, yy = moments
    scale = noisy_scale(np.einsum("iib->b", yy), np.einsum("iib->b", xx), nu, noise.source_share)
    one = _plain(scale * turn)
    return Piece(one.matrix, one.metric, noise.source_share * np.log(scale), one.stretch)


def regression(moments: Moments, noise: Noise, stretch: np.ndarray | None) -> Piece:
    """Target on source."""
    xx, xy, _ = moments
    return _plain(product(np.swapaxes(xy, 0, 1), inverse_components(xx)))


def inverse_regression(moments: Moments, noise: Noise, stretch: np.ndarray | None) -> Piece:
    """Source on target, read backwards."""
    _, xy, yy = moments
    back = product(xy, inverse_components(yy))
    one = _plain(inverse(back))
    return Piece(one.matrix, product(np.swapaxes(back, 0, 1), back), one.growth, one.stretch)


def total_least_squares(moments: Moments, noise: Noise, stretch: np.ndarray | None) -> Piece:
    """Noise in both spaces: the plane of the small eigenvectors of the scatter of ``[a x; y]`` (theory, section 5)."""
    xx, xy, yy = moments
    d = len(xx)
    if stretch is None:
        nu = nuclear_norm(np.nan_to_num(rows_matrix(xy)))
        scale = noisy_scale(np.einsum("iib->b", yy), np.einsum("iib->b", xx), nu, noise.source_share)
        stretch = scale / np.sqrt(noise.ratio)
    upper = np.concatenate([stretch**2 * xx, stretch * xy], 1)
    whole = np.concatenate([upper, np.concatenate([stretch * np.swapaxes(xy, 0, 1), yy], 1)], 0)
    _, vectors = np.linalg.eigh(np.nan_to_num(np.moveaxis(whole, -1, 0)))
    large, small = vectors[..., d:], matrix_components(vectors[..., d:, :d])
    slope = product(matrix_components(large[..., d:, :]), inverse(matrix_components(large[..., :d, :])))
    one = _plain(stretch * slope)
    return Piece(one.matrix, product(small, np.swapaxes(small, 0, 1)), one.growth, stretch)


def inverse(m: np.ndarray) -> np.ndarray:
    """Inverse of component matrices (d, d, ...); infinite or NaN where singular."""
    if len(m) == 2:
        return np.stack([np.stack([m[1, 1], -m[0, 1]]), np.stack([-m[1, 0], m[0, 0]])]) / determinant(m)
    cofactors = np.stack([cross(m[1], m[2]), cross(m[2], m[0]), cross(m[0], m[1])])
    return np.swapaxes(cofactors, 0, 1) / dot(m[0], cofactors[0])


def _rotation(moments: Moments) -> tuple[np.ndarray, np.ndarray]:
    turn, nu = proper_rotation(np.nan_to_num(rows_matrix(moments[1])))
    return np.ascontiguousarray(matrix_components(turn)), nu


def _plain(matrix: np.ndarray) -> Piece:
    """A linear part whose residuals count as they are."""
    d, b = matrix.shape[1:]
    return Piece(matrix, np.repeat(np.eye(d)[..., None], b, -1), np.zeros(b), np.ones(b))
