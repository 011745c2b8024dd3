"""Rotation and translation: orthogonal Procrustes, the same fit for isotropic noise in either space or both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

from ..errors import InputError
from ..tangent import turned, turns
from . import reweighting
from .base import Card
from .procrustes import IsotropicModel, Procrustes
from .reweighting import Maximiser


class RigidEstimator(Procrustes):
    """Kabsch 1976; covariance Fitzpatrick, West & Maurer 1998."""

    card = Card("rigid", {2: 3, 3: 6}, {2: 2, 3: 3}, "to first order in the noise over the spread of the fiducials",
                turns, turned)


@dataclass(frozen=True)
class Rigid(IsotropicModel):
    """The rigid model: ``T(x) = s R x + t``, R a proper rotation.

    Parameters
    ----------
    scale : float
        The scale s, target units per source unit, where it is known and not 1: the ratio of two pixel sizes.

    Raises
    ------
    InputError
        For a scale that is not positive and finite.
    """

    scale: float = 1.0

    card = RigidEstimator.card
    estimator = RigidEstimator
    weighted = staticmethod(reweighting.rigid)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise InputError(f"the scale is {self.scale}: give a positive number of target units per source unit")

    @property
    def maximiser(self) -> Maximiser:
        return partial(reweighting.rigid, size=self.scale)
