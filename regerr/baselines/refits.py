"""What the resampling baselines share: a name, the fit of a batch, and the fits without each pair.

Several baselines of one study ask for the same fits of the same draws, so the last few are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from ..blocks import fit_blocks
from ..errors import UndeterminedError
from ..models.base import Fit, joined, mapped, without_each
from ..noise import Noise, parse_noise
from ..pairs import FiducialPairs
from ..results import RegistrationResult, fit, given_covariances

_NUMBERS = 1 << 20  # coordinates of refitted points at a time


@dataclass(frozen=True)
class Baseline:
    """A model under an assumed noise, and a way to make regions from refits.

    Parameters
    ----------
    model : {"rigid", "similarity", "affine"}
    noise : {"both", "target", "source", "full"} or Noise
    """

    model: str
    noise: str | Noise = "both"

    method: ClassVar[str]
    words: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]] = ("observation",)
    closed_form_volume: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """For tables: model, method, and the noise unless it is the default."""
        return "-".join([self.model, self.method, *self._noise]).replace(" ", "-")

    @property
    def label(self) -> str:
        """For figures."""
        return f"{self.model}, {self.words}" + "".join(f" ({noise})" for noise in self._noise)

    @property
    def _noise(self) -> list[str]:
        if self.noise == "both":
            return []
        return [self.noise if isinstance(self.noise, str) else parse_noise(self.noise).describe()]

    def fitted(self, pairs: FiducialPairs) -> RegistrationResult:
        """The fit of all datasets, failures marked."""
        return _fitted(pairs, self.model, self.noise)


@dataclass(frozen=True, eq=False)
class Fitted:
    """Datasets in one row, with their fits.

    Attributes
    ----------
    source, target : (b, n, d)
    fit : Fit
        Batch shape (b,).
    """

    source: np.ndarray
    target: np.ndarray
    fit: Fit

    @classmethod
    def of(cls, result: RegistrationResult) -> Fitted:
        """All datasets of a batch, of any shape."""
        x, y, batch = result.pairs.source, result.pairs.target, result.pairs.batch_shape
        flat = mapped(result.fitted, lambda a: a.reshape(-1, *a.shape[len(batch):]))
        return cls(x.reshape(-1, *x.shape[-2:]), y.reshape(-1, *y.shape[-2:]), flat)

    def __getitem__(self, some: slice) -> Fitted:
        return Fitted(self.source[some], self.target[some], mapped(self.fit, lambda a: a[some]))

    @property
    def residuals(self) -> np.ndarray:
        """``target - transform(source)``, (b, n, d)."""
        return self.target - self.fit.transform.apply(self.source)


@dataclass(frozen=True, eq=False)
class LeftOut:
    """The fits without each pair in turn.

    Attributes
    ----------
    others : Fit
        Batch shape (..., n).
    residuals : (..., n, d)
        Each target point minus its prediction from the others; NaN where they do not determine one.
    """

    others: Fit
    residuals: np.ndarray


@lru_cache(maxsize=6)
def _fitted(pairs: FiducialPairs, model: str, noise: str | Noise) -> RegistrationResult:
    return fit(pairs, model, noise, on_failure="mark")


@lru_cache(maxsize=2)
def left_out(result: RegistrationResult) -> LeftOut:
    """Refit a batch without each pair, block by block.

    Raises
    ------
    UndeterminedError
        When the other pairs are too few to determine the transformation.
    """
    _check_removable(result)
    x, y, flat = result.pairs.source, result.pairs.target, Fitted.of(result)
    given = given_covariances(result.pairs, result.noise)
    own = None if given is None else given.flat(result.pairs.batch_shape)
    parts = [fit_blocks(result.estimator, without_each(flat.source[some]), without_each(flat.target[some]),
                        None if own is None else own.datasets(some).without_each(slice(None)))
             for some in portions(len(flat.source), x.shape[-2]**2 * x.shape[-1])]
    others = mapped(joined(parts), lambda a: a.reshape(*result.pairs.batch_shape, *a.shape[1:]))
    predicted = others.transform.apply(x[..., None, :])[..., 0, :]
    return LeftOut(others, np.where((others.failure == 0)[..., None], y - predicted, np.nan))


def _check_removable(result: RegistrationResult) -> None:
    n, d, card = result.pairs.n, result.pairs.dimension, result.estimator.card
    least = card.determining[d] + 1
    if n < least:
        raise UndeterminedError(f"leaving one of {n} pairs out needs at least {least} for the {card.name} model in {d}D: "
                                f"add {least - n} more")


def lengths(result: RegistrationResult) -> np.ndarray:
    """Length of each leave-one-out residual (..., n), target units; infinite for a pair that the others cannot predict."""
    return known_or_infinite(np.sqrt(np.einsum("...d,...d->...", *(result.leave_one_out(),) * 2)), result.failure)


def known_or_infinite(scores: np.ndarray, failure: np.ndarray) -> np.ndarray:
    """Scores (..., n) with infinity in place of NaN, except for failed datasets."""
    return np.where(np.isnan(scores) & (failure == 0)[..., None], np.inf, scores)


def portions(count: int, numbers: int) -> Iterator[slice]:
    """Slices of datasets, each with ``numbers`` coordinates, that fit into memory together; at least one, if an empty one."""
    step = max(1, _NUMBERS // max(numbers, 1))
    return (slice(i, i + step) for i in range(0, max(count, 1), step))
