"""Counts of a camera: how photons become grey values, and how far these scatter.

``counts = offset + gain (Poisson(photons) + read_noise Normal)``: their variance is a straight line in their mean, which is all
that localisation asks for (theory, section 21). The same object assumes the noise and draws it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass(frozen=True)
class Camera:
    """A camera, or any detector that counts.

    Parameters
    ----------
    gain : float
        Counts (grey values) per photon, positive.
    offset : float
        Counts without light.
    read_noise : float
        R.m.s. of the read-out noise, in photons (electrons).

    Raises
    ------
    InputError
        For numbers out of range.
    """

    gain: float = 1.0
    offset: float = 0.0
    read_noise: float = 0.0

    def __post_init__(self) -> None:
        for name, least, words in (("gain", 0.0, "a number above 0"), ("offset", -math.inf, "a number"),
                                   ("read_noise", -1e-300, "a number of at least 0")):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not least < value < math.inf:
                raise InputError(f"the camera's {name} is {value!r}: give {words}")

    def sample(self, rng: np.random.Generator, photons: np.ndarray) -> np.ndarray:
        """Counts (not rounded) of expected photons, of any shape."""
        counts = rng.poisson(photons).astype(float)
        if self.read_noise:
            counts += self.read_noise * rng.standard_normal(counts.shape)
        return np.asarray(self.offset + self.gain * counts)

    def variance(self, rounded: bool = False) -> Variance:
        """What it says of the variance of counts; rounding to whole counts adds 1/12."""
        constant = (self.gain * self.read_noise) ** 2 - self.gain * self.offset + (1.0 / 12.0 if rounded else 0.0)
        return Variance(constant, self.gain)


@dataclass(frozen=True)
class Variance:
    """The variance of counts as a straight line in their mean, ``constant + slope counts``.

    A slope below 0 is that of an image turned from bright to dark; 0 is noise of one s.d. everywhere.
    """

    constant: float
    slope: float = 0.0

    def at(self, counts: np.ndarray) -> np.ndarray:
        """Variances of counts of that mean, kept above a floor."""
        return np.maximum(self.constant + self.slope * counts, self.floor)

    @property
    def floor(self) -> float:
        """A variance that no pixel falls below: that of a tenth of a photon."""
        return 0.1 * self.slope**2 if self.slope else max(self.constant, 1e-300)

    def merit(self, seen: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Logarithm of the (quasi-)likelihood per pixel but for a constant, ``int (seen - t)/variance(t) dt`` up to the mean.

        With a slope that of a shifted Poisson law, without one, or at the floor, that of a Gaussian.
        """
        if self.slope == 0.0:
            return -0.5 * (seen - mean) ** 2 / self.floor
        edge = (self.floor - self.constant) / self.slope  # the mean at which the line meets the floor
        above = np.maximum(mean, edge) if self.slope > 0 else np.minimum(mean, edge)
        line = ((seen + self.constant / self.slope) * np.log(self.at(above)) - above) / self.slope
        return line + 0.5 * ((seen - above) ** 2 - (seen - mean) ** 2) / self.floor
