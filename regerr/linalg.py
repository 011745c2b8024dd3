"""Batched algebra of 2 x 2 and 3 x 3 matrices, written out where numpy's general routines are slow for tiny sizes."""

from __future__ import annotations

import numpy as np

EPS = float(np.finfo(float).eps)


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Scalar product over the last axis."""
    return np.einsum("...i,...i->...", a, b)


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Matrix (..., d, d) applied to points in rows (..., m, d)."""
    return points @ np.swapaxes(matrix, -1, -2)


def transpose(matrix: np.ndarray) -> np.ndarray:
    """Swap the last two axes."""
    return np.swapaxes(matrix, -1, -2)


def trace(matrix: np.ndarray) -> np.ndarray:
    """Trace over the last two axes."""
    return np.einsum("...ii->...", matrix)


def outer(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Outer product over the last axis."""
    return a[..., :, None] * b[..., None, :]


def quadratic(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """``p' M p`` of rows p (..., m, d) with one matrix (..., d, d) for each batch element."""
    return dot(points @ matrix, points)


def determinant(m: np.ndarray) -> np.ndarray:
    """Determinant of 2 x 2 or 3 x 3 matrices."""
    if m.shape[-1] == 2:
        return m[..., 0, 0] * m[..., 1, 1] - m[..., 0, 1] * m[..., 1, 0]
    return dot(m[..., 0, :], cross(m[..., 1, :], m[..., 2, :]))


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Vector product; in 2D its single component as (...)."""
    if a.shape[-1] == 2:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = np.broadcast_arrays(a, b)
    out = np.empty(a.shape)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        out[..., i] = a[..., j] * b[..., k] - a[..., k] * b[..., j]
    return out


def inverse_symmetric(m: np.ndarray) -> np.ndarray:
    """Inverse of symmetric 2 x 2 or 3 x 3 matrices by cofactors; infinite where singular."""
    out = np.empty(m.shape)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if m.shape[-1] == 2:
            r = 1.0 / determinant(m)
            out[..., 0, 0] = m[..., 1, 1] * r
            out[..., 1, 1] = m[..., 0, 0] * r
            out[..., 0, 1] = out[..., 1, 0] = -m[..., 0, 1] * r
            return out
        for i, (j, k) in enumerate(((1, 2), (2, 0), (0, 1))):
            out[..., i, :] = cross(m[..., j, :], m[..., k, :])
        return out / dot(m[..., 0, :], out[..., 0, :])[..., None, None]


def mahalanobis(covariance: np.ndarray, e: np.ndarray) -> np.ndarray:
    """``e' C^-1 e`` for symmetric C (..., d, d) and vectors e (..., d) that broadcast against each other."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if e.shape[-1] == 2:
            c11, c12, c22 = covariance[..., 0, 0], covariance[..., 0, 1], covariance[..., 1, 1]
            x, y = e[..., 0], e[..., 1]
            return (c22 * x * x - 2 * c12 * x * y + c11 * y * y) / (c11 * c22 - c12 * c12)
        return np.einsum("...i,...ij,...j->...", e, inverse_symmetric(covariance), e)


def smallest_relative_eigenvalue(scatter: np.ndarray) -> np.ndarray:
    """All eigenvalues of symmetric (..., d, d) over the largest, ascending; zeros for a zero matrix."""
    values = np.linalg.eigvalsh(scatter)
    top = values[..., -1:]
    return np.divide(values, top, out=np.zeros_like(values), where=top > 0)
