"""What goes wrong with fiducials beyond Gaussian noise (theory, section 14).

``HeavyTailed`` is a noise law like any other. The rest happens to pairs after they were localised: ``spoil`` alters some rows
of the observed target points in place and tells which, so that a study of outlier rules knows the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regerr.errors import InputError

from ._checks import check_count, check_positive
from .layouts import unit_vectors
from .protocols import Contamination, NoiseLaw


@dataclass(frozen=True)
class HeavyTailed:
    """Multivariate t noise with the covariance of a Gaussian one, drawn apart for every point and space.

    Parameters
    ----------
    noise : NoiseLaw
        The Gaussian law whose covariances are kept.
    degrees_of_freedom : float
        Of the t distribution, above 2 (below, it has no variance).
    """

    noise: NoiseLaw
    degrees_of_freedom: float

    def __post_init__(self) -> None:
        if check_positive("degrees_of_freedom", self.degrees_of_freedom) <= 2:
            raise InputError(f"t noise with {self.degrees_of_freedom:g} degrees of freedom has no s.d.: give more than 2")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Noise of the source and of the target, arrays (..., n, d) in units of each space."""
        both = self.noise.sample(rng, shape)
        nu = self.degrees_of_freedom
        for noise in both:
            noise *= np.sqrt((nu - 2) / rng.chisquare(nu, shape[:-1]))[..., None]
        return both


@dataclass(frozen=True)
class Displaced:
    """Some fiducials are off by a fixed distance in a random direction of the target.

    Parameters
    ----------
    length : float
        The distance in target units: ``10 * noise_sd`` for "off by 10 s.d.".
    count : int
        How many fiducials, chosen at random for each dataset.
    """

    length: float
    count: int = 1

    def __post_init__(self) -> None:
        check_positive("length", self.length)
        check_count("count", self.count)

    def spoil(self, rng: np.random.Generator, target: np.ndarray) -> np.ndarray:
        """Alter points (..., n, d) in place; which rows were altered, (..., n)."""
        rows = _rows(rng, target, self.count)
        moved = np.take_along_axis(target, rows, -2)
        moved += self.length * unit_vectors(rng, moved.shape)
        return _put(target, rows, moved)


@dataclass(frozen=True)
class Mismatched:
    """Some target points are matched to the wrong source points: a random cycle, so that none of them keeps its partner.

    Parameters
    ----------
    count : int
        How many fiducials take part; 2 swaps two rows.
    """

    count: int = 2

    def __post_init__(self) -> None:
        check_count("count", self.count, least=2)

    def spoil(self, rng: np.random.Generator, target: np.ndarray) -> np.ndarray:
        """Alter points (..., n, d) in place; which rows were altered, (..., n)."""
        rows = _rows(rng, target, self.count)
        return _put(target, rows, np.take_along_axis(target, np.roll(rows, 1, -2), -2))


@dataclass(frozen=True)
class Stray:
    """Some fiducials are matched to debris: a target point uniform in the box that the dataset's target points span.

    Parameters
    ----------
    count : int
        How many fiducials, chosen at random for each dataset.
    """

    count: int = 1

    def __post_init__(self) -> None:
        check_count("count", self.count)

    def spoil(self, rng: np.random.Generator, target: np.ndarray) -> np.ndarray:
        """Alter points (..., n, d) in place; which rows were altered, (..., n)."""
        rows = _rows(rng, target, self.count)
        low, high = target.min(-2, keepdims=True), target.max(-2, keepdims=True)
        return _put(target, rows, low + rng.random((*rows.shape[:-1], target.shape[-1])) * (high - low))


@dataclass(frozen=True)
class Several:
    """One contamination after the other.

    Parameters
    ----------
    parts : tuple of Contamination
    """

    parts: tuple[Contamination, ...]

    def spoil(self, rng: np.random.Generator, target: np.ndarray) -> np.ndarray:
        """Alter points (..., n, d) in place; which rows any part altered, (..., n)."""
        altered = np.zeros(target.shape[:-1], bool)
        for part in self.parts:
            altered |= part.spoil(rng, target)
        return altered


def _rows(rng: np.random.Generator, target: np.ndarray, count: int) -> np.ndarray:
    """Random different rows for each dataset, (..., count, 1)."""
    n = target.shape[-2]
    if count > n:
        raise InputError(f"count is {count} and there are {n} fiducials: contaminate at most as many as there are")
    if count == 1:
        return rng.integers(n, size=(*target.shape[:-2], 1, 1))
    return np.argsort(rng.random(target.shape[:-1]), axis=-1)[..., :count, None]


def _put(target: np.ndarray, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Write rows in place; a mask (..., n) of the rows written."""
    np.put_along_axis(target, rows, values, -2)
    mask = np.zeros(target.shape[:-1], bool)
    np.put_along_axis(mask, rows[..., 0], True, -1)
    return mask
