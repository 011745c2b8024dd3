"""Batched algebra of small vectors and matrices.

Two layouts are used. *Rows* (..., m, d) are what users pass. *Components* put the coordinates first, (d, ..., m) and
(d, d, ..., 1): the arithmetic of a formula then runs along contiguous memory, one line of numpy per term, the same line in 2D
and 3D. Work on many targets is done in components, block by block.
"""

from __future__ import annotations

import numpy as np

EPS = float(np.finfo(float).eps)


def transpose(matrix: np.ndarray) -> np.ndarray:
    """Swap the last two axes."""
    return np.swapaxes(matrix, -1, -2)


def trace(matrix: np.ndarray) -> np.ndarray:
    """Trace over the last two axes."""
    out = matrix[..., 0, 0] + matrix[..., 1, 1]
    return out if matrix.shape[-1] == 2 else out + matrix[..., 2, 2]


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Matrix (..., d, d) applied to points in rows (..., m, d)."""
    return points @ np.ascontiguousarray(transpose(matrix))


def gram(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``sum a b'`` over rows (..., n, d): (..., d, d)."""
    # two distinct operands: for a matrix with its own transpose numpy leaves its fast path for small ones
    return transpose(a) @ (b.copy() if a is b else b)


def about(points: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Points (..., n, d) minus one mean (..., d) for each dataset, in rows long enough for numpy to be fast."""
    *batch, n, d = points.shape
    return (points.reshape(*batch, n * d) - np.tile(mean, n)).reshape(points.shape)


def outer(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Outer product over the last axis."""
    return a[..., :, None] * b[..., None, :]


def symmetrised(matrix: np.ndarray) -> np.ndarray:
    """Half of the matrix plus its transpose."""
    return 0.5 * (matrix + transpose(matrix))


def inverse_symmetric(m: np.ndarray) -> np.ndarray:
    """Inverse of symmetric 2 x 2 or 3 x 3 matrices by cofactors; infinite or NaN where singular."""
    return rows_matrix(inverse_components(matrix_components(m)))


def root(matrix: np.ndarray) -> np.ndarray:
    """L with ``L L' = C`` for covariances (..., d, d), zero allowed; NaN where C is not finite."""
    finite = np.isfinite(matrix).all((-2, -1))[..., None, None]
    values, vectors = np.linalg.eigh(np.where(finite, matrix, 0.0))
    return np.where(finite, vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :], np.nan)


def components(points: np.ndarray) -> np.ndarray:
    """Rows (..., m, d) to contiguous components (d, ..., m)."""
    return np.ascontiguousarray(points.transpose(points.ndim - 1, *range(points.ndim - 1)))


def rows(vectors: np.ndarray) -> np.ndarray:
    """Components (d, ..., m) to rows (..., m, d)."""
    return np.moveaxis(vectors, 0, -1)


def rows_matrix(matrix: np.ndarray) -> np.ndarray:
    """Component matrices (d, d, ...) to (..., d, d)."""
    return np.moveaxis(matrix, (0, 1), (-2, -1))


def matrix_components(matrix: np.ndarray) -> np.ndarray:
    """Matrices (..., d, d) to component matrices (d, d, ...)."""
    return np.moveaxis(matrix, (-2, -1), (0, 1))


def identity(like: np.ndarray) -> np.ndarray:
    """The identity (d, d, 1, ...) that broadcasts against component matrices as fit component vectors (d, ...)."""
    return np.eye(len(like)).reshape(len(like), len(like), *(1,) * (like.ndim - 1))


def entries(matrix: np.ndarray) -> np.ndarray:
    """One matrix for each dataset (..., d, d) to components that broadcast over targets (d, d, ..., 1)."""
    batch = matrix.ndim - 2
    return matrix.transpose(batch, batch + 1, *range(batch))[..., None]


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Scalar product of component vectors."""
    out = a[0] * b[0]
    for i in range(1, len(a)):
        out += a[i] * b[i]
    return out


def square(a: np.ndarray) -> np.ndarray:
    """Squared length of component vectors."""
    return dot(a, a)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Vector product of components: (3, ...) in 3D, (1, ...) in 2D."""
    if len(a) == 2:
        return (a[0] * b[1] - a[1] * b[0])[None]
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Component matrix times component vector."""
    out = np.empty((len(matrix), *np.broadcast_shapes(matrix.shape[2:], vector.shape[1:])))
    for i, row in enumerate(matrix):
        np.multiply(row[0], vector[0], out=out[i])
        for j in range(1, len(vector)):
            out[i] += row[j] * vector[j]
    return out


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Product of two component matrices."""
    return np.stack([np.stack([dot(row, b[:, j]) for j in range(b.shape[1])]) for row in a])


def quadratic(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """``v' M v`` of a symmetric component matrix and a component vector."""
    out = matrix[0, 0] * (vector[0] * vector[0])
    for i in range(len(vector)):
        for j in range(max(i, 1), len(vector)):
            weight = matrix[i, j] if i == j else 2.0 * matrix[i, j]
            out += weight * (vector[i] * vector[j])
    return out


def determinant(m: np.ndarray) -> np.ndarray:
    """Determinant of component matrices, 2 x 2 or 3 x 3."""
    if len(m) == 2:
        return m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]
    return dot(m[0], cross(m[1], m[2]))


def inverse_components(m: np.ndarray) -> np.ndarray:
    """Inverse of symmetric component matrices by cofactors; infinite or NaN where singular."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if len(m) == 2:
            r = 1.0 / determinant(m)
            off = -m[0, 1] * r
            return np.stack([np.stack([m[1, 1] * r, off]), np.stack([off, m[0, 0] * r])])
        cofactors = np.stack([cross(m[1], m[2]), cross(m[2], m[0]), cross(m[0], m[1])])
        return cofactors / dot(m[0], cofactors[0])


def inverse_root(m: np.ndarray) -> np.ndarray:
    """``L^-1`` of the Cholesky factor of symmetric component matrices (d, d, ...); rounded to positive where it is not."""
    lower = np.zeros(m.shape)
    for j in range(len(m)):
        known = sum((lower[j, k] ** 2 for k in range(j)), start=np.zeros(()))
        lower[j, j] = np.sqrt(np.maximum(m[j, j] - known, EPS * m[j, j]))
        for i in range(j + 1, len(m)):
            known = sum((lower[i, k] * lower[j, k] for k in range(j)), start=np.zeros(()))
            lower[i, j] = (m[i, j] - known) / lower[j, j]
    return _triangular_inverse(lower)


def _triangular_inverse(lower: np.ndarray) -> np.ndarray:
    """Inverse of lower triangular component matrices by forward substitution."""
    out = np.zeros(lower.shape)
    for j in range(len(lower)):
        out[j, j] = 1.0 / lower[j, j]
        for i in range(j + 1, len(lower)):
            out[i, j] = -sum((lower[i, k] * out[k, j] for k in range(j, i)), start=np.zeros(())) / lower[i, i]
    return out


def mahalanobis(covariance: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """``e' C^-1 e`` of symmetric component matrices and component vectors."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if len(vector) == 2:
            x, y = vector
            c11, c12, c22 = covariance[0, 0], covariance[0, 1], covariance[1, 1]
            return (c22 * (x * x) - 2 * c12 * (x * y) + c11 * (y * y)) / (c11 * c22 - c12 * c12)
        return quadratic(inverse_components(covariance), vector)


def nuclear_norm(h: np.ndarray) -> np.ndarray:
    """Sum of the singular values of 2 x 2 or 3 x 3 matrices (..., d, d)."""
    if h.shape[-1] == 2:
        return np.sqrt(np.einsum("...ij,...ij->...", h, h) + 2.0 * np.abs(determinant(matrix_components(h))))
    return np.linalg.svd(h, compute_uv=False).sum(-1)


def proper_rotation(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The proper rotation Q that maximises ``tr(Q H)``, and that maximum.

    Parameters
    ----------
    h : (..., d, d)
        ``sum v y'`` of centred points.

    Returns
    -------
    rotation : (..., d, d)
    nu : (...)
        Sum of the singular values of H, the last one signed by the determinant.

    References
    ----------
    Kabsch 1976; Umeyama 1991 for the sign.
    """
    if h.shape[-1] == 2:
        p, q = h[..., 0, 0] + h[..., 1, 1], h[..., 0, 1] - h[..., 1, 0]
        nu = np.hypot(p, q)
        with np.errstate(invalid="ignore", divide="ignore"):
            cosine, sine = np.where(nu > 0, p / nu, 1.0), np.where(nu > 0, q / nu, 0.0)
        rotation = np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
        return rotation, nu
    u, s, vt = np.linalg.svd(h)
    sign = np.where(np.linalg.det(u) * np.linalg.det(vt) < 0, -1.0, 1.0)
    u = np.concatenate([u[..., :2], sign[..., None, None] * u[..., 2:]], -1)
    return transpose(u @ vt), s[..., 0] + s[..., 1] + sign * s[..., 2]
