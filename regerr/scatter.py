"""The sufficient statistics of matched points: means and centred scatters, with pairs added or removed by rank one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from .linalg import outer


@dataclass(frozen=True, eq=False)
class Scatter:
    """Means and centred second moments of n pairs, batched.

    Attributes
    ----------
    n : int
        Number of pairs.
    x_mean, y_mean : (..., d)
    sxx, sxy, syy : (..., d, d)
        ``sum dx dx'``, ``sum dx dy'``, ``sum dy dy'`` about the means.
    """

    n: int
    x_mean: np.ndarray
    y_mean: np.ndarray
    sxx: np.ndarray
    sxy: np.ndarray
    syy: np.ndarray

    @classmethod
    def of(cls, source: np.ndarray, target: np.ndarray) -> Scatter:
        """From points (..., n, d); the means are subtracted first."""
        n = source.shape[-2]
        x_mean, y_mean = np.einsum("...ni->...i", source) / n, np.einsum("...ni->...i", target) / n
        dx, dy = source - x_mean[..., None, :], target - y_mean[..., None, :]
        tx, ty = np.swapaxes(dx, -1, -2), np.swapaxes(dy, -1, -2)
        return cls(n, x_mean, y_mean, tx @ dx, tx @ dy, ty @ dy)

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return self.sxx.shape[-1]

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The shape before the points' own axes."""
        return self.sxx.shape[:-2]

    def swap(self) -> Scatter:
        """Source and target exchanged."""
        return Scatter(self.n, self.y_mean, self.x_mean, self.syy, np.swapaxes(self.sxy, -1, -2), self.sxx)

    def remove(self, source: np.ndarray, target: np.ndarray) -> Scatter:
        """Each of the pairs (..., n, d) left out in turn: a scatter of batch shape (..., n)."""
        n = self.n
        dx, dy = source - self.x_mean[..., None, :], target - self.y_mean[..., None, :]
        c = n / (n - 1.0)
        return Scatter(n - 1, self.x_mean[..., None, :] - dx / (n - 1.0), self.y_mean[..., None, :] - dy / (n - 1.0),
                       self.sxx[..., None, :, :] - c * outer(dx, dx), self.sxy[..., None, :, :] - c * outer(dx, dy),
                       self.syy[..., None, :, :] - c * outer(dy, dy))

    def centred(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (..., m, d) of either space relative to the fiducials' centroids."""
        return x - self.x_mean[..., None, :], y - self.y_mean[..., None, :]

    def joint(self, dx: np.ndarray, dy: np.ndarray, weight: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scatters after a pair of that weight joins at (dx, dy) about the means: each (..., m, d, d)."""
        c = joining_factor(self.n, weight)
        return (self.sxx[..., None, :, :] + c * outer(dx, dx), self.sxy[..., None, :, :] + c * outer(dx, dy),
                self.syy[..., None, :, :] + c * outer(dy, dy))


def joining_factor(n: int, weight: float) -> float:
    """``c = n w / (n + w)``, n for an infinite weight (theory, section 5)."""
    return float(n) if np.isinf(weight) else n * weight / (n + weight)


def take(record: Any, index: Any) -> Any:
    """The same frozen record for some elements of its batch: arrays are indexed, everything else is kept."""
    changed = {}
    for f in fields(record):
        value = getattr(record, f.name)
        if isinstance(value, np.ndarray):
            changed[f.name] = value[index]
        elif isinstance(value, Scatter):
            changed[f.name] = take(value, index)
        else:
            changed[f.name] = value
    return type(record)(**changed)
