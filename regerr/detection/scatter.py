"""How counts scatter when nobody says so, and how far spots differ from their model: both from the residuals of fitted spots.

``E r^2 = (constant + slope mean + misfit^2 signal^2)(1 - leverage)``: read-out noise, photon noise, and a model that misses the
shape of a spot by a share of its height. The last does not fade with more photons; it is the excess of real beads over photon
noise (theory, section 21).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from .camera import Variance
from .likelihood import Found, Windows

_ROUNDS = 8
_LEAST = 50  # residuals
_FLOOR = 0.01  # of the variance that an image shows at its finest
_SIGNIFICANT = 3.0  # standard errors
_ODD = 4.0
_MEDIAN = 1.2533  # s.e. of a median over that of a mean
_CLEAR = 10.0  # in twice the log likelihood
_SAME = np.log(1.5)


@dataclass(frozen=True)
class Scatter:
    """What makes counts differ from the model.

    Attributes
    ----------
    variance : Variance
        Of counts, by photons and camera; where no camera is given and spots differ from their model, one number.
    misfit : float
        R.m.s. share of its height by which a spot differs from its model; the median over spots.
    weights : Variance
        What the fit takes for the variance: that of a given camera, or what spots say of the photons where these alone explain
        how they scatter; else one number for all pixels (least squares), as when the misfit is the larger part: photons' weights
        trust the faint skirts of a spot, where models fail first.
    """

    variance: Variance
    misfit: float
    weights: Variance

    @property
    def least_squares(self) -> bool:
        """Whether spots are fitted by least squares."""
        return self.weights.slope == 0.0


def white_noise(plane: np.ndarray, factor: float) -> float:
    """S.d. of white noise from the finest wavelet plane, spots or not: 1.4826 median |w| over the plane's factor."""
    return float(1.4826 * np.median(np.abs(plane)) / factor)


def scatter_of(windows: Windows, found: Found, white: Variance, known: Variance | None) -> Scatter:
    """What residuals say; ``white`` is the variance of the image at its finest, ``known`` that of a given camera."""
    seen = _Residuals.of(windows, found)
    if len(seen.square) < _LEAST:
        return Scatter(known or white, 0.0, known or white)
    if known is not None:
        misfit = _misfit(windows, found, known)
        return Scatter(known, misfit, white if _is_larger(found, misfit, known) else known)
    line = _line(seen, white)
    lump, share = _with_misfit(seen, white)
    if seen.unlikeness(line.at(seen.mean)) + _CLEAR < seen.unlikeness(lump.constant + share * seen.signal**2):
        misfit = _misfit(windows, found, line)
        behind = np.array(np.median(found.background[found.settled]))
        photons = misfit == 0.0 and _agree(line.at(behind), white.at(behind)) and _suffices(seen, line)
        return Scatter(line, misfit, line if photons else white)
    return Scatter(lump, _misfit(windows, found, lump), white)


def covariances(windows: Windows, found: Found, scatter: Scatter) -> tuple[np.ndarray, np.ndarray]:
    """Covariance of positions, (m, d, d) in voxels: of all scatter, and of photon and camera noise alone.

    ``sum v l l'`` with the lever l of each pixel: for weights that are the variances the inverse Fisher information. A spot that
    differs from its model clearly more than others, one that touches another for instance, has its own misfit.
    """
    own, error = _misfits(windows, found, scatter.variance, scatter.misfit**2)
    odd = own > np.maximum(_ODD * scatter.misfit**2, _ODD * error)
    share = np.where(odd, own, scatter.misfit**2)[:, None]
    lever = np.swapaxes(found.lever, 1, 2)
    photon = (found.lever * scatter.variance.at(found.mean)[:, None]) @ lever
    return photon + (found.lever * (share * found.shape**2)[:, None]) @ lever, photon


@dataclass(frozen=True, eq=False)
class _Residuals:
    """Of all pixels of settled spots: expected counts, those of the spot, squared residuals, the share that the fit leaves."""

    mean: np.ndarray
    signal: np.ndarray
    square: np.ndarray
    left: np.ndarray

    @classmethod
    def of(cls, windows: Windows, found: Found) -> _Residuals:
        keep = (windows.inside > 0) & found.settled[:, None]
        left = np.clip(1.0 - found.leverage[keep], 0.05, 1.0)
        return cls(found.mean[keep], found.shape[keep], ((windows.seen - found.mean) ** 2)[keep], left)

    def unlikeness(self, variance: np.ndarray) -> float:
        """Minus twice the log likelihood of Gaussian residuals, but for a constant."""
        expected = variance * self.left
        return float((np.log(expected) + self.square / expected).sum())

    def squares_on(self, columns: np.ndarray, start: np.ndarray, least: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Regression of squared residuals on columns (n, c), none of them with a negative part, and the inverse information."""
        weight = 1.0 / (start * self.left)
        scaled = columns * self.left[:, None]
        for _ in range(_ROUNDS):
            parts = nnls(scaled * weight[:, None], self.square * weight)[0]
            weight = 1.0 / np.maximum(scaled @ parts, least * self.left)
        return parts, 2.0 * np.linalg.pinv((scaled * weight[:, None]).T @ (scaled * weight[:, None]))


def _line(seen: _Residuals, white: Variance) -> Variance:
    """A straight line of the variance in the mean; flat when its slope is less than three standard errors from 0."""
    low, high = float(seen.mean.min()), float(seen.mean.max())
    at = (seen.mean - low) / max(high - low, 1e-300)
    # the line by its two ends, of which neither is negative whichever way the image is turned
    start = white.at(seen.mean)
    ends, error = seen.squares_on(np.stack([1.0 - at, at], 1), start, _FLOOR * start)
    if abs(ends[1] - ends[0]) < _SIGNIFICANT * np.sqrt(max(error[0, 0] + error[1, 1] - 2.0 * error[0, 1], 0.0)):
        return Variance(max(float((seen.square / seen.left).mean()), float(_FLOOR * start.min())))
    slope = (ends[1] - ends[0]) / (high - low)
    return Variance(float(ends[0] - slope * low), float(slope))


def _agree(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two variances of the background are the same: what spots tell, and what the image shows at its finest."""
    return bool(abs(np.log(one / other)) < _SAME)


def _suffices(seen: _Residuals, line: Variance) -> bool:
    """Whether a misfit beside the photons makes the residuals no more likely."""
    low, high = float(seen.mean.min()), float(seen.mean.max())
    at, start = (seen.mean - low) / max(high - low, 1e-300), line.at(seen.mean)
    columns = np.stack([1.0 - at, at, seen.signal**2], 1)
    parts, _ = seen.squares_on(columns, start, _FLOOR * start)
    both = np.maximum(columns @ parts, _FLOOR * start)
    return seen.unlikeness(start) <= seen.unlikeness(both) + _CLEAR


def _with_misfit(seen: _Residuals, white: Variance) -> tuple[Variance, float]:
    """One variance for all pixels, and the square of the misfit."""
    start = white.at(seen.mean)
    columns = np.stack([np.ones_like(seen.mean), seen.signal**2], 1)
    (constant, share), _ = seen.squares_on(columns, start, _FLOOR * start)
    return Variance(max(float(constant), float(_FLOOR * start.min()))), float(share)


def _misfit(windows: Windows, found: Found, variance: Variance) -> float:
    """Misfit beyond a known variance: the median over spots, 0 below three standard errors."""
    value = 0.0
    for _ in range(3):
        own, error = _misfits(windows, found, variance, value)
        own, error = own[found.settled], error[found.settled]
        value = max(float(np.median(own)), 0.0) if own.size else 0.0
    return float(np.sqrt(value)) if value > _SIGNIFICANT * _MEDIAN * float(np.median(error)) / np.sqrt(own.size) else 0.0


def _misfits(windows: Windows, found: Found, variance: Variance, typical: float) -> tuple[np.ndarray, np.ndarray]:
    """Squared misfit of each spot and its standard error if there is none: ``sum w (r^2/v - 1) = misfit^2 sum w signal^2/v``.

    Weighted as if it were ``typical``.
    """
    v = variance.at(found.mean)
    share, left = found.shape**2 / v, np.clip(1.0 - found.leverage, 0.05, 1.0)
    weight = windows.inside * share / (1.0 + typical * share) ** 2
    total = np.maximum((weight * share * left).sum(1), 1e-300)
    excess = (windows.seen - found.mean) ** 2 / v - left
    return (weight * excess).sum(1) / total, np.sqrt(2.0 * ((weight * left) ** 2).sum(1)) / total


def _is_larger(found: Found, misfit: float, variance: Variance) -> bool:
    """Whether the misfit exceeds the noise in the brightest pixel of a typical spot."""
    if misfit == 0.0:
        return False
    top = np.abs(found.shape).argmax(1)[:, None]
    signal, mean = (np.take_along_axis(a, top, 1)[:, 0] for a in (found.shape, found.mean))
    return bool(np.median((misfit * signal) ** 2 / variance.at(mean)) > 1.0)
