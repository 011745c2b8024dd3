"""The leave-one-out disk, as the ICIP 2021 study draws it.

Each pair is predicted from all others; the disk about a predicted target has the level's percentile of these distances as its
radius. It is the same wherever the target lies, so it covers among the fiducials and fails away from them (theory, section 15).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..predictions import checked_level, checked_targets
from ..results import RegistrationResult
from .shapes import Balls


def leave_one_out(result: RegistrationResult, targets: Any) -> LeaveOneOutPrediction:
    """Predict targets with leave-one-out disks.

    Parameters
    ----------
    result : RegistrationResult
        Batch shape (...).
    targets : (m, d) or (..., m, d)
        Points in the source. The method knows one kind of question and gives its disk for all.

    Raises
    ------
    UndeterminedError
        When the pairs are too few for leaving one out.
    """
    points = checked_targets(targets, result.pairs.batch_shape, result.pairs.dimension)
    return LeaveOneOutPrediction(result.transform.apply(points), _distances(result))


@dataclass(frozen=True, eq=False)
class LeaveOneOutPrediction:
    """Predicted points and the distances that their disks are made of.

    Attributes
    ----------
    mean : (..., m, d)
        Predicted points.
    distances : (..., n)
        Length of each leave-one-out residual, target units; infinite for a pair that the others cannot predict.
    """

    mean: np.ndarray
    distances: np.ndarray

    @property
    def rms(self) -> np.ndarray:
        """Root mean square leave-one-out distance, the same for all targets, (..., m)."""
        rms = np.sqrt(np.mean(self.distances**2, axis=-1))
        return np.broadcast_to(rms[..., None], self.mean.shape[:-1])

    def region(self, level: float = 0.95) -> Balls:
        """Disks whose radius is that percentile of the distances, by linear interpolation."""
        share = checked_level(level)
        with np.errstate(invalid="ignore"):  # between two infinite distances
            radius = np.quantile(self.distances, share, axis=-1)
        radius = np.where(np.isnan(radius) & ~np.isnan(self.distances).any(-1), np.inf, radius)
        return Balls(self.mean, radius[..., None])


def _distances(result: RegistrationResult) -> np.ndarray:
    left_out = result.leave_one_out()
    distances = np.sqrt(np.einsum("...d,...d->...", left_out, left_out))
    unpredicted = np.isnan(distances) & (result.failure == 0)[..., None]
    return np.where(unpredicted, np.inf, distances)
