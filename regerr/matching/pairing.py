"""From a rough map to pairs: who is whose partner, how surely, and who is left out and why (theory, section 22)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, linear_sum_assignment
from scipy.special import fdtri

from ..blocks import fit_blocks
from ..laws import kept_variance
from ..linalg import components, mahalanobis, matrix_components
from ..models import Model
from ..noise import Noise
from ..pairs import FiducialPairs
from ..results import RegistrationResult
from .windows import Window

_ROUNDS = 15
_WIDEST = 4.0  # variance of the noise over that of the start: about half of the true pairs are in it
_BALL = {2: np.pi, 3: 4.0 * np.pi / 3.0}
_RESOLVED = 1e-6  # of the spacing: a predicted s.d. is at least that


@dataclass(frozen=True, eq=False)
class Pairing:
    """One-to-one pairs within the gate.

    Attributes
    ----------
    source, target : (k,) arrays of int
        The partners, in order of the source.
    probability : (k,)
        That the partner is the right one and no chance neighbour.
    result : RegistrationResult
        Of these pairs.
    contested_source, contested_target : arrays of int
        Points with two candidates within the gate, which are left out.
    """

    source: np.ndarray
    target: np.ndarray
    probability: np.ndarray
    result: RegistrationResult
    contested_source: np.ndarray
    contested_target: np.ndarray


def paired(source: np.ndarray, target: np.ndarray, start: tuple[np.ndarray, np.ndarray], model: Model,
           gate: float) -> Pairing | None:
    """Assign, fit and gate by the region of a new observation until nothing changes; None where pairs do not determine a map.

    The start holds the closest pairs alone, so the first gate is as wide as the noise that they were trimmed from: a gate that
    starts too narrow may stay so.
    """
    i, j = start
    result = _fitted(source[i], target[j], model, gate)
    for k in range(_ROUNDS):
        if result is None:
            return None
        distance, limit = _distances(result, source, target, gate)
        limit *= _trimmed_from(result) if k == 0 else 1.0
        before, (i, j) = (i, j), _assigned(distance, limit)
        if np.array_equal(before[0], i) and np.array_equal(before[1], j):
            break
        result = _fitted(source[i], target[j], model, gate)
    if result is None:
        return None
    within = distance <= limit
    rows, columns = within.sum(1) > 1, within.sum(0) > 1
    alone = ~(rows[i] | columns[j])
    last = _fitted(source[i[alone]], target[j[alone]], model, gate)
    if last is None:
        return None
    sure = _probabilities(distance, result, source, target, len(i))[i, j]
    return Pairing(i[alone], j[alone], sure[alone], last, i[~alone], j[~alone])


def _fitted(source: np.ndarray, target: np.ndarray, model: Model, gate: float) -> RegistrationResult | None:
    """The registration of some pairs, without the warnings that the user will get from `regerr.fit`."""
    estimator = model.under(Noise(gate=gate))
    d = source.shape[-1]
    if len(source) <= model.card.determining[d] or estimator.degrees_of_freedom(len(source), d) < 1:
        return None
    fitted = fit_blocks(estimator, source, target, None)
    if fitted.failure > 0:
        return None
    return RegistrationResult(FiducialPairs(source, target, source_step=1.0), model, estimator, fitted)


def _trimmed_from(result: RegistrationResult) -> float:
    """Noise variance over that of the pairs, had these been trimmed at the largest of their residuals, within bounds."""
    squares, d = (result.residuals**2).sum(-1), result.pairs.dimension
    share = squares.mean() / max(squares.max(), 1e-300)

    def excess(radius2: float) -> float:
        return d * kept_variance(radius2, d) / radius2 - share

    low, high = 1e-3, 1e3
    if not excess(low) > 0.0 > excess(high):
        return _WIDEST
    return min(1.0 / kept_variance(float(brentq(excess, low, high)), d), _WIDEST)


def _distances(result: RegistrationResult, source: np.ndarray, target: np.ndarray, gate: float) -> tuple[np.ndarray, float]:
    """Squared distances (n_source, n_target) in units of what is predicted, and the limit that true pairs keep."""
    d = source.shape[-1]
    where = result.predict(source, "observation")
    resolved = (_RESOLVED * Window.of(target).spacing) ** 2 * np.eye(d)
    covariance = where.covariance + resolved
    gap = target - where.mean[:, None]
    found = mahalanobis(matrix_components(covariance)[..., None], components(gap))
    return np.where(np.isfinite(found), found, np.inf), d * float(fdtri(d, result.degrees_of_freedom, gate))


def _assigned(distance: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """The assignment with most pairs within the limit, and of these the closest."""
    i, j = linear_sum_assignment(np.where(distance <= limit, distance, 1e3 * limit + 1.0))
    kept = distance[i, j] <= limit
    return i[kept], j[kept]


def _probabilities(distance: np.ndarray, result: RegistrationResult, source: np.ndarray, target: np.ndarray,
                   count: int) -> np.ndarray:
    """Of each pair against its rivals in row and column, and against points that lie there by chance."""
    window, d = Window.of(target), source.shape[-1]
    variance = np.trace(result.noise_covariance) / d + (_RESOLVED * window.spacing) ** 2
    likelihood = np.exp(-0.5 * distance) / (2.0 * np.pi * variance) ** (d / 2)
    reached = max(int(window.inside(result.transform.apply(source), 0.0).sum()), count)
    around = 3.0 * np.sqrt(variance)  # where a stray would be taken for the partner
    density = window.n * float(window.share(around)) / (_BALL[d] * around**d)
    strays = density * (reached - count + 1.0) / (reached + 2.0)
    rivals = likelihood.sum(1)[:, None] + likelihood.sum(0) - likelihood
    return likelihood / (rivals + strays)
