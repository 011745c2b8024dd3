"""Regions of two shapes about predicted points, the same set asked in different ways: balls and ellipsoids.

An infinite size is a region that holds everything, a size of zero holds its centre alone, NaN (a failed dataset) nothing.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import InputError
from ..geometry.contours import Mesh
from ..linalg import determinant, mahalanobis, matrix_components, root, trace


class Shape(ABC):
    """What regions about predicted points share, one for each dataset (...) and target."""

    mean: np.ndarray

    @abstractmethod
    def excess(self, points: Any) -> np.ndarray:
        """Squared distance over that of the boundary, (..., m): at most 1 inside; NaN for a failed dataset.

        Parameters
        ----------
        points : broadcasts against (..., m, d), target units; further leading axes allowed
        """

    @property
    @abstractmethod
    def content(self) -> np.ndarray:
        """Area or volume over that of the unit ball, (..., m)."""

    @abstractmethod
    def halves(self) -> np.ndarray:
        """Maps of the unit ball onto each region, (..., m, d, d)."""

    def contains(self, points: Any) -> np.ndarray:
        """Whether points lie inside, (..., m) bool; a failed dataset contains nothing."""
        return np.asarray(self.excess(points) <= 1.0)

    @property
    def bounded(self) -> np.ndarray:
        """Whether each region is bounded, (..., m) bool."""
        return ~np.isinf(self.content)

    @cached_property
    def volume(self) -> np.ndarray:
        """Area in 2D, volume in 3D, (..., m), target units to that power; infinite where unbounded, NaN for a failed dataset."""
        d = self.mean.shape[-1]
        return math.pi ** (d / 2) / math.gamma(d / 2 + 1) * self.content

    def boundary(self, resolution: int = 64) -> list[Any]:
        """The boundary at each target of one dataset.

        Parameters
        ----------
        resolution : int
            Points along a curve; about twice as many as across a mesh.

        Returns
        -------
        list of m items
            In 2D a list of one closed curve (resolution + 1, 2), counter-clockwise; in 3D a `Mesh` of `regerr.geometry.contours`.
            Nothing where the region is unbounded, or of a failed dataset.

        Raises
        ------
        InputError
            For a batch.
        """
        if self.mean.ndim != 2:
            raise InputError(f"a boundary is drawn for one dataset, and these predictions have shape {self.mean.shape}: "
                             "predict from result[i]")
        halves = self.halves()
        drawn = np.isfinite(halves).all((-2, -1)) & np.isfinite(self.mean).all(-1)
        draw = _curve if self.mean.shape[-1] == 2 else _mesh
        return [draw(centre, half, bool(there), resolution) for centre, half, there in
                zip(self.mean, halves, drawn, strict=True)]


@dataclass(frozen=True, eq=False)
class Balls(Shape):
    """Disks in the plane, balls in space.

    Attributes
    ----------
    mean : (..., m, d)
        Predicted points.
    radius : (..., m) or (..., 1)
        Target units.
    """

    mean: np.ndarray
    radius: np.ndarray

    def excess(self, points: Any) -> np.ndarray:
        e = np.asarray(points, float) - self.mean
        return _over(np.einsum("...d,...d->...", e, e), self.radius**2)

    @property
    def content(self) -> np.ndarray:
        return np.broadcast_to(self.radius ** self.mean.shape[-1], self.mean.shape[:-1])

    def halves(self) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # infinity times an entry of zero
            return np.broadcast_to(self.radius, self.mean.shape[:-1])[..., None, None] * np.eye(self.mean.shape[-1])


@dataclass(frozen=True, eq=False)
class Ellipsoids(Shape):
    """Ellipses in the plane, ellipsoids in space: ``e' M^-1 e <= 1`` about the predicted points.

    Attributes
    ----------
    mean : (..., m, d)
        Predicted points.
    matrix : (..., m, d, d)
        Symmetric M, squared target units; all of it infinite on the diagonal where unbounded.
    """

    mean: np.ndarray
    matrix: np.ndarray

    def excess(self, points: Any) -> np.ndarray:
        e = np.asarray(points, float) - self.mean
        matrix, size = self.matrix, trace(self.matrix)
        regular = (size > 0) & (size < np.inf)
        inside = mahalanobis(matrix_components(np.where(regular[..., None, None], matrix, np.eye(e.shape[-1]))),
                             np.moveaxis(e, -1, 0))
        return np.where(regular, inside, _over(np.einsum("...d,...d->...", e, e), size))

    @property
    def content(self) -> np.ndarray:
        size = trace(self.matrix)
        finite = np.where(np.isinf(size)[..., None, None], 0.0, self.matrix)
        content = np.where(np.isinf(size), np.inf, np.sqrt(np.maximum(determinant(matrix_components(finite)), 0.0)))
        return np.broadcast_to(content, self.mean.shape[:-1])

    def halves(self) -> np.ndarray:
        d = self.mean.shape[-1]
        return np.broadcast_to(root(self.matrix), (*self.mean.shape, d))


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """``part / whole``: 0 where nothing is divided by nothing, or anything by infinity."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((part == 0) & (whole == 0), 0.0, part / whole)


def _curve(centre: np.ndarray, half: np.ndarray, there: bool, resolution: int) -> list[np.ndarray]:
    if not there:
        return []
    angle = np.linspace(0.0, 2.0 * math.pi, resolution + 1)
    circle = np.stack([np.cos(angle), np.sin(angle)], -1)
    circle[-1] = circle[0]
    turned = circle if np.linalg.det(half) >= 0 else circle[::-1]
    return [centre + turned @ half.T]


def _mesh(centre: np.ndarray, half: np.ndarray, there: bool, resolution: int) -> Mesh:
    if not there:
        return Mesh(np.empty((0, 3)), np.empty((0, 3), int))
    vertices, faces = _sphere(resolution)
    return Mesh(centre + vertices @ half.T, faces if np.linalg.det(half) >= 0 else faces[:, ::-1])


def _sphere(resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """Evenly spread points on the unit sphere (about resolution^2 / 4) and the outward faces of their hull."""
    from scipy.spatial import ConvexHull

    k = max(resolution**2 // 4, 12)
    height = 1.0 - (2.0 * np.arange(k) + 1.0) / k
    angle = math.pi * (1.0 + math.sqrt(5.0)) * np.arange(k)
    across = np.sqrt(1.0 - height**2)
    points = np.stack([across * np.cos(angle), across * np.sin(angle), height], -1)
    faces = ConvexHull(points).simplices.astype(int)
    a, b, c = np.moveaxis(points[faces], 1, 0)
    inward = np.einsum("fd,fd->f", np.cross(b - a, c - a), a) < 0
    return points, np.where(inward[:, None], faces[:, ::-1], faces)
