"""One image of beads: a field of voxels, beads in it, and what was true of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as default
from typing import Protocol

import numpy as np

from regerr.detection import Camera
from regerr.errors import InputError

from .._checks import check_count, check_not_negative, check_positive, check_vector

_TRIES = 100  # for each bead


@dataclass(frozen=True)
class Field:
    """The voxels of an image.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns (y, x), or (z, y, x), as of an array.
    spacing : float or one per axis
        Size of a voxel, x before y before z, in ``unit``.
    unit : str
    """

    shape: tuple[int, ...] = (256, 256)
    spacing: float | tuple[float, ...] = 1.0
    unit: str = "px"

    def __post_init__(self) -> None:
        if len(self.shape) not in (2, 3):
            raise InputError(f"the shape of the field is {self.shape!r}: give (y, x) or (z, y, x)")
        for n in self.shape:
            check_count("a side of the field", n, least=5)
        spacing = check_vector("spacing", self.spacing, self.dimension)
        for step in spacing if isinstance(spacing, tuple) else (spacing,):
            check_positive("spacing", step)

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return len(self.shape)

    @property
    def steps(self) -> np.ndarray:
        """Size of a voxel along x, y[, z]."""
        return np.broadcast_to(np.array(self.spacing, float), (self.dimension,)).copy()

    @property
    def sides(self) -> np.ndarray:
        """Length of the field along x, y[, z], between the centres of its outermost voxels."""
        return (np.array(self.shape[::-1]) - 1.0) * self.steps


@dataclass(frozen=True, eq=False)
class BeadImage:
    """An image and what is true of it.

    Attributes
    ----------
    counts : array of the field's shape
        uint16, or float64 where the camera does not round.
    expected : array
        Photons expected in each voxel.
    points : (n, d) array
        True centres, x before y before z, in the field's unit; the centre of the first voxel is 0.
    amounts : (n,) array
        Photons of each spot, or the depth of each disc in photons per voxel (negative: dark).
    names : tuple of str
    field : Field
    camera : Camera
    """

    counts: np.ndarray
    expected: np.ndarray
    points: np.ndarray
    amounts: np.ndarray
    names: tuple[str, ...]
    field: Field
    camera: Camera


class Modality(Protocol):
    """A way to see beads."""

    @property
    def camera(self) -> Camera:
        """What counts photons."""

    @property
    def reach(self) -> float:
        """How far from the edge beads should stay, in the field's unit."""

    def expected(self, rng: np.random.Generator, points: np.ndarray, field: Field) -> tuple[np.ndarray, np.ndarray]:
        """Photons expected in each voxel, and the amount of each bead (n,), of beads at points (n, d)."""


@dataclass(frozen=True)
class Beads:
    """Beads placed at random in a field, seen by one modality.

    Parameters
    ----------
    n : int
    modality : Modality
    field : Field
    apart : float
        Least distance of two centres, in the field's unit.
    rounded : bool
        Whether the camera gives whole counts from 0 to 65535.
    """

    n: int
    modality: Modality
    field: Field = default(default_factory=Field)
    apart: float = 0.0
    rounded: bool = True

    def __post_init__(self) -> None:
        check_count("n", self.n, least=0)
        check_not_negative("apart", self.apart)

    def sample(self, rng: np.random.Generator) -> BeadImage:
        """One image."""
        margin = np.minimum(self.modality.reach, self.field.sides / 2.0 - 1e-9)
        points = placed(rng, self.n, margin, self.field.sides - margin, self.apart)
        return seen(rng, points, self.modality, self.field, self.rounded)


def seen(rng: np.random.Generator, points: np.ndarray, modality: Modality, field: Field, rounded: bool = True,
         names: Sequence[str] | None = None) -> BeadImage:
    """An image of beads at given points."""
    expected, amounts = modality.expected(rng, points, field)
    counts = modality.camera.sample(rng, expected)
    if rounded:
        counts = np.clip(np.round(counts), 0, 65535).astype(np.uint16)
    told = tuple(names) if names is not None else tuple(f"bead {i + 1}" for i in range(len(points)))
    return BeadImage(counts, expected, points, amounts, told, field, modality.camera)


def placed(rng: np.random.Generator, n: int, low: np.ndarray, high: np.ndarray, apart: float = 0.0) -> np.ndarray:
    """Points (n, d) uniform in a box, no two closer than ``apart``.

    Raises
    ------
    InputError
        When they do not fit.
    """
    points, count = np.empty((n, len(low))), 0
    for tried in low + (high - low) * rng.random((_TRIES * n, len(low))):
        if count == n:
            break
        if apart == 0.0 or not count or np.linalg.norm(points[:count] - tried, axis=1).min() >= apart:
            points[count] = tried
            count += 1
    if count == n:
        return points
    raise InputError(f"{n} beads {apart:g} apart do not fit into the field: give fewer, or a larger field")
