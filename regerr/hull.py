"""The convex hull of the fiducials: its outline, what a plane cuts out of it, and which pixels of an image lie beyond it."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

_LEVEL = 1e-9  # of a half-space's slope along a row, and of a pixel: below it the row runs along the half-space


def beyond_hull(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Which pixels, as squares or boxes, do not touch the hull of points (n, d) in pixel numbers, x first: bool of that shape.

    Touching the hull is lying in the hull of the pixels around the points; so points on a line have a hull to lie in.
    """
    normals, offsets = _half_spaces(points)
    outside = np.empty(shape, bool)
    u, v = np.arange(shape[-1], dtype=float), np.arange(shape[-2], dtype=float)
    for plane in np.ndindex(shape[:-2]):
        above = offsets + normals[:, 2:] @ np.array(plane, float)
        low, high = _intervals(normals[:, :1], normals[:, 1:2] * v + above[:, None])
        np.less(u, low[:, None], out=outside[plane])
        outside[plane] |= u > high[:, None]
    return outside


def outline(points: np.ndarray) -> np.ndarray:
    """Corners (k, 2) of the hull of points (n, 2) in order, the first again at the end; of a line its two ends (Andrew 1979)."""
    ordered = sorted(set(map(tuple, points.tolist())))
    if not ordered:
        return np.empty((0, 2))
    there, back = _half(ordered), _half(ordered[::-1])
    return np.array([*there, *back[1:]])


def cut(points: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Where the lines between points (n, 3) below and above height 0 pass it, x and y: (k, 2)."""
    below, above = height < 0, height > 0
    down, up = -height[below, None, None], height[above, None]
    return ((up * points[below, None] + down * points[above]) / (up + down))[..., :2].reshape(-1, 2)


def _half(ordered: list[Any]) -> list[Any]:
    half: list[Any] = []
    for p in ordered:
        while len(half) > 1 and _turns_right(half[-2], half[-1], p):
            half.pop()
        half.append(p)
    return half


def _turns_right(a: Any, b: Any, c: Any) -> bool:
    return bool((b[0] - a[0]) * (c[1] - a[1]) <= (b[1] - a[1]) * (c[0] - a[0]))


def _half_spaces(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``normal . u + offset <= 0`` in the hull of the pixels around points (n, d): (f, d) and (f,)."""
    from scipy.spatial import ConvexHull

    d = u.shape[-1]
    boxes = u[:, None] + 0.5 * np.array(list(product((-1.0, 1.0), repeat=d)))
    equations = ConvexHull(boxes.reshape(-1, d)).equations
    return equations[:, :-1], equations[:, -1]


def _intervals(slope: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From where to where ``slope u + rest <= 0`` for all half-spaces (f, 1), of rows (f, m); high is below low where nowhere."""
    level = np.abs(slope) < _LEVEL
    with np.errstate(divide="ignore", invalid="ignore"):
        end = -rest / slope
    low = np.where(level, np.where(rest > _LEVEL, np.inf, -np.inf), np.where(slope < 0, end, -np.inf)).max(0)
    return low, np.where(~level & (slope > 0), end, np.inf).min(0)
