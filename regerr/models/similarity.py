"""Rotation, translation and one scale.

Umeyama (1991) for noise in the target, its inverse for the source, Horn's symmetric scale (1987) for both alike, and in
between the scale of theory section 4 for any ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..tangent import turned_and_grown, turns_and_growth
from . import reweighting
from .base import Card
from .procrustes import IsotropicModel, Procrustes


class SimilarityEstimator(Procrustes):
    """Closed form for any ratio of the noises."""

    card = Card("similarity", {2: 4, 3: 7}, {2: 2, 3: 3}, "in 2D with noise in the target only; else to first order",
                turns_and_growth, turned_and_grown)
    scaled = True


@dataclass(frozen=True)
class Similarity(IsotropicModel):
    """The similarity model: ``T(x) = s R x + t``, R a proper rotation, s > 0."""

    card = SimilarityEstimator.card
    estimator = SimilarityEstimator
    weighted = staticmethod(reweighting.similarity)
