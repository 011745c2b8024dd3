"""What each kind of generator offers, so that a user's own class can take its place in an experiment."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np


class Layout(Protocol):
    """A law of point positions."""

    @property
    def n(self) -> int:
        """Number of points."""

    @property
    def dimension(self) -> int:
        """2 or 3."""

    def sample(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> np.ndarray:
        """Points (*batch, n, d) in source units."""


class Map(Protocol):
    """A map of points with its derivative: a ``regerr`` Transform, or a nonrigid one."""

    def apply(self, points: Any) -> np.ndarray:
        """Map points (..., m, d) to the target space."""

    def jacobian(self, points: Any) -> np.ndarray:
        """Derivative at points (..., m, d): (..., m, d, d)."""


class Truth(Protocol):
    """A law of true transformations."""

    @property
    def dimension(self) -> int:
        """2 or 3."""

    def sample(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> Map:
        """One map per element of the batch, held in one object."""


class NoiseLaw(Protocol):
    """A law of localisation noise; ``regerr.noise.Noise`` is one."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Noise of the source and of the target, two fresh arrays (..., n, d)."""


class Contamination(Protocol):
    """Something that goes wrong with some of the fiducials after they were localised."""

    def spoil(self, rng: np.random.Generator, target: np.ndarray) -> np.ndarray:
        """Alter observed target points (..., n, d) in place; which rows were altered, bool (..., n)."""
