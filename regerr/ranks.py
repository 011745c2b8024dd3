"""Regions whose size comes from the pairs themselves: the new pair's residual among the old ones', under no law of the noise.

Scores are the deleted residuals ``q_j = r_j'(I - H_j)^-1 r_j`` of theory section 7. All pairs are taken to be exchangeable: so
people's landmarks, unequal and heavy-tailed, are covered as often as said, where laws of normal noise are short (section 15).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from .linalg import rows
from .models.base import Estimator
from .order_statistics import ROUNDING, at_rank, conformal_p_value, conformal_rank
from .pair_covariances import Weight
from .ratios import Method, Wald, is_the_prediction

_FARTHEST = 4.0  # scores are squared lengths
_NUMBERS = 1 << 20  # coordinates of refitted pairs at a time


class Rank(Method):
    """Full conformal: refit with the new pair, and accept it while its deleted residual is not among the largest (section 15).

    Exact, ``ceil(level (n+1))/(n+1)``, when the n + 1 pairs are exchangeable, position included. A new pair far enough out takes
    over the fit, and its residual then falls among the others' again: points are outside, too, whose residual from the fit of
    the n pairs is more than twice as long as the longest of theirs.
    """

    name = "rank"
    kinds: ClassVar[tuple[str, ...]] = ("observation",)
    even: ClassVar[bool] = False

    def refusal(self, estimator: Estimator, n: int, level: float | None) -> str:
        if estimator.noise.shape == "given":
            return ("the method 'rank' takes pairs to be exchangeable, and each of these has a covariance of its own: use the "
                    "method 'interpolated-rank'")
        return _too_few(self.name, n, level)

    def ellipsoid(self, linear: bool) -> bool:
        return False

    def statistics(self, estimator: Estimator, fit: Any, dx: np.ndarray, dy: np.ndarray, weight: Weight) -> list[np.ndarray]:
        """The new pair's deleted residual over the noise variance of the joint fit."""
        return [_joint_scores(estimator, fit, dx, dy)[..., -1]]

    def excess(self, estimator: Estimator, fit: Any, dx: np.ndarray, dy: np.ndarray, weight: Weight,
               level: float) -> np.ndarray:
        scores = _joint_scores(estimator, fit, dx, dy)
        new, limit = scores[..., -1], at_rank(scores[..., :-1], conformal_rank(fit.n, level))
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where((new == 0) | np.isinf(limit), 0.0, new / limit)
        ratio = np.maximum(ratio, _distance(estimator, fit, dx, dy, weight))
        return _settled(estimator, fit, dx, dy, ratio, np.array([0.0, np.inf]))

    def p_value(self, estimator: Estimator, fit: Any, dx: np.ndarray, dy: np.ndarray, weight: Weight) -> np.ndarray:
        scores = _joint_scores(estimator, fit, dx, dy)
        smaller = (scores[..., :-1] < scores[..., -1:]).sum(-1)
        smaller = np.where(_distance(estimator, fit, dx, dy, weight) > 1.0, fit.n, smaller)
        return _settled(estimator, fit, dx, dy, conformal_p_value(smaller, fit.n), conformal_p_value(np.array([0, fit.n]), fit.n))


class Calibrated(Wald):
    """Ellipsoids of the first-order covariance whose size the scores of the pairs decide: ``e' V_0^-1 e <= K``."""

    kinds: ClassVar[tuple[str, ...]] = ("observation",)

    @abstractmethod
    def quantile(self, scores: np.ndarray, dimension: int, level: float) -> np.ndarray:
        """K (...) from scores (..., n)."""

    @abstractmethod
    def survival(self, scores: np.ndarray, dimension: int, statistic: np.ndarray) -> np.ndarray:
        """P-values (..., m) of statistics (..., m) from scores (..., n)."""

    def thresholds(self, estimator: Estimator, fit: Any, level: float) -> list[Any]:
        limit = self.quantile(_scores(estimator, fit), fit.x_mean.shape[-1], level) / self._divisor(estimator, fit)
        return [np.where(estimator.exact(fit), 1.0, limit)[..., None]]

    def p_value(self, estimator: Estimator, fit: Any, dx: np.ndarray, dy: np.ndarray, weight: Weight) -> np.ndarray:
        statistic = self.statistics(estimator, fit, dx, dy, weight)[0] * self._divisor(estimator, fit)
        p = self.survival(_scores(estimator, fit), len(dx), statistic)
        return _settled(estimator, fit, dx, dy, np.where(np.isnan(statistic), np.nan, p), np.array([1.0, 0.0]))

    def _divisor(self, estimator: Estimator, fit: Any) -> float:
        return estimator.divisor(fit.n, fit.x_mean.shape[-1])


class InterpolatedRank(Calibrated):
    """K between two of the ordered scores, at place ``level (n + 1)``, on a logarithmic scale (section 15)."""

    name = "interpolated-rank"

    def refusal(self, estimator: Estimator, n: int, level: float | None) -> str:
        return _too_few(self.name, n, level)

    def quantile(self, scores: np.ndarray, dimension: int, level: float) -> np.ndarray:
        n = scores.shape[-1]
        place = level * (n + 1)
        low = math.floor(place + ROUNDING)
        share = max(place - low, 0.0)
        if low == 0:
            # below the smallest score the law is taken to be flat in space
            return at_rank(scores, 1) * share ** (2.0 / dimension)
        if share <= ROUNDING:
            return at_rank(scores, low)
        return at_rank(scores, low) ** (1.0 - share) * at_rank(scores, low + 1) ** share

    def survival(self, scores: np.ndarray, dimension: int, statistic: np.ndarray) -> np.ndarray:
        n = scores.shape[-1]
        ordered = np.sort(scores, -1)[..., None, :]
        below = (ordered < statistic[..., None]).sum(-1, keepdims=True)
        low = np.take_along_axis(ordered, np.maximum(below - 1, 0), -1)[..., 0]
        high = np.take_along_axis(ordered, np.minimum(below, n - 1), -1)[..., 0]
        below = below[..., 0]
        with np.errstate(invalid="ignore", divide="ignore"):
            within = np.where(below == 0, (statistic / high) ** (dimension / 2.0), np.log(statistic / low) / np.log(high / low))
        # beyond the largest score nothing is known but that p is below 1/(n + 1)
        place = np.where(below == n, n + ROUNDING, below + np.nan_to_num(within))
        return np.where(np.isnan(scores).all(-1)[..., None], np.nan, 1.0 - place / (n + 1))


def _too_few(name: str, n: int, level: float | None) -> str:
    if level is None or level * (n + 1) <= n + ROUNDING:
        return ""
    least, highest = math.ceil(level / (1.0 - level) - ROUNDING), math.floor(1000 * n / (n + 1)) / 1000
    return (f"the method {name!r} needs {least} pairs for the level {level:g}, and there are {n}: add {least - n} more, take a "
            f"level of at most {highest:g}, or use the method 'mixture'")


def _scores(estimator: Estimator, fit: Any) -> np.ndarray:
    """Deleted residuals of the pairs over the noise variance (..., n), infinite for one that takes over; NaN for a failed fit."""
    return _or_infinite(estimator.studentised(fit, fit.source, fit.target), fit.failure)


def _distance(estimator: Estimator, fit: Any, dx: np.ndarray, dy: np.ndarray, weight: Weight) -> np.ndarray:
    """``e' V_0^-1 e`` from the fit of the n pairs, over _FARTHEST times the largest of their scores, (..., m)."""
    distance = Wald().statistics(estimator, fit, dx, dy, weight)[0] * estimator.divisor(fit.n, len(dx))
    largest = at_rank(_scores(estimator, fit), fit.n)[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.isinf(largest) | (distance == 0), 0.0, distance / (_FARTHEST * largest))


def _joint_scores(estimator: Estimator, fit: Any, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """The same (..., m, n + 1) of joint fits with each new pair, which comes last."""
    n, d = fit.source.shape[-2:]
    shape = dy.shape[1:]
    dataset = np.broadcast_to(np.arange(fit.failure.size).reshape(*fit.batch_shape, 1), shape).ravel()
    new = [rows(np.broadcast_to(v, dy.shape)).reshape(-1, 1, d) for v in (dx, dy)]
    old = [(points - mean[..., None, :]).reshape(-1, n, d)
           for points, mean in ((fit.source, fit.x_mean), (fit.target, fit.y_mean))]
    failure = np.broadcast_to(fit.failure[..., None], shape).ravel()
    out = np.empty((len(dataset), n + 1))
    step = max(1, _NUMBERS // ((n + 1) * d))
    for some in (slice(i, i + step) for i in range(0, len(dataset), step)):
        source, target = (np.concatenate([a[dataset[some]], b[some]], 1) for a, b in zip(old, new, strict=True))
        out[some] = _or_infinite(estimator.studentised(estimator.fit(source, target), source, target), failure[some])
    return out.reshape(*shape, n + 1)


def _or_infinite(scores: np.ndarray, failure: np.ndarray) -> np.ndarray:
    return np.where(failure[..., None] > 0, np.nan, np.where(np.isnan(scores), np.inf, scores))


def _settled(estimator: Estimator, fit: Any, dx: np.ndarray, dy: np.ndarray, value: np.ndarray, alone: np.ndarray) -> np.ndarray:
    """The value, but for exact fits the first of ``alone`` at the prediction and the second elsewhere; NaN for failed fits."""
    value = np.where(fit.failure[..., None] > 0, np.nan, value)
    exact = estimator.exact(fit)[..., None]
    if not exact.any():
        return value
    return np.where(exact, np.where(is_the_prediction(fit, dx, dy), *alone), value)
