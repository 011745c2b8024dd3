"""Fiducials that do not agree with the others: p-values for all of them at once, and removal on request.

Each pair is tested against all others by its deleted residual (`RegistrationResult.pair_p_values`; theory, section 7). Looking at
n pairs finds a suspicious one by chance more often than one look would: Holm's correction bounds the chance of naming any sound
pair, that of Benjamini and Hochberg the expected share of sound ones among those named.

Removal is never automatic. Regions made after the worst pairs were taken away hold less than they say: with sound Gaussian pairs
removal at 5 % costs 1 to 2 points of coverage, at 1 % hardly any; under heavy tails more (theory, section 14).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .errors import InputError, UnsupportedError
from .pairs import FiducialPairs
from .predictions import checked_level

if TYPE_CHECKING:
    from .results import RegistrationResult

REMOVAL = 0.01  # Bonferroni p-value below which a pair is removed on request


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's (1979) adjusted p-values (..., n); NaN stays NaN and does not count."""
    return _stepwise(p_values, lambda p, rank, count: np.maximum.accumulate((count - rank) * p, -1))


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """Adjusted p-values (..., n) of Benjamini & Hochberg (1995); NaN stays NaN and does not count."""
    def adjusted(p: np.ndarray, rank: np.ndarray, count: np.ndarray) -> np.ndarray:
        return np.minimum.accumulate((count / (rank + 1.0) * p)[..., ::-1], -1)[..., ::-1]

    return _stepwise(p_values, adjusted)


def bonferroni(p_values: np.ndarray) -> np.ndarray:
    """P-values (..., n) times their number; NaN stays NaN and does not count."""
    return _stepwise(p_values, lambda p, rank, count: count * p)


ADJUSTMENTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "holm": holm, "benjamini-hochberg": benjamini_hochberg, "bonferroni": bonferroni}


@dataclass(frozen=True, eq=False)
class Suspects:
    """How well each pair agrees with the others, for one dataset or a batch (...).

    Attributes
    ----------
    names : tuple of str
    p_values : (..., n)
        Of each pair alone; NaN where the others leave no degree of freedom.
    adjusted : (..., n)
        The same for having looked at all.
    method : {"holm", "benjamini-hochberg", "bonferroni"}
    level : float
        Adjusted p-value below which a pair is named.
    """

    names: tuple[str, ...]
    p_values: np.ndarray
    adjusted: np.ndarray
    method: str
    level: float

    @property
    def named(self) -> np.ndarray:
        """Which pairs do not agree, (..., n) bool."""
        return np.asarray(self.adjusted < self.level)

    @property
    def worst_first(self) -> tuple[str, ...]:
        """Names of the pairs of one dataset that do not agree with the others, the worst first."""
        if self.p_values.ndim != 1:
            raise InputError(f"these are suspects of a batch of shape {self.p_values.shape[:-1]}: ask result[i] for names")
        return tuple(self.names[i] for i in np.argsort(self.p_values, kind="stable") if self.named[i])


def suspects(result: RegistrationResult, method: str = "holm", level: float = 0.05) -> Suspects:
    """Test each pair against all others.

    Parameters
    ----------
    result : RegistrationResult
        Of one dataset or a batch.
    method : {"holm", "benjamini-hochberg", "bonferroni"}
        How the p-values allow for looking at all pairs.
    level : float
        Adjusted p-value below which a pair is named.

    Raises
    ------
    InputError
        For an unknown method or a level outside (0, 1).
    UndeterminedError
        When the other pairs are too few for the model.
    """
    if method not in ADJUSTMENTS:
        raise InputError(f"the method is {method!r}: use one of {', '.join(ADJUSTMENTS)}")
    p = result.pair_p_values()
    return Suspects(result.pairs.names, p, ADJUSTMENTS[method](p), method, checked_level(level))


def remove_outliers(result: RegistrationResult, level: float = REMOVAL) -> RegistrationResult:
    """Leave out the worst pair while its Bonferroni p-value is below the level, and refit each time.

    Parameters
    ----------
    result : RegistrationResult
        Of one dataset.
    level : float
        1 % by default. At 5 % the regions of sound pairs already lose 1 to 2 points of coverage (theory, section 14).

    Returns
    -------
    RegistrationResult
        ``result.pairs.unused`` lists what was removed, with the p-value as the reason. The stated confidence no longer holds
        exactly: a removal that you cannot explain otherwise is better reported than done.

    Raises
    ------
    InputError
        For a batch (see `kept`), or a level outside (0, 1).
    """
    from .results import fit

    if result.pairs.batch_shape:
        raise InputError(f"these are registrations of a batch of shape {result.pairs.batch_shape}: remove outliers of result[i]")
    limit = checked_level(level)
    while result.pairs.n > removable_from(result):
        adjusted = bonferroni(result.pair_p_values())
        if not np.nanmin(adjusted, initial=1.0) < limit:
            break
        worst = int(np.nanargmin(adjusted))
        reason = f"removed as an outlier, p = {adjusted[worst]:.2g} as the worst of {result.pairs.n}"
        result = fit(result.pairs.drop(result.pairs.names[worst], reason=reason), result.model, result.noise)
    return result


def kept(result: RegistrationResult, level: float = REMOVAL) -> np.ndarray:
    """Which pairs removal would keep, (..., n) bool, for each dataset of a batch.

    The same rule as `remove_outliers`, on all datasets at once: after k removals those that lost k pairs are one batch.

    Raises
    ------
    UnsupportedError
        For pairs that carry covariances.
    """
    from .results import fit

    if result.noise.shape == "given":
        raise UnsupportedError("outliers are removed from batches whose noise is estimated, and these pairs carry covariances: "
                               "remove them from one dataset at a time, with remove_outliers(result[i])")

    n, d = result.pairs.n, result.pairs.dimension
    x, y = (p.reshape(-1, n, d) for p in (result.pairs.source, result.pairs.target))
    keep = np.ones(x.shape[:2], bool)
    active, current = np.flatnonzero(result.failure.ravel() == 0), result
    limit = checked_level(level)
    while len(active) and keep[active[0]].sum() > removable_from(current):
        rows = np.nonzero(keep[active])[1].reshape(len(active), -1)
        source, target = (np.take_along_axis(points[active], rows[..., None], 1) for points in (x, y))
        part = FiducialPairs(source, target, source_step=result.pairs.source_step, target_step=result.pairs.target_step)
        current = fit(part, result.model, result.noise, on_failure="mark")
        p = bonferroni(current.pair_p_values())
        p = np.where(np.isnan(p), 1.0, p)
        worst, bad = p.argmin(-1), p.min(-1) < limit
        keep[active[bad], rows[bad, worst[bad]]] = False
        active = active[bad]
    return keep.reshape(*result.pairs.batch_shape, n)


def removable_from(result: RegistrationResult) -> int:
    """Pairs above which one can be tested against the others, and left out."""
    return result.estimator.least_pairs(result.pairs.dimension)


def _stepwise(p_values: np.ndarray, rule: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """Apply a rule to ordered p-values (..., n), their ranks from 0 and their number (..., 1), and put them back."""
    p = np.asarray(p_values, float)
    order = np.argsort(p, -1)  # NaN come last
    ordered = np.take_along_axis(p, order, -1)
    known = ~np.isnan(ordered)
    adjusted = rule(np.where(known, ordered, 1.0), np.arange(p.shape[-1]), known.sum(-1, keepdims=True))
    out = np.empty(p.shape)
    np.put_along_axis(out, order, np.where(known, np.minimum(adjusted, 1.0), np.nan), -1)
    return out
