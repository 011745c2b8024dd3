"""A quadratic polynomial, found from a few exact values and evaluated fast over a grid.

The first-order covariance of a prediction is a quadratic polynomial of the target for every model that is linear near the fit,
so an image of 10^8 pixels needs a dozen exact values and a parabola along each row of pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

_BLOCK = 65536  # float32 pixels that stay in a core's own cache
_AGREEMENT = 1e-9  # of the polynomial with the function, relative
_SAFE = (1e-30, 1e30)  # squares that float32 holds with all its digits
_CONDITION = 1e8  # of the curvature, its axes to one scale; beyond it the value at a row's vertex loses digits that float32 has
_CHECKS = 12
_STILL = 1e-9  # of the reach: a vertex nearer than this to where it should be is there
_UPRIGHT = 1e-8  # of a parabola's breadth: a vertex that moves less over all rows stands still

Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Quadratic:
    """``q(u) = least + (u - centre)' curvature (u - centre)`` on a grid of whole numbers u, x before y before z.

    Attributes
    ----------
    centre : (d,)
    least : float
        Above 0.
    curvature : (d, d)
        Symmetric and positive definite.
    """

    centre: np.ndarray
    least: float
    curvature: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Values at points (m, d): (m,)."""
        du = points - self.centre
        return self.least + np.einsum("mi,ij,mj->m", du, self.curvature, du)

    def fill_root(self, out: np.ndarray) -> None:
        """Write ``sqrt(q)`` at each pixel into ``out``, float32 (..., x), each row with the rounding of float32 alone.

        A row is a parabola about its own vertex, ``(a (u - u0))^2 + m``: a sum of positive terms, which loses no digit. The
        whole part of the vertex is taken off exactly, by where the row begins on a ruler.
        """
        for plane in np.ndindex(out.shape[:-2]):
            self._fill_plane(out[plane], np.array(plane[::-1], float))

    def _fill_plane(self, out: np.ndarray, above: np.ndarray) -> None:
        height, width = out.shape
        tilt, vertex, lowest = self._rows(height, above)
        root = np.sqrt(self.curvature[0, 0])
        breadth = np.sqrt(self.least) / root  # half the width of the narrowest parabola, in pixels
        begin = width - 1
        ruler = (root * np.arange(-begin, width)).astype(np.float32)
        step = max(1, int(min(_BLOCK // width, 2.0 * breadth / tilt))) if tilt > 0 else max(1, _BLOCK // width)
        starts = np.clip(np.rint(vertex[np.minimum(np.arange(0, height, step) + step // 2, height - 1)]), 0, begin).astype(int)
        rest = (root * (vertex - np.repeat(starts, step)[:height])).astype(np.float32)[:, None]
        lowest = lowest.astype(np.float32)[:, None]
        buffer = np.empty((step, width), np.float32)
        upright = tilt * height < _UPRIGHT * breadth
        square = np.square(ruler[begin - starts[0]:begin - starts[0] + width] - rest[0]) if upright else buffer
        for first, start in zip(range(0, height, step), starts.tolist(), strict=True):
            rows = slice(first, first + step)
            sums = buffer[:min(step, height - first)]
            if not upright:
                square = sums
                np.subtract(ruler[begin - start:begin - start + width], rest[rows], out=square)
                np.multiply(square, square, out=square)
            np.add(square, lowest[rows], out=sums)
            np.sqrt(sums, out=out[rows])

    def _rows(self, height: int, above: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Of the rows of a plane: how far the vertex moves from row to row, the vertices, and the values there."""
        across, along = self.curvature[0, 1:], self.curvature[0, 0]
        tilt = across / along
        valley = self.curvature[1:, 1:] - np.outer(across, tilt)
        w = np.empty((len(across), height))
        w[0] = np.arange(height)
        w[1:] = above[:, None]
        w -= self.centre[1:, None]
        lowest = self.least + np.maximum(np.einsum("im,ij,jm->m", w, valley, w), 0.0)
        return float(abs(tilt[0])), self.centre[0] - tilt @ w, lowest


def quadratic_of(function: Function, centre: np.ndarray, shape: tuple[int, ...]) -> Quadratic | None:
    """The polynomial that a function is, or None when it is none, or not one that float32 can carry.

    Parameters
    ----------
    function : callable
        Values (m,) at points (m, d).
    centre : (d,)
        Where the polynomial would have its least value, or near there.
    shape : (d,)
        Pixels of the grid along x, y (and z); the function is asked there and up to as far again from the centre.

    Notes
    -----
    A function that agrees with the polynomial at the corners of the grid and at a dozen places without symmetry is taken for
    it. That is safe for what is smooth everywhere, such as the entries and eigenvalues of a first-order covariance.
    """
    d = len(shape)
    ends = np.array(shape, float) - 1.0
    reach = np.maximum(np.maximum(np.abs(centre), np.abs(ends - centre)), 1.0)
    corners = np.array(list(product(*((0.0, end) for end in ends))))
    irregular = ends * np.modf(np.outer(np.arange(1, _CHECKS + 1), np.sqrt([2.0, 3.0, 5.0])[:d]))[0]
    with np.errstate(all="ignore"):
        found = _through(function, centre, reach)
        checks = np.concatenate([corners, irregular])
        values = function(checks)
        kept = _is_safe(found, values) and bool((np.abs(found(checks) - values) <= _AGREEMENT * values).all())
    return found if kept else None


def _is_safe(found: Quadratic, values: np.ndarray) -> bool:
    """Whether float32 carries the polynomial: its range, and the digits of its narrow valleys."""
    if not (_SAFE[0] < found.least and values.max() < _SAFE[1] and (np.diag(found.curvature) > 0).all()):
        return False
    size = np.sqrt(np.diag(found.curvature))
    return bool(np.linalg.cond(found.curvature / np.outer(size, size)) < _CONDITION)


def _through(function: Function, centre: np.ndarray, reach: np.ndarray) -> Quadratic:
    """From values at the centre, on both sides of it along each axis, and across each pair of axes."""
    steps = np.diag(reach)
    pairs = list(combinations(range(len(centre)), 2))
    offsets = [0.0 * reach, *steps, *-steps, *(steps[i] + steps[j] for i, j in pairs), *(steps[i] - steps[j] for i, j in pairs)]
    least, *rest = function(centre + np.array(offsets))
    ahead, behind, with_, against = np.split(np.array(rest), np.cumsum([len(steps), len(steps), len(pairs)]))
    curvature = np.diag((0.5 * (ahead + behind) - least) / reach**2)
    slope = 0.5 * (ahead - behind) / reach
    for (i, j), value in zip(pairs, (with_ - against) / 4.0, strict=True):
        curvature[i, j] = curvature[j, i] = value / (reach[i] * reach[j]) - 0.5 * slope[j] / reach[i]
    return _about_its_vertex(Quadratic(centre, float(least), curvature), slope, reach)


def _about_its_vertex(found: Quadratic, slope: np.ndarray, reach: np.ndarray) -> Quadratic:
    """The same polynomial where it rises at its centre, which then was a guess, about the place of its least value."""
    if not np.isfinite(slope).all() or not np.linalg.det(found.curvature) > 0:
        return found
    shift = -0.5 * np.linalg.solve(found.curvature, slope)
    if (np.abs(shift) <= _STILL * reach).all():
        return found
    return Quadratic(found.centre + shift, found.least + 0.5 * float(slope @ shift), found.curvature)
