"""The small eigenvalues of a symmetric matrix after a rank-one update, from its own eigenvalues.

``D + c z z'`` with ascending ``D = diag(L)`` has the eigenvalues that solve ``1 + c sum_j z_j^2/(L_j - t) = 0``, one in each
interval ``(L_k, L_{k+1})``. Each is found by rational interpolation with poles at both ends (Bunch, Nielsen & Sorensen 1978),
counted from its left pole, so that the *change* of an eigenvalue is right to its own rounding. One new pair costs a few dozen
array operations instead of an eigenproblem.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_STEPS = 40
_SETTLED = 1e-8  # relative change from which on one more step is exact: convergence is quadratic
_TINY = 1e-300


def small_roots(poles: np.ndarray, z2: np.ndarray, c: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Changes of the ``count`` smallest eigenvalues, and the update's squared components along their new eigenvectors.

    Parameters
    ----------
    poles : (2d, ..., 1)
        Eigenvalues L, ascending.
    z2 : (2d, ..., m)
        Squared components of the update along the eigenvectors.
    c : float
        Weight of the update, above 0.
    count : int

    Returns
    -------
    change : (count, ..., m)
        ``t_k - L_k``, at least 0.
    component2 : (count, ..., m)
        ``(u_k' z)^2`` for the new unit eigenvectors: ``1/(c^2 sum_j z_j^2/(L_j - t_k)^2)``.
    """
    # a component of zero would merge a root with its pole; far below rounding it changes nothing else
    z2 = z2 + (1e-30 * z2.sum(0) + _TINY)
    roots = [_root(poles, z2, c, k) for k in range(count)]
    return np.stack([change for change, _ in roots]), np.stack([component2 for _, component2 in roots])


def _root(poles: np.ndarray, z2: np.ndarray, c: float, k: int) -> tuple[np.ndarray, np.ndarray]:
    distances = poles - poles[k]
    gap = np.maximum(distances[k + 1], 1e-30 * np.abs(poles[-1]) + _TINY)
    distances[k + 1] = gap
    weights = c * z2
    t = _start(distances, weights, gap, k)
    for _ in range(_STEPS):
        last = t
        t = _step(distances, weights, gap, t, k)
        if not (np.abs(t - last) > _SETTLED * t).any():
            break
    inner = sum(weights[j] / (distances[j] - t) ** 2 for j in range(len(poles)))
    return t, 1.0 / (c * inner)


def _start(distances: np.ndarray, weights: np.ndarray, gap: np.ndarray, k: int) -> np.ndarray:
    """The root if all other poles sat still, as seen from the middle of the interval."""
    rest: Any = 1.0
    for j in range(len(distances)):
        if j not in (k, k + 1):
            rest = rest + weights[j] / (distances[j] - 0.5 * gap)
    return _two_poles(rest, weights[k], weights[k + 1], gap)


def _step(distances: np.ndarray, weights: np.ndarray, gap: np.ndarray, t: np.ndarray, k: int) -> np.ndarray:
    """Match value and slope of the terms left and right of the root by one pole each, and solve."""
    rest: Any = 1.0
    left: Any = 0.0
    right: Any = 0.0
    for j in range(len(distances)):
        away = 1.0 / (distances[j] - t)
        value = weights[j] * away
        slope = value * away
        if j <= k:
            left = left + slope
            rest = rest + value + slope * t
        else:
            right = right + slope
            rest = rest + value - slope * (gap - t)
    return _two_poles(rest, left * t * t, right * (gap - t) ** 2, gap)


def _two_poles(rest: Any, left: Any, right: Any, gap: np.ndarray) -> np.ndarray:
    """The t in (0, gap) with ``rest - left/t + right/(gap - t) = 0``."""
    b = rest * gap + left + right
    root = np.sqrt(np.maximum(b * b - 4.0 * rest * left * gap, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(b > 0, 2.0 * left * gap / (b + root), (b - root) / (2.0 * rest))
    # off both poles, so that the next division is finite
    return np.clip(t, 1e-60 * gap, gap * (1.0 - 2e-16))
