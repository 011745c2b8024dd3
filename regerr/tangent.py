"""The directions in which a linear part can move, ``dA = D A``, in 2D and 3D, and how far it then goes."""

from __future__ import annotations

import numpy as np

_TURNS = {
    2: np.array([[[0.0, -1.0], [1.0, 0.0]]]),
    3: np.array([[[0.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]],
                 [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 0.0]],
                 [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]),
}
for _turn in _TURNS.values():
    _turn.flags.writeable = False


def turns(dimension: int) -> np.ndarray:
    """Generators of rotations: (1, 2, 2), or (3, 3, 3) for the axes x, y, z; ``[w]_x = sum_k w_k turns[k]``."""
    return _TURNS[dimension]


def turns_and_growth(dimension: int) -> np.ndarray:
    """Those of a similarity: the turns, and growth of all directions alike."""
    return np.concatenate([turns(dimension), np.eye(dimension)[None]])


def anyhow(dimension: int) -> np.ndarray:
    """Those of any matrix: one for each entry, (d^2, d, d)."""
    return np.eye(dimension**2).reshape(-1, dimension, dimension)


def velocities(moves: np.ndarray, points: np.ndarray) -> np.ndarray:
    """``D_k v`` of points v (..., m, d) under moves (q, d, d): (..., m, d, q)."""
    return np.einsum("kij,...j->...ik", moves, points)


def gradient(moves: np.ndarray, points: np.ndarray) -> np.ndarray:
    """``[I, D_k v]``: derivative of a map by a shift and moves, where images are v (..., m, d): (..., m, d, d + q)."""
    shift = np.broadcast_to(np.eye(points.shape[-1]), (*points.shape, points.shape[-1]))
    return np.concatenate([shift, velocities(moves, points)], -1)


def cayley(generator: np.ndarray) -> np.ndarray:
    """The rotation ``(I - W/2)^-1 (I + W/2)`` (..., d, d) of an antisymmetric W, equal to ``exp(W)`` to second order.

    Written out, ``I + (W + W^2/2)/(1 + t)`` with ``t = |W|^2/8``: a solver takes ``I - W/2`` for singular where W is huge.
    """
    size = np.sqrt((generator**2).sum((-2, -1), keepdims=True))
    unit, t = generator / np.where(size > 0, size, 1.0), size**2 / 8.0
    return np.eye(generator.shape[-1]) + size / (1.0 + t) * unit + 4.0 * t / (1.0 + t) * (unit @ unit)


def turned(w: np.ndarray) -> np.ndarray:
    """The rotation (d, d, ...) of a turn w (1, ...) in the plane or (3, ...) in space; Cayley's, equal to exp to second order."""
    if len(w) == 1:
        cosine, sine = np.cos(w[0]), np.sin(w[0])
        return np.stack([np.stack([cosine, -sine]), np.stack([sine, cosine])])
    return np.moveaxis(cayley(np.einsum("kij,k...->...ij", turns(3), w)), (-2, -1), (0, 1))


def turned_and_grown(w: np.ndarray) -> np.ndarray:
    """The same with the logarithm of a scale as the last entry of w."""
    return np.exp(w[-1]) * turned(w[:-1])


def moved_anyhow(w: np.ndarray) -> np.ndarray:
    """``I + W`` of the entries of any matrix W (d^2, ...)."""
    d = int(np.sqrt(len(w)))
    return w.reshape(d, d, *w.shape[1:]) + np.eye(d).reshape(d, d, *(1,) * (w.ndim - 1))
