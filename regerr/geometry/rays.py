"""Where rays from the predictions cross the boundaries of their regions.

The square root of a region's excess is nearly linear along a ray, so a few secant steps find a crossing. Rays are sampled first,
so that all pieces of a region are found. Regions are handled *flat*: N regions, each a dataset of its own with one target.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..models.base import mapped
from ..predictions import Prediction
from ..regions import Region
from .charts import Chart

# radii dense enough for holes and second pieces, out to where the statistics settle
WIDE = np.concatenate([np.arange(0.125, 4.0, 0.125), np.geomspace(4.0, 40.0, 18), [100.0, 300.0, 1e3, 1e4, 1e5]])
_ROWS = 1024  # regions at a time
_CAP = 8.0  # larger root excesses tell a secant step nothing
_CLOSE = 0.4  # a root excess this near 1 may hide a crossing between samples
_STEPS = 80


def flat(region: Region, rows: np.ndarray) -> Region:
    """Some regions of a batch as one of batch shape (N,) with one target each; rows (N,) count datasets first, then targets."""
    p = region.prediction
    batch, (m, d) = p.fit.batch_shape, p.targets.shape[-2:]
    dataset, target = np.divmod(rows, m)
    fit = mapped(p.fit, lambda a: a.reshape((math.prod(batch), *a.shape[len(batch):]))[dataset])
    points = p.targets[target] if p.targets.ndim == 2 else p.targets.reshape(-1, m, d)[dataset, target]
    localised = None if p.localised is None else p.localised.flat(batch).each(dataset, target)
    prediction = Prediction(p.estimator, fit, points[:, None], p.kind, p.unit, localised)
    return Region(prediction, region.level, region.method)


def by_parts(region: Region, function: Callable[[Region], np.ndarray], dtype: type) -> np.ndarray:
    """A function of flat regions (N,) at each dataset and target of a batch, (..., m)."""
    p = region.prediction
    shape = (*p.fit.batch_shape, p.targets.shape[-2])
    rows = np.arange(math.prod(shape))
    out: np.ndarray = np.empty(len(rows), dtype)
    for i in range(0, len(rows), _ROWS):
        out[i:i + _ROWS] = function(flat(region, rows[i:i + _ROWS]))
    return out.reshape(shape)


def extended(region: Region) -> np.ndarray:
    """Rows of the flat regions that are more than a point: neither failed nor of an exact fit."""
    fit = region.prediction.fit
    return np.flatnonzero((fit.failure == 0) & (np.einsum("nii->n", fit.noise_covariance) > 0))


@dataclass(frozen=True, eq=False)
class Field:
    """The square root of the excess of N flat regions in their charts."""

    region: Region
    chart: Chart

    def __call__(self, u: np.ndarray) -> np.ndarray:
        """At u (d, k, N): (k, N), 0 at the prediction, 1 on the boundary, infinite where it is no number."""
        excess = self.region.excess(np.moveaxis(self.chart.points(u), 0, -1)[:, :, None])[..., 0]
        return np.sqrt(np.where(np.isnan(excess), np.inf, np.maximum(excess, 0.0)))

    def take(self, rows: np.ndarray) -> Field:
        """Some of the regions, or the same ones many times."""
        return Field(flat(self.region, rows), mapped(self.chart, lambda a: a[..., rows]))

    @property
    def symmetric(self) -> bool:
        """Whether u_1 and -u_1 are alike: rotations in the plane under equal Gaussian noise (theory, section 19)."""
        p = self.region.prediction
        alike = p.estimator.noise.shape == "isotropic" and p.estimator.noise.tails is None
        return p.estimator.polar and alike and p.dimension == 2 and self.region.method.even

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return self.region.prediction.dimension

    @property
    def size(self) -> int:
        """N."""
        return len(self.region.prediction.targets)


@dataclass(frozen=True, eq=False)
class Scan:
    """Samples along rays from the predictions.

    Attributes
    ----------
    direction : (d, K, N)
    radii : (S, K, N)
        Ascending from 0; cut at the reach of the chart.
    values : (S, K, N)
        The field there.
    """

    direction: np.ndarray
    radii: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, field: Field, direction: np.ndarray, radii: np.ndarray) -> Scan:
        """Sample a field at radii (S,), 0 not among them."""
        direction = np.broadcast_to(direction, (*direction.shape[:2], field.size))
        s = np.minimum(radii[:, None, None], field.chart.reach(direction))
        u = direction[:, None] * s
        values = field(u.reshape(len(u), -1, field.size)).reshape(s.shape)
        zero = np.zeros((1, *s.shape[1:]))
        return cls(direction, np.concatenate([zero, s]), np.concatenate([zero, values]))

    def take(self, rows: np.ndarray) -> Scan:
        """The rays of some regions."""
        return mapped(self, lambda a: a[..., rows])

    def sharpened(self, field: Field) -> Scan:
        """The same scan; samples that turn back just before the boundary have moved to where a parabola turns.

        So no thin piece or gap slips through between two samples.
        """
        radii, values = self.radii.copy(), self.values.copy()
        for _ in range(2):
            gap = np.abs(np.minimum(values, _CAP) - 1.0)
            side = values <= 1.0
            turning = (side[:-2] == side[1:-1]) & (side[2:] == side[1:-1]) & (gap[1:-1] < _CLOSE)
            turning &= (gap[1:-1] <= gap[:-2]) & (gap[1:-1] <= gap[2:]) & (radii[2:] > radii[1:-1])
            j, ray, row = np.nonzero(turning)
            if not len(j):
                break
            s = _vertex(radii[j, ray, row], radii[j + 1, ray, row], radii[j + 2, ray, row],
                        gap[j, ray, row], gap[j + 1, ray, row], gap[j + 2, ray, row])
            value = field.take(row)((s * self.direction[:, ray, row])[:, None])[0]
            sense = np.where(side[j + 1, ray, row], 1.0, -1.0)
            better = np.flatnonzero(sense * value > sense * values[j + 1, ray, row])
            at = j[better] + 1, ray[better], row[better]
            radii[at], values[at] = s[better], value[better]
        return Scan(self.direction, radii, values)

    def crossings(self, field: Field) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """All crossings found, M of them: ray (M,), region (M,), radius (M,), and +1 on the way out or -1 on the way in."""
        inside = self.values <= 1.0
        j, ray, row = np.nonzero(inside[1:] != inside[:-1])
        near, far = self.radii[j, ray, row], self.radii[j + 1, ray, row]
        n = self.direction[:, ray, row]
        share = crossing(field.take(row), near * n, far * n, self.values[j, ray, row], self.values[j + 1, ray, row])
        return ray, row, near + share * (far - near), np.where(inside[j, ray, row], 1.0, -1.0)

    def contents(self, field: Field) -> np.ndarray:
        """Content of the regions along each ray per solid angle, (K, N); infinite if a ray never leaves."""
        ray, row, s, sign = self.crossings(field)
        signed = sign * mapped(field.chart, lambda a: a[..., row]).content(self.direction[:, ray, row], s)
        shape = self.values.shape[1:]
        total = np.bincount(ray * shape[1] + row, signed, math.prod(shape)).reshape(shape)
        last = self.radii[-1]
        ends = field.chart.content(self.direction, last)
        through = np.where(last < field.chart.reach(self.direction), np.inf, ends)
        return total + np.where(self.values[-1] <= 1.0, through, 0.0)


def _vertex(a: np.ndarray, b: np.ndarray, c: np.ndarray, fa: np.ndarray, fb: np.ndarray, fc: np.ndarray) -> np.ndarray:
    """Where the parabola through three points turns, kept between the outer two; the middle one where there is none."""
    left, right = (b - a) * (fc - fb), (c - b) * (fa - fb)
    with np.errstate(divide="ignore", invalid="ignore"):
        turn = b + 0.5 * ((c - b) * right - (b - a) * left) / (left + right)
    return np.asarray(np.where(np.isfinite(turn), np.clip(turn, a, c), b))


def crossing(field: Field, start: np.ndarray, end: np.ndarray, at_start: np.ndarray, at_end: np.ndarray,
             tolerance: float = 1e-6) -> np.ndarray:
    """Share of the way from start to end (d, M) at which the field is 1, (M,), to that tolerance in the field.

    ``at_start`` and ``at_end`` (M,) are the field's values there, on different sides of 1. Secants in a bracket whose kept end is
    weighted down (Anderson & Bjorck 1973).
    """
    share, todo, way = np.ones(len(at_start)), np.arange(len(at_start)), end - start
    a, b = np.zeros(len(share)), np.ones(len(share))
    fa, fb = np.minimum(at_start, _CAP) - 1.0, np.minimum(at_end, _CAP) - 1.0
    for step in range(_STEPS):
        if not len(todo):
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            c = b - fb * (b - a) / (fb - fa)
        # a bisection now and then keeps the bracket shrinking, whatever the field does
        c = np.where(np.isfinite(c) & (step % 6 != 5), c, 0.5 * (a + b))
        fc = np.minimum(field((start + c * way)[:, None])[0], _CAP) - 1.0
        share[todo] = c
        turned = (fc <= 0) != (fb <= 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            weight = 1.0 - fc / fb
        kept = fa * np.where(weight > 0, weight, 0.5)
        a, fa, b, fb = np.where(turned, b, a), np.where(turned, fb, kept), c, fc
        go = (np.abs(fc) > tolerance) & (np.abs(b - a) > 4e-16)
        if not go.all():
            rows = np.flatnonzero(go)
            todo, a, b, fa, fb, start, way = todo[rows], a[rows], b[rows], fa[rows], fb[rows], start[:, rows], way[:, rows]
            field = field.take(rows)
    return share


def circle(k: int) -> np.ndarray:
    """Directions at equal angles from 0, (2, k)."""
    angle = np.arange(k) * (2.0 * np.pi / k)
    return np.stack([np.cos(angle), np.sin(angle)])


def sphere(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions (3, 2 order^2) and weights: Gauss along the axis, equal steps around it."""
    z, weight = np.polynomial.legendre.leggauss(order)
    angle = (np.arange(2 * order) + 0.5) * (np.pi / order)
    r = np.sqrt(1.0 - z * z)[:, None]
    directions = np.stack([r * np.cos(angle), r * np.sin(angle), z[:, None] + 0.0 * angle])
    return directions.reshape(3, -1), np.repeat(weight * (np.pi / order), 2 * order)
