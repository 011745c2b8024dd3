"""The sufficient statistics of matched points: means and centred scatters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .linalg import EPS, about, apply, gram, trace, transpose


@dataclass(frozen=True, eq=False)
class Scatter:
    """Means and centred second moments of n pairs, batched.

    Attributes
    ----------
    n : int
        Number of pairs.
    x_mean, y_mean : (..., d)
    dx, dy : (..., n, d)
        The points about their means.
    sxx, sxy, syy : (..., d, d)
        ``sum dx dx'``, ``sum dx dy'``, ``sum dy dy'``.
    """

    n: int
    x_mean: np.ndarray
    y_mean: np.ndarray
    dx: np.ndarray
    dy: np.ndarray
    sxx: np.ndarray
    sxy: np.ndarray
    syy: np.ndarray

    @classmethod
    def of(cls, source: np.ndarray, target: np.ndarray) -> Scatter:
        """From points (..., n, d); the means are subtracted first (theory, section 19)."""
        n = source.shape[-2]
        weights = np.full(n, 1.0 / n)
        x_mean, y_mean = weights @ source, weights @ target
        dx, dy = about(source, x_mean), about(target, y_mean)
        return cls(n, x_mean, y_mean, dx, dy, gram(dx, dx), gram(dx, dy), gram(dy, dy))

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return self.sxx.shape[-1]

    def swap(self) -> Scatter:
        """Source and target exchanged."""
        return Scatter(self.n, self.y_mean, self.x_mean, self.dy, self.dx, self.syy, transpose(self.sxy), self.sxx)

    def rounding(self) -> np.ndarray:
        """Length that the rounding of the coordinates can make, seen in the target: ``8 eps max|coordinate|``, (...)."""
        x_size, y_size = largest_coordinate(self.x_mean, self.sxx, self.n), largest_coordinate(self.y_mean, self.syy, self.n)
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.sqrt(trace(self.syy) / trace(self.sxx))
        return 8.0 * EPS * np.fmax(y_size, scale * x_size)

    def smallest_resolved(self) -> np.ndarray:
        """Residual sums of squares below this are rounding: ``n d (8 eps max|coordinate|)^2`` (theory, section 19), (...)."""
        return self.n * self.dimension * self.rounding() ** 2


@dataclass(frozen=True, eq=False)
class Frame:
    """Scatters of the residuals of a fit, seen in the target: they lose nothing when the noise is tiny.

    With ``v = A dx`` and ``r = dy - v``: ``vv = sum v v'``, ``vr = sum v r'``, ``rr = sum r r'``, each (..., d, d).
    """

    vv: np.ndarray
    vr: np.ndarray
    rr: np.ndarray

    @classmethod
    def of(cls, scatter: Scatter, matrix: np.ndarray) -> Frame:
        """From the centred points and a linear part (..., d, d)."""
        r = scatter.dy - apply(matrix, scatter.dx)
        return cls(matrix @ scatter.sxx @ transpose(matrix), matrix @ gram(scatter.dx, r), gram(r, r))

    @property
    def vy(self) -> np.ndarray:
        """``sum v dy'``."""
        return self.vv + self.vr

    @property
    def yy(self) -> np.ndarray:
        """``sum dy dy'``."""
        return self.vv + self.vr + transpose(self.vr) + self.rr

    @property
    def rss(self) -> np.ndarray:
        """``sum |r|^2``, (...)."""
        return trace(self.rr)

    def latent(self, share: float) -> np.ndarray:
        """``sum eta eta'`` of the latent points ``eta = v + share r`` (theory, section 1), (..., d, d)."""
        return self.vv + share * (self.vr + transpose(self.vr)) + share**2 * self.rr


def joining_factor(n: int, weight: float) -> float:
    """``c = n w / (n + w)``: how a pair of weight w enters centred scatters; n for an infinite weight (theory, section 5)."""
    return float(n) if np.isinf(weight) else n * weight / (n + weight)


def largest_coordinate(mean: np.ndarray, scatter: np.ndarray, n: int) -> np.ndarray:
    """Size of the largest coordinate before centring, from mean and scatter, without another pass over the points: (...)."""
    return np.abs(mean).max(-1) + np.sqrt(trace(scatter) * min(1.0, 36.0 / n))
