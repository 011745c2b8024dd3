"""Tests that leave the covariance of the noise free, under the null and the wider model (theory, section 7).

All rest on ``log(Q_0/Q_1)``, ``Q = |W| |A|^(-2k)`` with W the residual scatter and k the source's share of the noise: Q_0 the
least over rotations (and scales), Q_1 that of the affine fit (`regerr.wilks`).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from ..blocks import fit_blocks
from ..models import Model
from ..noise import Noise
from ..pairs import FiducialPairs
from ..scatter import Scatter
from ..wilks import least_log_determinant, log_determinant, rao
from .base import NestedTest, Outcome, more_parameters
from .likelihood import MANY, TOO_OFTEN


@dataclass(frozen=True, eq=False)
class Determinants:
    """``log(Q_0/Q_1)`` of a batch.

    Attributes
    ----------
    log_ratio : (...)
        NaN where unresolved.
    unresolved : (...) bool
    q : int
        Parameters that the wider model has more.
    left : float
        Residual degrees of freedom per coordinate of the wider model.
    """

    log_ratio: np.ndarray
    unresolved: np.ndarray
    q: int
    left: float

    @classmethod
    def of(cls, pairs: FiducialPairs, simpler: Model, wider: Model, noise: Noise) -> Determinants:
        d = pairs.dimension
        log_q, unresolved = wider_log_determinant(pairs, wider, noise)
        scaled = simpler.card.parameters[d] > d + d * (d - 1) // 2
        log_q0, ready = np.full(log_q.shape, np.nan), ~unresolved
        if ready.any():
            scatter = Scatter.of(pairs.source[ready], pairs.target[ready])
            log_q0[ready] = least_log_determinant(scatter, noise.source_share, scaled)
        return cls(np.maximum(log_q0 - log_q, 0.0), unresolved, more_parameters(simpler, wider, d),
                   pairs.n - wider.card.parameters[d] / d)


def wider_log_determinant(pairs: FiducialPairs, wider: Model, noise: Noise) -> tuple[np.ndarray, np.ndarray]:
    """``log Q_1`` (...), and which datasets the wider model fits exactly."""
    scatter = Scatter.of(pairs.source, pairs.target)
    matrix = fit_blocks(wider.under(noise), pairs.source, pairs.target).matrix
    log_q, within = log_determinant(scatter, matrix, noise.source_share)
    return log_q, np.linalg.eigvalsh(within)[..., 0] < scatter.smallest_resolved()


@dataclass(frozen=True)
class RaoTest(NestedTest):
    """Wilks' lambda ``Q_1/Q_0`` with Rao's F."""

    name: str = "F"
    label = "Rao's F, any covariance"
    shapes = ("full",)

    def apply(self, pairs: FiducialPairs, simpler: Model, wider: Model, noise: Noise) -> Outcome:
        found = Determinants.of(pairs, simpler, wider, noise)
        statistic, p_value, second = rao(found.log_ratio, pairs.dimension, found.q, found.left)
        return Outcome(statistic, p_value, (found.q, second), "exact to first order", found.unresolved)


class DeterminantRatio(NestedTest):
    """``m log(Q_0/Q_1)`` on q degrees of freedom."""

    symbol = "chi2"
    shapes = ("full",)

    @abstractmethod
    def multiplier(self, n: int, dimension: int, found: Determinants) -> float:
        """M for n pairs."""

    @property
    @abstractmethod
    def law(self) -> str:
        """What its p-value rests on."""

    def apply(self, pairs: FiducialPairs, simpler: Model, wider: Model, noise: Noise) -> Outcome:
        found = Determinants.of(pairs, simpler, wider, noise)
        statistic = self.multiplier(pairs.n, pairs.dimension, found) * found.log_ratio
        return Outcome(statistic, chdtrc(found.q, statistic), (found.q, math.inf), self.law, found.unresolved)


@dataclass(frozen=True)
class FullChiSquare(DeterminantRatio):
    """Without a correction, ``m = n``."""

    name: str = "chi2"
    label = "chi-square, any covariance"
    caution = TOO_OFTEN
    law = MANY

    def multiplier(self, n: int, dimension: int, found: Determinants) -> float:
        return float(n)


@dataclass(frozen=True)
class FullBartlett(DeterminantRatio):
    """``m = n - (d+1) - (d - q/d + 1)/2`` (Bartlett 1938)."""

    name: str = "bartlett"
    label = "Bartlett, any covariance"
    law = "to second order in the number of pairs"

    def multiplier(self, n: int, dimension: int, found: Determinants) -> float:
        return found.left - (dimension - found.q / dimension + 1.0) / 2.0
