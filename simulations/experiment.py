"""One experiment: where points lie, how they are truly mapped, how they are localised, and what goes wrong with them.

The scene (layout, targets, true transformation) is drawn once from its own seed and held for all replicates, as in a study of
coverage per target, or drawn anew for each. Noise is drawn straight into the arrays that are handed out and the true
positions are added in place, so an experiment costs little more than its random numbers.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from regerr.errors import InputError
from regerr.pairs import FiducialPairs

from .protocols import Contamination, Layout, Map, NoiseLaw, Truth


@dataclass(frozen=True, eq=False)
class Scene:
    """What is true. With one scene for all replicates the arrays have no batch axes and broadcast against those that do.

    Attributes
    ----------
    transform : Map
        The true transformation, source to target.
    source, target : (..., n, d) arrays
        True fiducial positions in both spaces.
    targets_source, targets_target : (..., m, d) arrays
        True target positions in both spaces.
    """

    transform: Map
    source: np.ndarray
    target: np.ndarray
    targets_source: np.ndarray
    targets_target: np.ndarray


@dataclass(frozen=True, eq=False)
class Targets:
    """The targets of an experiment: where they truly are, and where they were localised.

    Attributes
    ----------
    true_source, true_target : (m, d) or (*batch, m, d) arrays
    source, target : (*batch, m, d) arrays
        Localised positions, true ones plus noise.
    """

    true_source: np.ndarray
    true_target: np.ndarray
    source: np.ndarray
    target: np.ndarray


@dataclass(frozen=True, eq=False)
class Observed:
    """What an experiment delivers: observations, and the truth to hold estimates against.

    Attributes
    ----------
    pairs : FiducialPairs
        Localised fiducials, batch shape as asked for.
    true_transform : Map
    true_source, true_target : (n, d) or (*batch, n, d) arrays
        True positions of the fiducials; no batch axes when the scene is the same for all replicates.
    targets : Targets
    spoiled : (*batch, n) array of bool
        Fiducials that a contamination altered.
    """

    pairs: FiducialPairs
    true_transform: Map
    true_source: np.ndarray
    true_target: np.ndarray
    targets: Targets
    spoiled: np.ndarray


@dataclass(frozen=True)
class Experiment:
    """A generator of registration datasets.

    Parameters
    ----------
    layout : Layout
        Of the fiducials, in source units.
    targets : Layout
        Of the targets, in source units.
    truth : Truth
    noise : NoiseLaw
        Localisation noise in both spaces, a ``regerr.noise.Noise`` with covariances for instance.
    contamination : Contamination, optional
        What happens to the localised fiducials; targets are left alone.
    target_noise : NoiseLaw, optional
        Noise of the targets; that of the fiducials when None, which needs one covariance for all points.
    scene_seed : int
        Seed of layout, targets and truth when they are fixed.
    redraw : bool
        Draw layout, targets and truth anew for each replicate, from the generator that also draws the noise. Pin a part with
        ``Fixed`` or ``Given``.
    given_covariances : bool
        The pairs carry the covariances that their noise was drawn with.
    source_unit, target_unit : str
    """

    layout: Layout
    targets: Layout
    truth: Truth
    noise: NoiseLaw
    contamination: Contamination | None = None
    _: KW_ONLY
    target_noise: NoiseLaw | None = None
    scene_seed: int = 0
    redraw: bool = False
    given_covariances: bool = False
    source_unit: str = "px"
    target_unit: str = "px"

    def __post_init__(self) -> None:
        dimensions = self.layout.dimension, self.targets.dimension, self.truth.dimension
        if len(set(dimensions)) > 1:
            raise InputError("fiducials, targets and truth are in {}D, {}D and {}D: give all in one "
                             "dimension".format(*dimensions))
        covariances = _covariances(self.noise)
        if self.target_noise is None and any(np.ndim(c) > 2 for c in covariances):
            raise InputError("the noise has one covariance per fiducial and none for the targets: give target_noise")
        if self.given_covariances and all(c is None for c in covariances):
            raise InputError("given_covariances needs a noise with source_covariance or target_covariance: "
                             "use a regerr.noise.Noise, or what PhotonNoise.settle returns")

    def sample(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> Observed:
        """Draw replicates.

        Parameters
        ----------
        rng : numpy.random.Generator
        batch : tuple of int
            Batch shape; ``()`` gives one dataset.
        """
        scene = self.draw_scene(rng, batch) if self.redraw else self.scene
        source, target = self._localise(rng, batch, self.noise, scene.source, scene.target)
        spoiled = (np.broadcast_to(False, target.shape[:-1]) if self.contamination is None
                   else self.contamination.spoil(rng, target))
        located = self._localise(rng, batch, self.target_noise or self.noise, scene.targets_source, scene.targets_target)
        return Observed(self._pairs(source, target), scene.transform, scene.source, scene.target,
                        Targets(scene.targets_source, scene.targets_target, *located), spoiled)

    @cached_property
    def scene(self) -> Scene:
        """The scene of all replicates, drawn from ``scene_seed``."""
        return self.draw_scene(np.random.default_rng(self.scene_seed))

    def draw_scene(self, rng: np.random.Generator, batch: tuple[int, ...] = ()) -> Scene:
        """A new scene for each element of the batch."""
        truth = self.truth.sample(rng, batch)
        source, targets = self.layout.sample(rng, batch), self.targets.sample(rng, batch)
        return Scene(truth, source, truth.apply(source), targets, truth.apply(targets))

    @staticmethod
    def _localise(rng: np.random.Generator, batch: tuple[int, ...], noise: NoiseLaw,
                  true_source: np.ndarray, true_target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Noise (*batch, n, d) with the true positions added in place."""
        source, target = noise.sample(rng, (*batch, *true_source.shape[-2:]))
        source += true_source
        target += true_target
        return source, target

    def _pairs(self, source: np.ndarray, target: np.ndarray) -> FiducialPairs:
        stated = _covariances(self.noise) if self.given_covariances else (None, None)
        of_source, of_target = (_per_fiducial(c, source.shape) for c in stated)
        return FiducialPairs(source, target, source_unit=self.source_unit, target_unit=self.target_unit,
                             source_covariance=of_source, target_covariance=of_target)


def _covariances(noise: NoiseLaw) -> tuple[Any, Any]:
    """Covariances of source and target that a noise law states, None where it states none."""
    return getattr(noise, "source_covariance", None), getattr(noise, "target_covariance", None)


def _per_fiducial(covariance: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray | None:
    """A variance, one matrix or one per point as (n, d, d) or (..., n, d, d); None stays, and so does a space without noise."""
    if covariance is None or not np.any(covariance):
        return None
    matrix = np.asarray(covariance, float)
    if matrix.ndim == 0:
        matrix = matrix * np.eye(shape[-1])
    return np.broadcast_to(matrix, (*shape[-2:], shape[-1])) if matrix.ndim == 2 else matrix
