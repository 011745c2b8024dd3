"""What looks wrong with the matching of pairs, in sentences that name it and say what to try.

Each suspicion compares the fit with another one of the same model; nothing is changed. One dataset at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammainc

if TYPE_CHECKING:
    from .results import RegistrationResult

_TIMES = 10.0  # how much smaller the residual sum of squares must become
_BELIEVABLE = 1e-6  # probability of residuals as small as these, under a known noise
_TRIED = 32  # exchanges that are refitted
_MOST = 2000  # pairs beyond which exchanged rows are not looked for: the search is quadratic


def suspicions(result: RegistrationResult) -> list[str]:
    """Sentences about a mirrored image, exchanged rows, and residuals too small to be true; none for a sound matching."""
    if result.pairs.batch_shape or result.failure or result.pairs.n <= result.estimator.least_pairs(result.pairs.dimension):
        return []
    found = (_mirrored(result), _exchanged(result), _too_small(result))
    return [sentence for sentence in found if sentence]


def _mirrored(result: RegistrationResult) -> str:
    flip = np.ones(result.pairs.dimension)
    flip[-1] = -1.0
    residual = _residual(result, (result.pairs.source * flip)[None], result.pairs.target[None])[0]
    if not _TIMES * residual < float(result.fitted.rss * result.fitted.unit):
        return ""
    return ("a mirrored fit leaves less than a tenth of the residuals: one of the images is probably flipped, so flip it back "
            f"(for instance negate {'xyz'[result.pairs.dimension - 1]} in one space)")


def _exchanged(result: RegistrationResult) -> str:
    """The two target rows whose exchange helps most: refits of the likeliest exchanges at the present fit."""
    pairs = result.pairs
    if pairs.n > _MOST:
        return ""
    distance2 = ((pairs.target[None] - result.transform.apply(pairs.source)[:, None]) ** 2).sum(-1)
    own = np.diagonal(distance2)
    gain = np.triu(own[:, None] + own[None, :] - distance2 - distance2.T, 1)
    first, second = np.unravel_index(np.argsort(gain, axis=None)[-_TRIED:], gain.shape)
    order = np.tile(np.arange(pairs.n), (len(first), 1))
    rows = np.arange(len(first))
    order[rows, first], order[rows, second] = second, first
    residual = _residual(result, np.broadcast_to(pairs.source, (len(first), *pairs.source.shape)), pairs.target[order])
    best = int(np.argmin(residual))
    if not _TIMES * residual[best] < float(result.fitted.rss * result.fitted.unit):
        return ""
    a, b = sorted((int(first[best]), int(second[best])))
    return (f"pairs {pairs.names[a]!r} and {pairs.names[b]!r} look exchanged: with their targets swapped less than a tenth of "
            "the residuals is left, so check the matching")


def _too_small(result: RegistrationResult) -> str:
    """With a known noise, the lower tail of chi-square."""
    scale, dof = result.noise.scale, result.degrees_of_freedom
    if scale is None or dof < 1:
        return ""
    residual = float(result.fitted.rss * result.fitted.unit)
    if gammainc(0.5 * dof, 0.5 * residual / scale**2) >= _BELIEVABLE:
        return ""
    unit = result.pairs.target_unit
    return (f"the residuals are too small to be true for a noise of {scale:g} {unit} per coordinate: points were probably moved "
            "onto their predictions, or the noise is smaller")


def _residual(result: RegistrationResult, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Residual sum of squares of the same model on other points (k, n, d), in effective units: (k,), infinite for failures."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        other = result.refit(source, target)
        return np.where(other.failure == 0, other.rss * other.unit, np.inf)
