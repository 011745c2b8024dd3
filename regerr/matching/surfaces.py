"""A closed outline in the plane or a mesh in space, and the closest point on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from ..errors import InputError
from .doors import given

_SAMPLES = 8192  # points on the surface that find the elements near a place
_CANDIDATES = 6
_LEAST = {2: 3, 3: 4}  # corners


@dataclass(frozen=True, eq=False)
class Surface:
    """Segments (m, 2, 2) or triangles (m, 3, 3), with points on them that are looked up.

    Attributes
    ----------
    elements : (m, d, d)
    normals : (m, d)
        Unit length.
    samples : (s, d)
    element_of : (s,) array of int
    tree : cKDTree
        Of the samples.
    """

    elements: np.ndarray
    normals: np.ndarray
    samples: np.ndarray
    element_of: np.ndarray
    tree: cKDTree

    @classmethod
    def of(cls, elements: np.ndarray) -> Surface:
        """Of segments (m, 2, 2) or triangles (m, 3, 3) of positive size."""
        sizes, normals = _sizes(elements)
        elements, normals, sizes = elements[sizes > 0], normals[sizes > 0], sizes[sizes > 0]
        owner = np.repeat(np.arange(len(elements)), 1 + np.floor(sizes / sizes.sum() * _SAMPLES).astype(int))
        samples = np.einsum("sk,skd->sd", _weights(owner, elements.shape[1]), elements[owner])
        return cls(elements, normals, samples, owner, cKDTree(samples))

    def closest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Feet of points (..., d) on the surface (..., d) and the normals there (..., d)."""
        flat = points.reshape(-1, points.shape[-1])
        near = np.asarray(self.tree.query(flat, k=min(_CANDIDATES, len(self.samples)))[1]).reshape(len(flat), -1)
        elements = self.element_of[near]
        feet = _feet(flat[:, None], self.elements[elements])
        best = ((feet - flat[:, None]) ** 2).sum(-1).argmin(-1)
        row = np.arange(len(flat))
        return feet[row, best].reshape(points.shape), self.normals[elements[row, best]].reshape(points.shape)

    def spread_out(self, number: int) -> np.ndarray:
        """So many points on the surface, far from each other."""
        return spread_out(self.samples, number)


def surface_elements(surface: Any, faces: Any, space: str = "surface") -> np.ndarray:
    """Elements of a closed outline (m, 2), or of a mesh with corners (v, 3) and faces (f, 3); raises InputError."""
    corners = given(surface, space, 3).points
    if corners.shape[1] == 2:
        if faces is not None:
            raise InputError("faces belong to a mesh in 3D, and the outline is 2D: leave them out")
        return np.stack([corners, np.roll(corners, -1, axis=0)], 1)
    if faces is None:
        raise InputError("a surface in 3D is a mesh: give faces (f, 3), the rows of the corners of each triangle")
    index = np.asarray(faces)
    if index.ndim != 2 or index.shape[1] != 3 or index.dtype.kind not in "iu" or not len(index):
        raise InputError(f"faces have shape {index.shape} and type {index.dtype}: give whole numbers (f, 3)")
    if index.min() < 0 or index.max() >= len(corners):
        raise InputError(f"faces name corner {int(index.max() if index.max() >= len(corners) else index.min())}, and there are "
                         f"{len(corners)}, counted from 0")
    elements = corners[index]
    if not (_sizes(elements)[0] > 0).any():
        raise InputError("all triangles of the mesh are flat: give faces with three corners apart")
    return elements


def spread_out(points: np.ndarray, number: int) -> np.ndarray:
    """So many of the points, each next one the farthest from those before; all of them if there are no more."""
    if len(points) <= number:
        return points
    chosen = [int(((points - points.mean(0)) ** 2).sum(-1).argmax())]
    nearest = np.full(len(points), np.inf)
    for _ in range(number - 1):
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(-1))
        chosen.append(int(nearest.argmax()))
    return points[chosen]


def _sizes(elements: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lengths or areas (m,), and unit normals (m, d)."""
    a = elements[:, 1] - elements[:, 0]
    normal = np.stack([-a[:, 1], a[:, 0]], -1) if elements.shape[1] == 2 else 0.5 * np.cross(a, elements[:, 2] - elements[:, 0])
    sizes = np.linalg.norm(normal, axis=-1)
    return sizes, normal / np.where(sizes > 0, sizes, 1.0)[:, None]


def _weights(owner: np.ndarray, corners: int) -> np.ndarray:
    """Barycentric weights (s, corners), spread evenly over each element by a low-discrepancy sequence."""
    start = np.concatenate([[0], np.flatnonzero(np.diff(owner)) + 1])
    rank = np.arange(len(owner)) - np.repeat(start, np.diff([*start, len(owner)]))
    total = np.bincount(owner)[owner]
    t = (rank + 0.5) / total
    if corners == 2:
        return np.stack([1.0 - t, t], -1)
    root, other = np.sqrt(t), (0.5 + 0.6180339887498949 * rank) % 1.0
    return np.stack([1.0 - root, root * (1.0 - other), root * other], -1)


def _feet(points: np.ndarray, elements: np.ndarray) -> np.ndarray:
    """Closest points of elements (..., d, d) to points (..., d)."""
    if elements.shape[-1] == 2:
        return _on_segment(points, elements[..., 0, :], elements[..., 1, :])
    a, b, c = (elements[..., i, :] for i in range(3))
    sides = np.stack([_on_segment(points, p, q) for p, q in ((a, b), (b, c), (c, a))], -2)
    on_side = np.take_along_axis(sides, ((sides - points[..., None, :]) ** 2).sum(-1).argmin(-1)[..., None, None], -2)[..., 0, :]
    u, v, w = b - a, c - a, points - a
    normal = np.cross(u, v)
    square = np.maximum((normal**2).sum(-1), 1e-300)
    beta, gamma = (np.cross(w, v) * normal).sum(-1) / square, (np.cross(u, w) * normal).sum(-1) / square
    inside = (beta >= 0) & (gamma >= 0) & (beta + gamma <= 1)
    return np.where(inside[..., None], a + beta[..., None] * u + gamma[..., None] * v, on_side)


def _on_segment(points: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    along = b - a
    t = ((points - a) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-300)
    return a + np.clip(t, 0.0, 1.0)[..., None] * along
