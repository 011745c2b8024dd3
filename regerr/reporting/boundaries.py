"""Points all over the boundaries of regions, for how far they reach and what they look like.

In its chart a region is nearly a ball, and how far its boundary lies is a smooth function of the direction: a few rays tell it
all around. Where they do not fit such a function, or may cross more than once, many rays are followed far out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement

import numpy as np

from ..geometry.charts import charts_of
from ..geometry.rays import Field, Scan, circle, crossing, flat, sphere
from ..models.base import mapped
from ..regions import Region

_ROWS = 256  # regions at a time
_NEAR = np.array([0.5, 1.0, 2.0, 4.0])  # in half-axes of the chart
_CLEAR = 1.25  # a root excess that is outside, at the last of these: heavy tails let it rise slowly
_FAR = np.array([0.5, 1.0, 1.5, 2.0, 3.0, 4.5, 7.0, 12.0, 30.0, 100.0, 1e3, 1e5])
_LOOKS = {2: ((20, 6), (60, 20)), 3: ((5, 4), (9, 7))}  # rays, or the order of their rule, and the smooth function's degree
_SMOOTH = 0.01  # largest misfit of a ray, relative
_MET = 1e-4  # of the root excess, where a ray meets the boundary
_WHOLE = {2: 2.0 * np.pi, 3: 4.0 * np.pi}  # angle of all directions
_ALL, _MANY = {2: 256, 3: 1200}, {2: 64, 3: 400}  # directions of a smooth function, and of rays where there is none


@dataclass(frozen=True, eq=False)
class Boundaries:
    """Points of the boundaries of some regions of one dataset.

    Attributes
    ----------
    targets : (N,) of int
        Which regions.
    row : (K,) of int
        Of each point, whose it is among them.
    offsets : (K, d)
        The points about their predictions, target units; of a smooth region in the plane they go round it.
    content : (N,)
        Area or volume of each region, to 1 %; NaN where only points are known.
    smooth : bool
        Whether a smooth function of the direction gave all this.
    """

    targets: np.ndarray
    row: np.ndarray
    offsets: np.ndarray
    content: np.ndarray
    smooth: bool


def boundaries(region: Region, closed: np.ndarray) -> Iterator[Boundaries]:
    """Some regions of one dataset at a time, all those that are more than a point.

    Parameters
    ----------
    region : Region
    closed : (m,) bool
        Which of them are bounded. Of the others there are the ends of long rays too where these are still inside.
    """
    if not np.trace(region.prediction.fit.noise_covariance) > 0:
        return
    for first in range(0, len(closed), _ROWS):
        rows = np.arange(first, min(first + _ROWS, len(closed)))
        part = flat(region, rows)
        for group, chart in charts_of(part):
            field = Field(flat(part, group), chart)
            yield from _around(field, rows[group], closed[rows[group]])


def _around(field: Field, targets: np.ndarray, closed: np.ndarray) -> Iterator[Boundaries]:
    d, rest = field.dimension, np.arange(field.size)
    directions = _directions(d, _ALL)
    for look in _LOOKS[d]:
        if not len(rest):
            return
        coefficients, misfit = _fitted(field.take(rest), *look)
        smooth = closed[rest] & (misfit <= _SMOOTH)
        some = rest[smooth]
        s = _basis(directions, look[1]) @ coefficients[:, smooth]
        part, ways = field.take(some), np.broadcast_to(directions[..., None], (*directions.shape, len(some)))
        row = np.tile(np.arange(len(some)), directions.shape[1])
        content = part.chart.content(ways, s).mean(0) * _WHOLE[d]
        yield Boundaries(targets[some], row, _offsets(part, row, (ways * s).reshape(d, -1)), content, True)
        rest = rest[~smooth]
    if len(rest):
        part = field.take(rest)
        row, u = _followed(part, closed[rest])
        yield Boundaries(targets[rest], row, _offsets(part, row, u), np.full(len(rest), np.nan), False)


def _fitted(field: Field, rays: int, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (B, N) of the distance of the boundary as a function of the direction, and its largest misfit (N,).

    The misfit is infinite where the boundary may be met twice near by, or not at all.
    """
    directions, basis, inverse = _rays(field.dimension, rays, degree)
    scan = Scan.of(field, directions[..., None], _NEAR)
    values = scan.values
    risen = ((values[1:] > values[:-1]).all((0, 1)) & (values[-1] > _CLEAR).all(0)
             & (scan.radii[-1] == _NEAR[-1]).all(0))
    coefficients, misfit = np.zeros((basis.shape[1], field.size)), np.full(field.size, np.inf)
    rows = np.flatnonzero(risen)
    if len(rows):
        s = _met(field, scan, rows)
        coefficients[:, rows] = inverse @ s
        misfit[rows] = (np.abs(basis @ coefficients[:, rows] - s) / s).max(0)
    return coefficients, misfit


def _met(field: Field, scan: Scan, rows: np.ndarray) -> np.ndarray:
    """Where each ray of some regions meets the boundary, (K, R)."""
    values, radii = scan.values[..., rows], scan.radii[..., rows]
    last = (values <= 1.0).sum(0) - 1
    near, far, at_near, at_far = (np.take_along_axis(a, last[None] + step, 0).ravel() for a in (radii, values) for step in (0, 1))
    ray, row = (index.ravel() for index in np.indices(last.shape))
    n = scan.direction[:, ray, rows[row]]
    share = crossing(field.take(rows[row]), near * n, far * n, at_near, at_far, _MET)
    return np.asarray((near + share * (far - near)).reshape(last.shape))


def _followed(field: Field, closed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where many rays cross the boundary, and where those of regions without bounds end inside: whose (K,), and u (d, K)."""
    directions = _directions(field.dimension, _MANY)[..., None]
    scan = Scan.of(field, directions, _FAR)
    ray, row, s, _ = scan.crossings(field)
    way, whose = np.nonzero((scan.values[-1] <= 1.0) & ~closed)
    ray, row, s = np.append(ray, way), np.append(row, whose), np.append(s, scan.radii[-1, way, whose])
    return row, scan.direction[:, ray, row] * s


def _offsets(field: Field, row: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Points u (d, K) of the charts of some regions (K,), about the predictions, (K, d)."""
    points = mapped(field.chart, lambda a: a[..., row]).points(u[:, None])[:, 0]
    return np.asarray(points.T - field.region.prediction.mean[row, 0])


@cache
def _rays(d: int, rays: int, degree: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Directions (d, K), the smooth functions there (K, B), and what takes distances to their coefficients (B, K)."""
    directions = circle(rays) if d == 2 else sphere(rays)[0]
    basis = _basis(directions, degree)
    return directions, basis, np.linalg.pinv(basis)


def _basis(directions: np.ndarray, degree: int) -> np.ndarray:
    """Monomials of a degree and of the one below it, (K, B): on a sphere they are all polynomials up to there."""
    terms = [term for of in (degree, degree - 1) for term in combinations_with_replacement(range(len(directions)), of)]
    return np.stack([directions[list(term)].prod(0) for term in terms], -1)


def _directions(d: int, count: dict[int, int]) -> np.ndarray:
    """Unit vectors (d, K) all around, in a spiral of equal areas in space."""
    k = np.arange(count[d]) + 0.5
    if d == 2:
        angle = 2.0 * np.pi * k / len(k)
        return np.stack([np.cos(angle), np.sin(angle)])
    height, angle = 1.0 - 2.0 * k / len(k), np.pi * (1.0 + 5.0**0.5) * k
    ring = np.sqrt(1.0 - height**2)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), height])
