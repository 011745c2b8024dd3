"""What every model has: a card of facts, and for each noise an estimator with the same few methods.

An *estimator* is one model under one noise, frozen. Regions, tests, maps and studies work through `fit`, `joint`,
`covariance`, `sample` and `left_out` alone; none of them knows which model it holds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np

from ..covariances import Covariance
from ..errors import Failure, UnsupportedError
from ..laws import ChiSquareLaw, FisherLaw, Law, gate_radius2, kept_variance
from ..linalg import components, determinant, entries, mahalanobis, times
from ..noise import Noise
from ..pair_covariances import PairCovariances, Weight
from ..scatter import joining_factor
from ..transforms import Transform

Record = TypeVar("Record")
_ALL = 1.0 - 1e-12  # share of the joint RSS from which on a deleted residual counts as all of it
_REFITTED = 32768  # points of one dataset that are refitted at a time


@dataclass(frozen=True)
class Card:
    """Facts about a model that code, messages, tests and documentation read.

    Attributes
    ----------
    name : str
    parameters : {2: k, 3: k}
        Number of free parameters in each dimension.
    determining : {2: n, 3: n}
        Fewest pairs that determine the transformation at all.
    exact : str
        When the law of its regions is exact, in words.
    moves : callable
        Generators D (q, d, d) of the ways in which its linear part can move, ``dA = D A``, for a dimension.
    moved : callable
        The change (d, d, ...) of the linear part that starts with ``I + sum_k w_k D_k``, for w (q, ...).
    """

    name: str
    parameters: Mapping[int, int]
    determining: Mapping[int, int]
    exact: str
    moves: Callable[[int], np.ndarray]
    moved: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Fit:
    """A batch of fits. Leading axes (...) are the batch; theory sheet symbols.

    Attributes
    ----------
    n : int
    x_mean, y_mean : (..., d)
        Centroids of the fiducials; the fit maps one onto the other.
    matrix : (..., d, d)
        Linear part A.
    rss : (...)
        Minimised residual sum of squares in the metric of the noise; 0 for pairs that fit to rounding.
    unit : (...)
        Effective noise variance per coordinate, seen in the target, of one unit of variance in that metric.
    noise_covariance : (..., d, d)
        Effective covariance of one pair, ``Lambda + A Omega A'``, target units squared; over `Estimator.kept` where a gate
        chose the pairs, which tell the less on the map.
    rounding : (...)
        Length that the rounding of the coordinates can make, target units.
    failure : (...) int
        One `Failure` code for each dataset.
    source, target : (..., n, d)
        The pairs.
    """

    n: int
    x_mean: np.ndarray
    y_mean: np.ndarray
    matrix: np.ndarray
    rss: np.ndarray
    unit: np.ndarray
    noise_covariance: np.ndarray
    rounding: np.ndarray
    failure: np.ndarray
    source: np.ndarray
    target: np.ndarray

    @property
    def transform(self) -> Transform:
        """The fitted transformations."""
        return Transform(self.matrix, self.x_mean, self.y_mean)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The shape of the batch."""
        return self.failure.shape


@dataclass(frozen=True, eq=False)
class Joint:
    """What one refit with a new pair yields; each array (..., m) in the metric of the noise (theory, section 10).

    Attributes
    ----------
    deleted : the new pair's deleted residual in the joint fit, ``num``
    remaining : what is left without it, ``RSS_0 - num``
    increase, before : ``Q_0 - Q_n`` (over the Bartlett factor) and ``Q_n`` of the likelihood ratio
    unit : effective variance of one unit of these, as in `Fit`
    """

    deleted: np.ndarray
    remaining: np.ndarray
    increase: np.ndarray
    before: np.ndarray
    unit: np.ndarray


class Estimator(ABC):
    """One model under one noise."""

    card: ClassVar[Card]
    quadratic: ClassVar[bool] = True  # each entry of `covariance` is a quadratic polynomial of the target
    steady_ellipse: ClassVar[bool] = False
    """Whether the Wald ellipse keeps its level in layouts where the likelihood ratio does not."""
    polar: ClassVar[bool] = False  # a rotation about the centroid, alike in all directions: regions bend around it
    noise: Noise

    @abstractmethod
    def fit(self, source: np.ndarray, target: np.ndarray) -> Fit:
        """Fit pairs (..., n, d); failures are codes in the result, never raised."""

    @abstractmethod
    def joint(self, fit: Any, dx: np.ndarray, dy: np.ndarray, weight: Any) -> Joint:
        """Refit with pairs of that weight at components dx, dy (d, ..., m) about the centroids, ... the fit's batch."""

    @abstractmethod
    def covariance(self, fit: Any, dx: np.ndarray, weight: Any) -> Covariance:
        """First-order covariance of the prediction at components dx (d, ..., m)."""

    @abstractmethod
    def matrix_covariance(self, fit: Any) -> np.ndarray:
        """First-order covariance of the linear part, ``[..., i, j, k, l] = Cov(A_ij, A_kl)``; not finite where unbounded."""

    @abstractmethod
    def sample(self, fit: Any, k: int, rng: np.random.Generator) -> Transform:
        """Draw k transformations (k, ...) from the first-order law of the estimate."""

    @abstractmethod
    def degrees_of_freedom(self, n: int, dimension: int) -> int:
        """Of the residual sum of squares."""

    def least_pairs(self, dimension: int) -> int:
        """Fewest pairs that leave a degree of freedom; with a known scale, that determine the transformation."""
        n = self.card.determining[dimension]
        while self.noise.scale is None and self.denominator(n, dimension) < 1:
            n += 1
        return n

    def given(self, covariances: PairCovariances) -> Estimator:
        """The estimator of pairs with these covariances (..., n, d, d); refused by those that estimate the noise."""
        raise UnsupportedError(f"the {self.card.name} model with {self.noise.describe()} cannot use one covariance per fiducial: "
                               "leave the noise out, or drop the covariances")

    def new_pair(self, kind: str, fit: Any, covariances: PairCovariances | None) -> Weight:
        """What a new pair is noisy with when a kind is asked: its weight.

        Parameters
        ----------
        kind : {"tre", "lre", "observation"}
        fit : Fit
        covariances : PairCovariances, optional
            With which targets are localised, (..., m, d, d).
        """
        if covariances is not None:
            raise UnsupportedError(f"{self.noise.describe()} tells how targets are localised: leave their covariances out, or "
                                   "fit pairs that carry covariances")
        return self.weight(kind) / self.kept(fit.n, fit.x_mean.shape[-1])

    @property
    def kinds(self) -> tuple[str, ...]:
        """The questions about a point that this noise can answer."""
        return ("tre", "lre", "observation")

    def linear(self, dimension: int) -> bool:
        """Whether all methods give one ellipsoid, exactly."""
        return False

    def denominator(self, n: int, dimension: int) -> int:
        """Second degrees of freedom of the F law of a region."""
        return self.degrees_of_freedom(n, dimension)

    def divisor(self, n: int, dimension: int) -> float:
        """What the residual (co)variation was divided by to give the noise (co)variance; 1 when it is known."""
        return float(self.degrees_of_freedom(n, dimension)) if self.noise.scale is None else 1.0

    def kept(self, n: int, dimension: int) -> float:
        """Share of the noise variance that n pairs show: 1, or less where they were chosen by a gate (theory, section 22).

        The gate is a region of a new observation, wider by the leverages than the residuals that it has to hold.
        """
        if self.noise.gate is None:
            return 1.0
        size, k = n * dimension, self.card.parameters[dimension]
        leverage = min(k / size, 0.5)
        radius2 = gate_radius2(self.noise.gate, dimension, max(size - k, 1))
        return kept_variance(radius2 * (1.0 + leverage) / (1.0 - leverage), dimension)

    def residual_divisor(self, n: int, dimension: int) -> float:
        """The variance with which a pair tells on the map is the residual sum of squares over this.

        Degrees of freedom, times the square of what a gate left: it hides noise, and a map that chooses its own pairs is less
        sure than their noise alone makes it (theory, section 22).
        """
        return max(self.degrees_of_freedom(n, dimension), 1) * self.kept(n, dimension) ** 2

    def law(self, n: int, dimension: int) -> Law:
        """The law of the statistics."""
        if self.noise.scale is not None:
            return ChiSquareLaw(dimension, self.noise.scale**2)
        return FisherLaw(dimension, self.denominator(n, dimension), self.noise.least_variance,
                         self.kept(n, dimension) ** 2)

    def band(self, n: int, dimension: int) -> Law:
        """The law of the statistics at all targets at once (theory, section 13)."""
        k = self.card.parameters[dimension]
        if self.noise.scale is not None:
            return ChiSquareLaw(k, self.noise.scale**2)
        return FisherLaw(k, self.degrees_of_freedom(n, dimension), self.noise.least_variance)

    def effective_variance(self, rss: np.ndarray, unit: np.ndarray | float, n: int, dimension: int) -> np.ndarray:
        """Effective noise variance per coordinate (...), estimated or known."""
        if self.noise.scale is not None:
            return np.full_like(rss, self.noise.scale**2)
        return np.maximum(unit * rss / self.residual_divisor(n, dimension), self.noise.least_variance)

    def exact(self, fit: Fit) -> np.ndarray:
        """Whether pairs fit to rounding (...), so that no noise can be estimated; never where its scale or floor is known."""
        return np.asarray((fit.rss == 0) & (self.noise.scale is None) & (self.noise.floor is None))

    def weight(self, kind: str) -> float:
        """A kind as the weight of the new pair: 1, ``1 + 1/rho`` or infinite (theory, section 5)."""
        share = noise_share(kind, self.noise.source_share)
        return np.inf if share == 0 else 1.0 / share

    def studentised(self, fit: Any, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Squared deleted residuals ``r' (I - H)^-1 r`` of the fiducials (..., n, d) over the noise variance, (..., n).

        H is the leverage at the latent point (theory, sections 1 and 7). NaN where the fit is exact or leaves nothing.
        """
        dx = components(source) - components(fit.x_mean)[..., None]
        r = components(target) - components(fit.y_mean)[..., None] - times(entries(fit.matrix), dx)
        regular = np.asarray(np.isfinite(fit.matrix).all((-2, -1)) & (np.linalg.det(fit.matrix) != 0))
        back = np.linalg.inv(np.where(regular[..., None, None], fit.matrix, np.eye(len(dx))))
        latent = dx + self.noise.source_share * times(entries(back), r)
        left = entries(fit.noise_covariance) - self.covariance(fit, latent, np.inf).dense()
        squared = mahalanobis(left, r)
        return np.where((squared >= 0) & (determinant(left) > 0), squared, np.nan)

    def leverages(self, fit: Any) -> np.ndarray:
        """Variance of each fiducial's TRE over the noise, mean over coordinates: (..., n)."""
        d = fit.x_mean.shape[-1]
        unit = _rebuilt(fit, vars(fit) | {"noise_covariance": np.broadcast_to(np.eye(d), fit.noise_covariance.shape)})
        dx = components(fit.source) - components(fit.x_mean)[..., None]
        return self.covariance(unit, dx, np.inf).trace() / d

    def without(self, part: slice) -> Estimator:
        """The estimator of datasets that each lack one pair of a part: the same, but where pairs have covariances."""
        return self

    def left_out(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Exact leave-one-out residuals (..., n, d): each pair minus its prediction from a refit without it."""
        n = source.shape[-2]
        step = max(1, _REFITTED // n)
        parts = [slice(i, i + step) for i in range(0, n, step)]
        fits = [self.without(part).fit(without_each(source, part), without_each(target, part)) for part in parts]
        return np.concatenate([target[..., part, :] - fit.transform.apply(source[..., part, None, :])[..., 0, :]
                               for fit, part in zip(fits, parts, strict=True)], -2)


def noise_share(kind: str, source_share: float) -> float:
    """How much of one pair's noise the question about a point includes: 0, the source's share, or 1."""
    return {"tre": 0.0, "lre": source_share, "observation": 1.0}[kind]


def latent_share(source_share: float, weight: float) -> float:
    """How far along its residual a new pair's latent point lies: the source's share, all the way for `lre` (section 10).

    The weight is 1 for an observation, of which the fiducials' may be a little less where a gate chose them.
    """
    return source_share if np.isinf(weight) or weight <= 1.0 + 1e-12 else 1.0


def rest_of(total: np.ndarray, deleted: np.ndarray) -> np.ndarray:
    """The joint RSS without the deleted residual; 0 where that is all of it, up to rounding (theory, section 10)."""
    return np.where(deleted >= _ALL * total, 0.0, total - deleted)


def variance_factor(n: int, weight: float) -> float:
    """``1/n + 1/w``: what centroid and new point add to the leverage."""
    return 1.0 / joining_factor(n, weight)


def without_each(points: np.ndarray, part: slice = slice(None)) -> np.ndarray:
    """Points (..., n, d) with each row of ``part`` left out in turn: (..., k, n - 1, d)."""
    others, gone = np.arange(points.shape[-2] - 1), np.arange(points.shape[-2])[part, None]
    return points[..., others + (others >= gone), :]


def mapped(record: Record, function: Callable[[np.ndarray], np.ndarray]) -> Record:
    """The same frozen record with a function applied to each of its arrays, those of a fit inside it too."""
    def changed(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return np.asarray(function(value))  # an index to one dataset gives scalars
        return mapped(value, function) if isinstance(value, Fit) else value

    return _rebuilt(record, {name: changed(value) for name, value in vars(record).items()})


def joined(parts: Sequence[Record]) -> Record:
    """One record from several of flat batches, their arrays one after the other."""
    def changed(values: list[Any]) -> Any:
        if isinstance(values[0], np.ndarray):
            return np.concatenate(values)
        return joined(values) if isinstance(values[0], Fit) else values[0]

    return _rebuilt(parts[0], {name: changed([getattr(part, name) for part in parts]) for name in vars(parts[0])})


def _rebuilt(record: Record, values: dict[str, Any]) -> Record:
    """A frozen record of the same type from values that need no check; this runs once for each block."""
    new = object.__new__(type(record))
    new.__dict__.update(values)
    return new


def failures(*cases: tuple[np.ndarray, Failure]) -> np.ndarray:
    """Codes from (mask, failure) cases, the first that applies."""
    out = np.zeros(cases[0][0].shape, np.int8)
    for mask, failure in reversed(cases):
        out[mask] = failure
    return out
