"""What all formulas ask first: a fit that heeds no covariances, targets of the right shape, a question that is one of three."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import InputError
from ..models.base import noise_share
from ..noise import Noise
from ..pairs import FiducialPairs
from ..predictions import KINDS, checked_targets
from ..results import RegistrationResult, fit


def without_covariances(pairs: FiducialPairs) -> FiducialPairs:
    """The same points with nothing known of their noise."""
    if pairs.source_covariance is None and pairs.target_covariance is None:
        return pairs
    return replace(pairs, source_covariance=None, target_covariance=None)


def plain_fit(pairs: FiducialPairs, model: str, noise: str | Noise = "both") -> RegistrationResult:
    """All datasets fitted alike, failures marked.

    Raises
    ------
    UndeterminedError
        For too few pairs.
    """
    return fit(without_covariances(pairs), model, noise, on_failure="mark")


def points_of(pairs: FiducialPairs, targets: Any) -> np.ndarray:
    """Targets (m, d) or (..., m, d), or an InputError."""
    return checked_targets(targets, pairs.batch_shape, pairs.dimension)


def answerable(kind: str, kinds: tuple[str, ...], name: str) -> str:
    """The kind, or an InputError with those that the formula answers."""
    if kind not in kinds:
        raise InputError(f"the kind is {kind!r}, and {name} answers {' and '.join(map(repr, kinds))}: ask for one of these")
    return kind


def added_share(kind: str, source_share: float = 0.5) -> float:
    """How much of one pair's noise a question adds to that of the fit (theory, section 2)."""
    return noise_share(answerable(kind, KINDS, "this formula"), source_share)
