"""Two point sets made comparable: about their centroids, in the typical spacing of the target, the smaller one first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..transforms import Transform
from .chance import log_tests
from .families import FAMILIES, Family, Maps
from .windows import Window


@dataclass(frozen=True, eq=False)
class Problem:
    """What a search works on.

    Attributes
    ----------
    moving, fixed : Window
        The smaller set, which proposes, and the larger one; each about its centroid, in the unit of the search.
    family : Family
    scales : (2,)
        Allowed scales of maps in that unit.
    log_tests : float
        ``log10`` of the number of hypotheses.
    """

    moving: Window
    fixed: Window
    family: Family
    scales: tuple[float, float]
    log_tests: float
    units: tuple[float, float]
    centres: tuple[np.ndarray, np.ndarray]
    swapped: bool
    mirrored: bool

    @classmethod
    def of(cls, source: np.ndarray, target: np.ndarray, model: str, scale: tuple[float, float] | None, size: float,
           mirrored: bool, orientations: int) -> Problem:
        """Centre, scale, flip and order two sets; ``size`` is the known scale of a rigid map."""
        swapped = len(source) > len(target)
        flip = np.ones(source.shape[-1])
        flip[0] = -1.0 if mirrored else 1.0
        centres = source.mean(0), target.mean(0)
        sets = (source - centres[0]) * flip, target - centres[1]
        spacings = [Window.of(x).spacing or 1.0 for x in sets]
        family = FAMILIES[model]
        units = (spacings[1] / size, spacings[1]) if family.keeps_size else (spacings[0], spacings[1])
        windows = [Window.of(x / unit) for x, unit in zip(sets, units, strict=True)]
        low, high = _scales(windows, scale, units)
        if swapped:
            low, high = 1.0 / high, 1.0 / low
        moving, fixed = windows[::-1] if swapped else windows
        tests = log_tests(len(source), len(target), family.minimal[source.shape[-1]]) + float(np.log10(orientations))
        return cls(moving, fixed, family, (low, high), tests, units, (centres[0], centres[1]), swapped, mirrored)

    @property
    def minimal(self) -> int:
        """Pairs that determine a map."""
        return self.family.minimal[self.moving.points.shape[-1]]

    def transform(self, maps: Maps) -> Transform:
        """One map of the search as a transformation of the user's source into the target."""
        way = maps.inverse() if self.swapped else maps
        flip = np.ones(len(way.matrix))
        flip[0] = -1.0 if self.mirrored else 1.0
        a, b = self.units
        return Transform(way.matrix * flip * (b / a), self.centres[0], self.centres[1] + way.offset * b)


def _scales(windows: list[Window], scale: tuple[float, float] | None, units: tuple[float, float]) -> tuple[float, float]:
    """Bounds on the scale in the unit of the search: the user's, or a factor of five about the ratio of the extents."""
    if scale is not None:
        return scale[0] * units[0] / units[1], scale[1] * units[0] / units[1]
    middle = float(np.prod(windows[1].lengths / windows[0].lengths) ** (1.0 / len(windows[0].lengths)))
    return middle / 5.0, middle * 5.0
