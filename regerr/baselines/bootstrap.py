"""Bootstrap disks: how far refits to resampled pairs, or to pairs drawn from the fit, move the prediction (theory, section 15).

Of each refit the deviation of its prediction is taken, plus a draw of as much of a pair's noise as the kind asks for; the
radius of a disk is the level's percentile of the lengths of these deviations (Efron & Tibshirani 1993).
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..blocks import fit_blocks
from ..errors import InputError, UnsupportedError
from ..linalg import apply, root, trace
from ..models.base import Estimator, Fit, noise_share
from ..pairs import FiducialPairs
from ..predictions import KINDS, checked_kind, checked_level, checked_targets
from .refits import Baseline, Fitted, portions
from .shapes import Balls
from .streams import drawn


@dataclass(frozen=True)
class Bootstrap(Baseline):
    """What both bootstraps share.

    Parameters
    ----------
    model : {"rigid", "similarity", "affine"}
    noise : {"both", "target", "source", "full"} or Noise
    refits : int
        Per dataset.
    seed : int
        With it each dataset determines its own draws, alone or in a batch.
    """

    refits: int = 199
    seed: int = 0

    kinds: ClassVar[tuple[str, ...]] = KINDS

    def __post_init__(self) -> None:
        for what, least in (("refits", 1), ("seed", 0)):
            if not getattr(self, what) >= least:
                raise InputError(f"{what} of the bootstrap is {getattr(self, what)}: give a whole number of at least {least}")

    @abstractmethod
    def redraw(self, estimator: Estimator, fitted: Fitted) -> tuple[Fit, np.ndarray]:
        """Refits of batch shape (b, refits), and with each a draw of one pair's noise, (b, refits, d)."""

    def predict(self, pairs: FiducialPairs, targets: np.ndarray, kind: str) -> BootstrapPrediction:
        """Fit all datasets, refit, and predict."""
        result = self.fitted(pairs)
        if result.noise.shape == "given":
            raise UnsupportedError("the bootstrap takes pairs to be draws of one law, and each of these has a covariance of its "
                                   "own: drop the covariances, or use result.sample")
        share = noise_share(checked_kind(kind, result.estimator), result.noise.source_share)
        x = checked_targets(targets, pairs.batch_shape, pairs.dimension)
        mean = result.transform.apply(x)
        flat, own = Fitted.of(result), np.broadcast_to(x, mean.shape).reshape(-1, *mean.shape[-2:])
        numbers = self.refits * pairs.dimension * max(pairs.n, x.shape[-2])
        parts = [_deviations(flat[some], own[some], *self.redraw(result.estimator, flat[some]), share)
                 for some in portions(len(own), numbers)]
        return BootstrapPrediction(mean, np.concatenate(parts).reshape(*mean.shape[:-1], self.refits), result.failure)


@dataclass(frozen=True)
class PairsBootstrap(Bootstrap):
    """Refits to n pairs drawn with replacement; noise is a residual drawn likewise, as long as the estimated noise makes it."""

    method: ClassVar[str] = "pairs-bootstrap"
    words: ClassVar[str] = "bootstrap of pairs"

    def redraw(self, estimator: Estimator, fitted: Fitted) -> tuple[Fit, np.ndarray]:
        x, y = fitted.source, fitted.target
        n = x.shape[1]
        chosen = drawn(lambda rng: rng.integers(n, size=(self.refits, n + 1)), self.seed, x, y)
        each = np.arange(len(x))[:, None, None]
        fit = fit_blocks(estimator, x[each, chosen[..., :n]], y[each, chosen[..., :n]])
        return fit, _inflated(fitted)[each[..., 0], chosen[..., n]]


@dataclass(frozen=True)
class ParametricBootstrap(Bootstrap):
    """Refits to pairs drawn from the fit: latent points of the pairs, plus normal noise of the estimated covariance."""

    method: ClassVar[str] = "parametric-bootstrap"
    words: ClassVar[str] = "parametric bootstrap"

    def redraw(self, estimator: Estimator, fitted: Fitted) -> tuple[Fit, np.ndarray]:
        x, y = fitted.source, fitted.target
        n, d = x.shape[1:]
        share = estimator.noise.source_share
        normal = drawn(lambda rng: rng.standard_normal((self.refits, 2 * n + 1, d)), self.seed, x, y)
        noise = apply(root(fitted.fit.noise_covariance)[:, None], normal)
        latent = (fitted.fit.transform.apply(x) + share * fitted.residuals)[:, None]
        seen = latent + np.sqrt(share) * noise[:, :, :n] - fitted.fit.y_mean[:, None, None]
        source = apply(np.linalg.inv(fitted.fit.matrix)[:, None], seen) + fitted.fit.x_mean[:, None, None]
        target = latent + np.sqrt(1.0 - share) * noise[:, :, n:2 * n]
        # a failed fit draws NaN, which no estimator takes
        return fit_blocks(estimator, np.nan_to_num(source), np.nan_to_num(target)), noise[:, :, 2 * n]


@dataclass(frozen=True, eq=False)
class BootstrapPrediction:
    """Predicted points, and the lengths of their deviations in the refits.

    Attributes
    ----------
    mean : (..., m, d)
        Predicted points.
    lengths : (..., m, refits)
        Target units, ascending; NaN, at the end, for refits that determine nothing.
    failure : (...)
        One `Failure` code for each dataset.
    """

    mean: np.ndarray
    lengths: np.ndarray
    failure: np.ndarray

    @property
    def rms(self) -> np.ndarray:
        """Root mean square deviation, (..., m)."""
        known = ~np.isnan(self.lengths)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.sqrt(np.where(known, self.lengths**2, 0.0).sum(-1) / known.sum(-1))

    def region(self, level: float = 0.95) -> Balls:
        """Disks whose radius is the level's percentile of the lengths, by linear interpolation, of the refits that exist."""
        place = checked_level(level) * np.maximum((~np.isnan(self.lengths)).sum(-1) - 1, 0)[..., None]
        below = np.floor(place).astype(int)
        low, high = (np.take_along_axis(self.lengths, np.minimum(k, self.lengths.shape[-1] - 1), -1)
                     for k in (below, np.ceil(place).astype(int)))
        return Balls(self.mean, (low + (place - below) * (high - low))[..., 0])


def _deviations(fitted: Fitted, targets: np.ndarray, refit: Fit, noise: np.ndarray, share: float) -> np.ndarray:
    """Lengths (b, m, refits) of the deviations at targets (b, m, d)."""
    moved = refit.transform.apply(targets[:, None]) - fitted.fit.transform.apply(targets)[:, None]
    e = moved + np.sqrt(share) * noise[:, :, None]
    known = ((refit.failure == 0) & (fitted.fit.failure == 0)[:, None])[..., None]
    lengths = np.where(known, np.sqrt(np.einsum("...d,...d->...", e, e)), np.nan)
    return np.sort(np.swapaxes(lengths, -1, -2), -1)


def _inflated(fitted: Fitted) -> np.ndarray:
    """Residuals (b, n, d) as long as the noise: r.m.s. FLE in place of r.m.s. FRE."""
    r = fitted.residuals
    fre = np.einsum("bnd,bnd->b", r, r) / r.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.where(fre > 0, np.sqrt(trace(fitted.fit.noise_covariance) / fre), 1.0)
    return r * factor[:, None, None]
