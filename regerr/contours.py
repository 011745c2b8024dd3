"""Boundaries of confidence regions: closed curves in the plane, meshes in space.

The boundary is the contour of the excess at 1 on a grid in the chart of the region (`regerr.charts`), each vertex moved along
its grid edge until the excess is 1 (theory, section 19). So pieces, holes and rings come out as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .charts import charts_of
from .errors import Failure, InputError, MissingExtraError
from .infinity import bounded
from .linalg import root
from .measures import volume
from .rays import Field, crossing, flat
from .regions import Ellipsoid, Region

_POLISH = 1e-10  # of the root excess
_START, _WIDEST, _OPEN = 1.5, 1e5, 6.0  # half widths of the grid, in half-axes of the chart: first, last, of an unbounded region
_SEARCH = {2: 65, 3: 25}  # nodes per axis while the grid grows


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangulated surface.

    Attributes
    ----------
    vertices : (k, 3)
    faces : (f, 3) int
    """

    vertices: np.ndarray
    faces: np.ndarray


def boundary(region: Region, resolution: int) -> list[Any]:
    """The boundary at each target of one dataset: curves in 2D, a `Mesh` in 3D; see `Region.boundary`."""
    p = region.prediction
    _check_single(region)
    if resolution < 8:
        raise InputError(f"the resolution is {resolution}: give at least 8")
    draw = _curves if p.dimension == 2 else _mesh
    if p.fit.failure or not np.trace(p.fit.noise_covariance) > 0:
        return [_nothing(p.dimension) for _ in range(p.targets.shape[-2])]
    closed = bounded(region)
    return [draw(_field(region, i), bool(closed[i]), resolution) for i in range(p.targets.shape[-2])]


def ellipsoid_boundary(region: Ellipsoid, resolution: int) -> list[Any]:
    """The same in closed form; nothing where the ellipsoid is unbounded or its fit failed."""
    _check_single(region)
    matrix, mean = region.matrix, region.prediction.mean
    drawn = np.isfinite(matrix).all((-2, -1)) & np.isfinite(mean).all(-1)
    roots = root(np.where(drawn[..., None, None], matrix, 0.0))
    if region.prediction.dimension == 2:
        turn = np.linspace(0.0, 2.0 * np.pi, resolution + 1)
        circle = np.stack([np.cos(turn), np.sin(turn)], -1)
        circle[-1] = circle[0]
        curves = [_counter_clockwise(centre + circle @ half.T) for centre, half in zip(mean, roots, strict=True)]
        return [[curve] if there else [] for curve, there in zip(curves, drawn, strict=True)]
    ball = _unit_ball(resolution)
    return [Mesh(centre + ball.vertices @ half.T, ball.faces) if there else _nothing(3)
            for centre, half, there in zip(mean, roots, drawn, strict=True)]


def _check_single(region: Region) -> None:
    fit = region.prediction.fit
    if fit.batch_shape:
        raise InputError(f"these are regions of a batch of shape {fit.batch_shape}, and a boundary is drawn for one dataset: "
                         "give result[i].predict(...)")
    if fit.failure:
        raise InputError(f"there is no region to draw: {Failure(int(fit.failure)).sentence}")


def _nothing(dimension: int) -> Any:
    return [] if dimension == 2 else Mesh(np.empty((0, 3)), np.empty((0, 3), int))


def _field(region: Region, target: int) -> Field:
    """The root excess about one target, in its chart."""
    single = flat(region, np.array([target]))
    ((_, chart),) = charts_of(single)
    return Field(single, chart)


# The grid: as wide as the region, in the coordinates of the chart


def _axes(field: Field, closed: bool) -> list[np.ndarray]:
    """Ends of the grid along each axis: grown until the region is inside, then drawn in around it."""
    d = field.region.prediction.dimension
    limits = _limits(field, d)
    half = _START if closed else _OPEN
    while True:
        ends = np.clip(np.array([[-half, half]] * d), limits[:, :1], limits[:, 1:])
        inside = _values(field, [np.linspace(e[0], e[1], _SEARCH[d]) for e in ends]) <= 1.0
        touching = any(_touches(inside, axis, side) and ends[axis, side] != limits[axis, side]
                       for axis in range(d) for side in (0, 1))
        if not (closed and touching) or half > _WIDEST:
            break
        half *= 2.0
    return [_drawn_in(inside, axis, ends[axis]) for axis in range(d)] if inside.any() and closed else list(ends)


def _limits(field: Field, d: int) -> np.ndarray:
    """Where the chart ends along its axes, (d, 2): a bent one at its pole and half a turn away."""
    reach = [[float(field.chart.reach(sign * np.eye(d)[:, axis, None])[0]) for sign in (-1.0, 1.0)] for axis in range(d)]
    return np.array([[-low, high] for low, high in reach])


def _touches(inside: np.ndarray, axis: int, side: int) -> bool:
    return bool(np.take(inside, -side, axis).any())


def _drawn_in(inside: np.ndarray, axis: int, ends: np.ndarray) -> np.ndarray:
    """The ends around the nodes inside, two nodes beyond them, not beyond the grid."""
    nodes = np.linspace(ends[0], ends[1], inside.shape[axis])
    used = np.flatnonzero(inside.any(tuple(i for i in range(inside.ndim) if i != axis)))
    return np.array([nodes[max(used[0] - 2, 0)], nodes[min(used[-1] + 2, len(nodes) - 1)]])


def _values(field: Field, axes: list[np.ndarray]) -> np.ndarray:
    """The field on a grid, indexed by the axes in order; infinite where the chart has come round."""
    u = np.stack(np.meshgrid(*axes, indexing="ij"))
    points = u.reshape(len(u), -1, 1)
    values = field(points)[:, 0]
    length = np.sqrt((points**2).sum(0))
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond = length > field.chart.reach(points / length) * (1 + 1e-9)
    return np.where(beyond[:, 0] & (len(u) == 3), np.inf, values).reshape(u.shape[1:])


def _polished(field: Field, axes: list[np.ndarray], values: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Vertices (k, d), in grid indices on edges of the grid, moved along them until the field is 1: chart coordinates (d, k)."""
    vertices = np.where(np.abs(vertices - np.rint(vertices)) < 1e-9, np.rint(vertices), vertices)
    low = np.floor(vertices).astype(int)
    high = np.minimum(np.ceil(vertices).astype(int), np.array(values.shape) - 1)
    start, end = (np.stack([axis[index[:, i]] for i, axis in enumerate(axes)]) for index in (low, high))
    at_start, at_end = values[tuple(low.T)], values[tuple(high.T)]
    share = np.zeros(len(vertices))
    crossed = (at_start <= 1.0) != (at_end <= 1.0)
    if crossed.any():
        same = field.take(np.zeros(int(crossed.sum()), int))
        share[crossed] = crossing(same, start[:, crossed], end[:, crossed], at_start[crossed], at_end[crossed], _POLISH)
    return start + share * (end - start)


# Curves


def _curves(field: Field, closed: bool, resolution: int) -> list[np.ndarray]:
    try:
        from contourpy import contour_generator
    except ImportError:
        raise MissingExtraError("boundaries of regions need contourpy: pip install 'regerr[plot]'") from None
    nodes = max(24, resolution // 2)
    axes = [np.linspace(ends[0], ends[1], nodes) for ends in _axes(field, closed)]
    values = _values(field, axes)
    lines = contour_generator(z=np.minimum(values, 1e6).T).lines(1.0)
    drawn = []
    for line in lines:
        u = _polished(field, axes, values, np.asarray(line))
        drawn.append(field.chart.points(u[:, :, None])[..., 0].T)
    return _oriented(_stitched(drawn))


def _stitched(lines: list[np.ndarray]) -> list[np.ndarray]:
    """Curves (k, 2); lines whose ends meet become one, such as the two halves of a ring."""
    loose = [line for line in lines if not _meet(line[0], line[-1], line)]
    whole = [line for line in lines if _meet(line[0], line[-1], line)]
    while loose:
        line = loose.pop()
        joined = True
        while joined and not _meet(line[0], line[-1], line):
            joined = False
            for i, other in enumerate(loose):
                piece = next((p for p in (other, other[::-1]) if _meet(line[-1], p[0], line)), None)
                if piece is not None:
                    line, joined = np.concatenate([line, piece[1:]]), True
                    del loose[i]
                    break
        whole.append(line)
    for line in whole:
        if _meet(line[0], line[-1], line):
            line[-1] = line[0]
    return whole


def _meet(a: np.ndarray, b: np.ndarray, line: np.ndarray) -> bool:
    """Whether two ends are one point, at the scale of a curve."""
    return bool(np.abs(a - b).max() <= 1e-7 * max(np.ptp(line, axis=0).max(), np.finfo(float).tiny))


def _oriented(curves: list[np.ndarray]) -> list[np.ndarray]:
    """Outer curves counter-clockwise, holes clockwise; open ones as they are."""
    closed = [bool((c[0] == c[-1]).all()) for c in curves]
    out = []
    for i, curve in enumerate(curves):
        if closed[i]:
            depth = sum(_encloses(other, curve[0]) for j, other in enumerate(curves) if j != i and closed[j])
            curve = _counter_clockwise(curve)[::-1] if depth % 2 else _counter_clockwise(curve)
        out.append(curve)
    return out


def _counter_clockwise(curve: np.ndarray) -> np.ndarray:
    x, y = (curve - curve[0]).T
    return curve if (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() >= 0 else curve[::-1]


def _encloses(curve: np.ndarray, point: np.ndarray) -> bool:
    """Whether a closed curve winds around a point, by the parity of what a ray to the right crosses."""
    x, y = (curve - point).T
    across = (y[:-1] > 0) != (y[1:] > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        where = x[:-1] - y[:-1] * (x[1:] - x[:-1]) / (y[1:] - y[:-1])
    return bool((across & (where > 0)).sum() % 2)


# Meshes


def _mesh(field: Field, closed: bool, resolution: int) -> Mesh:
    try:
        from skimage.measure import marching_cubes
    except ImportError:
        raise MissingExtraError("surfaces of regions need scikit-image: pip install 'regerr[mesh]'") from None
    nodes = max(12, resolution // 2)
    axes = [np.linspace(ends[0], ends[1], nodes) for ends in _axes(field, closed)]
    values = _values(field, axes)
    if not (values <= 1.0).any():
        return _nothing(3)
    # a shell of infinity closes what reaches the edge of the grid
    padded = np.pad(np.minimum(values, 1e6), 1, constant_values=1e6) if closed else np.minimum(values, 1e6)
    vertices, faces, _, _ = marching_cubes(padded, 1.0, allow_degenerate=False)  # type: ignore[no-untyped-call]
    vertices = np.clip(vertices - (1.0 if closed else 0.0), 0.0, nodes - 1.0)
    u = _polished(field, axes, values, vertices)
    return Mesh(field.chart.points(u[:, :, None])[..., 0].T, faces.astype(int))


def _unit_ball(resolution: int) -> Mesh:
    """Meridians and parallels of the unit sphere."""
    rows, columns = max(3, resolution // 4), max(6, resolution // 2)
    latitude, longitude = np.pi * np.arange(1, rows) / rows, 2.0 * np.pi * np.arange(columns) / columns
    ring = np.stack([np.cos(longitude), np.sin(longitude)], -1)
    body = np.concatenate([np.column_stack([np.sin(a) * ring, np.full(columns, np.cos(a))]) for a in latitude])
    vertices = np.concatenate([body, [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]])
    here, there = np.arange(columns), np.roll(np.arange(columns), -1)
    north, south = len(body), len(body) + 1
    last = (rows - 2) * columns
    start = columns * np.arange(rows - 2)[:, None]
    upper, lower = (start + here).ravel(), (start + there).ravel()
    corners = [(np.full(columns, north), here, there), (np.full(columns, south), last + there, last + here),
               (upper, upper + columns, lower), (lower, upper + columns, lower + columns)]
    faces = [np.stack(np.broadcast_arrays(*three), -1) for three in corners]
    return Mesh(vertices, np.concatenate(faces))


__all__ = ["Mesh", "boundary", "bounded", "ellipsoid_boundary", "volume"]
