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
    x_length2, y_length2 : (...)
        ``sum |dx|^2``, ``sum |dy|^2``.
    x_size, y_size : (...)
        Size of the largest coordinate before centring.
    source, target : (..., n, d)
        The points as they came.
    """

    n: int
    x_mean: np.ndarray
    y_mean: np.ndarray
    dx: np.ndarray
    dy: np.ndarray
    sxx: np.ndarray
    sxy: np.ndarray
    syy: np.ndarray
    x_length2: np.ndarray
    y_length2: np.ndarray
    x_size: np.ndarray
    y_size: np.ndarray
    source: np.ndarray
    target: np.ndarray

    @classmethod
    def of(cls, source: np.ndarray, target: np.ndarray) -> Scatter:
        """From points (..., n, d); the means are subtracted first (theory, section 19)."""
        n = source.shape[-2]
        weights = np.full(n, 1.0 / n)
        x_mean, y_mean = weights @ source, weights @ target
        dx, dy = about(source, x_mean), about(target, y_mean)
        sxx, syy = gram(dx, dx), gram(dy, dy)
        x_length2, y_length2 = trace(sxx), trace(syy)
        return cls(n, x_mean, y_mean, dx, dy, sxx, gram(dx, dy), syy, x_length2, y_length2,
                   _largest_coordinate(x_mean, x_length2, n), _largest_coordinate(y_mean, y_length2, n), source, target)

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return self.sxx.shape[-1]

    def swap(self) -> Scatter:
        """Source and target exchanged."""
        return Scatter(self.n, self.y_mean, self.x_mean, self.dy, self.dx, self.syy, transpose(self.sxy), self.sxx,
                       self.y_length2, self.x_length2, self.y_size, self.x_size, self.target, self.source)

    def rounding(self) -> np.ndarray:
        """Length that the rounding of the coordinates can make, seen in the target: ``8 eps max|coordinate|``, (...)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.sqrt(self.y_length2 / self.x_length2)
        return 8.0 * EPS * np.fmax(self.y_size, scale * self.x_size)

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


def _largest_coordinate(mean: np.ndarray, length2: np.ndarray, n: int) -> np.ndarray:
    """From the mean and ``sum |dx|^2``, without another pass over the points: (...)."""
    out = np.maximum(np.abs(mean[..., 0]), np.abs(mean[..., 1]))
    if mean.shape[-1] == 3:
        out = np.maximum(out, np.abs(mean[..., 2]))
    return out + np.sqrt(length2 * min(1.0, 36.0 / n))
