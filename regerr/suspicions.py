"""What looks wrong with a registration: the findings that warnings name and that `regerr.check` weighs.

Each finding says in the words of a person what is wrong, and one thing to do. Those of the matching compare the fit with another
one of the same model; nothing is changed. One dataset at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import fdtrc, gammainc

from .noise import Noise

if TYPE_CHECKING:
    from .results import RegistrationResult

_TIMES = 10.0  # how much smaller the residual sum of squares must become
_CHANCE = 1e-3  # and how rarely it would do so by chance, among all that was tried
_CLOSE = 0.02  # variance per coordinate over that of the targets up to which another matching is one at all
_LARGE = 1e-3  # mean squared residual over the spread of the targets below which no row is out of step
_PLAUSIBLE = 1e-3  # probability of what an exchange leaves, given what is left without the two pairs
_BELIEVABLE = 1e-6  # probability of residuals as small as these, under a known noise
_TRIED = 128  # exchanges that are refitted
_SHIFTS = (1, -1, 2, -2, 3, -3)  # rows by which one list may have slipped against the other
_MOST = 2000  # pairs beyond which exchanged rows are not looked for: the search is quadratic


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or looks so.

    Attributes
    ----------
    name : str
        One word, for programs.
    reason : str
        What is wrong, without a full stop.
    action : str
        What to do about it.
    pairs : tuple of str
        Names of the fiducials that it concerns.
    p_value : float or None
        How often chance alone would look like that, where it was computed.
    """

    name: str
    reason: str
    action: str
    pairs: tuple[str, ...] = ()
    p_value: float | None = None

    @property
    def sentence(self) -> str:
        """Reason and action, as a warning."""
        return f"{self.reason}, so {self.action}"


def suspicions(result: RegistrationResult) -> list[str]:
    """Sentences about the matching and about residuals too small to be true; none for a sound registration."""
    return [finding.sentence for finding in matching(result)]


def matching(result: RegistrationResult) -> list[Finding]:
    """Findings that explain all others: an exact fit, a mirrored image, rows out of step or exchanged, residuals too small."""
    if result.pairs.batch_shape or result.failure:
        return []
    if result.estimator.exact(result.fitted):
        return [Finding("exact", "the pairs fit exactly, to rounding: there is no residual to estimate the noise from, and every "
                        "region is a point", "use points that were localised independently in both images")]
    if result.pairs.n <= result.estimator.least_pairs(result.pairs.dimension):
        return []
    return [finding for look in _LOOKS if (finding := look(result)) is not None]


def _mirrored(result: RegistrationResult) -> Finding | None:
    flip = np.ones(result.pairs.dimension)
    flip[-1] = -1.0
    flipped = result.pairs.source * flip
    if not _plain(result, flipped) < _plain(result, result.pairs.source):  # what no closed form likes needs no search
        return None
    residual = _residual(result, flipped[None], result.pairs.target[None])[0]
    if not _much_better(result, residual):
        return None
    axis = "xyz"[result.pairs.dimension - 1]
    return Finding("mirrored", "a mirrored fit leaves less than a tenth of the residuals: one of the images is probably flipped",
                   f"flip it back (for instance negate {axis} in one space)")


def _out_of_step(result: RegistrationResult) -> Finding | None:
    """One list slipped by some rows, or runs backwards."""
    pairs, least = result.pairs, result.estimator.least_pairs(result.pairs.dimension)
    if not _order_matters(result):
        return None
    backwards = _residual(result, pairs.source[None], pairs.target[None, ::-1])[0]
    if _much_better(result, backwards, len(_SHIFTS) + 1):
        return Finding("backwards", "with the rows of one space in the opposite order less than a tenth of the residuals is left",
                       "turn one of the two lists round")
    for k in _SHIFTS:
        n = pairs.n - abs(k)
        if n <= least + 1:
            continue
        source, target = (pairs.source[max(-k, 0):][:n], pairs.target[max(k, 0):][:n])
        residual = _residual(result, source[None], target[None])[0]
        if _much_better(result, residual, len(_SHIFTS) + 1, lost=abs(k)):
            where = "below" if k > 0 else "above"
            rows = "row" if abs(k) == 1 else "rows"
            lacking = "a missing row" if abs(k) == 1 else "missing rows"
            return Finding("shifted", f"each source point fits the target {abs(k)} {rows} {where} its own, with less than a "
                           "tenth of the residuals", f"look for {lacking} at the start of the {'source' if k > 0 else 'target'}")
    return None


def _order_matters(result: RegistrationResult) -> bool:
    """Whether there is something to explain, and the rows may be moved: covariances that are given belong to theirs."""
    spread = float(result.pairs.target.var(0).sum())
    return bool(result.fre_rms**2 > _LARGE * spread) and result.noise.shape != "given"


def _exchanged(result: RegistrationResult) -> Finding | None:
    """The two target rows whose exchange helps most: refits of the likeliest exchanges at the present fit."""
    pairs = result.pairs
    if pairs.n > _MOST:
        return None
    distance2 = ((pairs.target[None] - result.transform.apply(pairs.source)[:, None]) ** 2).sum(-1)
    own = np.diagonal(distance2)
    gain = np.triu(own[:, None] + own[None, :] - distance2 - distance2.T, 1)
    first, second = np.unravel_index(np.argsort(gain, axis=None)[-_TRIED:], gain.shape)
    order = np.tile(np.arange(pairs.n), (len(first), 1))
    rows = np.arange(len(first))
    order[rows, first], order[rows, second] = second, first
    residual = _residual(result, np.broadcast_to(pairs.source, (len(first), *pairs.source.shape)), pairs.target[order])
    best = int(np.argmin(residual))
    a, b = sorted((int(first[best]), int(second[best])))
    if not _much_better(result, residual[best], pairs.n * (pairs.n - 1) // 2) or not _settled(result, residual[best], (a, b)):
        return None
    names = pairs.names[a], pairs.names[b]
    return Finding("exchanged", f"pairs {names[0]!r} and {names[1]!r} look exchanged: with their targets swapped less than a "
                   "tenth of the residuals is left", "check the matching", names)


def _settled(result: RegistrationResult, residual: float, two: tuple[int, int]) -> bool:
    """Whether the exchange leaves about what is left without the two pairs: else one of them is merely wrong."""
    pairs = result.pairs
    if pairs.n - 2 <= result.estimator.least_pairs(pairs.dimension) or result.noise.shape == "given":
        return True
    source, target = (np.delete(points, two, 0)[None] for points in (pairs.source, pairs.target))
    dof, other = result.degrees_of_freedom, result.estimator.degrees_of_freedom(pairs.n - 2, pairs.dimension)
    without = max(_residual(result, source, target)[0], np.finfo(float).tiny)
    return bool(fdtrc(dof, other, (residual / dof) / (without / other)) > _PLAUSIBLE)


def _too_small(result: RegistrationResult) -> Finding | None:
    """With a known noise, the lower tail of chi-square."""
    scale, dof = result.noise.scale, result.degrees_of_freedom
    if scale is None or dof < 1:
        return None
    residual = float(result.fitted.rss * result.fitted.unit)
    p = float(gammainc(0.5 * dof, 0.5 * residual / scale**2))
    if p >= _BELIEVABLE:
        return None
    given = "the given covariances" if result.noise.shape == "given" else \
        f"a noise of {scale:g} {result.pairs.target_unit} per coordinate"
    return Finding("too small", f"the residuals are too small to be true for {given}: points were probably moved onto their "
                   "predictions, or the noise is smaller", "use the points as they were first localised", p_value=p)


_LOOKS: tuple[Callable[[RegistrationResult], Finding | None], ...] = (_mirrored, _out_of_step, _exchanged, _too_small)


def _much_better(result: RegistrationResult, residual: float, tried: int = 1, lost: int = 0) -> bool:
    """Whether another matching leaves less than a tenth, and so little that chance is no explanation."""
    n, d, own = result.pairs.n, result.pairs.dimension, float(result.fitted.rss * result.fitted.unit)
    dof, other = result.degrees_of_freedom, result.estimator.degrees_of_freedom(n - lost, d)
    if not _TIMES * residual / other < own / dof:
        return False
    if residual / other > _CLOSE * float(result.pairs.target.var(0).mean()):
        return False
    ratio = own / dof / max(residual / other, np.finfo(float).tiny)
    return bool(tried * fdtrc(dof, other, ratio) < _CHANCE)


def _plain(result: RegistrationResult, source: np.ndarray) -> float:
    """Residual sum of squares of the same model with equal noise in all pairs and both spaces."""
    return float(result.model.under(Noise()).fit(source[None], result.pairs.target[None]).rss[0])


def _residual(result: RegistrationResult, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Residual sum of squares of the same model on other points (k, n, d), in effective units: (k,), infinite for failures."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        other = result.refit(source, target)
        return np.where(other.failure == 0, other.rss * other.unit, np.inf)
