"""What a study asks of an estimator: a name, a label, and regions at targets for a whole batch of datasets.

Our estimators and a user's follow the same few lines. A user's own one is a file with an object named ``estimator`` in it; see
`validation.estimators`.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from regerr.pairs import FiducialPairs

KINDS = ("tre", "lre", "observation")


class Region(Protocol):
    """Confidence regions, one for each dataset (...) and target."""

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether points (..., m, d) in the target lie inside: bool (..., m); False for a dataset that failed."""

    @property
    def volume(self) -> np.ndarray:
        """Area in 2D, volume in 3D, (..., m); infinite where unbounded."""


class Prediction(Protocol):
    """Predicted targets. Two more things are used when they are there.

    ``failure``, one integer for each dataset (...), 0 where all is well; without it a dataset failed when its mean is not
    finite. ``p_value(points)``, (..., m): a region of a level holds the points with ``p >= 1 - level``; it spares one evaluation
    per level when a study asks for several.
    """

    @property
    def mean(self) -> np.ndarray:
        """Predicted points (..., m, d)."""

    @property
    def rms(self) -> np.ndarray:
        """Root mean square length of the deviation that the estimator expects, (..., m)."""

    def region(self, level: float) -> Region:
        """Regions of a nominal level."""


class Estimator(Protocol):
    """Something that predicts targets from pairs.

    Some attributes are used when they are there: ``kinds``, the questions it answers (all three without it); ``model``, the
    family ("rigid", "similarity", "affine") whose Cramer-Rao bound it is held against (without it, the truth's family);
    ``method``, a word for tables; ``closed_form_volume``, true when volumes cost next to nothing, so that they are taken for all
    replicates and not for the first hundred. An estimator with ``uses_covariances`` true gets pairs that carry what their noise
    was drawn with, where the scenario gives that, and ``predict(..., source_covariance=, target_covariance=)`` those of the
    targets; any other gets bare pairs.
    """

    @property
    def name(self) -> str:
        """Unique short name, for tables."""

    @property
    def label(self) -> str:
        """What figures call it."""

    def predict(self, pairs: FiducialPairs, targets: np.ndarray, kind: str) -> Prediction:
        """Predict targets (m, d) or (..., m, d) of pairs of batch shape (...); kind is tre, lre or observation."""


def kinds_of(estimator: Estimator) -> tuple[str, ...]:
    """The kinds that an estimator answers."""
    return tuple(getattr(estimator, "kinds", KINDS))


def family_of(estimator: Estimator) -> str:
    """Its family of transformations, or an empty text."""
    return str(getattr(estimator, "model", ""))


def method_of(estimator: Estimator) -> str:
    """Its method, or an empty text."""
    return str(getattr(estimator, "method", ""))


def volume_is_cheap(estimator: Estimator) -> bool:
    """Whether volumes are taken for all replicates."""
    return bool(getattr(estimator, "closed_form_volume", False))


def uses_covariances(estimator: Estimator) -> bool:
    """Whether it is given the covariances of fiducials and targets, where a scenario knows them."""
    return bool(getattr(estimator, "uses_covariances", False))


def failed(prediction: Prediction) -> np.ndarray:
    """Which datasets failed, bool (...)."""
    codes: Any = getattr(prediction, "failure", None)
    if codes is not None:
        return np.asarray(codes) != 0
    return np.asarray(~np.isfinite(prediction.mean).all((-2, -1)))
