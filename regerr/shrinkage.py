"""One covariance for each point from few repeats: its own scatter, drawn towards that of all points.

Empirical Bayes. Each point has a variance of its own, inverse-gamma distributed over points, and one shape that all share; how
unequal the points are is estimated from all of them, and says how far each is drawn in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln

from .errors import InputError
from .linalg import trace

_EFFECTIVE = 0.8  # share of the d k degrees of freedom that a scatter of unequal axes has
_LEAST, _MOST = 0.2, 1e5  # of nu0: points as unequal as can be, and points alike


@dataclass(frozen=True, eq=False)
class Shrinkage:
    """The law of the points' variances.

    Attributes
    ----------
    variance : float
        s0^2, per coordinate, of a typical point.
    degrees : float
        nu0: the smaller, the more unequal the points; 1e5 stands for points alike.
    shape : (d, d)
        P, the mean shape of the scatters, of trace d.
    """

    variance: float
    degrees: float
    shape: np.ndarray

    @property
    def weight(self) -> float:
        """``v = nu0/d + 4``, the degrees of freedom that the typical covariance counts for."""
        return self.degrees / len(self.shape) + 4.0

    @property
    def typical(self) -> np.ndarray:
        """``s0^2 P``, the covariance of a point without repeats, (d, d)."""
        return self.variance * self.shape

    def covariances(self, scatter: np.ndarray, degrees: np.ndarray) -> np.ndarray:
        """``(v s0^2 P + k S)/(v + k)`` for scatters (n, d, d) of k degrees (n,): positive definite whatever k."""
        k = degrees[:, None, None]
        return np.asarray((self.weight * self.typical + k * scatter) / (self.weight + k))


def shrinkage(scatter: np.ndarray, degrees: np.ndarray) -> Shrinkage:
    """Estimate the law of the points' variances.

    Parameters
    ----------
    scatter : (n, d, d)
        Sample covariance of each point's repeats.
    degrees : (n,)
        Its degrees of freedom k; points with 0 say nothing.

    Returns
    -------
    Shrinkage
        ``tr S/d ~ s0^2 F(0.8 d k, nu0)``, maximum likelihood for (s0^2, nu0).

    Raises
    ------
    InputError
        When no point scatters, or none along some axis, so that no covariance can be made.
    """
    d = scatter.shape[-1]
    size = trace(scatter) / d
    used = (degrees > 0) & (size > 0)
    if not used.any():
        raise InputError("all placements of each point agree exactly, so there is no scatter to make covariances from: give "
                         "files that were localised independently")
    shape = np.average(scatter[used] / size[used, None, None], axis=0, weights=degrees[used])
    if np.linalg.eigvalsh(shape)[0] < 1e-9:
        raise InputError("the placements do not scatter in all directions, so they give no covariances: use more points or more "
                         "repeats, and check whether a coordinate was copied")
    variance, nu = _likeliest(size[used], _EFFECTIVE * d * degrees[used])
    return Shrinkage(variance, nu, shape)


def log_likelihood(size: np.ndarray, freedom: np.ndarray, variance: float, degrees: float) -> float:
    """Log density of ``size/variance ~ F(freedom, degrees)``, summed over points."""
    a, b = freedom / 2.0, degrees / 2.0
    ratio = freedom * size / (degrees * variance)
    each = a * np.log(ratio) - (a + b) * np.log1p(ratio) - np.log(size) - betaln(a, b)
    return float(each.sum())


def _likeliest(size: np.ndarray, freedom: np.ndarray) -> tuple[float, float]:
    """(s0^2, nu0), in logarithms; the least of runs from unequal, middling and equal points."""
    middle = math.log(float(np.median(size)))
    bounds = [(middle - 12.0, middle + 12.0), (math.log(_LEAST), math.log(_MOST))]

    def loss(u: np.ndarray) -> float:
        return -log_likelihood(size, freedom, math.exp(u[0]), math.exp(u[1]))

    runs = [minimize(loss, np.array([middle, math.log(start)]), method="L-BFGS-B", bounds=bounds) for start in (1.0, 5.0, 50.0)]
    best = min(runs, key=lambda run: float(run.fun))
    return math.exp(best.x[0]), math.exp(best.x[1])
