"""The law of a region's statistic: Fisher when the noise scale is estimated, chi-square when it is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtr, chdtrc, chdtri, fdtrc, fdtri


@dataclass(frozen=True)
class FisherLaw:
    """``(deleted / d) / (remaining / degrees_of_freedom)`` follows F.

    Attributes
    ----------
    dimension : int
    degrees_of_freedom : int
    least : float
        Effective variance per coordinate below which an estimate counts as this.
    kept : float
        What remains, over what would remain had no gate chosen the pairs.
    """

    dimension: int
    degrees_of_freedom: int
    least: float = 0.0
    kept: float = 1.0

    def ratio(self, part: np.ndarray, rest: np.ndarray, unit: np.ndarray) -> np.ndarray:
        """The statistic up to its constant: infinite where nothing remains, 0 where the part is 0, NaN for a failed fit."""
        if self.kept < 1.0:
            rest = rest / self.kept
        if self.least:
            rest = np.maximum(rest, self.degrees_of_freedom * self.least / unit)
        ratio = part / rest
        if not rest.all() or not np.isfinite(ratio).all():
            ratio = np.where((part == 0) & ~np.isnan(rest), 0.0, np.where(rest == 0, np.inf + 0.0 * part, ratio))
        return ratio

    def survival(self, ratio: np.ndarray) -> np.ndarray:
        """P-value of a ratio."""
        return fdtrc(self.dimension, self.degrees_of_freedom, np.maximum(ratio, 0.0) * (self.degrees_of_freedom / self.dimension))

    def threshold(self, level: float) -> float:
        """The ratio that the law exceeds with probability ``1 - level``."""
        return float(fdtri(self.dimension, self.degrees_of_freedom, level)) * self.dimension / self.degrees_of_freedom


@dataclass(frozen=True)
class ChiSquareLaw:
    """``deleted / variance`` follows chi-square: the noise variance per coordinate is known."""

    dimension: int
    variance: float

    def ratio(self, part: np.ndarray, rest: np.ndarray, unit: np.ndarray) -> np.ndarray:
        """The statistic in units of the effective variance; what remains says nothing about a known scale."""
        return part * (unit / self.variance)

    def survival(self, ratio: np.ndarray) -> np.ndarray:
        """P-value of a ratio."""
        return chdtrc(self.dimension, np.maximum(ratio, 0.0))

    def threshold(self, level: float) -> float:
        """The ratio that the law exceeds with probability ``1 - level``."""
        return float(chdtri(self.dimension, 1.0 - level))


def kept_variance(radius2: float, dimension: int) -> float:
    """Variance per coordinate of standard normal vectors that lie within a squared radius: ``P(chi2_{d+2})/P(chi2_d)``."""
    return float(chdtr(dimension + 2, radius2) / chdtr(dimension, radius2))


def gate_radius2(gate: float, dimension: int, degrees_of_freedom: int) -> float:
    """Squared radius, in s.d. as they were estimated, within which a new observation lies with the probability of a gate: d F."""
    return dimension * float(fdtri(dimension, degrees_of_freedom, gate))


Law = FisherLaw | ChiSquareLaw
