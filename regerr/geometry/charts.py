"""Coordinates in which a confidence region is nearly a unit ball.

A chart takes coordinates u about the prediction to points of the target space: along the axes of the Wald ellipsoid, and bent
around the image of the fiducials' centroid for models that rotate about it. All arrays are components (d, ..., N), one chart for
each of N regions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np

from ..linalg import cross, determinant, dot, entries, square, times, transpose
from ..methods import parse_method
from ..regions import Ellipsoid, Region

_BENT = 2.0  # distance of the prediction from the centroid, in radial half-axes, from which the chart is bent
_TURN = 1.0  # longest half-axis of a bent chart, radians
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


class Chart(ABC):
    """Coordinates u (d, ..., N) of N regions; u = 0 is the prediction."""

    @abstractmethod
    def points(self, u: np.ndarray) -> np.ndarray:
        """Points of the target space, (d, ..., N)."""

    @abstractmethod
    def density(self, u: np.ndarray) -> np.ndarray:
        """Content of the target space per content of the chart, (..., N)."""

    @abstractmethod
    def reach(self, direction: np.ndarray) -> np.ndarray:
        """How far the chart goes along a direction from u = 0, (..., N); beyond it the points come again."""

    def content(self, direction: np.ndarray, s: np.ndarray) -> np.ndarray:
        """Content of the target space along a ray up to s, per solid angle: the integral of ``t^(d-1) density(t direction)``."""
        t = 0.5 * (1.0 + _NODES).reshape(-1, *(1,) * s.ndim) * s
        values = t ** (len(direction) - 1) * self.density(direction[:, None] * t)
        return np.asarray(0.5 * s * np.tensordot(_WEIGHTS, values, 1))


@dataclass(frozen=True, eq=False)
class Straight(Chart):
    """``centre + frame u``.

    Attributes
    ----------
    centre : (d, N)
    frame : (d, d, N)
    """

    centre: np.ndarray
    frame: np.ndarray

    def points(self, u: np.ndarray) -> np.ndarray:
        return _over(self.centre, u) + times(self.frame, u)

    def density(self, u: np.ndarray) -> np.ndarray:
        return np.abs(determinant(self.frame)) * np.ones(u.shape[1:])

    def reach(self, direction: np.ndarray) -> np.ndarray:
        return np.full(direction.shape[1:], np.inf)


@dataclass(frozen=True, eq=False)
class Bent(Chart):
    """Polar coordinates about a pole: ``r = distance + radial u_0``, and an arc ``tangential u_1..`` in radians across it.

    Attributes
    ----------
    pole : (d, N)
    axes : (d, d, N)
        Orthonormal columns, the first one from the pole to the prediction.
    distance : (N,)
    radial : (N,)
        Half-axis along the first axis, target units.
    tangential : (d - 1, d - 1, N)
        Half-axes across it, radians.
    """

    pole: np.ndarray
    axes: np.ndarray
    distance: np.ndarray
    radial: np.ndarray
    tangential: np.ndarray

    def points(self, u: np.ndarray) -> np.ndarray:
        arc = times(self.tangential, u[1:])
        angle = np.sqrt(square(arc))
        # sin(angle)/angle of the unnormalised sinc
        across = np.sinc(angle / np.pi) * arc
        direction = times(self.axes, np.concatenate([np.cos(angle)[None], across]))
        return _over(self.pole, u) + (self.distance + self.radial * u[0]) * direction

    def density(self, u: np.ndarray) -> np.ndarray:
        d = len(u)
        r = self.distance + self.radial * u[0]
        area = self.tangential[0, 0] if d == 2 else determinant(self.tangential)
        arc = times(self.tangential, u[1:])
        bend = np.sinc(np.sqrt(square(arc)) / np.pi) if d == 3 else 1.0
        return np.asarray(r ** (d - 1) * (self.radial * area) * bend)

    def reach(self, direction: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            around = np.pi / np.sqrt(square(times(self.tangential, direction[1:])))
            inward = self.distance / np.maximum(-self.radial * direction[0], 0.0)
        return np.minimum(around, inward)


def charts_of(region: Region) -> list[tuple[np.ndarray, Chart]]:
    """Charts for N regions of batch shape (N,), one target each: groups of rows, each with one kind of chart."""
    fit, mean, matrix = region.prediction.fit, region.prediction.mean[:, 0], wald_matrix(region)
    if not region.prediction.estimator.polar:
        return [(np.arange(len(mean)), Straight(mean.T, entries(np.linalg.cholesky(matrix))[..., 0]))]
    axes, distance = _axes(mean - fit.y_mean)
    root = np.linalg.cholesky(transpose(axes) @ matrix @ axes)
    bent = distance > _BENT * root[:, 0, 0]
    near, far = np.flatnonzero(~bent), np.flatnonzero(bent)
    charts: list[tuple[np.ndarray, Chart]] = [(near, Straight(mean[near].T, entries((axes @ root)[near])[..., 0]))]
    charts.append((far, _bent(fit.y_mean[far], axes[far], distance[far], root[far])))
    return [(rows, chart) for rows, chart in charts if len(rows)]


def wald_matrix(region: Region) -> np.ndarray:
    """``q C`` of the Wald ellipsoid for each of N regions, (N, d, d); where it is not finite, a multiple of the noise."""
    p = region.prediction
    wald = replace(parse_method("wald"), simultaneous=region.method.simultaneous)
    matrix = Ellipsoid(p, region.level, wald).matrix[:, 0]
    finite = np.isfinite(matrix).all((-2, -1))
    if finite.all():
        return matrix
    divisor = p.estimator.divisor(p.fit.n, p.dimension)
    noise = p.fit.noise_covariance * (4.0 * divisor * wald.law(p.estimator, p.fit.n, p.dimension).threshold(region.level))
    return np.where(finite[:, None, None], matrix, noise)


def _bent(pole: np.ndarray, axes: np.ndarray, distance: np.ndarray, root: np.ndarray) -> Bent:
    tangential = root[:, 1:, 1:] / distance[:, None, None]
    longest = np.sqrt((tangential**2).sum((-2, -1)))
    tangential = tangential * np.minimum(1.0, _TURN / longest)[:, None, None]
    return Bent(pole.T, entries(axes)[..., 0], distance, root[:, 0, 0], entries(tangential)[..., 0])


def _axes(lever: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Right-handed orthonormal axes (N, d, d) in columns, the first along a lever (N, d), and the lever's length."""
    v = lever.T
    distance = np.sqrt(square(v))
    first = np.zeros_like(v)
    first[0] = 1.0
    np.divide(v, distance, out=first, where=distance > 0)
    if len(v) == 2:
        return np.stack([first.T, np.stack([-first[1], first[0]], -1)], -1), distance
    helper = np.zeros_like(v)
    helper[np.abs(first).argmin(0), np.arange(v.shape[1])] = 1.0
    second = cross(helper, first)
    second /= np.sqrt(dot(second, second))
    return np.stack([first.T, second.T, cross(first, second).T], -1), distance


def _over(vector: np.ndarray, u: np.ndarray) -> np.ndarray:
    """(d, N) against (d, ..., N)."""
    return vector.reshape(len(vector), *(1,) * (u.ndim - 2), -1)
