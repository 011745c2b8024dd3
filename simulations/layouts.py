"""Where fiducials and targets lie: frozen laws of layouts in 2D and 3D.

Every layout has ``n``, ``dimension`` and ``sample(rng, batch)``, which gives points ``(*batch, n, d)`` in source units. The
default field is the 512 x 512 image of the ICIP 2021 study.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from regerr.errors import InputError
from regerr.linalg import apply
from regerr.noise import check_covariance

from ._checks import (
    Matrix,
    Vector,
    check_count,
    check_dimension,
    check_matrix,
    check_not_negative,
    check_positive,
    check_range,
    check_vector,
)

FIELD = 512.0
GATHERED_SD = math.sqrt(500.0)


@dataclass(frozen=True)
class _Scattered:
    """A number of points about a centre."""

    n: int
    dimension: int = 2
    _: KW_ONLY
    centre: Vector = FIELD / 2

    def __post_init__(self) -> None:
        check_count("n", self.n)
        check_dimension(self.dimension)
        object.__setattr__(self, "centre", check_vector("centre", self.centre, self.dimension))

    def _shape(self, batch: tuple[int, ...]) -> tuple[int, ...]:
        return (*batch, self.n, self.dimension)


@dataclass(frozen=True, kw_only=True)
class Gathered(_Scattered):
    """Gaussian about a centre.

    Parameters
    ----------
    n : int
    dimension : 2 or 3
    sd : float
        S.d. per coordinate, in source units; the ICIP study's sqrt(500) by default.
    covariance : (d, d), optional
        Covariance in squared source units; takes the place of ``sd``.
    centre : float or one per axis
    """

    sd: float = GATHERED_SD
    covariance: Matrix | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive("sd", self.sd)
        if self.covariance is not None:
            matrix = check_matrix("covariance", self.covariance)
            check_covariance("covariance", np.array(matrix))
            if len(matrix) != self.dimension:
                raise InputError(f"covariance is {len(matrix)} x {len(matrix)} in {self.dimension}D: give one row per axis")
            object.__setattr__(self, "covariance", matrix)

    def sample(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> np.ndarray:
        """Points (*batch, n, d)."""
        points = rng.standard_normal(self._shape(batch))
        if self.covariance is None:
            points *= self.sd
        else:
            points = apply(np.linalg.cholesky(np.array(self.covariance)), points)
        points += self.centre
        return points


@dataclass(frozen=True)
class Uniform:
    """Uniform in a square or cube.

    Parameters
    ----------
    n : int
    dimension : 2 or 3
    low, high : float or one per axis
        The sides of the box.
    """

    n: int
    dimension: int = 2
    _: KW_ONLY
    low: Vector = 0.0
    high: Vector = FIELD

    def __post_init__(self) -> None:
        check_count("n", self.n)
        check_dimension(self.dimension)
        _check_box(self, self.dimension)

    def sample(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> np.ndarray:
        """Points (*batch, n, d)."""
        points = rng.random((*batch, self.n, self.dimension))
        points *= np.subtract(self.high, self.low)
        points += self.low
        return points


@dataclass(frozen=True, kw_only=True)
class OneSide(Uniform):
    """Uniform in the part of the box with the smallest x, so that most targets lie outside the fiducials' hull.

    Parameters
    ----------
    share : float
        The part of the box's width that holds all fiducials, above 0 and at most 1.
    """

    share: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        if check_positive("share", self.share) > 1:
            raise InputError(f"share is {self.share:g}: give the part of the field's width that holds fiducials, at most 1")

    def sample(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> np.ndarray:
        """Points (*batch, n, d)."""
        points = super().sample(rng, batch)
        left = np.broadcast_to(self.low, self.dimension)[0]
        points[..., 0] = left + self.share * (points[..., 0] - left)
        return points


@dataclass(frozen=True)
class Grid:
    """A regular grid at the centres of equal cells, x fastest.

    Parameters
    ----------
    shape : tuple of int
        Numbers of points along x, y[, z]; their product is n, their count the dimension.
    low, high : float or one per axis
        The sides of the box that the cells fill.
    jitter : float
        S.d. per coordinate of a Gaussian shift of every point, in source units.
    """

    shape: tuple[int, ...]
    _: KW_ONLY
    low: Vector = 0.0
    high: Vector = FIELD
    jitter: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(check_count("shape", k) for k in self.shape))
        check_dimension(self.dimension)
        check_not_negative("jitter", self.jitter)
        _check_box(self, self.dimension)

    @property
    def n(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return len(self.shape)

    def sample(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> np.ndarray:
        """Points (*batch, n, d)."""
        cells = np.indices(self.shape[::-1]).reshape(self.dimension, self.n)[::-1].T
        nodes = self.low + (cells + 0.5) / self.shape * np.subtract(self.high, self.low)
        return _jittered(rng, nodes, batch, self.jitter)


@dataclass(frozen=True, kw_only=True)
class Ring(_Scattered):
    """Evenly spaced on a circle, turned by a random angle; in 3D the circle lies in the plane of x and y.

    Parameters
    ----------
    radius : float
        In source units.
    jitter : float
        S.d. per coordinate of a Gaussian shift of every point; with 0 a ring in 3D is flat.
    """

    radius: float = 200.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive("radius", self.radius)
        check_not_negative("jitter", self.jitter)

    def sample(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> np.ndarray:
        """Points (*batch, n, d)."""
        angle = 2 * math.pi * (rng.random((*batch, 1)) + np.arange(self.n) / self.n)
        circle = np.zeros(self._shape(batch))
        circle[..., 0], circle[..., 1] = np.cos(angle), np.sin(angle)
        circle *= self.radius
        circle += self.centre
        return _jittered(rng, circle, (), self.jitter)


@dataclass(frozen=True, kw_only=True)
class NearlyCollinear(_Scattered):
    """Uniform along a segment of random direction, Gaussian across it.

    Parameters
    ----------
    length : float
        Length of the segment, in source units.
    width : float
        S.d. per coordinate across it; 0 puts all points on one line.
    """

    length: float = 400.0
    width: float = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive("length", self.length)
        check_not_negative("width", self.width)

    def sample(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> np.ndarray:
        """Points (*batch, n, d)."""
        axis = unit_vectors(rng, (*batch, 1, self.dimension))
        along = self.length * (rng.random((*batch, self.n, 1)) - 0.5)
        across = rng.standard_normal(self._shape(batch))
        across -= np.sum(across * axis, axis=-1, keepdims=True) * axis
        return along * axis + self.width * across + self.centre


@dataclass(frozen=True)
class Fixed:
    """The same points always: measured beads, or targets of interest.

    Parameters
    ----------
    points : (n, d) array
        Kept as nested tuples, so that layouts compare by content.
    """

    points: Any

    def __post_init__(self) -> None:
        rows = check_matrix("points", self.points)
        check_count("the number of points", len(rows))
        check_dimension(len(rows[0]))
        object.__setattr__(self, "points", rows)

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.points)

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return len(self.points[0])

    def sample(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> np.ndarray:
        """Points (*batch, n, d); draws nothing."""
        return _jittered(rng, np.array(self.points), batch, 0.0)


def unit_vectors(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Directions uniform on the circle or sphere, (..., d)."""
    v = rng.standard_normal(shape)
    v /= np.linalg.norm(v, axis=-1, keepdims=True)
    return v


def _check_box(layout: Uniform | Grid, dimension: int) -> None:
    """Both corners as vectors, each side longer than nothing."""
    for name in ("low", "high"):
        object.__setattr__(layout, name, check_vector(name, getattr(layout, name), dimension))
    corners = (np.broadcast_to(v, dimension).tolist() for v in (layout.low, layout.high))
    for axis, low, high in zip("xyz", *corners, strict=False):
        if check_range(f"the box along {axis}", (low, high)) and low == high:
            raise InputError(f"the box along {axis} goes from {low:g} to {high:g}: give a side longer than 0")


def _jittered(rng: np.random.Generator, points: np.ndarray, batch: tuple[int, ...], sd: float) -> np.ndarray:
    """A fresh array (*batch, *points.shape), each point shifted by Gaussian noise; without noise nothing is drawn."""
    shape = (*batch, *points.shape)
    if sd == 0:
        return np.broadcast_to(points, shape).copy()
    return points + sd * rng.standard_normal(shape)
