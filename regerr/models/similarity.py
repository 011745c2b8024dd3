"""Rotation, translation and one scale.

Umeyama (1991) for noise in the target, its inverse for the source, Horn's symmetric scale (1987) for both alike, and in
between the scale of theory section 4 for any ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..noise import Noise
from .base import Card, Estimator, refuse_noise
from .procrustes import Procrustes


class SimilarityEstimator(Procrustes):
    """Closed form for any ratio of the noises."""

    card = Card("similarity", {2: 4, 3: 7}, {2: 2, 3: 3}, "in 2D with noise in the target only; else to first order")
    scaled = True


@dataclass(frozen=True)
class Similarity:
    """The similarity model: ``T(x) = s R x + t``, R a proper rotation, s > 0."""

    card = SimilarityEstimator.card

    def under(self, noise: Noise) -> Estimator:
        """The estimator for a noise; refuses any but isotropic noise."""
        if noise.shape != "isotropic":
            raise refuse_noise("similarity", noise, "isotropic noise ('both', 'target' or 'source'), or the affine model")
        return SimilarityEstimator(noise)
