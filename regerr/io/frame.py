"""Which way axes point and where zero lies, so that points of different programs can meet.

Coordinates are always x before y before z; what a program writes in another order is turned round by its reader. What is left
to say is kept here and is converted only when somebody asks for it, or when two files would not fit together otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError

if TYPE_CHECKING:
    from .sheet import Side

Spacing = float | Sequence[float]
PATIENT = ("RAS", "LPS")
PIXELS = ("px", "voxel")
_METRES = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "µm": 1e-6, "nm": 1e-9, "pm": 1e-12, "Å": 1e-10}


@dataclass(frozen=True)
class Frame:
    """The axes of one space.

    Attributes
    ----------
    patient : {"RAS", "LPS", "IJK"} or None
        Patient axes, where a format has them; IJK are indices of voxels.
    origin : {"centre", "corner"} or None
        What of the first pixel lies at zero: its centre or its outer corner, also of lengths, which are pixels times their size.
        Says something about x and y; slices are counted from the centre of the first. None when nobody says.
    upward : bool
        Whether y grows upwards, as on a stage, and not downwards, as in an image.
    """

    patient: str | None = None
    origin: str | None = None
    upward: bool = False


IMAGE = Frame(origin="centre")  # what is indexed like an array
CORNER = Frame(origin="corner")


def to_patient(side: Side, patient: str, path: str) -> Side:
    """RAS to LPS or back: x and y change sign; raises InputError for any other axes."""
    if side.frame.patient != patient and not {side.frame.patient, patient} <= set(PATIENT):
        raise InputError(f"{path} is in {side.frame.patient} and {patient} was asked for: only RAS and LPS can be converted")
    if side.frame.patient == patient:
        return side
    return replace(side.times((-1.0, -1.0, 1.0)[: side.dimension]), frame=replace(side.frame, patient=patient))


def in_pixels(unit: str | None) -> bool:
    """Whether coordinates are pixels or voxels, as those without a unit are taken to be."""
    return unit in (None, *PIXELS)


def half_pixel(here: str | None, there: str | None, dimension: int) -> np.ndarray:
    """What to add to pixels that count from ``here`` so that they count from ``there``, (d,); zero where one does not say."""
    step = 0.0 if here is None or there is None or here == there else 0.5 if there == "corner" else -0.5
    return np.array((step, step, 0.0)[:dimension])


def to_origin(side: Side, origin: str) -> Side:
    """Count pixels from the centre or from the corner of the first; what is not in pixels, or does not say, stays."""
    here = side.frame.origin
    if here is None or here == origin or not in_pixels(side.unit):
        return side
    points = side.points + half_pixel(here, origin, side.dimension)
    return replace(side, points=points, frame=replace(side.frame, origin=origin))


def downward(side: Side) -> Side:
    """With y growing downwards: y changes sign where it grew upwards."""
    if not side.frame.upward:
        return side
    return replace(side.times((1.0, -1.0, 1.0)[: side.dimension]), frame=replace(side.frame, upward=False))


def pixel_steps(size: Spacing, dimension: int, where: str) -> tuple[float, ...]:
    """The size of a pixel along each axis; raises InputError for what are not one or ``dimension`` positive numbers."""
    try:
        steps = np.array(size, float)
    except (TypeError, ValueError):
        steps = np.array(math.nan)
    if steps.shape not in ((), (dimension,)) or not ((steps > 0) & (steps < math.inf)).all():
        raise InputError(f"the pixel size of {where} is {size!r}: give one positive number, or {dimension}, x before y")
    return tuple(np.broadcast_to(steps, (dimension,)).tolist())


def scaled(side: Side, spacing: Sequence[float], unit: str | None) -> Side:
    """From pixels to a length, from the centre of the first where they say: coordinates times the pixel size along x, y[, z]."""
    side = to_origin(side, "centre")
    patient = None if side.frame.patient == "IJK" else side.frame.patient
    return replace(side.times(spacing[: side.dimension]), unit=unit or side.unit, frame=replace(side.frame, patient=patient))


def ratio_of(unit: str | None, other: str | None) -> float | None:
    """How many of the other unit one is; None when they are no lengths, and not the same."""
    if unit == other:
        return 1.0
    known = _METRES.get(unit or ""), _METRES.get(other or "")
    return known[0] / known[1] if known[0] and known[1] else None


def in_unit(side: Side, unit: str) -> Side | None:
    """In another unit of length; None when one of the two is no length."""
    ratio = ratio_of(side.unit, unit)
    return None if ratio is None else replace(side.times((ratio,) * side.dimension), unit=unit)
