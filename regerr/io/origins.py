"""Half a pixel: some programs count from the centre of the first pixel, others from its corner.

A registration does not mind, as its map takes the shift up; targets that are not counted as the fiducials of the source are land
half a pixel off.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import RegistrationWarning
from ..pairs import FiducialPairs, Unused
from .frame import half_pixel, in_pixels
from .reading import Points

Place = tuple[float, ...] | None


def counted_alike(points: Points, pairs: FiducialPairs, where: str = "the targets") -> Points:
    """Targets, counted as the source of the pairs is.

    Warns
    -----
    RegistrationWarning
        That pixels were shifted by a half; or that they may have to be: where nobody says how big a pixel is, or where one counts
        from the corner and the other does not say.
    """
    here, there = points.origin, pairs.source_origin
    pixels = in_pixels(points.unit) and in_pixels(pairs.source_unit)
    if here == there or "corner" not in (here, there) or not (pixels or points.unit == pairs.source_unit):
        return points  # what says nothing counts from the centre, as arrays do, but for few programs
    if pixels and here is not None and there is not None:
        return _shifted(points, there, where)
    if here is None or there is None:
        one, other = (where, "the fiducials of the source") if there is None else ("the fiducials of the source", where)
        said = f"{one} count from the corner of the first pixel, and nothing says from where {other} count"
        mend = "a column pixel_origin of a table says centre or corner"
    else:
        said = f"{where} count from the {here} of the first pixel and the fiducials of the source from its {there}"
        mend = f"shift them where they are, since nothing says how many {points.unit} a pixel has"
    _warn(f"{said}: they may be half a pixel apart ({mend})")
    return points


def _shifted(points: Points, origin: str, where: str) -> Points:
    shift = half_pixel(points.origin, origin, points.points.shape[1])
    _warn(f"{where} count from the {points.origin} of the first pixel and the fiducials of the source from its {origin}: the "
          f"former are shifted by {shift[0]:+g} px along x and y")
    moved = points.points + shift
    moved.flags.writeable = False
    return replace(points, points=moved, origin=origin,
                   unused=tuple(replace(one, source=_moved(one.source, shift)) for one in points.unused))


def counted_from(pairs: FiducialPairs, origin: str) -> FiducialPairs:
    """Pairs whose pixels count from there, in spaces that say from where they count."""
    shifts = [half_pixel(here, origin if in_pixels(unit) else here, pairs.dimension) for here, unit in
              ((pairs.source_origin, pairs.source_unit), (pairs.target_origin, pairs.target_unit))]
    if not np.any(shifts):
        return pairs
    first, second = (origin if shift.any() else here
                     for shift, here in zip(shifts, (pairs.source_origin, pairs.target_origin), strict=True))
    return replace(pairs, source=pairs.source + shifts[0], target=pairs.target + shifts[1], source_origin=first,
                   target_origin=second, unused=_unused(pairs.unused, shifts))


def _unused(unused: Sequence[Unused], shifts: Sequence[np.ndarray]) -> tuple[Unused, ...]:
    return tuple(replace(one, source=_moved(one.source, shifts[0]), target=_moved(one.target, shifts[1])) for one in unused)


def _moved(place: Place, shift: np.ndarray) -> Place:
    return None if place is None else tuple((np.array(place) + shift[: len(place)]).tolist())


def _warn(sentence: str) -> None:
    warnings.warn(sentence, RegistrationWarning, stacklevel=4)
