"""What would help most: one more fiducial and where, more of them, or fiducials that are localised better.

A gain is told at the place where the registration is least sure of all that were asked. A new fiducial enters where the present
fit puts it, and with the noise that the present fit found: so its gain is that of the design, not of a lucky residual. Where
fiducials came with covariances it is localised as the one of median noise is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from ..reporting.additions import noise_level, typical, with_one_more

if TYPE_CHECKING:
    from ..reporting.forecasts import Forecast
    from ..results import RegistrationResult


@dataclass(frozen=True, eq=False)
class Gains:
    """How far the 95 % radius of the TRE would shrink, at the place where it is largest; lengths in target units.

    Attributes
    ----------
    name : str
        Of that place.
    before : float
        Present radius there.
    place : (d,)
        Where one more fiducial would help it most, among the corners, edges and faces of the box around fiducials and targets,
        source units.
    one : float
        Radius with that fiducial.
    doubled : float
        Radius with twice as many fiducials, spread like the present ones.
    like : str
        The fiducial that the new one is localised like; empty where all are alike.
    own : float
        Share of the variance of an observation, at that place, that is the target's own localisation, 0 to 1; NaN where the
        noise does not tell.
    """

    name: str
    before: float
    place: np.ndarray
    one: float
    doubled: float
    like: str
    own: float


def gains(result: RegistrationResult, asked: Forecast) -> Gains | None:
    """What would help the largest of some regions of the TRE; None where one is unbounded, or the pairs fit exactly.

    Parameters
    ----------
    result : RegistrationResult
        Of one dataset.
    asked : Forecast
        Its TRE at some places.
    """
    if not asked.bounded.all() or result.estimator.exact(result.fitted):
        return None
    worst = int(np.argmax(asked.radius))
    targets = asked.prediction.targets
    box = np.concatenate([result.pairs.source, targets])
    new = _box(box.min(0), box.max(0))
    factor = _factors(result, new, targets[worst])
    best = int(np.argmin(factor))
    before, k = float(asked.radius[worst]), typical(result)
    return Gains(asked.names[worst], before, new[best], before * min(float(factor[best]), 1.0), before / np.sqrt(2.0),
                 "" if k is None else result.pairs.names[k], _own_share(result, targets[worst]))


def _box(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Corners and the middles of edges and faces of a box, (k, d)."""
    steps = np.array([step for step in product((-1.0, 0.0, 1.0), repeat=len(low)) if any(step)])
    return 0.5 * (low + high) + 0.5 * (high - low) * steps


def _factors(result: RegistrationResult, new: np.ndarray, target: np.ndarray) -> np.ndarray:
    """R.m.s. TRE at a target with each of k new fiducials alone over that without, (k,); 1 where there is no fit."""
    refitted = with_one_more(result, new)
    with np.errstate(divide="ignore", invalid="ignore"):
        rms = refitted.predict(target[None], "tre").rms[:, 0] * (noise_level(result) / noise_level(refitted))
        factor = rms / result.predict(target[None], "tre").rms[0]
    return np.where((refitted.failure == 0) & np.isfinite(factor), factor, 1.0)


def _own_share(result: RegistrationResult, target: np.ndarray) -> float:
    """Share of an observation's variance that is not the registration's."""
    if "observation" not in result.estimator.kinds:
        return float("nan")
    tre, seen = (float(result.predict(target[None], kind).rms[0]) for kind in ("tre", "observation"))
    return 1.0 - (tre / seen) ** 2
