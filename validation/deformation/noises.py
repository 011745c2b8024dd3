"""Laws of noise, from the one that tests assume to what people's landmarks show. Each has unit mean square per coordinate.

A law is frozen and has ``sample(rng, points)``: noise of the points (..., n, d), of that shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Law(Protocol):
    """A law of noise."""

    @property
    def word(self) -> str:
        """What tables call it."""

    def sample(self, rng: np.random.Generator, points: np.ndarray) -> np.ndarray:
        """Noise of points (..., n, d)."""


@dataclass(frozen=True)
class Gaussian:
    """Alike for all points."""

    word: str = "Gaussian"

    def sample(self, rng: np.random.Generator, points: np.ndarray) -> np.ndarray:
        """Noise of points (..., n, d)."""
        return rng.standard_normal(points.shape)


@dataclass(frozen=True)
class Student:
    """Student's t of 3 degrees in each point, radially: a few points are far off."""

    word: str = "t3"

    def sample(self, rng: np.random.Generator, points: np.ndarray) -> np.ndarray:
        """Noise of points (..., n, d)."""
        lengths = np.sqrt(rng.chisquare(3.0, points.shape[:-1]))[..., None]  # its mean square is 3, that of t is 3 as well
        return rng.standard_normal(points.shape) / lengths


@dataclass(frozen=True)
class Unequal:
    """S.d. of points log-normal, 0.6 the s.d. of their logarithm, wherever they are."""

    word: str = "log-normal s.d."

    def sample(self, rng: np.random.Generator, points: np.ndarray) -> np.ndarray:
        """Noise of points (..., n, d)."""
        sd = np.exp(0.6 * rng.standard_normal(points.shape[:-1]) - 0.36)[..., None]
        return sd * rng.standard_normal(points.shape)


@dataclass(frozen=True)
class Growing:
    """S.d. proportional to the distance from the centroid."""

    word: str = "s.d. growing outwards"

    def sample(self, rng: np.random.Generator, points: np.ndarray) -> np.ndarray:
        """Noise of points (..., n, d)."""
        distance = np.linalg.norm(points - points.mean(-2, keepdims=True), axis=-1, keepdims=True)
        sd = distance / np.sqrt((distance**2).mean(-2, keepdims=True))
        return sd * rng.standard_normal(points.shape)


@dataclass(frozen=True)
class Partners:
    """Landmarks in pairs, the first with the second and so on; the noise of partners is correlated, the first axis mirrored.

    Parameters
    ----------
    correlation : float
        Of the two noises, coordinate by coordinate.
    """

    correlation: float = 0.7
    word: str = "partners placed alike"

    def sample(self, rng: np.random.Generator, points: np.ndarray) -> np.ndarray:
        """Noise of points (..., n, d)."""
        own = rng.standard_normal(points.shape)
        common = np.repeat(rng.standard_normal((*points.shape[:-2], (points.shape[-2] + 1) // 2, points.shape[-1])), 2, -2)
        common = common[..., :points.shape[-2], :]
        common[..., 1::2, 0] *= -1.0
        return math.sqrt(1.0 - self.correlation) * own + math.sqrt(self.correlation) * common
