"""Triangles of a point set, with an order of corners that both sets agree on, and which of them look alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from scipy.spatial import cKDTree

from .families import Family

WHOLE = 70  # points up to which all triangles are taken; beyond, those of near points
_NEAR = 15  # neighbours whose triangles are taken then
_SHORTEST, _FLATTEST = 0.4, 0.15  # side over the spacing, and height over the longest side, that a proposing triangle has
_ENOUGH = 60  # good triangles below which all propose
_APART = 100.0  # between invariants of triangles of opposite sense


@dataclass(frozen=True, eq=False)
class Triangles:
    """Triangles (t, 3) as indices, corners ordered by the side opposite to them, with sides (t, 3) and sense (t,)."""

    corners: np.ndarray
    sides: np.ndarray
    sense: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray) -> Triangles:
        """All triangles of few points, those among near neighbours of many."""
        corners = _all(len(points)) if len(points) <= WHOLE else _near(points)
        a, b, c = (points[corners[:, i]] for i in range(3))
        sides = np.stack([np.linalg.norm(b - c, axis=-1), np.linalg.norm(c - a, axis=-1), np.linalg.norm(a - b, axis=-1)], -1)
        order = np.argsort(sides, axis=-1, kind="stable")
        corners = np.take_along_axis(corners, order, -1)
        sense = np.zeros(len(corners))
        if points.shape[-1] == 2:
            u, v = points[corners[:, 1]] - points[corners[:, 0]], points[corners[:, 2]] - points[corners[:, 0]]
            sense = np.sign(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
        return cls(corners, np.take_along_axis(sides, order, -1), sense)

    def __getitem__(self, index: np.ndarray) -> Triangles:
        return Triangles(self.corners[index], self.sides[index], self.sense[index])

    def __len__(self) -> int:
        return len(self.corners)

    def keys(self, family: Family) -> np.ndarray:
        """Invariants of the family and the sense, (t, f)."""
        return np.concatenate([family.invariants(self.sides), _APART * self.sense[:, None]], -1)

    def proposing(self, spacing: float, number: int, rng: np.random.Generator) -> Triangles:
        """Some triangles in random order, none too small or too flat where there are others."""
        a, b, c = self.sides.T
        half = (a + b + c) / 2
        height = 2 * np.sqrt(np.maximum(half * (half - a) * (half - b) * (half - c), 0.0)) / np.maximum(c, 1e-300)
        good = np.flatnonzero((a > _SHORTEST * spacing) & (height > _FLATTEST * c))
        pool = good if len(good) >= _ENOUGH else np.arange(len(self))
        return self[rng.permutation(pool)[:number]]


@dataclass(frozen=True, eq=False)
class Index:
    """Triangles of one set, looked up by their invariants."""

    triangles: Triangles
    family: Family
    tree: cKDTree

    @classmethod
    def of(cls, points: np.ndarray, family: Family) -> Index:
        """Over the triangles of points (n, d)."""
        triangles = Triangles.of(points)
        return cls(triangles, family, cKDTree(triangles.keys(family)))

    def alike(self, asked: Triangles) -> tuple[np.ndarray, np.ndarray]:
        """Corners of pairs of triangles that look alike: (h, 3) of the asked, (h, 3) of the own."""
        k = min(self.family.neighbours, len(self.triangles))
        near = self.tree.query(asked.keys(self.family), k=k, distance_upper_bound=self.family.reach, p=np.inf)
        distance, found = (np.reshape(part, (len(asked), k)) for part in near)
        row, column = np.nonzero(np.isfinite(distance))
        return asked.corners[row], self.triangles.corners[found[row, column]]


@lru_cache(maxsize=128)
def _all(n: int) -> np.ndarray:
    return np.array(list(combinations(range(n), 3)))


def _near(points: np.ndarray) -> np.ndarray:
    neighbours = np.asarray(cKDTree(points).query(points, k=_NEAR + 1)[1])
    two = np.array(list(combinations(range(1, _NEAR + 1), 2)))
    found = np.stack([np.broadcast_to(np.arange(len(points))[:, None], (len(points), len(two))),
                      neighbours[:, two[:, 0]], neighbours[:, two[:, 1]]], -1).reshape(-1, 3)
    return np.unique(np.sort(found, axis=-1), axis=0)
