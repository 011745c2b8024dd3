"""Generative models of registration data: layouts, truths, noise, deformation, contamination, and experiments made of them.

Every generator is a frozen object with ``sample(rng, batch=())``, in 2D and 3D, and knows no estimator.
"""

from __future__ import annotations

from .contamination import Displaced, HeavyTailed, Mismatched, Several, Stray
from .deformation import Deformation, SmoothNonrigid
from .experiment import Experiment, Observed, Scene, Targets
from .layouts import Fixed, Gathered, Grid, NearlyCollinear, OneSide, Ring, Uniform
from .localisation import PhotonNoise, Photons, least_squares_variance, maximum_likelihood_variance, thompson_variance
from .poorest import Poorest, smallest_spread
from .truths import Affine, Given, Identity, Rigid, Similarity, rotations

__all__ = [
    "Affine", "Deformation", "Displaced", "Experiment", "Fixed", "Gathered", "Given", "Grid", "HeavyTailed", "Identity",
    "Mismatched", "NearlyCollinear", "Observed", "OneSide", "PhotonNoise", "Photons", "Poorest", "Rigid", "Ring", "Scene",
    "Several", "Similarity", "SmoothNonrigid", "Stray", "Targets", "Uniform", "least_squares_variance",
    "maximum_likelihood_variance", "rotations", "smallest_spread", "thompson_variance",
]
