"""The arguments of `detect`, checked, with axes in the order of the array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from .camera import Camera, Variance
from .likelihood import Model
from .profiles import Disc, Gaussian, Profile
from .spots import check_image
from .wavelets import lags

SHAPES = ("gaussian", "disc")


@dataclass(frozen=True, eq=False)
class Task:
    """What to look for in which image.

    Attributes
    ----------
    image : (y, x) or (z, y, x) array
    step, origin : (d,) arrays
        Size of a voxel and centre of the first.
    unit : str
    bright : bool
    camera, variance : Camera and Variance, or None
        As given, and what it says of counts.
    sd : (d,) array or None
        Known s.d. of the spots in voxels.
    model : Model
    reach : float
        Half the side of a window in s.d. of a spot.
    """

    image: np.ndarray
    step: np.ndarray
    origin: np.ndarray
    unit: str
    bright: bool
    camera: Camera | None
    variance: Variance | None
    sd: np.ndarray | None
    model: Model
    reach: float

    @property
    def lag(self) -> tuple[int, ...]:
        """Of each axis, `wavelets.lags`."""
        return lags((1.0 / self.step if self.sd is None else self.sd).tolist())


def task_of(image: Any, spacing: Any, origin: Any, unit: str, bright: bool, camera: Camera | None, spot_sd: Any, profile: str,
            tilted: bool, reach: float) -> Task:
    """Check the arguments of `detect`; raises InputError for the first that is not what it should be."""
    values = check_image(image)
    d = values.ndim
    step = per_axis("spacing", spacing, d, positive=True)
    if profile not in SHAPES:
        raise InputError(f"profile is {profile!r}: give {' or '.join(SHAPES)}")
    if camera is not None and not isinstance(camera, Camera):
        raise InputError(f"camera is {camera!r}: give a Camera(gain, offset, read_noise), or None")
    if not isinstance(reach, int | float) or not 1.0 <= reach <= 10.0:
        raise InputError(f"reach is {reach!r}: give a number of standard deviations from 1 to 10")
    sd = None if spot_sd is None else per_axis("spot_sd", spot_sd, d, positive=True)
    groups = tuple(range(d)) if sd is not None else (1, 0, 0) if d == 3 else (0, 0)
    steps = tuple(step.tolist())
    shape: Profile = Gaussian(steps, groups) if profile == "gaussian" else Disc(steps)
    variance = None if camera is None else camera.variance(rounded=np.asarray(image).dtype.kind in "bui")
    model = Model(shape, sd is not None and profile == "gaussian", bool(tilted))
    return Task(values, step, per_axis("origin", origin, d), unit, bool(bright), camera, variance,
                None if sd is None else sd / step, model, float(reach))


def per_axis(name: str, value: Any, d: int, positive: bool = False) -> np.ndarray:
    """One number for all axes or one per axis, x first, turned into the order of the array."""
    try:
        numbers = np.array(value, float)
        good = numbers.shape in ((), (d,)) and bool(np.isfinite(numbers).all() and (not positive or (numbers > 0).all()))
    except (TypeError, ValueError):
        good = False
    if not good:
        raise InputError(f"{name} is {value!r}: give {'a number above 0' if positive else 'a number'}, or {d}, x before y"
                         f"{' before z' if d == 3 else ''}")
    return np.broadcast_to(numbers, (d,))[::-1].copy()
