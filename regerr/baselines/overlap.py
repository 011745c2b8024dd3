"""Points that lie in at least so many of n balls: the region of the jackknife+.

Along a ray each ball is an interval, so how many of them hold a point is a count of ends passed, and the content of the region
is a sum of closed forms over the intervals of a ray and a rule over the directions of rays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import InputError
from ..geometry.contours import Mesh
from ..geometry.rays import circle, sphere
from .refits import portions
from .shapes import Balls

_RAYS, _ORDER = 96, 12


@dataclass(frozen=True, eq=False)
class Overlap:
    """Regions that at least ``least`` of n balls share, one for each dataset and target.

    Attributes
    ----------
    mean : (..., m, d)
        Predicted points, near the centres.
    centres : (..., n, m, d)
    radii : (..., n)
        Target units; infinite for a ball that holds everything, whatever its centre; NaN for a failed dataset.
    least : int
        0 for a region that holds everything.
    """

    mean: np.ndarray
    centres: np.ndarray
    radii: np.ndarray
    least: int

    def excess(self, points: Any) -> np.ndarray:
        """The least-th smallest of squared distances over squared radii, (..., m): at most 1 inside; NaN for a failed dataset.

        Parameters
        ----------
        points : broadcasts against (..., m, d), target units; further leading axes allowed
        """
        *batch, m, d = self.mean.shape
        y = np.asarray(points, float)
        y = np.broadcast_to(y, np.broadcast_shapes(y.shape, self.mean.shape))
        extra = y.shape[:y.ndim - self.mean.ndim]
        y = y.reshape(-1, math.prod(batch), m, d)
        centres, radii = self._flat()
        parts = [self._excess(y[:, some, None], centres[some], radii[some])
                 for some in portions(len(radii), y[:, 0].size * radii.shape[1])]
        return np.concatenate(parts, axis=1).reshape(*extra, *batch, m)

    def _excess(self, y: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
        """For points (k, b, 1, m, d), (k, b, m)."""
        failed = np.isnan(radii).any(-1)[:, None]
        if self.least == 0:
            return np.where(failed, np.nan, np.zeros(y[:, :, 0].shape[:-1]))
        e = y - centres
        distance = np.einsum("...d,...d->...", e, e)
        whole = radii[..., None] ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where(np.isinf(whole) | ((distance == 0) & (whole == 0)), 0.0, distance / whole)
        return np.where(failed, np.nan, np.partition(ratio, self.least - 1, axis=2)[:, :, self.least - 1])

    def contains(self, points: Any) -> np.ndarray:
        """Whether points lie inside, (..., m) bool; a failed dataset contains nothing."""
        return np.asarray(self.excess(points) <= 1.0)

    @property
    def bounded(self) -> np.ndarray:
        """Whether each region is bounded, (..., m) bool."""
        return np.broadcast_to((np.isinf(self.radii).sum(-1) < self.least)[..., None], self.mean.shape[:-1])

    @cached_property
    def volume(self) -> np.ndarray:
        """Area in 2D, volume in 3D, (..., m), target units to that power; infinite where unbounded, NaN for a failed dataset."""
        *batch, m, d = self.mean.shape
        directions, weights = (circle(_RAYS), np.full(_RAYS, 2.0 * math.pi / _RAYS)) if d == 2 else sphere(_ORDER)
        offsets, radii = self._flat()
        offsets = offsets - self.mean.reshape(-1, 1, m, d)
        numbers = 2 * len(weights) * radii.shape[1] * m
        parts = [self._along(offsets[some], radii[some], directions) for some in portions(len(radii), numbers)]
        content = [np.where(held, np.diff(ends**d / d, axis=-1), 0.0).sum(-1) @ weights for ends, held in parts]
        failed = np.isnan(self.radii).any(-1)[..., None]
        out = np.concatenate(content).reshape(*batch, m)
        return np.where(failed, np.nan, np.where(self.bounded, out, np.inf))

    def boundary(self, resolution: int = 64) -> list[Any]:
        """The outermost boundary along rays from each prediction of one dataset, as `Balls.boundary` gives it.

        Raises
        ------
        InputError
            For a batch.
        """
        if self.mean.ndim != 2:
            raise InputError(f"a boundary is drawn for one dataset, and these predictions have shape {self.mean.shape}: "
                             "predict from result[i]")
        d = self.mean.shape[-1]
        (unit,) = Balls(np.zeros((1, d)), np.ones(1)).boundary(resolution)
        vertices = unit[0] if d == 2 else unit.vertices
        radii = np.where(self.bounded[:, None], self._reach(vertices.T), np.nan)
        shapes = [centre + r[:, None] * vertices for centre, r in zip(self.mean, radii, strict=True)]
        drawn = [bool(np.isfinite(shape).all()) for shape in shapes]
        if d == 2:
            return [[shape] if there else [] for shape, there in zip(shapes, drawn, strict=True)]
        return [Mesh(shape, unit.faces) if there else Mesh(np.empty((0, 3)), np.empty((0, 3), int))
                for shape, there in zip(shapes, drawn, strict=True)]

    def _reach(self, directions: np.ndarray) -> np.ndarray:
        """How far from the prediction of one dataset the region goes along directions (d, K): (m, K)."""
        ends, held = self._along(self.centres[None] - self.mean, self.radii[None], directions)
        return np.where(held, ends[..., 1:], 0.0).max(-1)[0]

    def _flat(self) -> tuple[np.ndarray, np.ndarray]:
        """Centres (b, n, m, d) and radii (b, n), of balls that hold nothing or everything at the prediction."""
        n = self.radii.shape[-1]
        centres = np.where(np.isfinite(self.centres), self.centres, self.mean[..., None, :, :])
        return centres.reshape(-1, n, *self.mean.shape[-2:]), self.radii.reshape(-1, n)

    def _along(self, offsets: np.ndarray, radii: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends of the balls' intervals on each ray from 0, ascending (b, m, K, 2n + 1), and whether enough hold what is between.

        Parameters
        ----------
        offsets : (b, n, m, d)
            Centres from the prediction.
        radii : (b, n)
        directions : (d, K)
        """
        size = np.where(np.isfinite(radii), radii, 0.0)[..., None, None]
        along = offsets @ directions
        root = np.sqrt(np.maximum(size**2 - np.einsum("...d,...d->...", offsets, offsets)[..., None] + along**2, 0.0))
        ends = np.moveaxis(np.concatenate([np.maximum(along - root, 0.0), np.maximum(along + root, 0.0)], axis=1), 1, -1)
        step = np.repeat([1, -1], radii.shape[1])
        order = np.argsort(ends, axis=-1, kind="stable")
        count = np.cumsum(step[order], axis=-1)
        wanted = self.least - np.isinf(radii).sum(-1)[:, None, None, None]
        ends = np.take_along_axis(ends, order, -1)
        return ends, count[..., :-1] >= np.maximum(wanted, 1)
