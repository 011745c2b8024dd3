"""The test of the ec-CLEM program: a simpler model with isotropic noise against an affine one with any covariance.

It is two questions in one, whether the map is rigid *and* the noise alike in all directions, judged by a chi-square that needs
many pairs: here to be compared with (theory, section 7).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import chdtrc

from ..models import Model
from ..nested import Sums
from ..noise import Noise
from ..pairs import FiducialPairs
from .base import NestedTest, Outcome, more_parameters, without_scale
from .determinants import wider_log_determinant
from .likelihood import MANY, TOO_OFTEN


@dataclass(frozen=True)
class IsoFull(NestedTest):
    """``n (d log(RSS_0/(nd)) - 2kd log s_0 - log(Q_1/n^d))`` on ``q + d(d+1)/2 - 1`` degrees of freedom, s_0 the null's scale."""

    name: str = "iso/full"
    label = "iso/full of ec-CLEM"
    symbol = "chi2"
    shapes = ("isotropic", "full")
    null = "noise alike in all directions"
    caution = TOO_OFTEN

    def fits(self, simpler: Model, wider: Model, noise: Noise) -> tuple[tuple[Model, Noise], ...]:
        without_scale(self, noise)
        return ((wider, replace(noise, shape="full")),)

    def apply(self, pairs: FiducialPairs, simpler: Model, wider: Model, noise: Noise) -> Outcome:
        n, d = pairs.n, pairs.dimension
        log_q, unresolved = wider_log_determinant(pairs, wider, replace(noise, shape="full"))
        sums = Sums.of(pairs.source, pairs.target, simpler, wider, replace(noise, shape="isotropic"))
        null = d * np.log(sums.rss_0 / (n * d)) - 2.0 * noise.source_share * d * np.log(sums.scale)
        statistic = n * (null - log_q + d * math.log(n))
        more = more_parameters(simpler, wider, d) + d * (d + 1) // 2 - 1
        return Outcome(statistic, chdtrc(more, statistic), (more, math.inf), MANY, unresolved)
