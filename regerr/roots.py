"""The largest root of random matrices: what a band about an affine map needs (Roy 1957; theory, section 13).

The eigenvalues of such d x d matrices have the joint density ``prod w(x_i) prod |x_i - x_j|``, so the distribution of the
largest is a Pfaffian of double integrals (de Bruijn 1955), which Gauss-Legendre nodes give to rounding for d = 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import beta, betainc, chdtri, gamma, gammainc, roots_legendre

_NODES = 128
_BEYOND = 200.0  # a largest root of independent rows that is never exceeded

Moment = Callable[[float, np.ndarray], np.ndarray]
Path = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def largest_root_known(x: np.ndarray, rows: int, d: int) -> np.ndarray:
    """``P(lmax(N'N) <= x)``, N of that many rows of d standard normal numbers."""
    def moment(a: float, u: np.ndarray) -> np.ndarray:
        return np.asarray(gammainc(a, 0.5 * u) * (gamma(a) * 2.0**a))

    return _largest(np.clip(x, 0.0, _BEYOND), rows, d, lambda u: np.exp(-0.5 * u), moment, _squared, _BEYOND)


def largest_root_scaled(x: np.ndarray, rows: int, d: int, degrees: int) -> np.ndarray:
    """``P(lmax(N'N) / chi2 <= x)``: one variance, estimated with that many degrees of freedom."""
    t, weights = roots_legendre(_NODES)
    t = 0.5 * (t + 1.0)
    # cubed nodes over the share of the variance: what exceeds the largest root is decided by the smallest variances
    variances, weights = chdtri(degrees, 1.0 - t**3), 1.5 * t**2 * weights
    values = largest_root_known(np.multiply.outer(variances, np.asarray(x, float)), rows, d)
    return np.asarray(np.tensordot(weights, values, 1))


def largest_root_free(x: np.ndarray, rows: int, d: int, degrees: int) -> np.ndarray:
    """``P(lmax(E^-1 N'N) <= x)``, E standard Wishart with that many degrees of freedom, at least d."""
    power = 0.5 * (degrees - d + 1)

    def moment(a: float, u: np.ndarray) -> np.ndarray:
        return np.asarray(betainc(a, power, u) * beta(a, power))

    share = np.maximum(x, 0.0) / (1.0 + np.maximum(x, 0.0))
    return _largest(share, rows, d, lambda u: (1.0 - u) ** (power - 1.0), moment, _rounded, 1.0)


def _squared(top: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points ``top t^2`` and their slope: close together near 0, from where the density falls off."""
    return top * t**2, 2.0 * top * t


def _rounded(top: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same for a density that may be infinite at 1: ``1 - u = (1 - w)^2``, w squared from 0 to its end."""
    end = 1.0 - np.sqrt(1.0 - top)
    w = end * t**2
    return w * (2.0 - w), 4.0 * (1.0 - w) * end * t


def _largest(x: np.ndarray, rows: int, d: int, density: Callable[[np.ndarray], np.ndarray], moment: Moment,
             path: Path, top: float) -> np.ndarray:
    """The distribution at x (...): moments ``int_0^u t^(a-1) density`` are known in closed form."""
    powers = [0.5 * (rows - d - 1) + i for i in range(1, d + 1)]
    return np.asarray(_pfaffian(np.asarray(x, float), powers, density, moment, path)
                      / _pfaffian(np.asarray(top), powers, density, moment, path))


def _pfaffian(x: np.ndarray, powers: list[float], density: Callable[[np.ndarray], np.ndarray], moment: Moment,
              path: Path) -> np.ndarray:
    t, weights = roots_legendre(_NODES)
    t, weights = 0.5 * (t + 1.0), 0.5 * weights
    u, slope = path(x[..., None], t)
    measure = density(u) * slope * weights
    below, whole = [moment(a, u) for a in powers], [moment(a, x) for a in powers]

    def pair(i: int, j: int) -> np.ndarray:
        return np.asarray(((2.0 * below[i] - whole[i][..., None]) * u ** (powers[j] - 1.0) * measure).sum(-1))

    if len(powers) == 2:
        return pair(0, 1)
    return pair(0, 1) * whole[2] - pair(0, 2) * whole[1] + pair(1, 2) * whole[0]
