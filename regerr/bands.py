"""The laws of bands: regions that hold at all targets of a field at once (theory, section 13)."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .laws import ChiSquareLaw, FisherLaw, Law
from .roots import largest_root_free, largest_root_known, largest_root_scaled

_SURE = 1e-12  # p-values below this are not told apart


@dataclass(frozen=True)
class _Tabulated:
    """What the laws below share: their distribution is costly, so p-values come from a table of it."""

    @abstractmethod
    def distribution(self, ratio: np.ndarray) -> np.ndarray:
        """Probability of a ratio up to this one at all targets."""

    def survival(self, ratio: np.ndarray) -> np.ndarray:
        """P-value of a ratio."""
        return np.where(np.isnan(ratio), np.nan, _table(self)(ratio))

    def threshold(self, level: float) -> float:
        """The ratio that the largest over all targets exceeds with probability ``1 - level``."""
        return _quantile(self, level)


@dataclass(frozen=True)
class RoyLaw(_Tabulated, FisherLaw):
    """Roy's largest root for an affine map under isotropic noise of unknown size.

    Attributes
    ----------
    dimension, degrees_of_freedom : int
        Of the noise variance.
    """

    def distribution(self, ratio: np.ndarray) -> np.ndarray:
        return largest_root_scaled(ratio, self.dimension + 1, self.dimension, self.degrees_of_freedom)


@dataclass(frozen=True)
class FreeRoyLaw(_Tabulated, FisherLaw):
    """The same when the covariance of the noise is free.

    Attributes
    ----------
    dimension, degrees_of_freedom : int
        Of the noise covariance.
    """

    def distribution(self, ratio: np.ndarray) -> np.ndarray:
        return largest_root_free(ratio, self.dimension + 1, self.dimension, self.degrees_of_freedom)


@dataclass(frozen=True)
class KnownRoyLaw(_Tabulated, ChiSquareLaw):
    """The same when the variance of the noise is known."""

    def distribution(self, ratio: np.ndarray) -> np.ndarray:
        return largest_root_known(ratio, self.dimension + 1, self.dimension)


def affine_band(scale: float | None, free: bool, dimension: int, degrees: int) -> Law:
    """The law of a band about an affine map; degrees of freedom of the noise variance, or covariance when it is free."""
    if free:
        return FreeRoyLaw(dimension, degrees)
    return RoyLaw(dimension, degrees) if scale is None else KnownRoyLaw(dimension, scale**2)


class _Table:
    """Interpolates the logarithm of the p-value in that of the ratio."""

    def __init__(self, law: _Tabulated) -> None:
        from scipy.interpolate import PchipInterpolator

        log_ratio = np.linspace(np.log(_quantile(law, 1e-6)), np.log(_quantile(law, 1.0 - _SURE)), 600)
        p = np.clip(1.0 - law.distribution(np.exp(log_ratio)), _SURE, 1.0)
        self.log_p, self.ends = PchipInterpolator(log_ratio, np.log(p)), (log_ratio[0], log_ratio[-1])

    def __call__(self, ratio: np.ndarray) -> np.ndarray:
        """P-values."""
        with np.errstate(divide="ignore", invalid="ignore"):
            at = np.log(np.maximum(ratio, 0.0))
        inside = np.exp(self.log_p(np.clip(np.nan_to_num(at, nan=self.ends[0]), *self.ends)))
        return np.asarray(np.where(at < self.ends[0], 1.0, np.where(at > self.ends[1], 0.0, inside)))


@lru_cache(maxsize=64)
def _table(law: _Tabulated) -> _Table:
    return _Table(law)


@lru_cache(maxsize=256)
def _quantile(law: _Tabulated, level: float) -> float:
    from scipy.optimize import brentq

    high = 1.0
    while float(law.distribution(np.array(high))) < level and high < 1e30:
        high *= 4.0
    low = 1e-12
    root = brentq(lambda t: float(law.distribution(np.exp(np.array(t)))) - level, np.log(low), np.log(high), xtol=1e-13)
    return float(np.exp(root))
