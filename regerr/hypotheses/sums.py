"""Least sums of squares of two nested models, in one metric whatever is known of the noise."""

from __future__ import annotations

import numpy as np

from ..blocks import fit_blocks
from ..models import Model
from ..nested import Sums
from ..noise import Noise
from ..pairs import FiducialPairs
from ..results import given_covariances


def sums_of(pairs: FiducialPairs, simpler: Model, wider: Model, noise: Noise) -> Sums:
    """Both models' sums: in the metric that the null sets, or, with covariances given for each point, in theirs."""
    given = given_covariances(pairs, noise)
    if given is None:
        return Sums.of(pairs.source, pairs.target, simpler, wider, noise)
    rss_0, rss_1 = (fit_blocks(model.under(noise), pairs.source, pairs.target, given).rss for model in (simpler, wider))
    n, d = pairs.n, pairs.dimension
    k_0, k_1 = (model.card.parameters[d] for model in (simpler, wider))
    return Sums(rss_0, rss_1, np.ones_like(rss_1), np.zeros_like(rss_1), k_1 - k_0, n * d - k_1)
