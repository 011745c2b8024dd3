"""Conformal regions: the score of the new pair is compared with the ranks of the old ones', whatever the law of the noise.

They hold for targets that are exchangeable with the fiducials, position included, and away from them only where scores are
scaled by the leverage (theory, section 15). When ``ceil(level (n + 1)) > n``, as at 95 % with fewer than 19 scores, the
region is the whole plane. Vovk, Gammerman & Shafer (2005); Lei et al. (2018); jackknife+: Barber et al. (2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..linalg import trace
from ..order_statistics import at_rank, conformal_p_value, conformal_rank
from ..pairs import FiducialPairs
from ..predictions import Prediction, checked_level, checked_targets
from ..results import RegistrationResult, fit, given_covariances
from .overlap import Overlap
from .refits import Baseline, known_or_infinite, left_out, lengths
from .shapes import Balls


@dataclass(frozen=True)
class SplitConformal(Baseline):
    """Every second pair, the first among them, makes the fit; the lengths of the others' residuals are the scores."""

    method: ClassVar[str] = "split-conformal"
    words: ClassVar[str] = "split conformal"

    def predict(self, pairs: FiducialPairs, targets: np.ndarray, kind: str) -> ConformalPrediction:
        """Fit to one half of each dataset, score the other, and predict."""
        result = fit(_half(pairs), self.model, self.noise, on_failure="mark")
        e = pairs.target[..., 1::2, :] - result.transform.apply(pairs.source[..., 1::2, :])
        return _balls(result, targets, np.sqrt(np.einsum("...d,...d->...", e, e)))


@dataclass(frozen=True)
class LeaveOneOutConformal(Baseline):
    """The leave-one-out disk with the conformal rank in place of the percentile."""

    method: ClassVar[str] = "leave-one-out-conformal"
    words: ClassVar[str] = "leave-one-out disk at the conformal rank"

    def predict(self, pairs: FiducialPairs, targets: np.ndarray, kind: str) -> ConformalPrediction:
        """Fit all datasets, leave each pair out, and predict."""
        result = self.fitted(pairs)
        return _balls(result, targets, lengths(result))


@dataclass(frozen=True)
class LeverageConformal(Baseline):
    """Leave-one-out distances over ``sqrt(1 + h)``, h the mean leverage of the pair in the fit without it."""

    method: ClassVar[str] = "leverage-conformal"
    words: ClassVar[str] = "leave-one-out over root leverage, conformal rank"

    def predict(self, pairs: FiducialPairs, targets: np.ndarray, kind: str) -> ConformalPrediction:
        """Fit all datasets, leave each pair out, and predict."""
        result = self.fitted(pairs)
        left = left_out(result)
        given = given_covariances(pairs, result.noise)
        others = Prediction(result.estimator, left.others, pairs.source[..., None, :], "observation", "",
                            None if given is None else given.alone(slice(None)))
        size = _relative(others)[..., 0]
        scores = np.sqrt(np.einsum("...d,...d->...", left.residuals, left.residuals)) / size
        return _balls(result, targets, known_or_infinite(scores, result.failure),
                      _relative(result.predict(targets, "observation")))


@dataclass(frozen=True)
class JackknifePlus(Baseline):
    """Points that are no further from the predictions of the leave-one-out fits than these miss their own pair."""

    method: ClassVar[str] = "jackknife-plus"
    words: ClassVar[str] = "jackknife+"
    closed_form_volume: ClassVar[bool] = False

    def predict(self, pairs: FiducialPairs, targets: np.ndarray, kind: str) -> JackknifePrediction:
        """Fit all datasets, leave each pair out, and predict."""
        result = self.fitted(pairs)
        left = left_out(result)
        x = checked_targets(targets, pairs.batch_shape, pairs.dimension)
        radii = known_or_infinite(np.sqrt(np.einsum("...d,...d->...", left.residuals, left.residuals)), result.failure)
        mean = result.transform.apply(x)
        return JackknifePrediction(mean, left.others.transform.apply(x[..., None, :, :]), radii, result.failure)


@dataclass(frozen=True, eq=False)
class ConformalPrediction:
    """Predicted points, with scores of pairs and the size of a score of one at each target.

    Attributes
    ----------
    mean : (..., m, d)
        Predicted points.
    scores : (..., k)
        Of the pairs, exchangeable with that of a new one; infinite for a pair that the others cannot predict.
    size : (..., m) or (..., 1)
        What the distance from the prediction is divided by to give a score.
    failure : (...)
        One `Failure` code for each dataset.
    """

    mean: np.ndarray
    scores: np.ndarray
    size: np.ndarray
    failure: np.ndarray

    @property
    def rms(self) -> np.ndarray:
        """Root mean square score, as a length at each target, (..., m)."""
        rms = np.sqrt(np.mean(self.scores**2, axis=-1))[..., None] * self.size
        return np.broadcast_to(rms, self.mean.shape[:-1])

    def p_value(self, points: np.ndarray) -> np.ndarray:
        """P-values (..., m): the share of scores, the new one among them, that are at least as large."""
        e = np.asarray(points, float) - self.mean
        score = np.sqrt(np.einsum("...d,...d->...", e, e)) / self.size
        smaller = (self.scores[..., None, :] < score[..., None]).sum(-1)
        return np.where(np.isnan(score), np.nan, conformal_p_value(smaller, self.scores.shape[-1]))

    def region(self, level: float = 0.95) -> Balls:
        """Disks whose radius is the score of that rank."""
        rank = conformal_rank(self.scores.shape[-1], checked_level(level))
        return Balls(self.mean, at_rank(self.scores, rank)[..., None] * self.size)


@dataclass(frozen=True, eq=False)
class JackknifePrediction:
    """Predicted points, and those that the fits without each pair predict.

    Attributes
    ----------
    mean : (..., m, d)
        Predicted points, from all pairs.
    centres : (..., n, m, d)
        Predicted without each pair.
    radii : (..., n)
        How far each of these fits misses the pair it lacks, target units.
    failure : (...)
        One `Failure` code for each dataset.
    """

    mean: np.ndarray
    centres: np.ndarray
    radii: np.ndarray
    failure: np.ndarray

    @property
    def rms(self) -> np.ndarray:
        """Root mean square leave-one-out distance, the same for all targets, (..., m)."""
        return np.broadcast_to(np.sqrt(np.mean(self.radii**2, axis=-1))[..., None], self.mean.shape[:-1])

    def region(self, level: float = 0.95) -> Overlap:
        """Points that lie outside fewer disks than the rank says."""
        n = self.radii.shape[-1]
        return Overlap(self.mean, self.centres, self.radii, n + 1 - conformal_rank(n, checked_level(level)))


def _half(pairs: FiducialPairs) -> FiducialPairs:
    """Every second pair."""
    omega, lam = (c if c is None else c[..., ::2, :, :] for c in (pairs.source_covariance, pairs.target_covariance))
    return FiducialPairs(pairs.source[..., ::2, :], pairs.target[..., ::2, :], pairs.names[::2], pairs.source_unit,
                         pairs.target_unit, omega, lam)


def _balls(result: RegistrationResult, targets: np.ndarray, scores: np.ndarray,
           size: np.ndarray | None = None) -> ConformalPrediction:
    x = checked_targets(targets, result.pairs.batch_shape, result.pairs.dimension)
    one = np.ones((*result.pairs.batch_shape, 1)) if size is None else size
    return ConformalPrediction(result.transform.apply(x), scores, one, result.failure)


def _relative(prediction: Prediction) -> np.ndarray:
    """Root mean square deviation over that of the noise, ``sqrt(1 + h)``, (..., m); 1 where there is no noise."""
    noise = np.sqrt(trace(prediction.fit.noise_covariance))[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(noise == 0, 1.0, prediction.rms / noise)
