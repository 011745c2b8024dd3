"""What each estimator is asked, and with which covariances; and where the answer truly lies."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np

from regerr.pairs import FiducialPairs
from simulations import Experiment, Observed

from .oracle import stated
from .protocol import Estimator, Prediction, uses_covariances

Ask = Callable[[str], Prediction]


def asker(estimator: Estimator, experiment: Experiment, observed: Observed) -> Ask:
    """A function of the kind that gives the estimator's prediction of all targets.

    One that uses covariances is given those of fiducials and targets where the experiment gives them; all others see bare points.
    """
    predict: Any = estimator.predict
    known = stated(experiment.target_noise or experiment.noise) if experiment.given_covariances else None
    if known is None or not uses_covariances(estimator):
        pairs = _bare(observed.pairs)
        return lambda kind: predict(pairs, _asked(kind, observed), kind)
    covariances = {f"{space}_covariance": np.asarray(c, float) if np.any(c) else None
                   for space, c in zip(("source", "target"), known, strict=True)}
    own = copy(observed.pairs)
    return lambda kind: predict(own, _asked(kind, observed), kind, **covariances)


def answer(kind: str, observed: Observed) -> np.ndarray:
    """Which target points the regions should hold."""
    t = observed.targets
    return t.target if kind == "observation" else t.true_target


def _asked(kind: str, observed: Observed) -> np.ndarray:
    """Where is asked, in the source."""
    t = observed.targets
    return t.true_source if kind == "tre" else t.source


def _bare(pairs: FiducialPairs) -> FiducialPairs:
    """The pairs without covariances, as a new object: who keeps fits by identity then shares none, so its seconds are its own."""
    if pairs.source_covariance is None and pairs.target_covariance is None:
        return copy(pairs)
    return FiducialPairs(pairs.source, pairs.target, source_unit=pairs.source_unit, target_unit=pairs.target_unit)
