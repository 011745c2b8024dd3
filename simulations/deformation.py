"""Smooth nonrigid truths: a random displacement field after an affine map.

The field is a sum of K random plane waves (random Fourier features; Rahimi & Recht 2007),

    u(z) = amplitude sqrt(2/K) sum_k c_k cos(w_k'z + p_k),   w_k ~ N(0, I/length^2),  p_k uniform,  c_k uniform unit vectors,

so its coordinates are uncorrelated, with the covariance ``amplitude^2/d exp(-r^2/(2 length^2))`` at distance r, and close to
Gaussian. Every single field has the stated r.m.s. length over the whole plane, not only the average field.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from regerr.errors import InputError
from regerr.linalg import outer
from regerr.transforms import Transform

from ._checks import check_count, check_not_negative, check_positive
from .layouts import unit_vectors
from .truths import Affine, Given, Identity, Rigid


@dataclass(frozen=True)
class SmoothNonrigid:
    """An affine truth followed by a smooth displacement field.

    Parameters
    ----------
    base : truth of truths.py
        What comes first.
    amplitude : float
        R.m.s. length of the displacement, in target units. The field's own best affine part is not taken out: over a region
        smaller than ``length`` most of a field is an affine change.
    length : float
        Correlation length in target units: at this distance the correlation has fallen to exp(-1/2) = 0.61.
    features : int
        Number of plane waves.
    """

    base: Rigid | Affine | Identity | Given
    amplitude: float
    length: float
    features: int = 64

    def __post_init__(self) -> None:
        check_not_negative("amplitude", self.amplitude)
        check_positive("length", self.length)
        check_count("features", self.features)
        if self.amplitude > self.length / 3:
            raise InputError(f"a displacement of {self.amplitude:g} over a length of {self.length:g} folds the space onto "
                             "itself: give an amplitude of at most a third of the length")

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return self.base.dimension

    def sample(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> Deformation:
        """One map per element of the batch."""
        transform = self.base.sample(rng, batch)
        shape = (*batch, self.features, self.dimension)
        waves = rng.standard_normal(shape) / self.length
        phases = rng.uniform(0.0, 2 * math.pi, shape[:-1])
        vectors = self.amplitude * math.sqrt(2 / self.features) * unit_vectors(rng, shape)
        return Deformation(transform, waves, phases, vectors)


@dataclass(frozen=True, eq=False)
class Deformation:
    """``T(x) = z + u(z)``, ``z = A x + t``: a map with the methods of a Transform that make sense for it, or a batch of them.

    Attributes
    ----------
    transform : Transform
        The affine map that comes first.
    waves : (..., K, d) array
        Wave vectors, in radians per target unit.
    phases : (..., K) array
    vectors : (..., K, d) array
        Direction and size of each wave, in target units.
    """

    transform: Transform
    waves: np.ndarray
    phases: np.ndarray
    vectors: np.ndarray

    def apply(self, points: Any) -> np.ndarray:
        """Map points (m, d) or (..., m, d); returns (..., m, d) in target units."""
        z = self.transform.apply(points)
        return z + self.displacement(z)

    def displacement(self, points: Any) -> np.ndarray:
        """``u`` at points (..., m, d) of the *target* space, in target units."""
        z = np.asarray(points, float)
        out = np.zeros((*np.broadcast_shapes(z.shape[:-2], self.phases.shape[:-1]), *z.shape[-2:]))
        for k in range(self.phases.shape[-1]):  # one wave at a time keeps the memory at the size of the points
            out += np.cos(self._phase(z, k))[..., None] * self.vectors[..., k, None, :]
        return out

    def jacobian(self, points: Any) -> np.ndarray:
        """Derivative ``(I + du/dz) A`` at points (..., m, d): (..., m, d, d)."""
        z, d = self.transform.apply(points), self.waves.shape[-1]
        slope = np.zeros((*np.broadcast_shapes(z.shape[:-2], self.phases.shape[:-1]), z.shape[-2], d, d))
        slope += np.eye(d)
        for k in range(self.phases.shape[-1]):
            wave = outer(self.vectors[..., k, :], self.waves[..., k, :])
            slope -= np.sin(self._phase(z, k))[..., None, None] * wave[..., None, :, :]
        return slope @ self.transform.matrix[..., None, :, :]

    def _phase(self, z: np.ndarray, k: int) -> np.ndarray:
        """Argument of wave k at points (..., m, d): (..., m)."""
        return np.einsum("...md,...d->...m", z, self.waves[..., k, :]) + self.phases[..., k, None]

    def __getitem__(self, index: Any) -> Deformation:
        return Deformation(self.transform[index], self.waves[index], self.phases[index], self.vectors[index])
