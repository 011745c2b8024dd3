"""Likelihood ratios for noise that is alike in all directions: the plain chi-square, and Bartlett's correction.

``m log(RSS_0/RSS_1)`` on q degrees of freedom (theory, section 7). The plain one, m = nd, is here to be compared with: of true
rigid motions it rejects 14 % at 5 % with ten pairs in 2D, half with four.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from ..models import Model
from ..nested import Sums
from ..noise import Noise
from ..pairs import FiducialPairs
from .base import NestedTest, Outcome
from .sums import sums_of


class LikelihoodRatio(NestedTest):
    """What the two share: all but the multiplier m."""

    symbol = "chi2"
    shapes = ("isotropic", "given")

    @abstractmethod
    def multiplier(self, count: int, sums: Sums) -> float:
        """M for so many coordinates."""

    @property
    @abstractmethod
    def law(self) -> str:
        """What its p-value rests on."""

    def apply(self, pairs: FiducialPairs, simpler: Model, wider: Model, noise: Noise) -> Outcome:
        sums = sums_of(pairs, simpler, wider, noise)
        if noise.scale is not None:
            statistic, unresolved = sums.fall / noise.scale**2, np.zeros(sums.rss_1.shape, bool)
        else:
            statistic = self.multiplier(pairs.n * pairs.dimension, sums) * np.log1p(sums.fall / sums.rss_1)
            unresolved = sums.unresolved
        return Outcome(statistic, chdtrc(sums.q, statistic), (sums.q, math.inf), self.law, unresolved)


MANY = "only with many pairs: rejects too often"
TOO_OFTEN = "This chi-square rejects true nulls too often with few pairs: believe the F test."


@dataclass(frozen=True)
class ChiSquare(LikelihoodRatio):
    """Without a correction, m = nd."""

    name: str = "chi2"
    label = "chi-square"
    caution = TOO_OFTEN
    law = MANY

    def multiplier(self, count: int, sums: Sums) -> float:
        return float(count)


@dataclass(frozen=True)
class Bartlett(LikelihoodRatio):
    """``m = nd - k_1 + q/2 - 1`` (Bartlett 1937)."""

    name: str = "bartlett"
    label = "Bartlett"
    law = "to second order in the number of pairs"

    def multiplier(self, count: int, sums: Sums) -> float:
        return sums.v + sums.q / 2.0 - 1.0
