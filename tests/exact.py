"""References to 60 digits: the theory sheet's formulas on arrays of `decimal.Decimal`, for what double precision cannot check."""

from __future__ import annotations

from decimal import Decimal, getcontext
from typing import Any

import numpy as np

getcontext().prec = 60
ZERO, ONE, TINY = Decimal(0), Decimal(1), Decimal("1e-100")


def exactly(values: Any) -> np.ndarray:
    """Every float as the number it is."""
    a = np.asarray(values, float)
    return np.array([Decimal(float(v)) for v in a.ravel()], object).reshape(a.shape)


def to_float(values: Any) -> Any:
    return np.asarray(values, object).astype(float)


def hypot(p: Decimal, q: Decimal) -> Decimal:
    return (p * p + q * q).sqrt()


def centred(x: np.ndarray) -> np.ndarray:
    return x - x.sum(0) / Decimal(len(x))


def inverse(m: np.ndarray) -> np.ndarray:
    """Gauss-Jordan with pivots."""
    n = len(m)
    a = np.hstack([m, np.array([[ONE if i == j else ZERO for j in range(n)] for i in range(n)], object)])
    for i in range(n):
        p = i + int(np.argmax([abs(v) for v in a[i:, i]]))
        a[[i, p]] = a[[p, i]]
        a[i] = a[i] / a[i, i]
        for j in range(n):
            if j != i:
                a[j] = a[j] - a[j, i] * a[i]
    return a[:, n:]


def eigenvalues(m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ascending eigenvalues and eigenvectors (columns) of a symmetric matrix by Jacobi's rotations."""
    a, n = m.copy(), len(m)
    v = np.array([[ONE if i == j else ZERO for j in range(n)] for i in range(n)], object)
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    while any(a[i, j] ** 2 > TINY * abs(a[i, i] * a[j, j]) for i, j in pairs):
        for i, j in pairs:
            _rotate(a, v, i, j)
    order = np.argsort(to_float(np.diag(a)))
    return np.diag(a)[order], v[:, order]


def _rotate(a: np.ndarray, v: np.ndarray, i: int, j: int) -> None:
    if a[i, j] ** 2 <= TINY * abs(a[i, i] * a[j, j]):
        return
    theta = (a[j, j] - a[i, i]) / (2 * a[i, j])
    t = (ONE if theta >= 0 else -ONE) / (abs(theta) + (theta * theta + 1).sqrt())
    c = 1 / (t * t + 1).sqrt()
    s = t * c
    for k in (a, v):
        k[:, i], k[:, j] = c * k[:, i] - s * k[:, j], s * k[:, i] + c * k[:, j]
    a[i], a[j] = c * a[i] - s * a[j], s * a[i] + c * a[j]


def rigid_rss(x: np.ndarray, y: np.ndarray) -> Decimal:
    """``sum|x|^2 + sum|y|^2 - 2 nu`` of centred points, 2D and 3D."""
    h = x.T @ y
    if len(h) == 2:
        nu = hypot(h[0, 0] + h[1, 1], h[0, 1] - h[1, 0])
    else:
        s = [max(v, ZERO).sqrt() for v in eigenvalues(h.T @ h)[0]]
        nu = s[2] + s[1] + (s[0] if determinant(h) > 0 else -s[0])
    return (x * x).sum() + (y * y).sum() - 2 * nu


def determinant(h: np.ndarray) -> Decimal:
    return sum((h[0, i] * (h[1, i - 2] * h[2, i - 1] - h[1, i - 1] * h[2, i - 2]) for i in range(3)), ZERO)


def similarity_rss(x: np.ndarray, y: np.ndarray) -> tuple[Decimal, Decimal]:
    """RSS and scale with the symmetric scale, 2D."""
    h = x.T @ y
    nu, a, b = hypot(h[0, 0] + h[1, 1], h[0, 1] - h[1, 0]), (y * y).sum(), (x * x).sum()
    s = (a / b).sqrt()
    return a - 2 * s * nu + s * s * b, s


def small_sum(z: np.ndarray, d: int) -> Decimal:
    """Sum of the d small eigenvalues of ``z'z``."""
    return sum(eigenvalues(z.T @ z)[0][:d], ZERO)


def regression(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Linear part and inverse scatter of centred points."""
    p = inverse(x.T @ x)
    return (p @ (x.T @ y)).T, p


def joined(x: np.ndarray, new: np.ndarray, kind: str) -> np.ndarray:
    """Centred points with the new one in the way section 5 says: a row times ``sqrt(c)``, c = n/(n+1) or n."""
    n = Decimal(len(x))
    mean = x.sum(0) / n
    c = n if kind == "tre" else n / (n + 1)
    return np.vstack([x - mean, (c.sqrt() * (new - mean))[None]])


def rigid_score_2d(x: np.ndarray, y: np.ndarray, new: tuple[np.ndarray, np.ndarray], kind: str,
                   kappa: Decimal) -> tuple[Decimal, Decimal]:
    """``num`` and ``RSS_0`` of section 10, plane rigid."""
    n = Decimal(len(x))
    c = n if kind == "tre" else n / (n + 1)
    xj, yj = joined(x, new[0], kind), joined(y, new[1], kind)
    h = xj.T @ yj
    p, q = h[0, 0] + h[1, 1], h[0, 1] - h[1, 0]
    nu = hypot(p, q)
    r = np.array([[p, -q], [q, p]], object) / nu
    v = r @ (xj[-1] / c.sqrt())
    e = yj[-1] / c.sqrt() - v
    u = v + kappa * e
    a, b = (yj * yj).sum(), (xj * xj).sum()
    information = (1 - kappa) ** 2 * b + kappa**2 * a + 2 * kappa * (1 - kappa) * nu
    length2 = (u * u).sum()
    along = (u[0] * e[0] + u[1] * e[1]) ** 2 / length2
    across = (u[0] * e[1] - u[1] * e[0]) ** 2 / length2
    return c * (along + across / (1 - c * length2 / information)), a + b - 2 * nu


def affine_score(z: np.ndarray, delta: np.ndarray, c: Decimal, d: int) -> tuple[Decimal, Decimal]:
    """``num`` and ``RSS_0`` of section 10, affine with noise in both spaces; z the stretched, centred rows."""
    values, vectors = eigenvalues(z.T @ z + c * np.outer(delta, delta))
    small, large = vectors[:, :d].T @ delta, vectors[:, d:].T @ delta
    left = 1 - c * (large * large / values[d:]).sum()
    return c * (small * small).sum() / left, sum(values[:d], ZERO)
