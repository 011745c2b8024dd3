"""Pairs that nobody gives: beads found in both channels of an image, sorted by a rule that sees no registration, and matched."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from regerr import FiducialPairs, datasets
from regerr.detection import Spots, detect, read_image
from regerr.matching import match
from regerr.transforms import Transform

from .cases import Case, Size, transfer

ISOLATED = 9.0  # px to the nearest other bead of the channel, six times the s.d. of one
MISFIT = 0.06  # of its height, from which on a bead is a cluster, or touches another one
CHANNELS = (0, 1)  # pages of a file: the source, the target


@dataclass(frozen=True, eq=False)
class Field:
    """The beads of one image in both channels.

    Attributes
    ----------
    matched : FiducialPairs
        Those that matching proposes, with their covariances: what is registered.
    whole : FiducialPairs
        All that have a partner, however far from where it was expected: what other fields predict.
    """

    matched: FiducialPairs
    whole: FiducialPairs


def found(model: str) -> Callable[[datasets.Dataset, Size], list[Case]]:
    """Each field, detected and matched by a model, predicts the beads of every other one."""
    def cases(data: datasets.Dataset, size: Size) -> list[Case]:
        files = [path for path in data.files.values() if path.suffix == ".tif"]
        fields = {path.name.split("-")[-1].split(".")[0]: field_of(path, model) for path in files}
        return [transfer(f"{a} to {b}", x.matched, y.whole, (a, b), size.points)
                for (a, x), (b, y) in itertools.permutations(fields.items(), 2)]
    return cases


@cache
def field_of(path: Path, model: str) -> Field:
    """Detect both channels, and match them; raises UndeterminedError where the matching is refused."""
    source, target = (clean(spots_of(path, channel)) for channel in CHANNELS)
    matching = match(source.to_points(), target.to_points(), model)
    return Field(matching.pairs, with_partners(source, target, matching.transform))


@cache
def spots_of(path: Path, channel: int) -> Spots:
    """All spots of one channel, in pixels, whatever the file says of their size: not every field says it."""
    return detect(read_image(path, channel).pixels)


def clean(spots: Spots) -> Spots:
    """Single beads apart from others; no pixel of these images is saturated."""
    return spots[(spots.nearest > ISOLATED) & (spots.misfit < MISFIT)]


def with_partners(source: Spots, target: Spots, transform: Transform) -> FiducialPairs:
    """Each spot with the one that lies less than half the least distance of two spots from where it is expected.

    There is at most one, so nothing is chosen by how well it fits, and a partner that is pixels away is one all the same.
    """
    distance, nearest = cKDTree(target.points).query(transform.apply(source.points))
    near = distance < ISOLATED / 2
    a, b = source[near], target[np.asarray(nearest)[near]]
    names = tuple(f"{x} = {y}" for x, y in zip(a.names, b.names, strict=True))
    return FiducialPairs(a.points, b.points, names, a.unit, b.unit, a.covariance, b.covariance)
