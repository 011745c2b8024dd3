"""Why a region is unbounded, in which direction, and which new fiducial would close it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..regions import Region
from .additions import with_one_more
from .extents import reach

if TYPE_CHECKING:
    from ..results import RegistrationResult
    from .forecasts import Forecast

_DIRECTIONS = 720
_FAR = 1e7  # distance at which directions are tried, in sizes of the layout and the prediction's distance
_STEPS = 2.0 ** np.arange(-4, 11)  # distances of a new fiducial that are tried, in r.m.s. spreads of the layout


@dataclass(frozen=True, eq=False)
class Opening:
    """What leaves a region unbounded.

    Attributes
    ----------
    direction : (d,)
        Unit vector of the target along which the region has no end.
    thin : (d,)
        Unit vector of the source along which the fiducials spread least.
    spread : float
        R.m.s. spread of the fiducials along ``thin``, source units.
    closing : (d,) or None
        Where, or from where on, a new fiducial would bound the region, source units; None when none along ``thin`` was found.
    """

    direction: np.ndarray
    thin: np.ndarray
    spread: float
    closing: np.ndarray | None


def opening(result: RegistrationResult, found: Sequence[Forecast]) -> Opening | None:
    """Look at the unbounded region, of one dataset, whose target is farthest from the fiducials; None when all are bounded."""
    unbounded = [(reach(result.pairs.source, one.prediction.targets[i:i + 1])[0], one, i)
                 for one in found for i in np.flatnonzero(~one.bounded)]
    if not unbounded:
        return None
    _, one, i = max(unbounded, key=lambda candidate: candidate[0])
    region = one.region.at(int(i))
    values, axes = np.linalg.eigh(np.cov(result.pairs.source, rowvar=False, bias=True))
    return Opening(_open_direction(region), axes[:, 0], float(np.sqrt(max(values[0], 0.0))), _closing(result, region, axes[:, 0]))


def _open_direction(region: Region) -> np.ndarray:
    """The middle axis of all directions in which points at a great distance are still inside."""
    mean = region.prediction.mean
    directions = _sphere(mean.shape[-1])
    y = region.prediction.fit.y_mean
    size = _FAR * (np.linalg.norm(mean - y) + np.sqrt(np.trace(np.atleast_2d(region.prediction.fit.noise_covariance)))) + _FAR
    inside = region.contains(mean + size * directions[:, None, :])[:, 0]
    chosen = directions[inside] if inside.any() else directions
    return np.asarray(np.linalg.eigh(chosen.T @ chosen)[1][:, -1])


def _sphere(d: int) -> np.ndarray:
    """Directions spread evenly over half a circle or a sphere."""
    k = np.arange(_DIRECTIONS) + 0.5
    if d == 2:
        angle = np.pi * k / _DIRECTIONS
        return np.stack([np.cos(angle), np.sin(angle)], -1)
    height, angle = 1.0 - 2.0 * k / _DIRECTIONS, np.pi * (1.0 + 5.0**0.5) * k
    ring = np.sqrt(1.0 - height**2)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), height], -1)


def _closing(result: RegistrationResult, region: Region, thin: np.ndarray) -> np.ndarray | None:
    """The nearest new fiducial along the thin direction, on the side of the target, that bounds the region if it fits."""
    x, target = result.pairs.source, region.prediction.targets
    centre = x.mean(0)
    side = 1.0 if (target[0] - centre) @ thin >= 0 else -1.0
    new = centre + side * np.sqrt(((x - centre) ** 2).sum(-1).mean()) * _STEPS[:, None] * thin
    refitted = with_one_more(result, new)
    closed = refitted.predict(target, region.prediction.kind).region(region.level, region.method).bounded[:, 0]
    closed = closed & (refitted.failure == 0)
    return new[np.argmax(closed)] if closed.any() else None
