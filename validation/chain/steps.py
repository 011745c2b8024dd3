"""One case of the chain: images, spots, pairs, and the registrations that are compared."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from regerr.baselines.asking import without_covariances
from regerr.detection import Spots
from regerr.errors import RegistrationWarning
from regerr.io import Points
from regerr.matching import Matching, match
from regerr.outliers import remove_outliers, suspects
from regerr.pairs import FiducialPairs
from regerr.results import RegistrationResult, fit
from regerr.transforms import Transform
from simulations.images import BeadImage
from simulations.images.scene import Modality

from ..detection.looking import paired, reach, spots_of
from .study import Cell


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

    @cached_property
    def true_pairs(self) -> FiducialPairs:
        """The spots of each bead that both images show."""
        common = tuple(name for name in self.beads[0] if name and name in self.beads[1])
        rows = [[beads.tolist().index(name) for name in common] for beads in self.beads]
        (a, b), (i, j) = self.sides, rows
        assert a.covariance is not None and b.covariance is not None
        return FiducialPairs(a.points[i], b.points[j], common, source_covariance=a.covariance[i],
                             target_covariance=b.covariance[j])

    @cached_property
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
        spots = spots_of(image, modality, image.camera)
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


def names_of(image: BeadImage, spots: Spots, modality: Modality) -> np.ndarray:
    """Of each spot the bead that it shows, empty for none."""
    beads, found = paired(image.points, spots.points, reach(modality))
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


def with_strangers(pairs: FiducialPairs, number: int, rng: np.random.Generator) -> FiducialPairs:
    """The same pairs, of which some have a partner that is a spot elsewhere in the target."""
    target = pairs.target.copy()
    rows = rng.permutation(pairs.n)[:number]
    target[rows] = rng.uniform(target.min(0), target.max(0), (len(rows), pairs.dimension))
    return replace(pairs, target=target)


WAYS = ("chain", "places alone", "true pairs", "true pairs, places alone", "1 wrong pair", "3 wrong pairs",
        "1 wrong pair, outliers removed", "3 wrong pairs, outliers removed")


def ways_of(case: Case, model: str, seed: tuple[int, int]) -> dict[str, Registered]:
    """The registrations that are compared, by the `WAYS`; the seed draws the wrong pairs."""
    found, true = case.found.pairs, case.true_pairs
    out = {"chain": found, "places alone": without_covariances(found), "true pairs": true,
           "true pairs, places alone": without_covariances(true)}
    out |= {f"{number} wrong {word}": with_strangers(found, number, np.random.default_rng(seed))
            for number, word in ((1, "pair"), (3, "pairs"))}
    made = {way: registered(pairs, model) for way, pairs in out.items()}
    cleaned = {f"{way}, outliers removed": Registered(remove_outliers(one.result), one.warned)
               for way, one in made.items() if "wrong" in way}
    return made | cleaned
