"""Boundaries of confidence regions: closed curves in the plane, meshes in space.

The boundary is the contour of the excess at 1 on a grid in the chart of the region (`charts`), each vertex moved along
its grid edge until the excess is 1 (theory, section 19). So pieces, holes and rings come out as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import Failure, InputError, MissingExtraError
from ..linalg import root
from ..regions import Ellipsoid, Region
from .charts import charts_of
from .infinity import bounded
from .measures import volume
from .rays import Field, flat
from .tracing import Grid

_CELLS, _CELLS_3D = 96, 16  # fewest cells of the grid per axis
_COARSEST = 8
_MET = 1e-8  # largest distance of a vertex' root excess from 1


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
    """The boundary at each target of one dataset: curves in 2D, a `Mesh` in 3D.

    Parameters
    ----------
    region : Region
        Of batch shape ().
    resolution : int
        Points along a curve; twice the cells of the grid across a mesh.

    Returns
    -------
    list of m items
        In 2D a list of curves (k, 2) that have the region on their left: outer ones counter-clockwise, holes clockwise, each
        ending where it began; open where the region is unbounded, cut at the edge of the grid. In 3D one mesh, its faces seen
        from outside counter-clockwise. Nothing where the region is a point, or all space.

    Raises
    ------
    InputError
        For a batch, a failed dataset, or a resolution below 8.
    MissingExtraError
        Without contourpy (2D) or scikit-image (3D).
    """
    p = region.prediction
    _check(region, resolution)
    draw = _curves if p.dimension == 2 else _mesh
    if not np.trace(p.fit.noise_covariance) > 0:
        return [_nothing(p.dimension) for _ in range(p.targets.shape[-2])]
    closed = bounded(region)
    return [draw(_field(region, i), bool(closed[i]), resolution) for i in range(p.targets.shape[-2])]


def ellipsoid_boundary(region: Ellipsoid, resolution: int) -> list[Any]:
    """The same in closed form, curves of ``resolution`` + 1 points; nothing where the ellipsoid is unbounded."""
    _check(region, resolution)
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
    return [Mesh(centre + ball.vertices @ half.T, ball.faces if np.linalg.det(half) >= 0 else ball.faces[:, ::-1]) if there
            else _nothing(3) for centre, half, there in zip(mean, roots, drawn, strict=True)]


def _check(region: Region, resolution: int) -> None:
    if resolution < _COARSEST:
        raise InputError(f"the resolution is {resolution}: give at least {_COARSEST}")
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


def _curves(field: Field, closed: bool, resolution: int) -> list[np.ndarray]:
    try:
        from contourpy import contour_generator
    except ImportError:
        raise MissingExtraError("this boundary needs the library contourpy, which is not installed: install it with "
                                "pip install 'regerr[plot]'") from None
    grid = Grid.around(field, closed, max(_CELLS, resolution))
    if grid is None:
        return []
    lines = contour_generator(z=grid.levels.T).lines(0.0)
    curves = (_curve(grid, np.asarray(line), resolution) for line in lines)
    return _joined([curve for curve in curves if len(curve)])


def _curve(grid: Grid, line: np.ndarray, resolution: int) -> np.ndarray:
    """About ``resolution`` vertices of a contour line (k, 2) on the boundary, the region on their left: (k, 2)."""
    closed = bool((line[0] == line[-1]).all())
    u, outward = grid.polished(_thinned(grid, line, resolution)[closed:])
    # where a joint fit is undetermined the excess may jump over 1
    met = np.abs(grid.field(u[:, :, None])[:, 0] - 1.0) < _MET
    u, outward = u[:, met], outward[:, met]
    if closed and met.any():
        u, outward = (np.concatenate([a, a[:, :1]], 1) for a in (u, outward))
    along = np.diff(u, axis=1)
    curve = grid.field.chart.points(u[:, :, None])[..., 0].T
    # outward is to the right of a line that has the region on its left
    return curve if (along[0] * outward[1, 1:] - along[1] * outward[0, 1:]).sum() <= 0 else curve[::-1]


def _thinned(grid: Grid, line: np.ndarray, count: int) -> np.ndarray:
    """At most ``count`` + 1 vertices of a line, about equally far apart in the chart, both ends among them."""
    steps = np.sqrt((np.diff(grid.coordinates(line), axis=1)**2).sum(0))
    length = np.concatenate([[0.0], np.cumsum(steps)])
    chosen = np.searchsorted(length, np.linspace(0.0, length[-1] * (1.0 - 1e-12), count + 1))
    return line[np.unique(np.append(chosen, len(line) - 1))] if len(line) > count + 1 else line


def _joined(lines: list[np.ndarray]) -> list[np.ndarray]:
    """Curves (k, 2); lines of which one ends where the next begins become one, such as a ring that the chart cuts open."""
    loose = [line for line in lines if not _meet(line[-1], line[0], line)]
    whole = [line for line in lines if _meet(line[-1], line[0], line)]
    # begin with those that follow no other
    loose.sort(key=lambda line: not any(_meet(other[-1], line[0], line) for other in loose))
    while loose:
        line = loose.pop()
        while not _meet(line[-1], line[0], line):
            following = next((i for i, other in enumerate(loose) if _meet(line[-1], other[0], line)), None)
            if following is None:
                break
            line = np.concatenate([line, loose.pop(following)[1:]])
        whole.append(line)
    for line in whole:
        if _meet(line[-1], line[0], line):
            line[-1] = line[0]
    return whole


def _meet(a: np.ndarray, b: np.ndarray, line: np.ndarray) -> bool:
    """Whether two ends are one point, at the scale of a curve."""
    return bool(np.abs(a - b).max() <= 1e-7 * max(np.ptp(line, axis=0).max(), np.finfo(float).tiny))


def _counter_clockwise(curve: np.ndarray) -> np.ndarray:
    x, y = (curve - curve[0]).T
    return curve if (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() >= 0 else curve[::-1]


def _mesh(field: Field, closed: bool, resolution: int) -> Mesh:
    try:
        from skimage.measure import marching_cubes
    except ImportError:
        raise MissingExtraError("this surface needs the library scikit-image, which is not installed: install it with "
                                "pip install 'regerr[mesh]'") from None
    grid = Grid.around(field, closed, max(_CELLS_3D, resolution // 2))
    if grid is None or not (grid.levels < 0).any() or not (grid.levels > 0).any():
        return _nothing(3)
    vertices, faces, _, _ = marching_cubes(grid.levels, 0.0, allow_degenerate=False)  # type: ignore[no-untyped-call]
    u, _ = grid.polished(vertices.astype(float))
    return Mesh(grid.field.chart.points(u[:, :, None])[..., 0].T, faces.astype(int))


def _unit_ball(resolution: int) -> Mesh:
    """Meridians and parallels of the unit sphere."""
    rows, columns = max(3, resolution // 2), max(6, resolution)
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
