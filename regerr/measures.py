"""Whether implicit regions are bounded, and how much they hold.

All regions of a batch are measured together, flat (`regerr.rays`), in charts in which they are nearly balls (`regerr.charts`): the
content is an integral over directions of what rays from the predictions find.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .charts import Straight, charts_of, wald_matrix
from .linalg import entries, square
from .rays import Field, Scan, flat
from .regions import Region

_ROWS = 1024  # regions measured at a time
_SAMPLES = 2_000_000  # numbers of one scan
_FAR = 1e5  # times the distances involved: the statistics have settled there to some parts in a million
_DOUBT = 1.3  # a root excess between directions may be as much lower as this
_NEAR = np.array([1.0, 2.0, 4.0])
_WIDE = np.concatenate([np.arange(0.125, 4.0, 0.125), np.geomspace(4.0, 40.0, 18), [100.0, 300.0, 1e3, 1e4, 1e5]])
_TOLERANCE = 5e-4  # relative, of an area
_DEPTH = 14  # halvings of a panel
_SPHERES = {True: (5, 7, 12, 20, 32), False: (12, 18, 27, 40)}  # orders of the rules on the sphere, for tame regions and others
_TOLERANCE_3D = 4e-3


def bounded(region: Region) -> np.ndarray:
    """Whether each region is bounded, (..., m) bool; that of a failed dataset, or of an exact fit, counts as bounded.

    A region is unbounded when in some direction the statistic stays below its threshold for ever (theory, section 10): under noise in
    both spaces a new pair pulls the fit only so far.
    """
    return _by_parts(region, _bounded, bool)


def volume(region: Region) -> np.ndarray:
    """Area in 2D, volume in 3D, (..., m), target units to that power; areas right to 1e-3, volumes to 1e-2.

    Infinite where unbounded, NaN for a failed dataset, 0 where the region is one point.
    """
    return _by_parts(region, _volume, float)


def _by_parts(region: Region, function: Callable[[Region], np.ndarray], dtype: type) -> np.ndarray:
    p = region.prediction
    shape = (*p.fit.batch_shape, p.targets.shape[-2])
    rows = np.arange(int(np.prod(shape)))
    out = np.empty(len(rows), dtype)
    for i in range(0, len(rows), _ROWS):
        part = rows[i:i + _ROWS]
        out[part] = function(flat(region, part))
    return out.reshape(shape)


def _bounded(region: Region) -> np.ndarray:
    out = np.ones(len(region.prediction.targets), bool)
    rows = _extended(region)
    if len(rows):
        out[rows] = _closes(flat(region, rows))
    return out


def _volume(region: Region) -> np.ndarray:
    out = np.where(region.prediction.fit.failure > 0, np.nan, 0.0)
    rows = _extended(region)
    if len(rows):
        closed = _closes(flat(region, rows))
        out[rows[~closed]] = np.inf
        rows = rows[closed]
    if len(rows):
        kept = flat(region, rows)
        for group, chart in charts_of(kept):
            field = Field(flat(kept, group), chart)
            out[rows[group]] = _area(field) if kept.prediction.dimension == 2 else _content(field)
    return out


def _extended(region: Region) -> np.ndarray:
    """Rows whose region is more than a point."""
    fit = region.prediction.fit
    return np.flatnonzero((fit.failure == 0) & (np.einsum("nii->n", fit.noise_covariance) > 0))


def _closes(region: Region) -> np.ndarray:
    """Whether the statistic exceeds its threshold far out in all directions, (N,).

    Both statistics are even there, so half of the directions suffice; those along which the Wald ellipsoid is long come denser.
    """
    p = region.prediction
    frame = np.linalg.cholesky(wald_matrix(region))
    size, lever = np.linalg.norm(frame, axis=(-2, -1)), np.linalg.norm(p.mean[:, 0] - p.fit.y_mean, axis=-1)
    far = entries(frame * (_FAR * (lever / size + 1.0))[:, None, None])[..., 0]
    field = Field(region, Straight(p.fit.y_mean.T, far))
    directions = _half_circle(48) if p.dimension == 2 else _half_sphere(300)
    values = field(np.broadcast_to(directions[..., None], (*directions.shape, field.size)))
    lowest = values.min(0)
    doubtful = np.flatnonzero((lowest > 1.0) & (lowest < _DOUBT))
    if len(doubtful):
        lowest[doubtful] = _lowest(field.take(doubtful), directions, values[:, doubtful])
    return np.asarray(lowest > 1.0)


def _lowest(field: Field, directions: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Smallest value over all directions (N,), by a pattern search from the lowest of those sampled, (d, K) and (K, N)."""
    d, k = directions.shape
    cosine = np.abs(directions.T @ directions)
    step = 1.0 / k if d == 2 else 1.0 / np.sqrt(k)
    beside = cosine > np.cos(6.0 * step)
    valley = np.array([(values[i] <= values[beside[i]]).all(0) for i in range(k)])
    starts = np.argsort(np.where(valley, values, np.inf), 0)[:4]
    n, best = directions[:, starts], np.take_along_axis(values, starts, 0)
    moves = np.concatenate([np.eye(d), -np.eye(d)]).T[:, :, None, None]
    for halving in range(8):
        trial = n[:, None] + 4.0 * step * 0.5**halving * moves
        trial = trial / np.sqrt(square(trial))
        found = field(trial.reshape(d, -1, field.size)).reshape(trial.shape[1:])
        chosen = found.argmin(0)[None]
        better = np.take_along_axis(found, chosen, 0)[0]
        n = np.where(better < best, np.take_along_axis(trial, chosen[None], 1)[:, 0], n)
        best = np.minimum(better, best)
    return np.asarray(best.min(0))


def _half_circle(k: int) -> np.ndarray:
    angle = (np.arange(k) + 0.5) * (np.pi / k)
    return np.stack([np.cos(angle), np.sin(angle)])


def _half_sphere(k: int) -> np.ndarray:
    """A spiral of equal areas."""
    z = (np.arange(k) + 0.5) / k
    angle, r = np.pi * (1.0 + np.sqrt(5.0)) * np.arange(k), np.sqrt(1.0 - z * z)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z])


def _area(field: Field) -> np.ndarray:
    out = np.empty(field.size)
    scan = _scan(field, 16, _NEAR)
    tame = _tame(scan.values)
    for rows in (np.flatnonzero(tame), np.flatnonzero(~tame)):
        if not len(rows):
            continue
        part = field.take(rows)
        if tame[rows[0]]:
            out[rows] = _around(part, scan.take(rows), _NEAR)
        else:
            out[rows] = _around(part, _scan(part, 96, _WIDE), _WIDE)
    return out


def _tame(values: np.ndarray) -> np.ndarray:
    """Whether sampled rays (S, K, N) grow as those of an ellipse do, (N,): no second piece is near, no direction nearly open."""
    one, two, four = values[1:]
    return np.asarray(((one > 0.75) & (one < 1.3) & (two > 1.4) & (four > 1.9) & (four > two)).all(0))


def _scan(field: Field, panels: int, radii: np.ndarray) -> Scan:
    """Rays at equal angles over the circle, or over its half and both ends where that says all."""
    angle = np.arange(panels) * (2.0 * np.pi / panels)
    if field.symmetric:
        angle = angle[:panels // 2 + 1]
    return Scan.of(field, np.stack([np.cos(angle), np.sin(angle)])[..., None], radii)


def _around(field: Field, scan: Scan, radii: np.ndarray) -> np.ndarray:
    """Integral over the angle: equal steps, which suit a smooth periodic function best, and panels where they do not settle."""
    values = scan.contents(field)
    if not field.symmetric:
        values = np.concatenate([values, values[:1]])
    turn = np.pi if field.symmetric else 2.0 * np.pi
    total = _trapezoid(values, turn)
    with np.errstate(invalid="ignore"):
        rough = np.flatnonzero(np.isfinite(total) & (np.abs(total - _trapezoid(values[::2], turn)) > _TOLERANCE * total))
    if len(rough):
        total[rough] = _by_panels(field.take(rough), values[:, rough], turn, radii)
    return total * (2.0 if field.symmetric else 1.0)


def _trapezoid(values: np.ndarray, turn: float) -> np.ndarray:
    return np.asarray((values.sum(0) - 0.5 * (values[0] + values[-1])) * (turn / (len(values) - 1)))


def _by_panels(field: Field, values: np.ndarray, turn: float, radii: np.ndarray) -> np.ndarray:
    """Adaptive Simpson rule over panels of the angle, all regions at once; values (2 P + 1, N) at equal steps to start from."""
    panels, size = (len(values) - 1) // 2, values.shape[1]
    width = turn / panels
    row = np.tile(np.arange(size), panels)
    left = np.repeat(np.arange(panels) * width, size)
    first, middle, last = (values[i:i + 2 * panels:2].ravel() for i in (0, 1, 2))
    done = np.zeros(size)
    for depth in range(_DEPTH):
        angle = left + width * np.array([[0.25], [0.75]])
        rays = Scan.of(field.take(row), np.stack([np.cos(angle), np.sin(angle)]), radii)
        lower, upper = rays.contents(field.take(row))
        whole = width / 6.0 * (first + 4.0 * middle + last)
        halves = width / 12.0 * (first + 4.0 * (lower + upper) + 2.0 * middle + last)
        total = done + np.bincount(row, halves, size)
        with np.errstate(invalid="ignore"):
            rough = (np.abs(halves - whole) > 0.25 * _TOLERANCE * total[row]) & np.isfinite(total[row])
        if not rough.any() or depth == _DEPTH - 1:
            return np.asarray(total)
        done += np.bincount(row[~rough], halves[~rough], size)
        row, left = np.tile(row[rough], 2), np.concatenate([left[rough], left[rough] + 0.5 * width])
        first, last = np.concatenate([first[rough], middle[rough]]), np.concatenate([middle[rough], last[rough]])
        middle, width = np.concatenate([lower[rough], upper[rough]]), 0.5 * width
    return done


def _content(field: Field) -> np.ndarray:
    out = np.empty(field.size)
    directions, _ = _sphere(5)
    tame = _tame(Scan.of(field, directions[..., None], _NEAR).values)
    for kind in (True, False):
        rows = np.flatnonzero(tame == kind)
        if len(rows):
            out[rows] = _over_sphere(field.take(rows), _SPHERES[kind], _NEAR if kind else _WIDE)
    return out


def _over_sphere(field: Field, orders: tuple[int, ...], radii: np.ndarray) -> np.ndarray:
    """Integral over the sphere by product rules of rising order, until two agree."""
    out, rows = np.full(field.size, np.nan), np.arange(field.size)
    for order in orders:
        found = _on_sphere(field.take(rows), order, radii)
        settled = ~(np.abs(found - out[rows]) > _TOLERANCE_3D * found) & ~np.isnan(out[rows])
        out[rows] = found
        rows = rows[~settled & np.isfinite(found)]
        if not len(rows):
            break
    return out


def _on_sphere(field: Field, order: int, radii: np.ndarray) -> np.ndarray:
    directions, weights = _sphere(order)
    step = max(1, _SAMPLES // (len(weights) * len(radii)))
    out = np.empty(field.size)
    for i in range(0, field.size, step):
        rows = np.arange(i, min(i + step, field.size))
        part = field.take(rows)
        out[rows] = weights @ Scan.of(part, directions[..., None], radii).contents(part)
    return out


def _sphere(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions (3, 2 order^2) and weights: Gauss along the axis, equal steps around it."""
    z, weight = np.polynomial.legendre.leggauss(order)
    angle = (np.arange(2 * order) + 0.5) * (np.pi / order)
    r = np.sqrt(1.0 - z * z)[:, None]
    directions = np.stack([r * np.cos(angle), r * np.sin(angle), z[:, None] + 0.0 * angle])
    return directions.reshape(3, -1), np.repeat(weight * (np.pi / order), 2 * order)
