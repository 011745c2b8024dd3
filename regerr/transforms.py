"""Transformations as objects: apply, invert, compose.

A transformation is kept as the image of one centre and a matrix, ``T(x) = target_centre + A (x - source_centre)``, so that
coordinates of 10^8 lose nothing but their own rounding (theory, section 19).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import InputError
from .linalg import apply


@dataclass(frozen=True, eq=False)
class Transform:
    """An affine map of points, or a batch of them.

    Attributes
    ----------
    matrix : (..., d, d) array
        The linear part A, in target units per source unit.
    source_centre, target_centre : (..., d) arrays
        A point and its image.
    """

    matrix: np.ndarray
    source_centre: np.ndarray
    target_centre: np.ndarray

    @classmethod
    def from_matrix(cls, matrix: Any, offset: Any = None) -> Transform:
        """Build from ``A`` (..., d, d) and ``t`` (..., d), ``T(x) = A x + t``."""
        a = np.asarray(matrix, float)
        if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
            raise InputError(f"a transformation needs a square matrix (..., d, d), not shape {a.shape}")
        t = np.zeros(a.shape[:-1]) if offset is None else np.asarray(offset, float)
        if t.shape[-1] != a.shape[-1]:
            raise InputError(f"the offset has {t.shape[-1]} coordinates and the matrix {a.shape[-1]}: give both in one dimension")
        return cls(a, np.zeros_like(t), t)

    @classmethod
    def identity(cls, dimension: int) -> Transform:
        """The identity in 2 or 3 dimensions."""
        return cls.from_matrix(np.eye(dimension))

    @property
    def offset(self) -> np.ndarray:
        """The image of the origin, (..., d), in target units."""
        return self.target_centre - apply(self.matrix, self.source_centre[..., None, :])[..., 0, :]

    @property
    def homogeneous(self) -> np.ndarray:
        """The (..., d+1, d+1) matrix for column vectors (x, y[, z], 1)."""
        d = self.matrix.shape[-1]
        out = np.zeros((*self.matrix.shape[:-2], d + 1, d + 1))
        out[..., :d, :d], out[..., :d, d], out[..., d, d] = self.matrix, self.offset, 1.0
        return out

    def apply(self, points: Any) -> np.ndarray:
        """Map points (m, d) or (..., m, d); returns (..., m, d) in target units."""
        x = np.asarray(points, float)
        return apply(self.matrix, x - self.source_centre[..., None, :]) + self.target_centre[..., None, :]

    def jacobian(self, points: Any) -> np.ndarray:
        """Derivative of the map at points (..., m, d): (..., m, d, d)."""
        shape = np.shape(points)
        return np.broadcast_to(self.matrix[..., None, :, :], (*np.broadcast_shapes(shape[:-1], (*self.matrix.shape[:-2], 1)),
                                                               shape[-1], shape[-1]))

    def inverse(self) -> Transform:
        """The way back, target to source; raises InputError when the matrix is singular."""
        try:
            return Transform(np.linalg.inv(self.matrix), self.target_centre, self.source_centre)
        except np.linalg.LinAlgError:
            raise InputError("this transformation has no inverse: its matrix is singular") from None

    def compose(self, then: Transform) -> Transform:
        """The map that does this one first, ``then`` second."""
        return Transform(then.matrix @ self.matrix, self.source_centre,
                         then.apply(self.target_centre[..., None, :])[..., 0, :])

    def __getitem__(self, index: Any) -> Transform:
        return Transform(self.matrix[index], self.source_centre[index], self.target_centre[index])
