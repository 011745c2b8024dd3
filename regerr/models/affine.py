"""The affine model: one closed form for each kind of noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..noise import Noise
from .base import Estimator
from .errors_in_variables import ErrorsInVariables
from .free_covariance import FreeCovariance
from .heavy_tails import affine_maximiser, heavy_tailed
from .latent_positions import LatentPositions
from .regression import AFFINE_CARD, InverseRegression, Regression


@dataclass(frozen=True)
class Affine:
    """The affine model: ``T(x) = A x + t``, any matrix A."""

    card = AFFINE_CARD
    scale = 1.0  # fitted, not given

    def under(self, noise: Noise) -> Estimator:
        """The estimator for a noise."""
        if noise.tails is not None:
            return heavy_tailed(noise, self.card, affine_maximiser(noise))
        if noise.shape == "given":
            return LatentPositions(noise, self.card, self.under, attenuated=True)
        if noise.ratio == 0:
            return Regression(noise)
        if noise.shape == "full":
            return FreeCovariance(noise)
        return InverseRegression(noise) if math.isinf(noise.ratio) else ErrorsInVariables(noise)
