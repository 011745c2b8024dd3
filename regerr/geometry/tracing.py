"""A grid over a region in its chart, and vertices of its boundary on the edges of that grid.

Rays from the prediction tell how wide the grid must be; it is finest there, so that a far piece does not cost the resolution of
the near one. A vertex is moved along its edge until the excess is 1 (theory, section 19).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .charts import Straight
from .rays import WIDE, Field, Scan, circle, crossing, sphere

_POLISH = 2e-10  # of the root excess
_OPEN = 6.0  # half width of the grid over an unbounded region, in half-axes of the chart
_MARGIN = 0.08  # of the width that rays find
_GROWTH = 0.5
_TRIES = 30
_MOST = 4  # times the cells asked for, where a region is much longer than its Wald ellipsoid
_RAYS, _ORDER = 128, 10


@dataclass(frozen=True, eq=False)
class Grid:
    """Values of a field of one region on a grid in its chart.

    Attributes
    ----------
    field : Field
        Of size 1.
    axes : tuple of (k,)
        Chart coordinates of the nodes.
    values : (k_1, k_2[, k_3])
        The root excess, indexed by the axes in order.
    """

    field: Field
    axes: tuple[np.ndarray, ...]
    values: np.ndarray

    @classmethod
    def around(cls, field: Field, closed: bool, cells: int) -> Grid | None:
        """A grid that holds a bounded region, or the middle of an unbounded one; None where the whole space lies inside.

        Parameters
        ----------
        field : Field
            Of size 1.
        closed : bool
            Whether the region is bounded.
        cells : int
            Per axis; more where the region is far longer than the Wald ellipsoid.
        """
        ends = _ends(field)
        if not ends.shape[1]:
            return None
        grid = cls._over(field, _box(field, ends, closed), closed, cells)
        if field.dimension == 3 and closed and grid._at_limit():
            # a shell around the pole, or the pole inside: no bent chart of space has a grid without a seam there
            points = field.chart.points(ends[:, :, None])[..., 0]
            world = _unbent(field, points)
            u = (points - world.chart.points(np.zeros((3, 1)))) / np.ptp(points)
            return cls._over(world, _box(world, u, closed), closed, 2 * cells)
        return grid

    @classmethod
    def _over(cls, field: Field, box: np.ndarray, closed: bool, cells: int) -> Grid:
        limits = _limits(field)
        for _ in range(_TRIES):
            axes = tuple(_graded(low, high, cells) for low, high in box)
            grid = cls(field, axes, _sampled(field, axes))
            cut = np.array([[grid._reaches(axis, side) for side in (0, -1)] for axis in range(len(box))]) & (box != limits)
            if not (closed and cut.any()):
                break
            width = np.ptp(box, axis=1)[:, None]
            box = np.clip(box + cut * (_GROWTH * width * [-1.0, 1.0]), limits[:, :1], limits[:, 1:])
        return grid

    def _reaches(self, axis: int, side: int) -> bool:
        return bool((np.take(self.values, side, axis) <= 1.0).any())

    def _at_limit(self) -> bool:
        """Whether the region reaches a place where the chart ends."""
        return any(self._reaches(axis, side) for axis in range(len(self.axes)) for side in (0, -1))

    @property
    def levels(self) -> np.ndarray:
        """Numbers whose zero contour bounds the region: none is near zero, so that each vertex lies well within an edge."""
        return np.where(self.values <= 1.0, -1.0, 1.0) * (0.5 + 0.5 * np.minimum(np.abs(self.values - 1.0), 1.0))

    def coordinates(self, vertices: np.ndarray) -> np.ndarray:
        """Chart coordinates (d, k) of vertices (k, d) in grid indices."""
        return np.stack([np.interp(v, np.arange(len(axis)), axis) for v, axis in zip(vertices.T, self.axes, strict=True)])

    def polished(self, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (k, d) of the zero contour of `levels`, in grid indices, moved to where the excess is 1.

        Returns
        -------
        u : (d, k)
            In chart coordinates.
        outward : (d, k)
            The edge from its inner to its outer end.
        """
        start, end, at_start, at_end = self._edges(vertices)
        same = self.field.take(np.zeros(len(vertices), int))
        return start + crossing(same, start, end, at_start, at_end, _POLISH) * (end - start), end - start

    def _edges(self, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Inner and outer end of each vertex' edge; for one within a cell, the innermost and the outermost corner."""
        d = vertices.shape[1]
        whole = np.abs(vertices - np.rint(vertices)) < 1e-3
        low = np.where(whole, np.rint(vertices), np.floor(vertices)).astype(int)
        high = np.where(whole, low, low + 1)
        corners = np.stack([np.where(np.array([(c >> i) & 1 for i in range(d)]), high, low) for c in range(2**d)])
        values = self.values[tuple(np.moveaxis(corners, -1, 0))]
        k = np.arange(len(vertices))
        inner, outer = values.argmin(0), values.argmax(0)
        place = [np.stack([axis[corners[choice, k, i]] for i, axis in enumerate(self.axes)]) for choice in (inner, outer)]
        return place[0], place[1], values[inner, k], values[outer, k]


def _ends(field: Field) -> np.ndarray:
    """Chart coordinates (d, k) where rays from the prediction cross the boundary, or end inside at the end of the chart."""
    directions = circle(_RAYS) if field.dimension == 2 else sphere(_ORDER)[0]
    scan = Scan.of(field, directions[..., None], WIDE).sharpened(field)
    ray, _, s, _ = scan.crossings(field)
    last = np.flatnonzero((scan.values[-1, :, 0] <= 1.0) & (scan.radii[-1, :, 0] < WIDE[-1]))
    return np.concatenate([directions[:, ray] * s, directions[:, last] * scan.radii[-1, last, 0]], 1)


def _box(field: Field, ends: np.ndarray, closed: bool) -> np.ndarray:
    """Lowest and highest coordinate along each axis, (d, 2), alike on both sides of a mirror."""
    if closed:
        low, high = np.minimum(ends.min(1), 0.0), np.maximum(ends.max(1), 0.0)
        box = np.stack([low, high], 1) + _MARGIN * (high - low)[:, None] * [-1.0, 1.0]
    else:
        half = max(_OPEN, 2.0 * float(np.sqrt((ends**2).sum(0)).min()))
        box = np.array([[-half, half]] * len(ends))
    if field.symmetric:
        box[1] = np.abs(box[1]).max() * np.array([-1.0, 1.0])
    limits = _limits(field)
    return np.clip(box, limits[:, :1], limits[:, 1:])


def _limits(field: Field) -> np.ndarray:
    """Where the chart ends along its axes, (d, 2): a bent one at its pole and half a turn away."""
    axes = np.eye(field.dimension)[:, :, None]
    return np.stack([-field.chart.reach(-axes)[:, 0], field.chart.reach(axes)[:, 0]], 1)


def _graded(low: float, high: float, cells: int) -> np.ndarray:
    """Nodes from low to high, even within the Wald ellipsoid and ever wider beyond it."""
    ends = np.arcsinh([low, high])
    count = min(_MOST * cells, round(cells * max(1.0, (ends[1] - ends[0]) / 2.0)))
    nodes = np.sinh(np.linspace(ends[0], ends[1], count + 1))
    nodes[[0, -1]] = low, high
    return np.asarray(nodes)


def _sampled(field: Field, axes: tuple[np.ndarray, ...]) -> np.ndarray:
    """The field on a grid; infinite where a bent chart of space has come round."""
    u = np.stack(np.meshgrid(*axes, indexing="ij"))
    points = u.reshape(len(u), -1, 1)
    values = field(points)[:, 0]
    if len(axes) == 3:
        length = np.sqrt((points**2).sum(0))
        with np.errstate(divide="ignore", invalid="ignore"):
            beyond = length > field.chart.reach(points / length) * (1.0 + 1e-9)
        values = np.where(beyond[:, 0], np.inf, values)
    return values.reshape(u.shape[1:])


def _unbent(field: Field, points: np.ndarray) -> Field:
    """The same region in plain coordinates about the prediction, in units of its width; points (3, k) of its boundary."""
    frame = np.ptp(points) * np.eye(3)[:, :, None]
    return Field(field.region, Straight(field.chart.points(np.zeros((3, 1))), frame))
