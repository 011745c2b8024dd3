"""Localisation noise of a bead from its photon count (theory, section 8), and noise laws built on it.

All formulas give the variance per coordinate, in the squared unit of the spot and the pixel, of a Gaussian spot of s.d. s seen
with N photons on pixels of side a over a background of b^2 photons per pixel. An EMCCD camera doubles it; that factor is not in
here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

import numpy as np
from scipy.special import spence

from regerr.errors import InputError
from regerr.noise import Noise

from ._checks import check_not_negative, check_positive, check_range
from .truths import log_uniform

Counts = np.ndarray | float
Formula = Callable[[Counts, float, float, float], np.ndarray]


def least_squares_variance(photons: Counts, spot_sd: float, pixel: float, background: float) -> np.ndarray:
    """Least squares or a Gaussian mask: ``s_a^2/N (16/9 + 8 pi s_a^2 b^2/(N a^2))``, ``s_a^2 = s^2 + a^2/12``.

    Mortensen, Churchman, Spudich & Flyvbjerg, Nature Methods 2010.
    """
    s2 = spot_sd**2 + pixel**2 / 12
    return np.asarray(s2 / photons * (16 / 9 + 4 * _tau(photons, s2, pixel, background)))


def maximum_likelihood_variance(photons: Counts, spot_sd: float, pixel: float, background: float) -> np.ndarray:
    """Maximum likelihood: ``s_a^2/N / (1 + I)``, ``I = int_0^1 ln t/(1 + t/tau) dt = tau Li_2(-1/tau)``.

    Mortensen et al. 2010; ``tau = 2 pi s_a^2 b^2/(N a^2)``, and I = 0 without background.
    """
    s2 = spot_sd**2 + pixel**2 / 12
    tau = _tau(photons, s2, pixel, background)
    safe = np.where(tau > 0, tau, 1.0)
    return np.asarray(s2 / photons / (1 + np.where(tau > 0, safe * spence(1 + 1 / safe), 0.0)))


def thompson_variance(photons: Counts, spot_sd: float, pixel: float, background: float) -> np.ndarray:
    """``s_a^2/N + 8 pi s^4 b^2/(a^2 N^2)``, up to 16/9 too small for the least squares it is meant for.

    Thompson, Larson & Webb, Biophysical Journal 2002, equation 17.
    """
    photons = np.asarray(photons, float)
    return np.asarray((spot_sd**2 + pixel**2 / 12) / photons + 8 * math.pi * spot_sd**4 * background / (pixel * photons)**2)


@dataclass(frozen=True)
class Photons:
    """How bright beads are and how a camera sees them.

    Parameters
    ----------
    low, high : float
        Photon counts are log-uniform between the two; equal numbers fix the count.
    spot_sd : float
        S.d. of the spot, in the unit of the space.
    pixel : float
        Side of a pixel, in the same unit.
    background : float
        ``b^2``, background photons per pixel.
    formula : callable
        One of the formulas of this module, or your own with the same arguments.
    """

    low: float
    high: float
    _: KW_ONLY
    spot_sd: float = 1.3
    pixel: float = 1.0
    background: float = 0.0
    formula: Formula = maximum_likelihood_variance

    def __post_init__(self) -> None:
        check_range("the range of photon counts", (self.low, self.high), above=0.0)
        check_positive("spot_sd", self.spot_sd)
        check_positive("pixel", self.pixel)
        check_not_negative("background", self.background)

    def __repr__(self) -> str:
        """Content only: the same text in every process, so that a seed can be made from it."""
        return (f"Photons({self.low!r}, {self.high!r}, spot_sd={self.spot_sd!r}, pixel={self.pixel!r}, "
                f"background={self.background!r}, formula={self.formula.__name__})")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...] = ()) -> np.ndarray:
        """Photon counts of that shape."""
        return log_uniform(rng, self.low, self.high, shape)

    def variances(self, rng: np.random.Generator, shape: tuple[int, ...] = ()) -> np.ndarray:
        """Localisation variances per coordinate of beads with random photon counts, of that shape."""
        return self.formula(self.sample(rng, shape), self.spot_sd, self.pixel, self.background)


@dataclass(frozen=True)
class PhotonNoise:
    """Isotropic noise whose variance differs from bead to bead with the photon count; None: that space has no noise.

    Each use of ``sample`` draws new photon counts for every point. To give each bead one brightness for a whole study, and a
    model its covariances, use ``settle`` once and take the Noise that it returns.
    """

    source: Photons | None
    target: Photons | None

    def __post_init__(self) -> None:
        if self.source is None and self.target is None:
            raise InputError("photon noise has photons in neither space: give them for the source or the target")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Noise of the source and of the target, arrays (..., n, d) in units of each space."""
        return _draw(rng, shape, self.source), _draw(rng, shape, self.target)

    def settle(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Noise:
        """Photon counts drawn once for points (..., n, d): a Noise with covariances (..., n, d, d)."""
        ratio = 0.0 if self.source is None else math.inf if self.target is None else 1.0
        return Noise(ratio, source_covariance=_covariances(rng, shape, self.source),
                     target_covariance=_covariances(rng, shape, self.target))


def _tau(photons: Counts, s2: float, pixel: float, background: float) -> np.ndarray:
    return np.asarray(2 * math.pi * s2 * background / (np.asarray(photons, float) * pixel**2))


def _draw(rng: np.random.Generator, shape: tuple[int, ...], photons: Photons | None) -> np.ndarray:
    if photons is None:
        return np.zeros(shape)
    noise = rng.standard_normal(shape)
    noise *= np.sqrt(photons.variances(rng, shape[:-1]))[..., None]
    return noise


def _covariances(rng: np.random.Generator, shape: tuple[int, ...], photons: Photons | None) -> np.ndarray | None:
    return None if photons is None else photons.variances(rng, shape[:-1])[..., None, None] * np.eye(shape[-1])
