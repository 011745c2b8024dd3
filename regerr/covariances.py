"""Covariances of predicted points, kept in the form their model has: never more numbers per target than needed.

All arrays are components; (...) is a batch and m its targets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from .linalg import determinant, dot, entries, identity, inverse_components, mahalanobis, quadratic, square, times


class Covariance(ABC):
    """The covariance at each target, and what regions and maps ask of it."""

    @abstractmethod
    def dense(self) -> np.ndarray:
        """The matrices, (d, d, ..., m)."""

    @abstractmethod
    def trace(self) -> np.ndarray:
        """Mean squared deviation, (..., m)."""

    @abstractmethod
    def determinant(self) -> np.ndarray:
        """Determinants, (..., m); infinite where nothing bounds the prediction."""

    @abstractmethod
    def distance(self, e: np.ndarray) -> np.ndarray:
        """``e' C^-1 e`` of deviations (d, ..., m); 0 where nothing bounds the prediction."""


@dataclass(frozen=True, eq=False)
class Proportional(Covariance):
    """One matrix for each dataset (d, d, ..., 1) times one factor for each target (..., m)."""

    matrix: np.ndarray
    factor: np.ndarray

    def dense(self) -> np.ndarray:
        matrix = self.matrix * self.factor
        unbounded = np.isinf(self.factor)
        if unbounded.any():
            # infinity times an entry of zero is no number
            matrix = np.where(unbounded, np.where(identity(matrix[0]) > 0, np.inf, 0.0), matrix)
        return matrix

    def trace(self) -> np.ndarray:
        return np.einsum("ii...->...", self.matrix) * self.factor

    def determinant(self) -> np.ndarray:
        return determinant(self.matrix) * self.factor ** len(self.matrix)

    def distance(self, e: np.ndarray) -> np.ndarray:
        return quadratic(inverse_components(self.matrix), e) / self.factor


def leveraged(noise: np.ndarray, white: np.ndarray, dx: np.ndarray, base: float) -> Proportional:
    """Noise (..., d, d) times ``base + |white dx|^2``, dx (d, ..., m); unbounded for datasets whose ``white`` is infinite."""
    leverage = square(times(entries(white), dx))
    hidden = np.isinf(white[..., 0, 0])[..., None]
    if hidden.any():
        leverage = np.where(hidden, np.inf, leverage)
    leverage += base
    return Proportional(entries(noise), leverage)


@dataclass(frozen=True, eq=False)
class Swung(Covariance):
    """A rotation in the plane: ``variance (base I + a a')``, a (2, ..., m) across the lever, variance (..., 1)."""

    variance: np.ndarray
    base: float
    across: np.ndarray

    def dense(self) -> np.ndarray:
        out = self.across[:, None] * self.across[None, :]
        out[0, 0] += self.base
        out[1, 1] += self.base
        out *= self.variance
        return out

    def trace(self) -> np.ndarray:
        return (square(self.across) + 2.0 * self.base) * self.variance

    def determinant(self) -> np.ndarray:
        return (square(self.across) + self.base) * (self.base * self.variance**2)

    def distance(self, e: np.ndarray) -> np.ndarray:
        along = dot(self.across, e)
        along *= along
        return (square(e) - along / (square(self.across) + self.base)) / (self.base * self.variance)


@dataclass(frozen=True, eq=False)
class Dense(Covariance):
    """Any matrix for each target, (d, d, ..., m)."""

    matrix: np.ndarray

    def dense(self) -> np.ndarray:
        return self.matrix

    def trace(self) -> np.ndarray:
        return np.einsum("ii...->...", self.matrix)

    def determinant(self) -> np.ndarray:
        return determinant(self.matrix)

    def distance(self, e: np.ndarray) -> np.ndarray:
        return mahalanobis(self.matrix, e)
