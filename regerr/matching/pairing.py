"""From a rough map to pairs: who is whose partner, how surely, and who is left out and why (theory, section 22)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import brentq, linear_sum_assignment

from ..blocks import fit_blocks
from ..laws import gate_radius2, kept_variance
from ..linalg import components, determinant, mahalanobis, matrix_components
from ..models import Model
from ..noise import Noise
from ..pair_covariances import PairCovariances
from ..pairs import FiducialPairs
from ..results import RegistrationResult, given_covariances
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


@dataclass(frozen=True, eq=False)
class Sets:
    """Two point sets.

    Attributes
    ----------
    source, target : (n, d)
        Each of its own length.
    covariances : PairCovariances or None
        Of the points of both, (n, d, d) each, known up to one factor; None where noise is taken as alike for all.
    """

    source: np.ndarray
    target: np.ndarray
    covariances: PairCovariances | None = None

    @cached_property
    def window(self) -> Window:
        """Where the target's points lie."""
        return Window.of(self.target)

    def fitted(self, i: np.ndarray, j: np.ndarray, model: Model, gate: float) -> RegistrationResult | None:
        """The registration of some pairs, without the warnings that `regerr.fit` gives; None where there is none."""
        d, known = self.source.shape[-1], self.covariances
        own = None if known is None else PairCovariances(known.source[i], known.target[j])
        estimator = model.under(Noise(shape="isotropic" if own is None else "given", gate=gate))
        if len(i) <= model.card.determining[d] or estimator.degrees_of_freedom(len(i), d) < 1:
            return None
        fit = fit_blocks(estimator, self.source[i], self.target[j], own)
        if fit.failure > 0:
            return None
        pairs = FiducialPairs(self.source[i], self.target[j], source_covariance=None if own is None else own.source,
                              target_covariance=None if own is None else own.target, source_step=1.0)
        return RegistrationResult(pairs, model, estimator, fit)

    def noise(self, result: RegistrationResult) -> np.ndarray:
        """Noise covariance of any pair, seen in the target, from a registration of some: (n_source or 1, n_target or 1, d, d)."""
        every, own = self.covariances, given_covariances(result.pairs, result.noise)
        if every is None or own is None:
            return result.noise_covariance[None, None]
        matrix = result.transform.matrix
        factor = np.trace(result.noise_covariance) / np.trace(own.effective(matrix).mean(0))
        return np.asarray(factor * (every.seen(matrix)[:, None] + every.target))


def paired(sets: Sets, start: tuple[np.ndarray, np.ndarray], model: Model, gate: float) -> Pairing | None:
    """Assign, fit and gate by the region of a new observation until nothing changes; None where pairs do not determine a map.

    The start holds the closest pairs alone, so the first gate is as wide as the noise that they were trimmed from: a gate that
    starts too narrow may stay so.
    """
    i, j = start
    result = sets.fitted(i, j, model, gate)
    for k in range(_ROUNDS):
        if result is None:
            return None
        near = _near(sets, result)
        limit = gate_radius2(gate, result.pairs.dimension, result.degrees_of_freedom)
        limit *= _trimmed_from(near.distance[i, j], result.pairs.dimension) if k == 0 else 1.0
        before, (i, j) = (i, j), _assigned(near.distance, limit)
        if np.array_equal(before[0], i) and np.array_equal(before[1], j):
            break
        result = sets.fitted(i, j, model, gate)
    if result is None:
        return None
    within = near.distance <= limit
    rows, columns = within.sum(1) > 1, within.sum(0) > 1
    alone = ~(rows[i] | columns[j])
    last = sets.fitted(i[alone], j[alone], model, gate)
    if last is None:
        return None
    sure = _probabilities(near, result, sets, len(i))[i, j]
    return Pairing(i[alone], j[alone], sure[alone], last, i[~alone], j[~alone])


def _trimmed_from(squares: np.ndarray, d: int) -> float:
    """Noise variance over that of pairs at these squared distances, had they been trimmed at the largest, within bounds."""
    share = squares.mean() / max(squares.max(), 1e-300)

    def excess(radius2: float) -> float:
        return d * kept_variance(radius2, d) / radius2 - share

    low, high = 1e-3, 1e3
    if not excess(low) > 0.0 > excess(high):
        return _WIDEST
    return min(1.0 / kept_variance(float(brentq(excess, low, high)), d), _WIDEST)


@dataclass(frozen=True, eq=False)
class _Near:
    """Squared distances of all candidates in units of what is predicted, and densities of true pairs, (n_source, n_target)."""

    distance: np.ndarray
    density: np.ndarray


def _near(sets: Sets, result: RegistrationResult) -> _Near:
    d = sets.source.shape[-1]
    where = result.predict(sets.source, "tre")
    resolved = (_RESOLVED * sets.window.spacing) ** 2 * np.eye(d)
    covariance = matrix_components(where.covariance[:, None] + sets.noise(result) + resolved)
    gap = components(sets.target - where.mean[:, None])
    found = mahalanobis(covariance, gap)
    found = np.where(np.isfinite(found), found, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        density = np.exp(-0.5 * found) / np.sqrt((2.0 * np.pi) ** d * determinant(covariance))
    return _Near(found, np.where(np.isfinite(density), density, 0.0))


def _assigned(distance: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """The assignment with most pairs within the limit, and of these the closest."""
    i, j = linear_sum_assignment(np.where(distance <= limit, distance, 1e3 * limit + 1.0))
    kept = distance[i, j] <= limit
    return i[kept], j[kept]


def _probabilities(near: _Near, result: RegistrationResult, sets: Sets, count: int) -> np.ndarray:
    """Of each pair against its rivals in row and column, and against points that lie there by chance."""
    window, d = sets.window, sets.source.shape[-1]
    variance = np.trace(result.noise_covariance) / d + (_RESOLVED * window.spacing) ** 2
    reached = max(int(window.inside(result.transform.apply(sets.source), 0.0).sum()), count)
    around = 3.0 * np.sqrt(variance)  # where a stray would be taken for the partner
    strays = window.n * float(window.share(around)) / (_BALL[d] * around**d) * (reached - count + 1.0) / (reached + 2.0)
    rivals = near.density.sum(1)[:, None] + near.density.sum(0) - near.density
    return near.density / (rivals + strays)
