"""Weighted least squares for matched points: minimise ``sum r_i' P_i r_i`` over a family of maps, for whole batches.

Gauss-Newton steps, damped after Levenberg and Marquardt where one would climb (theory, section 12). Two weightings are known:
`Likelihood`, ``P_i = Sigma_i(A)^-1`` at the current map with the noise of the source in its place (Cohen & Ober 2013), and
`Reweighted`, where ``P_i`` is held while the map takes a step (Balachandran & Fitzpatrick 2009).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..blocks import BLOCK
from ..errors import Failure
from ..linalg import EPS, about, apply, inverse_symmetric, symmetrised, transpose
from ..tangent import anyhow, cayley, turns, turns_and_growth
from ..transforms import Transform
from .known_noise import KnownNoise

_STEPS = 200
_SETTLED = 1e-18  # fall of the sum of squares that a step still promises, relative
_ROUNDING = 1e-13  # of a sum of squares
_HARD = 1e12  # damping at which no step helps any more


@dataclass(frozen=True)
class Family:
    """Maps that differ by small moves of their linear part, ``dA = sum_k w_k D_k A``.

    Attributes
    ----------
    name : str
    moves : callable
        The D_k (q, d, d) for a dimension.
    moved : callable
        The map of the family that lies the move W (..., d, d) away from A (..., d, d).
    """

    name: str
    moves: Callable[[int], np.ndarray]
    moved: Callable[[np.ndarray, np.ndarray], np.ndarray]


def _turned(matrix: np.ndarray, move: np.ndarray) -> np.ndarray:
    return cayley(move) @ matrix


def _turned_and_grown(matrix: np.ndarray, move: np.ndarray) -> np.ndarray:
    growth = np.einsum("...ii->...", move)[..., None, None] / move.shape[-1]
    return np.exp(growth) * (cayley(0.5 * (move - transpose(move))) @ matrix)


def _changed(matrix: np.ndarray, move: np.ndarray) -> np.ndarray:
    return matrix + move @ matrix


FAMILIES = {family.name: family for family in (Family("rigid", turns, _turned), Family("affine", anyhow, _changed),
                                              Family("similarity", turns_and_growth, _turned_and_grown))}


class Weighting(Protocol):
    """How residuals are weighted."""

    def precisions(self, matrix: np.ndarray) -> np.ndarray:
        """``P_i`` at linear parts (..., d, d), (..., n, d, d)."""

    def tried(self, matrix: np.ndarray, held: np.ndarray) -> np.ndarray:
        """``P_i`` by which a step to a new linear part is judged, where those before it are ``held``."""

    def latent(self, matrix: np.ndarray, weighted: np.ndarray) -> np.ndarray:
        """How far from ``A x_i`` its true place lies, given ``P_i r_i`` (..., n, d)."""

    def part(self, rows: np.ndarray) -> Weighting:
        """The same for some datasets of a flat batch."""


@dataclass(frozen=True, eq=False)
class Likelihood:
    """``P_i = Sigma_i(A)^-1``, moves at the latent points: the limit is maximum likelihood."""

    noise: KnownNoise

    def precisions(self, matrix: np.ndarray) -> np.ndarray:
        return inverse_symmetric(self.noise.effective(matrix))

    def tried(self, matrix: np.ndarray, held: np.ndarray) -> np.ndarray:
        return self.precisions(matrix)

    def latent(self, matrix: np.ndarray, weighted: np.ndarray) -> np.ndarray:
        return np.einsum("...nij,...nj->...ni", self.noise.seen(matrix), weighted)

    def part(self, rows: np.ndarray) -> Likelihood:
        return Likelihood(self.noise.part(rows))


@dataclass(frozen=True, eq=False)
class Reweighted:
    """``P_i`` as a function of the linear part, held during each step.

    Attributes
    ----------
    weigh : callable
        From known noise (or fixed weights in its ``target``) and linear parts to ``P_i``.
    noise : KnownNoise
    """

    weigh: Callable[[KnownNoise, np.ndarray], np.ndarray]
    noise: KnownNoise

    def precisions(self, matrix: np.ndarray) -> np.ndarray:
        return self.weigh(self.noise, matrix)

    def tried(self, matrix: np.ndarray, held: np.ndarray) -> np.ndarray:
        return held

    def latent(self, matrix: np.ndarray, weighted: np.ndarray) -> np.ndarray:
        return np.zeros_like(weighted)

    def part(self, rows: np.ndarray) -> Reweighted:
        return Reweighted(self.weigh, self.noise.part(rows))


@dataclass(frozen=True, eq=False)
class WeightedFit:
    """Fitted maps, and what is needed for their first-order law; batch (...).

    Attributes
    ----------
    transform : Transform
    rss : (...)
        ``sum r_i' P_i r_i``.
    precisions : (..., n, d, d)
        ``P_i`` at the fit.
    points : (..., n, d)
        Places, about the centre in the target, at which moves are taken.
    information : (..., d + q, d + q)
        ``sum G_i' P_i G_i`` over shift and moves, ``G_i = [I, D_k points_i]``.
    failure : (...)
    """

    family: Family
    transform: Transform
    rss: np.ndarray
    precisions: np.ndarray
    points: np.ndarray
    information: np.ndarray
    failure: np.ndarray

    def jacobian(self, points: np.ndarray) -> np.ndarray:
        """``[I, D_k v]`` at points v (..., m, d) about the centre in the target: (..., m, d, d + q)."""
        return jacobian(points, self.family)

    def at(self, targets: np.ndarray) -> np.ndarray:
        """The Jacobian at targets (m, d) or (..., m, d) of the source."""
        return self.jacobian(apply(self.transform.matrix, targets - self.transform.source_centre[..., None, :]))


def jacobian(points: np.ndarray, family: Family) -> np.ndarray:
    """Derivative of the map by shift and moves, at points (..., n, d) about the centre in the target: (..., n, d, d + q)."""
    d = points.shape[-1]
    moved = np.einsum("kij,...j->...ik", family.moves(d), points)
    return np.concatenate([np.broadcast_to(np.eye(d), (*points.shape, d)), moved], -1)


def inverse_of(information: np.ndarray) -> np.ndarray:
    """Inverses (..., p, p) in units in which the diagonals are 1; NaN where not finite."""
    finite = np.isfinite(information).all((-2, -1))[..., None, None]
    sound = np.where(finite, information, np.eye(information.shape[-1]))
    unit = 1.0 / np.sqrt(np.einsum("...kk->...k", sound))
    both = unit[..., :, None] * unit[..., None, :]
    return np.where(finite, np.linalg.inv(sound * both) * both, np.nan)


@dataclass
class _State:
    """A flat batch on its way; arrays (b, ...)."""

    dx: np.ndarray
    dy: np.ndarray
    weighting: Weighting
    family: Family
    matrix: np.ndarray
    shift: np.ndarray
    floor: np.ndarray
    precisions: np.ndarray = field(init=False)
    residuals: np.ndarray = field(init=False)
    rss: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.look()

    def look(self) -> None:
        """Weigh anew, at the map as it is."""
        self.precisions = self.weighting.precisions(self.matrix)
        self.residuals = self.dy - self.shift[:, None] - apply(self.matrix, self.dx)
        self.rss = _squares(self.residuals, self.precisions)

    def system(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places of the moves, normal matrix and gradient."""
        weighted = np.einsum("bnij,bnj->bni", self.precisions, self.residuals)
        points = apply(self.matrix, self.dx) + self.weighting.latent(self.matrix, weighted)
        g = jacobian(points, self.family)
        normal = np.einsum("bnik,bnij,bnjl->bkl", g, self.precisions, g, optimize=True)
        return points, symmetrised(normal), np.einsum("bnik,bni->bk", g, weighted)

    def tried(self, step: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where a step leads: matrix, shift, and the sum of squares there."""
        d = self.dx.shape[-1]
        matrix = self.family.moved(self.matrix, np.einsum("bk,kij->bij", step[:, d:], self.family.moves(d)))
        shift = self.shift + step[:, :d]
        residuals = self.dy - shift[:, None] - apply(matrix, self.dx)
        return matrix, shift, _squares(residuals, self.weighting.tried(matrix, self.precisions))

    def part(self, rows: np.ndarray) -> _State:
        """Some of the datasets."""
        return _State(self.dx[rows], self.dy[rows], self.weighting.part(rows), self.family, self.matrix[rows], self.shift[rows],
                      self.floor[rows])


def _squares(residuals: np.ndarray, precisions: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("bni,bnij,bnj->b", residuals, precisions, residuals, optimize=True))


def weighted_fit(source: np.ndarray, target: np.ndarray, weighting: Weighting, family: Family, start: np.ndarray,
                 failure: np.ndarray) -> WeightedFit:
    """Fit a batch.

    Parameters
    ----------
    source, target : (..., n, d)
    weighting : Weighting
        Of a flat batch (b, n, ...).
    family : Family
    start : (..., d, d)
        Linear parts to start from.
    failure : (...)
        Datasets marked here are left alone; those without a minimum join them.
    """
    batch, (n, d) = source.shape[:-2], source.shape[-2:]
    x, y = source.reshape(-1, n, d), target.reshape(-1, n, d)
    a, codes = start.reshape(-1, d, d), failure.reshape(-1)
    step = max(1, 4 * BLOCK // (n * d * d))
    parts = [_fit_block(x[rows], y[rows], weighting.part(np.arange(len(x))[rows]), family, a[rows], codes[rows])
             for rows in (slice(i, i + step) for i in range(0, max(len(x), 1), step))]
    matrix, x_mean, y_mean, rss, precisions, points, information, codes = (
        np.concatenate(each).reshape((*batch, *each[0].shape[1:])) for each in zip(*parts, strict=True))
    return WeightedFit(family, Transform(matrix, x_mean, y_mean), rss, precisions, points, information, codes)


def _fit_block(x: np.ndarray, y: np.ndarray, weighting: Weighting, family: Family, start: np.ndarray,
               failure: np.ndarray) -> tuple[np.ndarray, ...]:
    """Matrix, centres, sum of squares, precisions, places, information and failure of a flat block."""
    good = (failure == 0) & np.isfinite(start).all((-2, -1))
    matrix = np.where(good[:, None, None], start, np.eye(x.shape[-1]))
    x_mean, y_mean = x.mean(1), y.mean(1)
    reach = 8.0 * EPS * np.maximum(np.abs(y).max((1, 2)), np.sqrt((matrix**2).sum((1, 2))) * np.abs(x).max((1, 2)))
    whole = _State(about(x, x_mean), about(y, y_mean), weighting, family, matrix, np.zeros_like(y_mean), reach)
    whole.floor = np.einsum("bnii->b", whole.precisions) * reach**2
    with np.errstate(all="ignore"):
        settled = _descend(whole, good)
        whole.look()
        points, information, _ = whole.system()
    codes = np.where((failure == 0) & ~(good & settled), np.int8(Failure.NO_SOLUTION), failure)
    lost = codes > 0
    matrix, information = (np.where(lost[:, None, None], np.nan, m) for m in (whole.matrix, information))
    rss = np.where(whole.rss <= whole.floor, 0.0, np.where(lost, np.nan, whole.rss))
    return matrix, x_mean, y_mean + whole.shift, rss, whole.precisions, points, information, codes


def _descend(whole: _State, good: np.ndarray) -> np.ndarray:
    """Steps until none promises a fall; which datasets (b,) got there."""
    settled = np.zeros(len(good), bool)
    rows = np.flatnonzero(good)
    damping = np.zeros(len(good))
    for _ in range(_STEPS):
        if not len(rows):
            break
        part = whole.part(rows)
        _, normal, gradient = part.system()
        size = np.einsum("bkk->bk", normal)
        step = _solve(normal, damping[rows], size, gradient)
        promise = np.einsum("bk,bk->b", step, gradient)
        matrix, shift, rss = part.tried(step)
        done = (promise <= _SETTLED * part.rss + part.floor) & (damping[rows] < 1.0)
        # residuals are right to the rounding of the coordinates, and their squares to twice as much
        better = (rss <= part.rss * (1.0 + _ROUNDING) + 2.0 * np.sqrt(part.rss * part.floor) + part.floor) | done
        taken = rows[better]
        whole.matrix[taken], whole.shift[taken] = matrix[better], shift[better]
        damping[taken] = np.where(damping[taken] > 1e-6, damping[taken] / 10.0, 0.0)
        climbed = rows[~better]
        damping[climbed] = np.maximum(10.0 * damping[climbed], 1e-3)
        settled[rows[done & better]] = True
        rows = rows[~(done & better) & (damping[rows] < _HARD)]
    return settled


def _solve(normal: np.ndarray, damping: np.ndarray, size: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Damped steps, in units in which the normal matrix has a diagonal of 1; NaN where it is singular."""
    unit = 1.0 / np.sqrt(size)
    scaled = normal * unit[:, :, None] * unit[:, None, :]
    scaled += damping[:, None, None] * np.eye(normal.shape[-1])
    finite = np.isfinite(scaled).all((-2, -1)) & (np.abs(np.linalg.det(np.where(np.isfinite(scaled), scaled, 0.0))) > 0)
    solved = np.linalg.solve(np.where(finite[:, None, None], scaled, np.eye(normal.shape[-1])), (gradient * unit)[..., None])
    return np.where(finite[:, None], unit * solved[..., 0], np.nan)
