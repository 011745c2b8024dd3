"""Rotation and translation: orthogonal Procrustes, the same fit for isotropic noise in either space or both."""

from __future__ import annotations

from dataclasses import dataclass

from ..noise import Noise
from .base import Card, Estimator, refuse_noise
from .procrustes import Procrustes


class RigidEstimator(Procrustes):
    """Kabsch 1976; covariance Fitzpatrick, West & Maurer 1998."""

    card = Card("rigid", {2: 3, 3: 6}, {2: 2, 3: 3}, "to first order in the noise over the spread of the fiducials")


@dataclass(frozen=True)
class Rigid:
    """The rigid model: ``T(x) = R x + t``, R a proper rotation."""

    card = RigidEstimator.card

    def under(self, noise: Noise) -> Estimator:
        """The estimator for a noise; refuses any but isotropic noise."""
        if noise.shape != "isotropic":
            raise refuse_noise("rigid", noise, "isotropic noise ('both', 'target' or 'source'), or the affine model")
        return RigidEstimator(noise)
