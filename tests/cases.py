"""The table that every law is held against: model x noise x dimension, and for each the kinds and methods it answers.

A new model or noise joins the table with one line and is tested before it has a test of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.spatial.transform import Rotation

import regerr
from regerr import FiducialPairs, Noise, RegistrationResult
from regerr.methods import METHODS
from regerr.models import MODELS, Estimator
from regerr.noise import parse_noise
from regerr.ranks import Calibrated, Rank
from regerr.transforms import Transform

SPREAD = 20.0
LAWFUL = [name for name, method in METHODS.items() if not isinstance(method, Rank | Calibrated)]


@dataclass(frozen=True)
class Case:
    """One model under one noise in one dimension."""

    model: str
    noise: str | Noise
    dimension: int

    @property
    def assumed(self) -> Noise:
        return parse_noise(self.noise)

    @cached_property
    def estimator(self) -> Estimator:
        return MODELS[self.model].under(self.assumed)

    @property
    def n(self) -> int:
        """Three pairs more than needed."""
        return self.estimator.least_pairs(self.dimension) + 3

    @property
    def questions(self) -> list[tuple[str, str]]:
        """Each kind with each method that follows the law of the noise; the others are held to the same laws in test_ranks."""
        return [(kind, method) for kind in self.estimator.kinds for method in LAWFUL]

    @property
    def known_scale(self) -> bool:
        return self.assumed.scale is not None

    def truth(self, rng: np.random.Generator) -> np.ndarray:
        """A linear part of the model's own family."""
        turn = rotation(rng, self.dimension)
        if self.model == "rigid":
            return turn
        if self.model == "similarity":
            return 1.7 * turn
        return turn @ (1.3 * np.eye(self.dimension) + 0.25 * rng.uniform(-1, 1, (self.dimension, self.dimension)))

    def pairs(self, seed: int, batch: tuple[int, ...] = (), n: int | None = None, noise: float = 1.0) -> FiducialPairs:
        """Pairs whose noise, s.d. per coordinate in either space, is small against their spread."""
        rng = np.random.default_rng([seed, self.n, self.dimension])
        x = SPREAD * rng.standard_normal((*batch, n or self.n, self.dimension)) + 50.0
        y = x @ self.truth(rng).T - 30.0
        return self.of(x + noise * rng.standard_normal(x.shape), y + noise * rng.standard_normal(y.shape))

    @property
    def given(self) -> bool:
        """Whether pairs come with a covariance for each point and space."""
        return self.assumed.shape == "given"

    def of(self, source: np.ndarray, target: np.ndarray) -> FiducialPairs:
        """Pairs, with covariances where the noise asks for them."""
        if not self.given:
            return FiducialPairs(source, target)
        rng = np.random.default_rng([source.shape[-2], self.dimension])
        roots = rng.standard_normal((2, source.shape[-2], self.dimension, self.dimension))
        covariances = np.exp(rng.uniform(-1, 1, (2, source.shape[-2], 1, 1))) * (roots @ np.swapaxes(roots, -1, -2) / 4
                                                                              + 0.5 * np.eye(self.dimension))
        return FiducialPairs(source, target, source_covariance=covariances[0], target_covariance=covariances[1])

    def fit(self, pairs: FiducialPairs, on_failure: str = "raise") -> RegistrationResult:
        return regerr.fit(pairs, self.model, self.noise, on_failure)

    def with_scale(self, factor: float) -> Case:
        """The same with a known scale in units that are ``factor`` times smaller."""
        scale = self.assumed.scale
        return self if scale is None or self.given else replace(self, noise=replace(self.assumed, scale=factor * scale))

    def swapped(self) -> Case:
        """The question from target to source: the ratio of the noises turned over; without a known scale."""
        ratio = self.assumed.ratio
        if self.given:
            return self
        return replace(self, noise=Noise(math.inf if ratio == 0 else 1 / ratio, self.assumed.shape))

    def __str__(self) -> str:
        shape = self.noise if isinstance(self.noise, str) else f"ratio {self.noise.ratio:g} {self.noise.shape}"
        shape = "given" if self.given else shape
        return f"{self.model} {shape}{' known' if self.known_scale else ''} {self.dimension}D"


_ISOTROPIC: tuple[str | Noise, ...] = ("both", "target", "source", Noise(0.5), Noise(2.0),
                                       Noise(1.0, scale=1.5), Noise(0.0, scale=1.5), Noise(math.inf, scale=1.5))
_GIVEN: tuple[str | Noise, ...] = ("given", Noise(shape="given", scale=1.0))
_FULL: tuple[str | Noise, ...] = ("full", Noise(1.0, "full"), Noise(2.0, "full"), Noise(math.inf, "full"))

CASES = [Case(model, noise, dimension) for model in MODELS
         for noise in (*_ISOTROPIC, *_GIVEN, *(_FULL if model == "affine" else ()))
         for dimension in (2, 3)]

CLOSED_FORMS = [case for case in CASES if not case.given]


def targets_near(seed: int, dimension: int, m: int = 3, batch: tuple[int, ...] = ()) -> np.ndarray:
    """Targets inside and outside the cloud of fiducials."""
    return 50.0 + 3 * SPREAD * np.random.default_rng([seed, 7]).uniform(-1, 1, (*batch, m, dimension))


def points_near(result: RegistrationResult, targets: np.ndarray, seed: int) -> np.ndarray:
    """Points about the predictions, of which some lie inside a region and some do not."""
    where = result.predict(targets, "observation")
    rng = np.random.default_rng([seed, 11])
    direction = rng.standard_normal(where.mean.shape)
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    return where.mean + direction * (where.rms * rng.uniform(0, 2, where.rms.shape))[..., None]


def rotation(rng: np.random.Generator, dimension: int, sign: float = 1.0) -> np.ndarray:
    """A random rotation; with sign -1 a rotation and a mirror."""
    if dimension == 3:
        out = Rotation.random(rng=rng).as_matrix()
    else:
        angle = rng.uniform(-math.pi, math.pi)
        out = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return out * np.where(np.arange(dimension) == 0, sign, 1.0)


def general_map(rng: np.random.Generator, dimension: int) -> Transform:
    """Any linear map that is well conditioned, and a shift."""
    matrix = rotation(rng, dimension) @ np.diag(rng.uniform(0.4, 2.5, dimension)) @ rotation(rng, dimension, -1.0)
    return Transform.from_matrix(matrix, rng.uniform(-100, 100, dimension))


def motion(rng: np.random.Generator, dimension: int, scale: float = 1.0, sign: float = 1.0) -> Transform:
    """A rigid motion, or a similarity of a stated scale."""
    return Transform.from_matrix(scale * rotation(rng, dimension, sign), rng.uniform(-100, 100, dimension))


def moved(pairs: FiducialPairs, source: Transform | None = None, target: Transform | None = None) -> FiducialPairs:
    """The pairs after a map of either space, and their covariances with them."""
    def points(x: np.ndarray, by: Transform | None) -> np.ndarray:
        return x if by is None else by.apply(x)

    def covariances(c: np.ndarray | None, by: Transform | None) -> np.ndarray | None:
        return c if c is None or by is None else by.matrix @ c @ by.matrix.T

    return FiducialPairs(points(pairs.source, source), points(pairs.target, target),
                         source_covariance=covariances(pairs.source_covariance, source),
                         target_covariance=covariances(pairs.target_covariance, target))


def reordered(pairs: FiducialPairs, order: np.ndarray) -> FiducialPairs:
    """The pairs in another order."""
    def rows(c: np.ndarray | None) -> np.ndarray | None:
        return None if c is None else c[..., order, :, :]

    return FiducialPairs(pairs.source[..., order, :], pairs.target[..., order, :],
                         source_covariance=rows(pairs.source_covariance), target_covariance=rows(pairs.target_covariance))


def growth(factor: float, dimension: int) -> Transform:
    """A change of units."""
    return Transform.from_matrix(factor * np.eye(dimension), np.zeros(dimension))
