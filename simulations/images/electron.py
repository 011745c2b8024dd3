"""Beads in an electron micrograph: dark discs (balls in a volume) with soft edges, on a specimen that has structure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from regerr.detection import Camera
from regerr.detection.profiles import Disc
from regerr.errors import InputError

from .._checks import check_not_negative, check_positive
from .drawing import draw, structure
from .scene import Field

_FAR = 6.0  # times the softness of an edge


@dataclass(frozen=True)
class Electron:
    """An electron microscope.

    Parameters
    ----------
    radius : float
        Of a bead, in the unit of the field.
    spread : float
        S.d. of the logarithm of the radius.
    depth : float
        Share of the dose that a bead takes away, above 0 and at most 1.
    dose : float
        Electrons per voxel.
    edge : float
        S.d. of the blur of an edge, in the unit of the field.
    contrast, length : float
        S.d. of the logarithm of the specimen, and over what length it varies, in the unit of the field.
    camera : Camera
        ``gain`` counts per electron.
    """

    radius: float = 4.0
    spread: float = 0.03
    depth: float = 0.7
    dose: float = 60.0
    edge: float = 0.7
    contrast: float = 0.15
    length: float = 6.0
    camera: Camera = field(default_factory=lambda: Camera(20.0, 200.0, 2.0))

    def __post_init__(self) -> None:
        for name in ("radius", "dose", "edge", "length"):
            check_positive(name, getattr(self, name))
        for name in ("spread", "contrast"):
            check_not_negative(name, getattr(self, name))
        if not 0.0 < check_positive("depth", self.depth) <= 1.0:
            raise InputError(f"depth is {self.depth:g}: give a number above 0 and at most 1")

    @property
    def reach(self) -> float:
        return 2.0 * self.radius

    def expected(self, rng: np.random.Generator, points: np.ndarray, field: Field) -> tuple[np.ndarray, np.ndarray]:
        steps = field.steps[::-1]
        image = self.dose * structure(rng, field.shape, self.length / steps, self.contrast)
        radius = self.radius * np.exp(self.spread * rng.standard_normal(len(points)))
        share = np.zeros(field.shape)
        longest = float(radius.max(initial=self.radius)) + _FAR * self.edge
        sizes = np.stack([radius, np.full(len(points), self.edge)], 1)
        half = [math.ceil(longest / s) for s in steps]
        draw(share, Disc(tuple(steps)), points[:, ::-1] / steps, np.ones(len(points)), sizes, half)
        image *= 1.0 - self.depth * np.minimum(share, 1.0)
        return image, np.full(len(points), -self.depth * self.dose)
