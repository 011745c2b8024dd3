"""From an image to spots: wavelets propose, maximum likelihood places, residuals say how far to believe it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from .camera import Camera
from .groups import faint_group
from .localising import localise
from .outcome import spots_of
from .peaks import Peaks, peaks
from .spots import Spots
from .task import Task, task_of
from .wavelets import fitting_plane, useful_planes


def detect(image: Any, spacing: float | Sequence[float] = 1.0, *, origin: float | Sequence[float] = 0.0, unit: str = "px",
           bright: bool = True, camera: Camera | None = None, spot_sd: float | Sequence[float] | None = None,
           profile: str = "gaussian", plane: int | None = None, threshold: float | None = None, tilted: bool = False,
           reach: float = 3.0) -> Spots:
    """Find spots in an image and localise them, each with its covariance.

    Parameters
    ----------
    image : (y, x) or (z, y, x) array
        Counts of one channel.
    spacing, origin : float or sequence of float
        Size of a voxel and centre of the first, x before y before z, in ``unit``.
    unit : str
    bright : bool
        Whether spots are brighter than what surrounds them.
    camera : Camera, optional
        Of the image; without it the variance of counts is estimated from the residuals.
    spot_sd : float or one per axis, optional
        Known s.d. of the spots along x, y[, z], in ``unit``; fitted for each spot by default, in 3D along z apart.
    profile : {"gaussian", "disc"}
        Spots of a microscope, or discs (balls in 3D) with soft edges as beads in electron micrographs.
    plane : int, optional
        Wavelet plane to look in, 1 the finest; by default the one in which spots stand out most.
    threshold : float, optional
        Least height in that plane, in s.d. of what scatters there; by default one that noise alone passes once in ten images, and
        above a group of maxima that is clearly apart from the brighter ones.
    tilted : bool
        Whether the background around a spot may be a plane.
    reach : float
        Half the side of the window that is fitted, in s.d. of a spot.

    Raises
    ------
    InputError
        With one sentence: an image that is none, numbers out of range, an unknown profile.

    References
    ----------
    Olivo-Marin 2002 for the wavelets; Mortensen et al. 2010, Smith et al. 2010 and Huang et al. 2013 for the likelihood.
    """
    task = task_of(image, spacing, origin, unit, bright, camera, spot_sd, profile, tilted, reach)
    found = _peaks(task, plane, threshold)
    return spots_of(task, found, localise(task, found))


def _peaks(task: Task, plane: int | None, threshold: float | None) -> Peaks:
    signed = task.image if task.bright else -task.image
    most = useful_planes(signed.shape, task.lag)
    if plane is not None and (isinstance(plane, bool) or not isinstance(plane, int | np.integer) or not 1 <= plane <= most):
        raise InputError(f"plane is {plane!r}: give a whole number from 1 to {most}, the coarsest that fits into the image")
    if threshold is not None and not (isinstance(threshold, int | float) and 0 < threshold < math.inf):
        raise InputError(f"threshold is {threshold!r}: give a number of standard deviations above 0")
    candidates: Sequence[int] = range(1, most + 1)
    if plane is not None:
        candidates = [int(plane)]
    elif task.sd is not None:
        candidates = [fitting_plane(candidates, task.lag, float(task.sd.max()))]
    least = 0.0
    if task.variance is not None:
        least = math.sqrt(float(task.variance.at(np.array(np.median(task.image)))))
    found = peaks(signed, task.lag, candidates, threshold, least)
    return found if threshold is not None else _without_faint(found)


def _without_faint(found: Peaks) -> Peaks:
    """Only the brighter group where maxima fall into two groups that are clearly apart."""
    cut_at = faint_group(found.significance)
    if cut_at is None:
        return found
    keep = found.significance >= cut_at
    return Peaks(found.index[keep], found.significance[keep], found.plane, cut_at, found.sd)
