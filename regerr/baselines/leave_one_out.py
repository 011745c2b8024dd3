"""Leave-one-out disks and ellipses: each pair is predicted from all others, and the misses make the region.

The disk is that of the ICIP 2021 study: its radius is the level's percentile of the leave-one-out distances. The ellipse has
their second moments. Both are the same wherever the target lies, so they cover among the fiducials and fail away from them
(theory, section 15).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import fdtri

from ..linalg import gram, trace
from ..pairs import FiducialPairs
from ..predictions import KINDS, checked_level, checked_targets
from ..results import RegistrationResult
from .refits import Baseline, lengths
from .shapes import Balls, Ellipsoids


@dataclass(frozen=True)
class LeaveOneOutDisk(Baseline):
    """The leave-one-out disk of the ICIP 2021 study; the same for every kind."""

    method: ClassVar[str] = "leave-one-out"
    words: ClassVar[str] = "leave-one-out disk"
    kinds: ClassVar[tuple[str, ...]] = KINDS

    def predict(self, pairs: FiducialPairs, targets: np.ndarray, kind: str) -> LeaveOneOutPrediction:
        """Fit all datasets, leave each pair out, and predict."""
        return leave_one_out(self.fitted(pairs), targets)


@dataclass(frozen=True)
class LeaveOneOutEllipse(Baseline):
    """The ellipse of the leave-one-out residuals' second moments; the same for every kind."""

    method: ClassVar[str] = "leave-one-out-ellipse"
    words: ClassVar[str] = "leave-one-out ellipse"
    kinds: ClassVar[tuple[str, ...]] = KINDS

    def predict(self, pairs: FiducialPairs, targets: np.ndarray, kind: str) -> MomentsPrediction:
        """Fit all datasets, leave each pair out, and predict."""
        result = self.fitted(pairs)
        left = result.leave_one_out()
        moments = gram(left, left) / left.shape[-2]
        unpredicted = np.isnan(trace(moments)) & (result.failure == 0)
        everything = np.where(np.eye(left.shape[-1]) > 0, np.inf, 0.0)
        moments = np.where(unpredicted[..., None, None], everything, moments)
        return MomentsPrediction(_mean(result, targets), moments, left.shape[-2], result.failure)


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
    return LeaveOneOutPrediction(_mean(result, targets), lengths(result), result.failure)


@dataclass(frozen=True, eq=False)
class LeaveOneOutPrediction:
    """Predicted points and the distances that their disks are made of.

    Attributes
    ----------
    mean : (..., m, d)
        Predicted points.
    distances : (..., n)
        Length of each leave-one-out residual, target units; infinite for a pair that the others cannot predict.
    failure : (...)
        One `Failure` code for each dataset.
    """

    mean: np.ndarray
    distances: np.ndarray
    failure: np.ndarray

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


@dataclass(frozen=True, eq=False)
class MomentsPrediction:
    """Predicted points, and the second moments of the leave-one-out residuals.

    Attributes
    ----------
    mean : (..., m, d)
        Predicted points.
    moments : (..., d, d)
        ``M = sum l_i l_i' / n``, squared target units; infinite where the others cannot predict a pair.
    n : int
        Number of pairs.
    failure : (...)
        One `Failure` code for each dataset.
    """

    mean: np.ndarray
    moments: np.ndarray
    n: int
    failure: np.ndarray

    @property
    def rms(self) -> np.ndarray:
        """Root mean square leave-one-out distance, the same for all targets, (..., m)."""
        return np.broadcast_to(np.sqrt(trace(self.moments))[..., None], self.mean.shape[:-1])

    def region(self, level: float = 0.95) -> Ellipsoids:
        """Ellipses ``e' M^-1 e <= d n/(n-d+1) F_{d, n-d+1}(level)``.

        Hotelling's law for a new draw after n independent ones of the same normal law about zero, which is what the
        leave-one-out residuals are taken for.
        """
        d = self.mean.shape[-1]
        rest = self.n - d + 1
        factor = d * self.n / rest * float(fdtri(d, rest, checked_level(level)))
        return Ellipsoids(self.mean, factor * self.moments[..., None, :, :])


def _mean(result: RegistrationResult, targets: Any) -> np.ndarray:
    return result.transform.apply(checked_targets(targets, result.pairs.batch_shape, result.pairs.dimension))
