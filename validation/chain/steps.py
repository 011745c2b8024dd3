"""One case of the chain: images, spots, pairs, and the registrations that are compared."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from regerr.detection import Spots, detect
from regerr.errors import RegistrationWarning
from regerr.io import Points
from regerr.matching import Matching, match
from regerr.outliers import remove_outliers, suspects
from regerr.pairs import FiducialPairs
from regerr.results import RegistrationResult, fit
from regerr.transforms import Transform
from simulations.images import BeadImage, Electron
from simulations.images.scene import Modality

from ..detection.running import paired
from .study import Cell

_REACH = 2.0  # s.d. of a spot, within which it is the bead's


@dataclass(frozen=True, eq=False)
class Case:
    """What one pair of images yields.

    Attributes
    ----------
    sides : (Points, Points)
        Spots that are not held out, of the source and of the target.
    beads : (names, names)
        Of each such spot the bead that it shows, empty for none.
    held : (m, d)
        True places of the held-out beads in the source.
    seen : (Spots, Spots)
        Spots of those that both images show.
    truth : Transform
    found : Matching
    """

    sides: tuple[Points, Points]
    beads: tuple[np.ndarray, np.ndarray]
    held: np.ndarray
    seen: tuple[Spots, Spots]
    truth: Transform
    found: Matching

    @property
    def true_pairs(self) -> FiducialPairs:
        """The spots of each bead that both images show."""
        common = tuple(name for name in self.beads[0] if name and name in self.beads[1])
        rows = [[beads.tolist().index(name) for name in common] for beads in self.beads]
        (a, b), (i, j) = self.sides, rows
        assert a.covariance is not None and b.covariance is not None
        return FiducialPairs(a.points[i], b.points[j], common, source_covariance=a.covariance[i],
                             target_covariance=b.covariance[j])

    @property
    def right(self) -> np.ndarray:
        """Which of the found pairs are of one bead."""
        best = self.found.best
        assert best is not None
        names = self.beads[0][best.source_index]
        return np.asarray((names == self.beads[1][best.target_index]) & (names != ""))


def case_of(cell: Cell, rng: np.random.Generator) -> Case:
    """Draw two images, find their beads, hide some of them, and match the others."""
    images = cell.law.sample(rng)
    held = rng.permutation(images.shared)[: cell.held].tolist()
    sides, beads, found = [], [], []
    for image, modality in ((images.source, cell.law.source), (images.target, cell.law.target)):
        spots = spots_of(image, modality)
        names = names_of(image, spots, modality)
        hidden = np.isin(names, held)
        sides.append(spots[~hidden].to_points())
        beads.append(names[~hidden])
        found.append((spots, names.tolist()))
    both = [name for name in held if all(name in names for _, names in found)]
    source, target = (spots[[names.index(name) for name in both]] for spots, names in found)
    truly = np.array([images.source.points[images.source.names.index(name)] for name in held])
    return Case((sides[0], sides[1]), (beads[0], beads[1]), truly, (source, target), images.transform,
                match(sides[0], sides[1], cell.model))


def spots_of(image: BeadImage, modality: Modality) -> Spots:
    """`regerr.detect` with what a user would tell it: pixel size, camera, and what the beads look like."""
    dark = isinstance(modality, Electron)
    return detect(image.counts, tuple(image.field.steps), unit=image.field.unit, bright=not dark, camera=image.camera,
                  profile="disc" if dark else "gaussian")


def names_of(image: BeadImage, spots: Spots, modality: Modality) -> np.ndarray:
    """Of each spot the bead that it shows, empty for none."""
    reach = modality.radius if isinstance(modality, Electron) else _REACH * modality.reach / 4.0
    beads, found = paired(image.points, spots.points, reach)
    names = np.full(len(spots), "", object)
    names[found] = [image.names[i] for i in beads]
    return names


@dataclass(frozen=True, eq=False)
class Registered:
    """A registration, and whether it came with a warning."""

    result: RegistrationResult
    warned: bool


def registered(pairs: FiducialPairs, model: str) -> Registered:
    """`regerr.fit`; a warning is what it says itself, or a pair that does not agree with the others."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", RegistrationWarning)
        result = fit(pairs, model)
    return Registered(result, bool(said) or bool(suspects(result).named.any()))


def bare(pairs: FiducialPairs) -> FiducialPairs:
    """The places alone."""
    return replace(pairs, source_covariance=None, target_covariance=None)


def with_strangers(pairs: FiducialPairs, number: int, rng: np.random.Generator) -> FiducialPairs:
    """The same pairs, of which some have a partner that is a spot elsewhere in the target."""
    target = pairs.target.copy()
    rows = rng.permutation(pairs.n)[:number]
    target[rows] = rng.uniform(target.min(0), target.max(0), (len(rows), pairs.dimension))
    return replace(pairs, target=target)


Way = Callable[[Cell, Case, np.random.Generator], Registered]


def _cleaned(cell: Cell, case: Case, number: int, rng: np.random.Generator) -> Registered:
    before = registered(with_strangers(case.found.pairs, number, rng), cell.model)
    return Registered(remove_outliers(before.result), before.warned)


WAYS: Mapping[str, Way] = {
    "chain": lambda cell, case, rng: registered(case.found.pairs, cell.model),
    "places alone": lambda cell, case, rng: registered(bare(case.found.pairs), cell.model),
    "true pairs": lambda cell, case, rng: registered(case.true_pairs, cell.model),
    "true pairs, places alone": lambda cell, case, rng: registered(bare(case.true_pairs), cell.model),
    "1 wrong pair": lambda cell, case, rng: registered(with_strangers(case.found.pairs, 1, rng), cell.model),
    "3 wrong pairs": lambda cell, case, rng: registered(with_strangers(case.found.pairs, 3, rng), cell.model),
    "1 wrong pair, outliers removed": lambda cell, case, rng: _cleaned(cell, case, 1, rng),
    "3 wrong pairs, outliers removed": lambda cell, case, rng: _cleaned(cell, case, 3, rng),
}
