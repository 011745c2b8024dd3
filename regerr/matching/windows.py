"""How likely a point meets another by chance: the window of a point set, and its density there (theory, section 22)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import pi

import numpy as np
from scipy.spatial import ConvexHull, QhullError, cKDTree

_BALLS = (2.0, pi, 4.0 * pi / 3.0)  # content of the unit ball in 1, 2, 3 dimensions
_NEIGHBOURS = 5  # of a place, which tell the density there
_THIN = 1e-9
_COARSE = 0.1  # step over the spacing from which on rounded coordinates are a lattice
_DENSEST = 1e12
_FARTHEST = 1e60  # whose powers are numbers still


@dataclass(frozen=True, eq=False)
class Window:
    """Where the points of one set lie.

    Attributes
    ----------
    points : (n, d)
    axes : (d, d)
        Principal directions, in columns, the longest first.
    low, high : (d,)
        Extent along them.
    lengths : (d,)
        Sides of a box as large as the convex hull, longest first.
    steps : (d,)
        Steps to which the coordinates are rounded, as pixels or slices; 0 where they are not.
    lattice : bool
        Whether the points lie exactly on a coarse lattice; the steps are 0 then.
    tree : cKDTree
        Of the points.
    """

    points: np.ndarray
    axes: np.ndarray
    low: np.ndarray
    high: np.ndarray
    lengths: np.ndarray
    steps: np.ndarray
    lattice: bool
    tree: cKDTree

    @classmethod
    def of(cls, points: np.ndarray) -> Window:
        """The window of points (n, d)."""
        centred = points - points.mean(0)
        axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1]
        along = points @ axes
        low, high = along.min(0), along.max(0)
        extent = np.maximum(high - low, _THIN * max(float((high - low).max()), 1e-300))
        lengths, steps = extent * _filled(points, extent), np.array([_step(x) for x in points.T])
        lattice = int((steps > _COARSE * _spacing(lengths, len(points))).sum()) >= 2
        return cls(points, axes, low, high, lengths, 0.0 * steps if lattice else steps, lattice, cKDTree(points))

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.points)

    @property
    def spacing(self) -> float:
        """Side of a cube, square or length that holds one point in the mean: the largest, as thin sets are not full."""
        return _spacing(self.lengths, self.n)

    def share(self, radius: np.ndarray) -> np.ndarray:
        """Bound on the share of the window within a radius of a point; a ball is not counted where it leaves a thin window."""
        r = np.minimum(radius, _FARTHEST)
        widened = np.sort(self.steps)[::-1]
        bounds = [np.prod([content ** (1.0 / q) * r + step for step in widened[:q]], axis=0) / np.prod(self.lengths[:q])
                  for q, content in enumerate(_BALLS[: len(self.lengths)], 1)]
        return np.minimum(np.min(bounds, axis=0), 1.0)

    def inside(self, points: np.ndarray, margin: float) -> np.ndarray:
        """Whether points (..., m, d) lie in the window, or less than a margin out of it."""
        along = points @ self.axes
        return ((along > self.low - margin) & (along < self.high + margin)).all(-1)

    def crowding(self, points: np.ndarray) -> np.ndarray:
        """Density at points (m, d) over that of the whole, from the nearest neighbours, and at least 1."""
        if self.n <= _NEIGHBOURS:
            return np.ones(len(points))
        distance = np.asarray(self.tree.query(points, k=_NEIGHBOURS)[0])[:, -1]
        with np.errstate(divide="ignore"):
            return np.clip((_NEIGHBOURS - 1) / (self.n * self.share(distance)), 1.0, _DENSEST)


def _spacing(lengths: np.ndarray, n: int) -> float:
    return float(((np.cumprod(lengths) / n) ** (1.0 / np.arange(1, len(lengths) + 1))).max())


def _step(values: np.ndarray) -> float:
    """The largest step of which all differences (n,) are multiples, by Euclid; 0 if it is less than a 10^5th of their range."""
    extent = float(np.ptp(values))
    gaps = np.diff(np.sort(values))
    step = reduce(lambda a, b: _common(a, b, 1e-7 * extent), gaps[gaps > 1e-7 * extent].tolist(), 0.0)
    return step if step > 1e-5 * extent else 0.0


def _common(a: float, b: float, tolerance: float) -> float:
    """Greatest common divisor of two lengths, to a tolerance."""
    while b > tolerance:
        a, b = b, abs(a - b * round(a / b))
    return a


def _filled(points: np.ndarray, extent: np.ndarray) -> float:
    """Factor on each side of the box that makes it as large as the convex hull; 1 where the hull is flat."""
    try:
        volume = ConvexHull(points).volume
    except (QhullError, ValueError):
        return 1.0
    return float(min(volume / np.prod(extent), 1.0) ** (1.0 / len(extent)))
