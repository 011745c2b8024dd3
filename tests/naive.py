"""The statistics of the theory sheet written slowly, pair by pair with dense matrices, as a second witness of the closed forms.

One dataset and one new pair at a time; sections 1, 4, 5, 7 and 10. Nothing here uses the library.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

Pair = tuple[np.ndarray, np.ndarray]


def weight_of(kind: str, rho: float) -> float:
    """Section 5: a kind is one weight."""
    return {"observation": 1.0, "lre": 1 + 1 / rho if rho > 0 else math.inf, "tre": math.inf}[kind]


def generators(v: np.ndarray, scaled: bool) -> np.ndarray:
    """``J(v)`` of section 4: how a point moves with the angles, and with the logarithm of the scale."""
    if len(v) == 2:
        j = np.array([[-v[1]], [v[0]]])
    else:
        j = -np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.column_stack([j, v]) if scaled else j


def kabsch(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, float]:
    """Proper rotation of weighted, centred points, and the signed sum of the singular values."""
    u, s, vt = np.linalg.svd((w[:, None] * x).T @ y)
    sign = np.ones(len(s))
    sign[-1] = np.sign(np.linalg.det(u @ vt))
    return vt.T @ np.diag(sign) @ u.T, float(s @ sign)


def positive_root(b: float, nu: float, a: float, rho: float) -> float:
    """The scale of section 4, from the roots of its quadratic."""
    if math.isinf(rho):
        return a / nu
    roots = np.roots([b, -(1 - rho) * nu, -rho * a])
    return float(max(roots.real)) if rho > 0 else nu / b


def procrustes(x: np.ndarray, y: np.ndarray, w: np.ndarray, scaled: bool, rho: float) -> np.ndarray:
    """The linear part of a rigid or similarity fit of centred points."""
    r, nu = kabsch(x, y, w)
    return r * positive_root(float(w @ (x**2).sum(1)), nu, float(w @ (y**2).sum(1)), rho) if scaled else r


def total_least_squares(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The slope of centred points with equal noise in x and y."""
    d = x.shape[1]
    z = np.hstack([x, y])
    _, vectors = linalg.eigh((w[:, None] * z).T @ z)
    return vectors[d:, d:] @ np.linalg.inv(vectors[:d, d:])


def free_covariance(x: np.ndarray, y: np.ndarray, w: np.ndarray, rho: float) -> np.ndarray:
    """Section 5, any covariance: each canonical correlation corrected like one noisy scale."""
    xx, xy, yy = ((w[:, None] * p).T @ q for p, q in ((x, x), (x, y), (y, y)))
    root_x, root_y = linalg.sqrtm(xx).real, linalg.sqrtm(yy).real
    u, dd, vt = np.linalg.svd(np.linalg.inv(root_y) @ xy.T @ np.linalg.inv(root_x))
    c = [positive_root(1.0, t, 1.0, rho) for t in dd]
    return root_y @ u @ np.diag(c) @ vt @ np.linalg.inv(root_x)


@dataclass
class Statistics:
    """What is deleted and what was there, in the metric of the noise; and the likelihood's two sums."""

    deleted: float
    total: float
    increase: float
    before: float

    def p_values(self, d: int, dof: int) -> tuple[float, float]:
        """Score alone and likelihood ratio."""
        return (float(stats.f.sf(self.deleted / d / ((self.total - self.deleted) / dof), d, dof)),
                float(stats.f.sf(self.increase / d / (self.before / dof), d, dof)))


def add(x: np.ndarray, new: np.ndarray, w0: float) -> tuple[np.ndarray, np.ndarray]:
    """All pairs with the new one first, about their weighted centroid, and the weights; about the new one when it is exact."""
    if math.isinf(w0):
        return x - new, np.ones(len(x))
    w = np.r_[w0, np.ones(len(x))]
    z = np.vstack([new, x])
    return z - w @ z / w.sum(), w


def latent_points(image: np.ndarray, r: np.ndarray, kappa: float, kind: str, w0: float) -> np.ndarray:
    """Section 1; of an `lre` pair the image itself: section 10 takes it from the fiducials' centroid, ``u = A dx + e``."""
    eta = image + kappa * r
    if kind == "lre" and not math.isinf(w0):
        eta[0] = eta[1:].mean(0) + (image[0] - image[1:].mean(0)) + (r[0] - r[1:].mean(0))
    return eta


def deleted_residual(r: np.ndarray, eta: np.ndarray, w: np.ndarray, sigma: np.ndarray, jacobian, w0: float) -> float:
    """Section 10, any noise: ``r_0' V^-1 r_0`` with ``Sigma_i = sigma / w_i``; the exact new pair through ``g = sum S^-1 r``."""
    d, inverse = r.shape[1], np.linalg.inv(sigma)
    js = [jacobian(v) for v in eta]
    if math.isinf(w0):
        g = inverse @ r.sum(0)
        c = inverse @ sum(js)
        v = len(r) * inverse - c @ np.linalg.inv(sum(j.T @ inverse @ j for j in js)) @ c.T
        return float(g @ np.linalg.inv(v) @ g)
    gs = [np.hstack([np.eye(d), j]) for j in js]
    information = sum(wi * g.T @ inverse @ g for wi, g in zip(w, gs, strict=True))
    v = sigma / w0 - gs[0] @ np.linalg.inv(information) @ gs[0].T
    return float(r[0] @ np.linalg.inv(v) @ r[0])


def procrustes_statistics(x: np.ndarray, y: np.ndarray, new: Pair, kind: str, scaled: bool, rho: float) -> Statistics:
    """Rigid and similarity, isotropic noise of ratio rho."""
    kappa, w0 = 1.0 if math.isinf(rho) else rho / (1 + rho), weight_of(kind, rho)
    (xc, w), (yc, _) = add(x, new[0], w0), add(y, new[1], w0)
    a = procrustes(xc, yc, w, scaled, rho)
    r = yc - xc @ a.T
    eta = latent_points(xc @ a.T, r, kappa, kind, w0)
    total = float(w @ (r**2).sum(1))
    ones = np.ones(len(x))
    before = procrustes(x - x.mean(0), y - y.mean(0), ones, scaled, rho)
    rss = float((((y - y.mean(0)) - (x - x.mean(0)) @ before.T) ** 2).sum())
    growth = (np.linalg.det(a) / np.linalg.det(before)) ** (-2 * kappa / x.shape[1])
    deleted = deleted_residual(r, eta, w, np.eye(x.shape[1]), lambda v: generators(v, scaled), w0)
    return Statistics(deleted, total, total * growth - rss, rss)


def stretch(x: np.ndarray, y: np.ndarray, rho: float) -> float:
    """``a = s / sqrt(rho)`` of section 5, by which the source is scaled first."""
    xc, yc = x - x.mean(0), y - y.mean(0)
    nu = float(np.linalg.svd(xc.T @ yc, compute_uv=False).sum())
    return positive_root(float((xc**2).sum()), nu, float((yc**2).sum()), rho) / math.sqrt(rho)


def errors_in_variables_statistics(x: np.ndarray, y: np.ndarray, new: Pair, kind: str, rho: float) -> Statistics:
    """Affine, isotropic noise in both spaces, with the Bartlett factor of section 10 in the increase."""
    n, d = x.shape
    a, w0 = stretch(x, y, rho), weight_of(kind, rho)
    (xc, w), (yc, _) = add(a * x, a * new[0], w0), add(y, new[1], w0)
    slope = total_least_squares(xc, yc, w)
    sigma = np.eye(d) + slope @ slope.T
    r = yc - xc @ slope.T
    latent = xc + r @ np.linalg.inv(sigma) @ slope
    total = float(w @ np.einsum("ni,ij,nj->n", r, np.linalg.inv(sigma), r))
    z = np.hstack([a * (x - x.mean(0)), y - y.mean(0)])
    values, vectors = np.linalg.eigh(z.T @ z)
    rss = float(values[:d].sum())
    fitted = vectors[d:, d:] @ np.linalg.inv(vectors[:d, d:])
    dx = a * (new[0] - x.mean(0))
    c = n if math.isinf(w0) else n * w0 / (n + w0)
    v, large = vectors[:, d:].T @ np.r_[dx, fitted @ dx], values[d:]
    q = c * (v**2 / large**2).sum() / (1 + c * (v**2 / large).sum())
    s2, g = rss / (d * (n - d - 1)), (1 / large).sum()
    b = 1 + (n - d) * q * s2 / (1 - s2 * g)
    deleted = deleted_residual(r, latent, w, sigma, lambda u: np.kron(np.eye(d), u), w0)
    return Statistics(deleted, total, (total - rss) / b, rss)


def free_covariance_p_values(x: np.ndarray, y: np.ndarray, new: Pair, kind: str, rho: float) -> tuple[float, float]:
    """Score alone and likelihood ratio of section 5, any covariance; ``Q = |W| |A|^(-2 kappa)``."""
    n, d = x.shape
    kappa, w0 = 1.0 if math.isinf(rho) else rho / (1 + rho), weight_of(kind, rho)
    (xc, w), (yc, _) = add(x, new[0], w0), add(y, new[1], w0)
    a = free_covariance(xc, yc, w, rho)
    r = yc - xc @ a.T
    eta = latent_points(xc @ a.T, r, kappa, kind, w0)
    eta = eta - w @ eta / w.sum() if not math.isinf(w0) else eta
    big_w = (w[:, None] * r).T @ r
    inverse = np.linalg.inv((w[:, None] * eta).T @ eta)
    if math.isinf(w0):
        r0, v = r.sum(0), n - eta.sum(0) @ inverse @ eta.sum(0)
    else:
        r0, v = r[0], 1 / w0 - 1 / (n + w0) - eta[0] @ inverse @ eta[0]
    score = float(r0 @ np.linalg.inv(big_w - np.outer(r0, r0) / v) @ r0 / v * (n - 2 * d) / d)
    ones = np.ones(n)
    x0, y0 = x - x.mean(0), y - y.mean(0)
    a_before = free_covariance(x0, y0, ones, rho)
    w_before = (y0 - x0 @ a_before.T).T @ (y0 - x0 @ a_before.T)
    q = [np.linalg.det(m) * abs(np.linalg.det(b)) ** (-2 * kappa) for m, b in ((big_w, a), (w_before, a_before))]
    ratio = float((q[0] / q[1] - 1) * (n - 2 * d) / d)
    return float(stats.f.sf(score, d, n - 2 * d)), float(stats.f.sf(ratio, d, n - 2 * d))


def pair_p_values(x: np.ndarray, y: np.ndarray, scaled: bool, rho: float) -> np.ndarray:
    """Section 7: ``F_j = (q_j/d) / ((RSS - q_j)/((n-1)d - k))``, ``q_j = r_j' (I - H_j)^-1 r_j`` at latent points."""
    n, d = x.shape
    kappa = 1.0 if math.isinf(rho) else rho / (1 + rho)
    xc, yc = x - x.mean(0), y - y.mean(0)
    a = procrustes(xc, yc, np.ones(n), scaled, rho)
    r = yc - xc @ a.T
    gs = [np.hstack([np.eye(d), generators(v, scaled)]) for v in xc @ a.T + kappa * r]
    return _deleted_p_values(r, gs, gs[0].shape[1])


def regression_pair_p_values(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The same for affine regression, latent points being the source points."""
    n, d = x.shape
    z = np.column_stack([np.ones(n), x])
    r = y - z @ np.linalg.lstsq(z, y, rcond=None)[0]
    return _deleted_p_values(r, [np.kron(np.eye(d), row) for row in z], d * (d + 1))


def _deleted_p_values(r: np.ndarray, gs: list[np.ndarray], k: int) -> np.ndarray:
    n, d = r.shape
    inverse = np.linalg.inv(sum(g.T @ g for g in gs))
    dof = (n - 1) * d - k
    q = np.array([ri @ np.linalg.inv(np.eye(d) - g @ inverse @ g.T) @ ri for ri, g in zip(r, gs, strict=True)])
    return stats.f.sf(q / d / (((r**2).sum() - q) / dof), d, dof)
