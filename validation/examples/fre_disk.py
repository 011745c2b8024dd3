"""An estimator of one's own: FRE read as if it were TRE. Try it with ``regerr study icip --quick --estimator THIS_FILE``."""

from __future__ import annotations

import numpy as np

import regerr


class Prediction:
    """Disks of one size, made from the FRE, about the predicted points."""

    def __init__(self, mean: np.ndarray, fre: np.ndarray) -> None:
        self.mean, self.rms = mean, np.broadcast_to(fre, mean.shape[:-1])

    def region(self, level: float) -> Prediction:
        """Disks that hold a Gaussian deviation of that r.m.s. length with this probability; in 2D."""
        self.radius2 = -np.log(1 - level) * self.rms**2
        self.volume = np.pi * self.radius2
        return self

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether points lie inside."""
        return ((points - self.mean) ** 2).sum(-1) <= self.radius2


class FreDisk:
    """A rigid registration that takes its own residuals for the whole truth."""

    name, label, model = "fre-disk", "rigid, FRE taken for TRE", "rigid"

    def predict(self, pairs: regerr.FiducialPairs, targets: np.ndarray, kind: str) -> Prediction:
        """Predict the targets of a whole batch of datasets."""
        result = regerr.fit(pairs, "rigid", on_failure="mark")
        return Prediction(result.transform.apply(targets), result.fre_rms[..., None])


estimator = FreDisk()
