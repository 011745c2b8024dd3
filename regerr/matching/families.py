"""What matching needs of each family of maps: invariants of triangles, maps from few points, weighted fits, all batched.

Points are in units of their typical spacing and about their centroids (`regerr.matching.problem`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..linalg import apply, determinant, matrix_components, proper_rotation, transpose

_TINY = 1e-9  # side over the longest one of a triangle that has no shape


@dataclass(frozen=True, eq=False)
class Maps:
    """A batch of maps ``T(x) = A x + t``: matrix (..., d, d) and offset (..., d)."""

    matrix: np.ndarray
    offset: np.ndarray

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Images of points (n, d) or (..., n, d): (..., n, d)."""
        return apply(self.matrix, points) + self.offset[..., None, :]

    def inverse(self) -> Maps:
        """The ways back."""
        back = np.linalg.inv(self.matrix)
        return Maps(back, -(back @ self.offset[..., None])[..., 0])

    def __getitem__(self, index: Any) -> Maps:
        return Maps(self.matrix[index], self.offset[index])


class Rigid:
    """Rotation and shift: three side lengths of a triangle stay."""

    minimal: ClassVar[Mapping[int, int]] = {2: 2, 3: 3}
    keeps_size = True
    reach = 0.35
    neighbours = 24

    def invariants(self, sides: np.ndarray) -> np.ndarray:
        """Of triangles with sorted sides (t, 3)."""
        return sides

    def of_triangles(self, x: np.ndarray, y: np.ndarray) -> Maps:
        """Maps of triangles x onto y, (h, 3, d) each, the longest side along the longest."""
        return _about(transposed_product(_frames(x), _frames(y)), x.mean(-2), y.mean(-2))

    def fit(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Maps:
        """Least squares over x, y (..., n, d) with weights (..., n)."""
        moments = _moments(x, y, weight)
        return _about(proper_rotation(moments.xy)[0] * self._size(moments), moments.x, moments.y)

    def _size(self, moments: _Moments) -> np.ndarray:
        return np.ones(1)


class Similarity(Rigid):
    """Rotation, shift and scale: ratios of sides stay."""

    keeps_size = False
    reach = 0.2
    neighbours = 48

    def invariants(self, sides: np.ndarray) -> np.ndarray:
        return np.log(np.maximum(sides[:, :2], _TINY * sides[:, 2:]) + 1e-300) - np.log(sides[:, 2:] + 1e-300)

    def of_triangles(self, x: np.ndarray, y: np.ndarray) -> Maps:
        a, b = x - x.mean(-2, keepdims=True), y - y.mean(-2, keepdims=True)
        size = _size_ratio((b**2).sum((-2, -1)), (a**2).sum((-2, -1)))
        turn = transposed_product(_frames(x), _frames(y))
        return _about(turn * size[..., None, None], x.mean(-2), y.mean(-2))

    def _size(self, moments: _Moments) -> np.ndarray:
        return _size_ratio(moments.yy, moments.xx)[..., None, None]


class Affine(Similarity):
    """Any linear part: triangles look for their like up to the small strain that such maps have in practice."""

    minimal: ClassVar[Mapping[int, int]] = {2: 3, 3: 4}
    reach = 0.3
    neighbours = 64

    def of_triangles(self, x: np.ndarray, y: np.ndarray) -> Maps:
        """The map of three points; in 3D the normal keeps its direction and grows like the root of the area."""
        matrix = transpose(np.linalg.solve(transpose(_edges(x)), transpose(_edges(y))))
        return _about(matrix, x.mean(-2), y.mean(-2))

    def fit(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Maps:
        moments = _moments(x, y, weight)
        spread = moments.full_xx
        least = 1e-12 * np.trace(spread, axis1=-2, axis2=-1) + _TINY**2  # points on a line or at one place
        spread = spread + least[..., None, None] * np.eye(x.shape[-1])
        return _about(transpose(np.linalg.solve(spread, moments.xy)), moments.x, moments.y)


Family = Rigid
FAMILIES: dict[str, Family] = {"rigid": Rigid(), "similarity": Similarity(), "affine": Affine()}


@dataclass(frozen=True, eq=False)
class _Moments:
    x: np.ndarray
    y: np.ndarray
    xy: np.ndarray
    full_xx: np.ndarray
    yy: np.ndarray

    @property
    def xx(self) -> np.ndarray:
        return np.trace(self.full_xx, axis1=-2, axis2=-1)


def _moments(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> _Moments:
    w = (weight / weight.sum(-1, keepdims=True))[..., None]
    centre_x, centre_y = (w * x).sum(-2), (w * y).sum(-2)
    dx, dy = x - centre_x[..., None, :], y - centre_y[..., None, :]
    back = transpose(w * dx)
    return _Moments(centre_x, centre_y, back @ dy, back @ dx, (w * dy**2).sum((-2, -1)))


def _about(matrix: np.ndarray, x: np.ndarray, y: np.ndarray) -> Maps:
    return Maps(matrix, y - (matrix @ x[..., None])[..., 0])


def transposed_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``b a'`` of frames in columns: the rotation that turns one frame into the other."""
    return b @ transpose(a)


def _size_ratio(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Root of a ratio of sums of squares; points at one place have a size of next to nothing."""
    return np.sqrt(np.maximum(y, _TINY**2) / np.maximum(x, _TINY**2))


def _frames(triangles: np.ndarray) -> np.ndarray:
    """Orthonormal frames (h, d, d), in columns: along the last side, in the plane, along the normal."""
    along = triangles[:, 1] - triangles[:, 0]
    first = along / np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-300)
    if triangles.shape[-1] == 2:
        return np.stack([first, np.stack([-first[:, 1], first[:, 0]], -1)], -1)
    third = np.cross(along, triangles[:, 2] - triangles[:, 0])
    third /= np.maximum(np.linalg.norm(third, axis=-1, keepdims=True), 1e-300)
    return np.stack([first, np.cross(third, first), third], -1)


def _edges(triangles: np.ndarray) -> np.ndarray:
    """Two sides, and in 3D the normal over the root of its length, in columns (h, d, d); never quite singular."""
    a, b = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    if triangles.shape[-1] == 2:
        edges = np.stack([a, b], -1)
    else:
        normal = np.cross(a, b)
        normal /= np.sqrt(np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-300))
        edges = np.stack([a, b, normal], -1)
    flat = np.abs(determinant(matrix_components(edges))) < 1e-9
    return np.where(flat[:, None, None], np.eye(triangles.shape[-1]), edges)
