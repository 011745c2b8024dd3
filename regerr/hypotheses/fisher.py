"""The F test for noise that is alike in all directions (theory, section 7)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, fdtrc

from ..models import Model
from ..nested import Sums
from ..noise import Noise
from ..pairs import FiducialPairs
from .base import NestedTest, Outcome
from .sums import sums_of


@dataclass(frozen=True)
class FisherTest(NestedTest):
    """``F = ((RSS_0 - RSS_1)/q) / (RSS_1/v)``, both sums in the metric that the null sets; with a known scale a chi-square."""

    name: str = "F"
    label = "F"
    shapes = ("isotropic", "given")

    def apply(self, pairs: FiducialPairs, simpler: Model, wider: Model, noise: Noise) -> Outcome:
        sums = sums_of(pairs, simpler, wider, noise)
        statistic = fisher_statistic(sums, noise)
        exact = _exact(simpler, wider, noise, pairs.dimension)
        law = "exact" if exact else "exact to first order"
        if noise.scale is None:
            return Outcome(statistic, fdtrc(sums.q, sums.v, statistic), (sums.q, sums.v), law, sums.unresolved, exact)
        resolved = np.zeros(statistic.shape, bool)
        return Outcome(statistic, chdtrc(sums.q, sums.q * statistic), (sums.q, math.inf), law, resolved, exact)


def fisher_statistic(sums: Sums, noise: Noise) -> np.ndarray:
    """F, (...)."""
    variance = sums.rss_1 / sums.v if noise.scale is None else noise.scale**2
    return sums.fall / sums.q / variance


def _exact(simpler: Model, wider: Model, noise: Noise, dimension: int) -> bool:
    """Whether both models are linear, seen from the one noisy space: then F is exact."""
    one_space = Noise(0.0, noise.shape, noise.scale) if noise.ratio in (0.0, math.inf) else noise
    return all(model.under(one_space).linear(dimension) for model in (simpler, wider))
