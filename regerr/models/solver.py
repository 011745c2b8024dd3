"""Maximum likelihood under any noise of known shape: the latent positions profiled out, damped Gauss-Newton steps (section 12).

With ``S_i = Lambda_i + A Omega_i A'`` and ``u_i = S_i^-1 r_i`` the latent point of a pair is ``eta_i = y_i - t - Lambda_i u_i``.
Moves of the map taken there make the gradient of the profiled sum ``sum r_i' S_i^-1 r_i`` exact, so the limit is maximum
likelihood although S depends on A. All arrays are components with points last: vectors (d, b, n), matrices (d, d, b, n); axes
of covariances that are alike have length 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..linalg import EPS, dot, inverse_components, product, rows_matrix, square, times

STEPS = 200
_ENDED = 1e-22  # predicted fall of the sum, in units of the noise variance, at which the search ends
_SETTLED = 1e-12  # and at which its result is good, should the last steps be too slow
_FIRST_DAMPING, _LEAST_DAMPING = 1e-2, 1e-4
_TOLD = 1e-9  # promised fall, as a share of the sum, below which rounding hides what was kept
_COMPRESSED = 0.6  # share of unsettled problems below which the settled ones are laid aside


@dataclass(frozen=True, eq=False)
class Problem:
    """Pairs, their covariances, and how the map may move.

    Attributes
    ----------
    x, y : (d, b, n)
        Points about any origins.
    source, target : (d, d, b or 1, n or 1)
        Omega and Lambda.
    moves : (q, d, d)
        Generators of the linear part, ``dA = D A``.
    moved : callable
        ``moved(w)`` for w (q, b): the finite change (d, d, b) that starts with ``I + sum_k w_k D_k``.
    shifts : bool
        Whether the map has a translation; without one it keeps the origins.
    """

    x: np.ndarray
    y: np.ndarray
    source: np.ndarray
    target: np.ndarray
    moves: np.ndarray
    moved: Callable[[np.ndarray], np.ndarray]
    shifts: bool = True

    def take(self, rows: np.ndarray) -> Problem:
        """Some of the b problems."""
        def part(c: np.ndarray) -> np.ndarray:
            return c if c.shape[2] == 1 else c[:, :, rows]

        return Problem(self.x[:, rows], self.y[:, rows], part(self.source), part(self.target), self.moves, self.moved,
                       self.shifts)


@dataclass(frozen=True, eq=False)
class Terms:
    """A map (d, d, b), (d, b), and what the pairs say of it.

    Attributes
    ----------
    matrix, shift : (d, d, b), (d, b)
    effective, precision : (d, d, b, n or 1)
        ``S_i`` and its inverse.
    residual, pull, latent : (d, b, n)
        ``r_i``, ``S_i^-1 r_i``, ``eta_i``.
    rss : (b,)
        ``sum r_i' S_i^-1 r_i``.
    """

    matrix: np.ndarray
    shift: np.ndarray
    effective: np.ndarray
    precision: np.ndarray
    residual: np.ndarray
    pull: np.ndarray
    latent: np.ndarray
    rss: np.ndarray

    @classmethod
    def of(cls, problem: Problem, matrix: np.ndarray, shift: np.ndarray) -> Terms:
        """Evaluate a map."""
        a, t = matrix[..., None], shift[..., None]
        effective = problem.target + seen_in_target(problem.source, a)
        precision = inverse_components(effective)
        residual = problem.y - t - times(a, problem.x)
        pull = times(precision, residual)
        latent = problem.y - t - times(problem.target, pull)
        squared = dot(residual, pull)
        # a map that stretches without end makes S singular to rounding, and the sum no sum of squares
        sound = squared >= -1e-9 * np.sqrt(square(residual) * square(pull))
        return cls(matrix, shift, effective, precision, residual, pull, latent, np.where(sound, squared, np.nan).sum(-1))

    def replaced(self, rows: np.ndarray, other: Terms) -> Terms:
        """Some of the b problems replaced by others, in place."""
        for name, own in vars(self).items():
            own[(slice(None),) * (own.ndim - _TRAILING[name]) + (rows,)] = getattr(other, name)
        return self

    def take(self, rows: np.ndarray) -> Terms:
        """Some of the b problems."""
        return Terms(*(own[(slice(None),) * (own.ndim - _TRAILING[name]) + (rows,)] for name, own in vars(self).items()))


_TRAILING = {"matrix": 1, "shift": 1, "effective": 2, "precision": 2, "residual": 2, "pull": 2, "latent": 2, "rss": 1}


@dataclass(frozen=True, eq=False)
class Solution:
    """The best maps.

    Attributes
    ----------
    terms : Terms
        At the solution.
    steps : (b,) int
        Steps that were taken.
    settled : (b,) bool
        Whether the search came to its end.
    """

    terms: Terms
    steps: np.ndarray
    settled: np.ndarray


def seen_in_target(source: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """``A Omega A'`` of component matrices."""
    return product(product(matrix, source), np.swapaxes(matrix, 0, 1))


def gradients(problem: Problem, latent: np.ndarray) -> list[np.ndarray]:
    """``D_k eta``, each (d, b, n): what the moves of the linear part do to latent points."""
    return [_sparse_times(move, latent) for move in problem.moves]


def normal_equations(problem: Problem, terms: Terms) -> tuple[np.ndarray, np.ndarray]:
    """``sum G_i' S_i^-1 G_i`` (b, k, k) and ``sum G_i' S_i^-1 r_i`` (b, k); shifts come first."""
    p, moved = terms.precision, gradients(problem, terms.latent)
    d, n, shifts = len(terms.residual), problem.x.shape[-1], len(terms.residual) if problem.shifts else 0
    k = shifts + len(moved)
    matrix, right = np.empty((k, k, len(terms.rss))), np.empty((k, len(terms.rss)))
    weighted = [times(p, g) for g in moved]
    for i in range(shifts):
        right[i] = terms.pull[i].sum(-1)
        for j in range(i, d):
            matrix[i, j] = matrix[j, i] = p[i, j].sum(-1) * (n if p.shape[-1] == 1 else 1)
        for j, w in enumerate(weighted):
            matrix[i, d + j] = matrix[d + j, i] = w[i].sum(-1)
    for i, g in enumerate(moved):
        right[shifts + i] = dot(g, terms.pull).sum(-1)
        for j in range(i, len(moved)):
            matrix[shifts + i, shifts + j] = matrix[shifts + j, shifts + i] = dot(g, weighted[j]).sum(-1)
    return rows_matrix(matrix), right.T


def solve(problem: Problem, matrix: np.ndarray, shift: np.ndarray, most: int = STEPS) -> Solution:
    """Search from given maps (d, d, b), (d, b) in at most so many steps; each is damped and ends by itself (Levenberg 1944)."""
    b = len(shift[0])
    best = Terms.of(problem, matrix.copy(), shift.copy())
    floor = 64.0 * EPS**2 * dot(problem.y, times(best.precision, problem.y)).sum(-1)
    steps, settled = np.zeros(b, int), np.zeros(b, bool)
    rows = np.flatnonzero(np.isfinite(best.rss))
    now, part, damping, ended = best.take(rows), problem.take(rows), np.zeros(len(rows)), np.zeros(len(rows), bool)
    for _ in range(most):
        if not len(rows):
            break
        step, fall = _step(part, now, damping)
        trial = _moved(part, now, step)
        accepted = trial.rss <= now.rss * (1.0 + 1e-12)
        # a damped step promises less than lies ahead
        left, variance = fall * (1.0 + damping) ** 2, now.rss / part.x.shape[-1]
        ended |= left <= _ENDED * variance + floor[rows]
        settled[rows] |= ended | (left <= _SETTLED * variance + floor[rows])
        damping = _damping(damping, accepted, now.rss - trial.rss, fall, now.rss)
        now = now.replaced(accepted, trial.take(accepted))
        steps[rows] += 1
        if ended.mean() > 1.0 - _COMPRESSED or ended.all():
            best.replaced(rows, now)
            rows, now, part, damping = rows[~ended], now.take(~ended), part.take(~ended), damping[~ended]
            ended = np.zeros(len(rows), bool)
    if len(rows):
        best.replaced(rows, now)
    return Solution(best, steps, settled)


def _damping(damping: np.ndarray, accepted: np.ndarray, fallen: np.ndarray, promised: np.ndarray, rss: np.ndarray) -> np.ndarray:
    """What makes the curvature along the last step right: the sum of squares falls by ``2 promised - curvature``.

    The true curvature exceeds the one of Gauss and Newton where residuals are large. A fall below rounding tells nothing.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.maximum(np.nan_to_num(fallen / promised, nan=-8.0, posinf=2.0, neginf=-8.0), -8.0)
    curvature = (1.0 + damping) * (2.0 - kept)
    told = np.where(promised > _TOLD * rss, np.maximum(curvature - 1.0, 0.0), damping)
    told = np.where(told < _LEAST_DAMPING, 0.0, told)
    return np.where(accepted, told, np.maximum(told, np.maximum(4.0 * damping, _FIRST_DAMPING)))


def _step(problem: Problem, terms: Terms, damping: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The damped step (k, b) and the fall of the sum that it promises (b,)."""
    normal, right = normal_equations(problem, terms)
    diagonal = np.einsum("bii->bi", normal)
    diagonal += damping[:, None] * diagonal + 1e-300
    sound = np.isfinite(normal).all((-2, -1)) & np.isfinite(right).all(-1)
    normal = np.where(sound[:, None, None], normal, np.eye(normal.shape[-1]))
    step = solved(normal, np.where(sound[:, None], right, np.nan))
    return step.T, np.einsum("bk,bk->b", step, right)


def solved(normal: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``normal^-1 right`` of symmetric matrices (b, k, k), scaled to a unit diagonal; NaN where singular."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1.0 / np.sqrt(np.einsum("bii->bi", normal))
    even = normal * scale[:, :, None] * scale[:, None, :]
    regular = np.isfinite(even).all((-2, -1)) & (np.abs(np.linalg.det(np.where(np.isfinite(even), even, 0.0))) > 0)
    even = np.where(regular[:, None, None], even, np.eye(even.shape[-1]))
    out = scale * np.linalg.solve(even, (scale * right)[..., None])[..., 0]
    return np.where(regular[:, None], out, np.nan)


def _moved(problem: Problem, terms: Terms, step: np.ndarray) -> Terms:
    d = len(terms.residual) if problem.shifts else 0
    matrix = product(problem.moved(step[d:]), terms.matrix)
    return Terms.of(problem, matrix, terms.shift + step[:d] if d else terms.shift)


def _sparse_times(move: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """A constant matrix, mostly of zeros, times component vectors."""
    out = np.zeros(vector.shape)
    for i, j in zip(*np.nonzero(move), strict=True):
        out[i] += move[i, j] * vector[j]
    return out
