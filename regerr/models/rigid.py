"""Rotation and translation: orthogonal Procrustes, the same fit for isotropic noise in either space or both."""

from __future__ import annotations

from dataclasses import dataclass

from ..tangent import turned, turns
from . import reweighting
from .base import Card
from .procrustes import IsotropicModel, Procrustes


class RigidEstimator(Procrustes):
    """Kabsch 1976; covariance Fitzpatrick, West & Maurer 1998."""

    card = Card("rigid", {2: 3, 3: 6}, {2: 2, 3: 3}, "to first order in the noise over the spread of the fiducials",
                turns, turned)


@dataclass(frozen=True)
class Rigid(IsotropicModel):
    """The rigid model: ``T(x) = R x + t``, R a proper rotation."""

    card = RigidEstimator.card
    estimator = RigidEstimator
    weighted = staticmethod(reweighting.rigid)
