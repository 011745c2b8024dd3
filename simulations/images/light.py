"""Fluorescent beads: Gaussian spots integrated over voxels, on a background that may have structure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from regerr.detection import Camera
from regerr.detection.profiles import Gaussian

from .._checks import check_not_negative, check_positive, check_range, check_vector
from ..truths import log_uniform
from .drawing import draw, structure
from .scene import Field

_FAR = 6.0  # s.d. up to which a spot is drawn


@dataclass(frozen=True)
class Light:
    """A light microscope.

    Parameters
    ----------
    photons : float or (low, high)
        Of a bead; log-uniform between the two.
    spot_sd : float or one per axis
        S.d. of the spot along x, y[, z], in the unit of the field.
    background : float
        Photons per voxel.
    contrast, length : float
        S.d. of the logarithm of the background, and over what length it varies, in the unit of the field.
    camera : Camera
    """

    photons: float | tuple[float, float] = (1000.0, 10000.0)
    spot_sd: float | tuple[float, ...] = 1.3
    background: float = 10.0
    contrast: float = 0.0
    length: float = 15.0
    camera: Camera = field(default_factory=lambda: Camera(2.0, 100.0, 1.5))

    def __post_init__(self) -> None:
        check_range("photons", self._range, above=0.0)
        for value in np.atleast_1d(self.spot_sd):
            check_positive("spot_sd", value)
        check_not_negative("background", self.background)
        check_not_negative("contrast", self.contrast)
        check_positive("length", self.length)

    @property
    def _range(self) -> tuple[float, float]:
        return self.photons if isinstance(self.photons, tuple) else (self.photons, self.photons)

    @property
    def reach(self) -> float:
        return 4.0 * float(np.max(self.spot_sd))

    def expected(self, rng: np.random.Generator, points: np.ndarray, field: Field) -> tuple[np.ndarray, np.ndarray]:
        amounts = log_uniform(rng, *self._range, (len(points),))
        steps = field.steps[::-1]
        sd = np.broadcast_to(np.array(check_vector("spot_sd", self.spot_sd, field.dimension)), (field.dimension,))[::-1]
        image = self.background * structure(rng, field.shape, self.length / steps, self.contrast)
        profile = Gaussian(tuple(steps), tuple(range(field.dimension)))
        half = [math.ceil(_FAR * s) + 1 for s in sd / steps]
        draw(image, profile, points[:, ::-1] / steps, amounts, np.broadcast_to(sd, (len(points), len(sd))), half)
        return image, amounts
