"""Regions for few pairs of unequal noise: each pair normal with a variance of its own, drawn from an inverse-gamma law.

So the scores ``q_j = r_j'(I - H_j)^-1 r_j`` of the pairs follow ``q/(d s) ~ F_{d, nu}``, with s and nu unknown, and the region's
size K is a quantile of the predictive law of a further score (theory, section 15). The prior is flat in log s, and in 1/nu up to
``tails``. The posterior is summed on a grid: Gauss-Legendre nodes in 1/nu, equal steps in log s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import betaln, fdtrc

from .errors import InputError
from .models.base import Estimator
from .ranks import Calibrated

LEAST_PAIRS = 6
_NODES = 20  # in 1/nu
_STEP, _HALF = 1.0 / 16.0, 3.5  # of log s, about the median of log(q/d)
_SCALES = _STEP * np.arange(round(2.0 * _HALF / _STEP) + 1) - _HALF
_WIDTH = 2.0 * _STEP  # between nodes of the predictive law
_LOW, _HIGH = -14.0, 34.0  # its first and last node: logarithms of scores over their median
_HALVINGS = 48
_NUMBERS = 1 << 21  # of likelihoods at a time


@dataclass(frozen=True)
class Mixture(Calibrated):
    """K from the predictive law of scores whose spread differs from pair to pair.

    Parameters
    ----------
    tails : float
        Largest 1/nu of the prior, c of the theory: 1 suits people's landmarks with slips, 2/3 those without.
    """

    tails: float = 1.0

    name = "mixture"

    def __post_init__(self) -> None:
        if not 0 < self.tails < math.inf:
            raise InputError(f"tails of the mixture is {self.tails}: give a number above 0, such as 1")

    def refusal(self, estimator: Estimator, n: int, level: float | None) -> str:
        if n >= LEAST_PAIRS:
            return ""
        return (f"the method 'mixture' needs {LEAST_PAIRS} pairs to see how unequal they are, and there are {n}: add "
                f"{LEAST_PAIRS - n} more, or use the method 'score'")

    def quantile(self, scores: np.ndarray, dimension: int, level: float) -> np.ndarray:
        return predictive(scores, dimension, self.tails).quantile(1.0 - level)

    def survival(self, scores: np.ndarray, dimension: int, statistic: np.ndarray) -> np.ndarray:
        return predictive(scores, dimension, self.tails).survival(statistic)


@dataclass(frozen=True, eq=False)
class Predictive:
    """The law of a further score: how probable it is to exceed a value, between nodes by cubics that match slopes.

    Attributes
    ----------
    middle : (...)
        Median of log q of the pairs; nodes are about it.
    values, slopes : (..., k)
        Probability, and its derivative with respect to the logarithm, at each node.
    """

    middle: np.ndarray
    values: np.ndarray
    slopes: np.ndarray

    def survival(self, statistic: np.ndarray) -> np.ndarray:
        """Probability (..., m) to exceed statistics (..., m)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            place = (np.log(statistic) - self.middle[..., None] - _LOW) / _WIDTH
            place = np.where(np.isnan(place), 0.0, place)
            inside = np.clip(place, 0.0, self.values.shape[-1] - 1.0)
            # below the nodes the law is flat in space, above it falls as a power
            first, last = self.values[..., :1], self.values[..., -1:]
            rise, fall = -self.slopes[..., :1] / (1.0 - first), self.slopes[..., -1:] / last
            low = 1.0 - (1.0 - first) * np.exp(rise * _WIDTH * np.minimum(place, 0.0))
            high = last * np.exp(fall * _WIDTH * np.maximum(place - inside, 0.0))
        return np.where(place < 0, low, np.where(place > inside, high, self._between(inside)))

    def quantile(self, p: float) -> np.ndarray:
        """The score (...) that a further one exceeds with probability p."""
        low = np.zeros(self.middle.shape)
        high = low + (self.values.shape[-1] - 1.0)
        for _ in range(_HALVINGS):
            place = 0.5 * (low + high)
            above = self._between(place[..., None])[..., 0] > p
            low, high = np.where(above, place, low), np.where(above, high, place)
        last, fall = self.values[..., -1], self.slopes[..., -1] / self.values[..., -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            beyond = np.where(last > p, np.log(p / last) / fall, 0.0)
        return np.exp(self.middle + _LOW + _WIDTH * high + beyond)

    def _between(self, place: np.ndarray) -> np.ndarray:
        """The cubic at places (..., m) counted in nodes."""
        node = np.minimum(place.astype(int), self.values.shape[-1] - 2)
        t = place - node
        y0, y1, s0, s1 = (np.take_along_axis(a[..., None, :], (node + k)[..., None], -1)[..., 0]
                          for a in (self.values, self.slopes * _WIDTH) for k in (0, 1))
        return np.asarray(y0 + t * (s0 + t * (3.0 * (y1 - y0) - 2.0 * s0 - s1 + t * (2.0 * (y0 - y1) + s0 + s1))))


def predictive(scores: np.ndarray, dimension: int, tails: float) -> Predictive:
    """The predictive law given scores of pairs.

    Parameters
    ----------
    scores : (..., n)
        Infinite ones tell nothing; all of a failed dataset are NaN.
    dimension : int
        d, of the pairs.
    tails : float
        Largest 1/nu.
    """
    batch, n = scores.shape[:-1], scores.shape[-1]
    flat = scores.reshape(-1, n)
    known = np.isfinite(flat)
    with np.errstate(divide="ignore"):
        logs = np.log(np.where(known, flat, 1.0))
    middle = np.where(known.any(-1), _median(logs, known), np.nan)
    relative = np.where(known, np.exp(logs - middle[:, None]), 0.0)
    count = known.sum(-1)
    step = max(1, _NUMBERS // (n * _NODES * len(_SCALES)))
    blocks = (slice(i, i + step) for i in range(0, max(len(flat), 1), step))
    weights = np.concatenate([_posterior(relative[some], count[some], dimension, tails) for some in blocks])
    # a row without scores has no weights
    weights = np.where(np.isnan(middle)[:, None], np.nan, weights)
    values, slopes = (weights @ table for table in _tables(dimension, tails))
    return Predictive(middle.reshape(batch), values.reshape(*batch, -1), slopes.reshape(*batch, -1))


def _median(logs: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Of the known ones in each row."""
    ordered, count = np.sort(np.where(known, logs, np.inf), -1), known.sum(-1)
    low, high = (np.take_along_axis(ordered, np.maximum(k, 0)[:, None], -1)[:, 0] for k in ((count - 1) // 2, count // 2))
    return np.asarray(0.5 * (low + np.minimum(high, ordered[:, -1])))


def _posterior(relative: np.ndarray, count: np.ndarray, dimension: int, tails: float) -> np.ndarray:
    """Weights (b, nodes x scales) from scores over their median (b, n), of which so many count."""
    nu, weight = _nodes(tails)
    ratio = dimension * np.exp(-_SCALES) / nu[:, None]
    falls = np.log1p(relative[:, :, None, None] * ratio).sum(1)
    constant = 0.5 * dimension * (np.log(dimension / nu[:, None]) - _SCALES) - betaln(0.5 * dimension, 0.5 * nu)[:, None]
    log = count[:, None, None] * constant - 0.5 * (dimension + nu[:, None]) * falls + np.log(weight)[:, None]
    out = np.exp(log - log.max((-2, -1), keepdims=True))
    return np.asarray(out / out.sum((-2, -1), keepdims=True)).reshape(len(out), -1)


def _nodes(tails: float) -> tuple[np.ndarray, np.ndarray]:
    """Degrees of freedom nu and weights of the rule in 1/nu."""
    z, weight = np.polynomial.legendre.leggauss(_NODES)
    return 2.0 / (tails * (z + 1.0)), weight


@lru_cache(maxsize=8)
def _tables(dimension: int, tails: float) -> tuple[np.ndarray, np.ndarray]:
    """Survival and its slope at each node of the predictive law, for each nu and s: (nodes x scales, k)."""
    nu = _nodes(tails)[0][:, None]
    scale, node = np.arange(len(_SCALES)), round(_WIDTH / _STEP) * np.arange(round((_HIGH - _LOW) / _WIDTH) + 1)
    # both are in steps, and only their difference matters
    shift = node - scale[:, None] + scale[-1]
    v = _LOW - _SCALES[-1] + _STEP * np.arange(shift.max() + 1)
    x = np.exp(v)
    d = dimension
    density = np.exp(0.5 * d * (np.log(d / nu) + v) - 0.5 * (d + nu) * np.log1p(d * x / nu) - betaln(0.5 * d, 0.5 * nu))
    return tuple(table[:, shift].reshape(-1, len(node)) for table in (fdtrc(d, nu, x), -density))  # type: ignore[return-value]
