"""The same beads in two images: a light and an electron microscope, a true transformation, beads that only one of them shows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from regerr.errors import InputError
from regerr.transforms import Transform

from .._checks import check_count
from ..truths import rotations
from .electron import Electron
from .light import Light
from .scene import BeadImage, Field, Modality, placed, seen

_TRIES = 30  # for each bead


@dataclass(frozen=True, eq=False)
class CorrelatedImages:
    """Two images of the same beads.

    Attributes
    ----------
    source, target : BeadImage
        Beads seen by both have the same names.
    transform : Transform
        From the source to the target, both in their units.
    """

    source: BeadImage
    target: BeadImage
    transform: Transform

    @property
    def shared(self) -> tuple[str, ...]:
        """Names of the beads that both images show."""
        return tuple(name for name in self.source.names if name in set(self.target.names))


@dataclass(frozen=True)
class Correlated:
    """A law of such images.

    Parameters
    ----------
    n : int
        Beads that both images show.
    source, target : Modality
    source_field, target_field : Field
        Of one dimension. Their middles lie on each other, but for a shift.
    scale : float
        Length in the target of a length of 1 in the source.
    only_source, only_target : int
        Beads that one image shows alone.
    shift : float
        Greatest shift of the middles along each axis, as a share of the side of the target field.
    apart : float
        Least distance of two beads, in the unit of the source.
    """

    n: int = 20
    source: Modality = field(default_factory=Light)
    target: Modality = field(default_factory=Electron)
    source_field: Field = field(default_factory=Field)
    target_field: Field = field(default_factory=lambda: Field((512, 512)))
    scale: float = 2.0
    only_source: int = 0
    only_target: int = 0
    shift: float = 0.05
    apart: float = 12.0

    def __post_init__(self) -> None:
        for name in ("n", "only_source", "only_target"):
            check_count(name, getattr(self, name), least=0)
        if self.source_field.dimension != self.target_field.dimension:
            raise InputError(f"the source field is {self.source_field.dimension}D and the target field "
                             f"{self.target_field.dimension}D: give both alike")

    def sample(self, rng: np.random.Generator) -> CorrelatedImages:
        """Two images, with a rotation drawn uniformly (in a volume about z)."""
        transform = self._transform(rng)
        every = self._points(rng, transform)
        names = [f"bead {i + 1}" for i in range(len(every))]
        first, last = self.n + self.only_source, self.n
        source = seen(rng, every[:first], self.source, self.source_field, names=names[:first])
        both = [*range(last), *range(first, len(every))]
        target = seen(rng, transform.apply(every[both]), self.target, self.target_field, names=[names[i] for i in both])
        return CorrelatedImages(source, target, transform)

    def _transform(self, rng: np.random.Generator) -> Transform:
        d = self.source_field.dimension
        matrix = np.eye(d)
        matrix[:2, :2] = rotations(rng, (), 2)
        matrix *= self.scale
        away = self.shift * self.target_field.sides * rng.uniform(-1.0, 1.0, d)
        return Transform(matrix, self.source_field.sides / 2.0, self.target_field.sides / 2.0 + away)

    def _points(self, rng: np.random.Generator, transform: Transform) -> np.ndarray:
        """Beads that lie in both fields, in the source."""
        low = np.minimum(self.source.reach, self.source_field.sides / 2.0)
        inner = np.minimum(self.target.reach, self.target_field.sides / 2.0)
        wanted = self.n + self.only_source + self.only_target
        tried = placed(rng, _TRIES * wanted, low, self.source_field.sides - low)
        there = transform.apply(tried)
        inside = ((there >= inner) & (there <= self.target_field.sides - inner)).all(1)
        kept = _apart(tried[inside], self.apart, wanted)
        if len(kept) < wanted:
            raise InputError(f"{wanted} beads {self.apart:g} apart do not fit into both fields: give fewer, or larger fields")
        return kept


def _apart(points: np.ndarray, least: float, wanted: int) -> np.ndarray:
    """The first points, as many as are wanted, but for those too close to one before them."""
    chosen = np.empty((0, points.shape[1]))
    for point in points:
        if len(chosen) == wanted:
            break
        if not len(chosen) or np.linalg.norm(chosen - point, axis=1).min() >= least:
            chosen = np.vstack([chosen, point])
    return chosen
