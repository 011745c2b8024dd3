"""Performance measures, each with its Monte Carlo standard error (Morris, White & Crowther 2019).

A measure is made from sums over replicates (`validation.sums`). Whatever averages over targets takes its error from the means of
single replicates: the targets of a replicate share one fit, and counting them as independent draws would make the error four to
seven times too small (ICIP setting).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from .sums import Moments


@dataclass(frozen=True, eq=False)
class Measured:
    """Values and their Monte Carlo standard errors, arrays of one shape."""

    value: np.ndarray
    error: np.ndarray

    def interval(self, confidence: float = 0.99) -> tuple[np.ndarray, np.ndarray]:
        """Normal interval of that confidence."""
        half = ndtri(0.5 + confidence / 2) * self.error
        return self.value - half, self.value + half


def mean(moments: Moments) -> Measured:
    """Mean over replicates: of a volume, of a logarithm, of the coverage of each replicate's targets."""
    return Measured(moments.mean, moments.standard_error)


def proportion(moments: Moments) -> Measured:
    """Share of replicates, of one target's coverage for example: ``sqrt(p (1 - p) / R)``."""
    p = moments.mean
    with np.errstate(invalid="ignore", divide="ignore"):
        return Measured(p, np.sqrt(p * (1.0 - p) / moments.count))


def spread(moments: Moments) -> Measured:
    """S.d. over replicates; its error ``s / sqrt(2 (R - 1))`` holds for Gaussian numbers."""
    s = moments.sd
    with np.errstate(invalid="ignore", divide="ignore"):
        return Measured(s, s / np.sqrt(2.0 * np.where(moments.count > 1, moments.count - 1, np.nan)))


def root_mean_square(moments: Moments) -> Measured:
    """Square root of the mean of squares that were entered: the r.m.s. TRE."""
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(moments.mean)
        return Measured(root, moments.standard_error / (2.0 * root))


def efficiency(moments: Moments) -> Measured:
    """Cramer-Rao efficiency ``tr CRB / E|T^(x) - T(x)|^2`` from the squared TRE over the bound (theory, section 8)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return Measured(1.0 / moments.mean, moments.standard_error / moments.mean**2)


def independent_draws(coverage: np.ndarray, error: np.ndarray, replicates: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """As how many independent draws a mean over targets counts, by its Monte Carlo error over replicates.

    At least the replicates, which an error of 0 (all covered, say) must not exceed, and at most replicates times targets.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        draws = np.clip(coverage * (1.0 - coverage) / np.square(error), replicates, replicates * targets)
    return np.where(np.asarray(error) > 0, draws, replicates)


def bounds_of_share(share: np.ndarray, count: np.ndarray, confidence: float, looks: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """One-sided score bounds of a share (Wilson 1927), each of that confidence, for the most extreme of ``looks`` shares.

    Parameters
    ----------
    share, count : arrays
    confidence : float
        Of the lower and of the upper bound alone.
    looks : int
        Bonferroni's allowance for picking among so many.
    """
    z = ndtri(1.0 - (1.0 - confidence) / looks)
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = 1.0 + z * z / count
        middle = (share + z * z / (2.0 * count)) / weight
        half = z / weight * np.sqrt(share * (1.0 - share) / count + z * z / (4.0 * count**2))
    return middle - half, middle + half
