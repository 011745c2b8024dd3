"""The study of detection as data: which beads, which image, which detectors.

Margins were declared beforehand: from 400 photons up precision within 5 % of the Cramer-Rao bound, 10 % at 200; the covariance
that is told within 10 % of what is observed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from regerr.detection import Camera
from simulations.images import Beads, Electron, Field, Light

from ..content import digest

TITLE = "Beads in images: precision, recall, false spots"
CALIBRATION = 0.10
FEW = 200.0  # photons up to which the margin of precision is the wider one
PRECISION = {"few": 0.10, "many": 0.05}
CAMERA = Camera(2.0, 100.0, 1.5)
QUIET = Camera(2.0, 100.0, 0.0)


@dataclass(frozen=True)
class Cell:
    """One law of images.

    Parameters
    ----------
    block : str
        What it is part of: "precision", "recall", ...
    beads : Beads
    images : int
    told_camera : bool
        Whether `detect` is told the camera.
    rivals : bool
        Whether other detectors see the same images.
    """

    block: str
    beads: Beads
    images: int = 40
    told_camera: bool = True
    rivals: bool = False

    @cached_property
    def content(self) -> str:
        """Digest of what is drawn."""
        return digest(self.beads)

    @property
    def light(self) -> Light | None:
        """The light microscope, if it is one."""
        return self.beads.modality if isinstance(self.beads.modality, Light) else None

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return self.beads.field.dimension

    @property
    def identity(self) -> str:
        """A readable unique name."""
        light = self.light
        what = "disc" if light is None else f"{light.photons}-b{light.background:g}-s{light.contrast:g}"
        words = f"{self.block}-{self.dimension}D-{what}-{'told' if self.told_camera else 'untold'}"
        return f"{re.sub('[^A-Za-z0-9.]+', '-', words)}-{digest(self.beads, self.told_camera)[:8]}"

    @property
    def margin(self) -> float:
        """Of precision."""
        photons = self.light.photons if self.light is not None else np.inf
        return PRECISION["few" if isinstance(photons, float) and photons <= FEW else "many"]

    def generator(self, seed: int, image: int) -> np.random.Generator:
        """The random generator of one image."""
        return np.random.default_rng(np.random.SeedSequence([seed, int(self.content, 16)], spawn_key=(image,)))


@dataclass(frozen=True)
class DetectionStudy:
    """Cells, and the root seed."""

    cells: tuple[Cell, ...]
    seed: int = 2021

    def part(self, share: float) -> DetectionStudy:
        """The same study with a share of all images, at least two each."""
        return replace(self, cells=tuple(replace(c, images=max(round(share * c.images), 2)) for c in self.cells))


def study(quick: bool = False) -> DetectionStudy:
    """The whole study, or few images of all cells."""
    whole = DetectionStudy(tuple(cells()))
    return whole.part(0.05) if quick else whole


def cells() -> Iterator[Cell]:
    """All cells."""
    yield from precision()
    yield from recall()


def precision() -> Iterator[Cell]:
    """Isolated beads on a flat background."""
    for photons in (200.0, 400.0, 1000.0, 10_000.0):
        for background, camera in ((10.0, CAMERA), (1.0, QUIET)):
            light = Light(photons, 1.3, background, camera=camera)
            yield Cell("precision", Beads(150, light, Field((512, 512)), 16.0, False))
        deep = Light(photons, (1.3, 1.3, 2.0), 2.0, camera=CAMERA)
        yield Cell("precision", Beads(60, deep, Field((40, 160, 160)), 16.0, False))
    for photons in (400.0, 10_000.0):
        yield Cell("no camera", Beads(150, Light(photons, 1.3, 10.0, camera=CAMERA), Field((512, 512)), 16.0), told_camera=False)
    yield Cell("discs", Beads(60, Electron(contrast=0.0, spread=0.0), Field((400, 400)), 24.0))
    yield Cell("discs", Beads(30, Electron(contrast=0.0, spread=0.0), Field((64, 128, 128)), 24.0), 20)


def recall() -> Iterator[Cell]:
    """Beads of unequal brightness, some close together, on backgrounds with structure."""
    for photons in ((150.0, 600.0), (500.0, 5000.0)):
        for contrast in (0.0, 0.3):
            light = Light(photons, 1.3, 10.0, contrast, camera=CAMERA)
            yield Cell("recall", Beads(100, light, Field((256, 256)), 6.0), 20, rivals=True)
    yield Cell("recall", Beads(0, Light(1000.0, 1.3, 10.0, camera=CAMERA), Field((256, 256))), 40, rivals=True)
    yield Cell("recall", Beads(0, Light(1000.0, 1.3, 10.0, 0.3, camera=CAMERA), Field((256, 256))), 40, rivals=True)
