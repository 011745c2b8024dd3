"""From many maps to a few: the best that differ, each refined on the pairs that speak for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..linalg import determinant, matrix_components
from .chance import log_tail
from .families import Maps
from .problem import Problem
from .screening import Screen
from .triangles import Index, Triangles

_PROPOSING = 1536  # triangles of the moving set
_AT_ONCE = 192
_CLEAR = -12.0  # log10 of false alarms at which the search stops
_KEPT = 2000  # maps that are compared with each other
_DISTINCT = 0.3  # r.m.s. distance of images, over the spacing, below which two maps count as one
FINALISTS = 24
_ROUNDS = 12
WIDEST = 0.35  # residual over the spacing beyond which nothing is a pair


@dataclass(frozen=True, eq=False)
class Consensus:
    """Refined maps (k,) with their one-to-one pairs, closest first.

    Attributes
    ----------
    maps : Maps
    partner : (k, n) array of int
        For each moving point the fixed one it is mutually nearest to, or -1.
    residual : (k, n)
        Distance to it; infinite without.
    count : (k,)
        Number of closest pairs that chance explains least.
    score : (k,)
        ``log10`` of chance for them.
    """

    maps: Maps
    partner: np.ndarray
    residual: np.ndarray
    count: np.ndarray
    score: np.ndarray


def proposals(problem: Problem, rng: np.random.Generator) -> Maps:
    """The best distinct maps that similar triangles propose, in order."""
    moving, fixed = problem.moving, problem.fixed
    screen = Screen.of(moving.points, fixed, problem.minimal, rng)
    index = Index.of(fixed.points, problem.family)
    asked = Triangles.of(moving.points).proposing(moving.spacing, _PROPOSING, rng)
    kept: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for start in range(0, len(asked), _AT_ONCE):
        maps = _allowed(problem, *index.alike(asked[np.arange(start, min(start + _AT_ONCE, len(asked)))]))
        scores = screen.scores(maps)
        best = np.argsort(scores, kind="stable")[:_KEPT]
        kept.append((maps.matrix[best], maps.offset[best], scores[best]))
        if len(best) and scores[best[0]] + problem.log_tests < _CLEAR:
            break
    matrix, offset, scores = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    best = np.argsort(scores, kind="stable")[:_KEPT]
    return _distinct(problem, Maps(matrix[best], offset[best]))


def refined(problem: Problem, maps: Maps) -> Consensus:
    """Each map fitted to the pairs that speak for it, until these stay (at most a few rounds)."""
    x, y = problem.moving.points, problem.fixed.points
    found = _paired(problem, maps)
    for _ in range(_ROUNDS):
        kept = np.argsort(np.argsort(found.residual, -1, kind="stable"), -1) < found.count[:, None]
        images = y[np.maximum(found.partner, 0)]
        fitted = problem.family.fit(np.broadcast_to(x, images.shape), images, kept.astype(float))
        again = _paired(problem, fitted)
        if np.array_equal(again.partner, found.partner) and np.array_equal(again.count, found.count):
            return again
        better = again.score <= found.score
        found = _chosen(better, again, found)
        if not better.any():
            break
    return found


def _allowed(problem: Problem, asked: np.ndarray, found: np.ndarray) -> Maps:
    maps = problem.family.of_triangles(problem.moving.points[asked], problem.fixed.points[found])
    d = maps.matrix.shape[-1]
    size = np.abs(determinant(matrix_components(maps.matrix))) ** (1.0 / d)
    return maps[(size >= problem.scales[0]) & (size <= problem.scales[1])] if not problem.family.keeps_size else maps


def _distinct(problem: Problem, maps: Maps) -> Maps:
    """The first of each group of maps that do nearly the same to the window of the moving set."""
    window = problem.moving
    corners = window.points.mean(0) + 0.4 * np.concatenate([np.zeros((1, len(window.lengths))), window.lengths[:, None]
                                                            * window.axes.T, -window.lengths[:, None] * window.axes.T])
    images = maps.apply(corners)
    limit = _DISTINCT * problem.fixed.spacing
    left = np.arange(len(images))
    chosen: list[int] = []
    while len(left) and len(chosen) < FINALISTS:
        chosen.append(int(left[0]))
        apart = ((images[left] - images[left[0]]) ** 2).sum(-1).mean(-1)
        left = left[apart > limit**2]
    return maps[np.array(chosen, int)]


def _paired(problem: Problem, maps: Maps) -> Consensus:
    """Mutual nearest neighbours under each map, and how many of them chance explains least."""
    y = problem.fixed.points
    images = maps.apply(problem.moving.points)
    square = (images**2).sum(-1)[..., None] + (y**2).sum(-1) - 2.0 * images @ y.T
    nearest, back = square.argmin(-1), square.argmin(-2)
    mutual = np.take_along_axis(back, nearest, -1) == np.arange(images.shape[-2])
    gap = np.sqrt(np.maximum(np.take_along_axis(square, nearest[..., None], -1)[..., 0], 0.0))
    mutual &= gap < WIDEST * problem.fixed.spacing
    residual = np.where(mutual, gap, np.inf)
    count, score = strongest(problem, np.sort(residual, -1), problem.fixed.inside(images, problem.fixed.spacing).sum(-1))
    return Consensus(maps, np.where(mutual, nearest, -1), residual, count, score)


def strongest(problem: Problem, residuals: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many of the closest pairs (..., n), in order, chance explains least among so many points, and its ``log10``."""
    n, m = residuals.shape[-1], problem.minimal
    p = problem.fixed.n * problem.fixed.share(np.where(np.isfinite(residuals), residuals, 0.0))
    free = np.maximum(np.arange(1, n + 1) - m, 0)  # pairs beyond those that determine a map
    tails = log_tail(np.maximum(among[..., None] - m, free), free, np.minimum(p, 1.0))
    tails = np.where(np.isfinite(residuals), tails, 0.0)
    best = tails.argmin(-1)
    count = np.where(np.take_along_axis(tails, best[..., None], -1)[..., 0] < 0, best + 1, m + 1)
    return count, tails.min(-1)


def _chosen(better: np.ndarray, new: Consensus, old: Consensus) -> Consensus:
    def pick(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.where(better.reshape(-1, *(1,) * (a.ndim - 1)), a, b)

    return Consensus(Maps(pick(new.maps.matrix, old.maps.matrix), pick(new.maps.offset, old.maps.offset)),
                     pick(new.partner, old.partner), pick(new.residual, old.residual), pick(new.count, old.count),
                     pick(new.score, old.score))
