"""What is drawn and what is claimed of the chain, as data: images of the same beads, and margins declared beforehand.

Seeds come from the law of the images, so a cell that is added changes no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from regerr.detection import Camera
from simulations.images import Correlated, Electron, Field, Light

from ..content import digest

TITLE = "From two images to regions"
LEVEL, MARGIN = 0.95, 0.01  # coverage of held-out beads
SILENT = 0.005  # share of cases that may be wrong without a warning
SURE = 0.999  # level of the regions that a wrong answer leaves
LIGHT, ELECTRON = Camera(2.1, 100.0, 1.6), Camera(20.0, 200.0, 2.0)


@dataclass(frozen=True)
class Cell:
    """One law of image pairs.

    Parameters
    ----------
    title : str
        What is special about it.
    law : Correlated
    model : str
        That is asked for.
    held : int
        Beads that both images show and the registration never sees.
    cases : int
    claimed : bool
        Whether the declared margins are claimed.
    """

    title: str
    law: Correlated
    model: str = "rigid"
    held: int = 5
    cases: int = 1000
    claimed: bool = True

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return self.law.source_field.dimension

    @property
    def identity(self) -> str:
        """A readable unique name."""
        words = re.sub("[^a-z0-9]+", "-", f"{self.title} {self.model}".lower())
        return f"{words}-{digest(self)[:8]}"

    def generator(self, seed: int, case: int) -> np.random.Generator:
        """Random numbers of one case."""
        return np.random.default_rng(np.random.SeedSequence([seed, int(digest(self.law)[:15], 16)], spawn_key=(case,)))


@dataclass(frozen=True)
class ChainStudy:
    """Cells, and the root seed."""

    cells: tuple[Cell, ...]
    seed: int = 20261130

    def part(self, share: float) -> ChainStudy:
        """The same study with a share of all cases, at least two each."""
        return replace(self, cells=tuple(replace(c, cases=max(round(share * c.cases), 2)) for c in self.cells))


def study(quick: bool = False) -> ChainStudy:
    """The declared study, or few cases of all cells."""
    light, dark = fluorescent(), Electron(0.1, contrast=0.1, length=0.15, edge=0.015, dose=60.0, camera=ELECTRON)
    flat = (Field((256, 256), 0.1, "µm"), Field((512, 512), 0.04, "µm"))
    typical = Correlated(20, light, dark, *flat, 1.0, 3, 3, 0.03, 1.2)
    deep = replace(typical, source=replace(fluorescent(3.0), spot_sd=(0.13, 0.13, 0.35)),
                   target=replace(dark, radius=0.15), source_field=Field((24, 112, 112), (0.1, 0.1, 0.25), "µm"),
                   target_field=Field((64, 192, 192), (0.05, 0.05, 0.07), "µm"), apart=1.0)
    other = replace(typical, target=fluorescent(), target_field=flat[0], shift=0.02)
    cells = (
        Cell("typical", typical),
        Cell("few beads", replace(typical, n=12, only_source=2, only_target=2), held=4),
        Cell("faint beads", replace(typical, source=fluorescent(photons=(250.0, 1000.0)))),
        Cell("unlike beads", replace(typical, source=fluorescent(photons=(200.0, 20000.0)))),
        Cell("unknown scale", replace(typical, scale=1.3, target_field=Field((512, 512), 0.052, "µm")), "similarity"),
        Cell("half without partner", replace(typical, n=22, only_source=18, only_target=18, apart=0.8)),
        Cell("structured", replace(typical, n=25, source=fluorescent(contrast=0.3), target=replace(dark, contrast=0.2))),
        Cell("two channels", other),
        Cell("two channels", other, "affine"),
        Cell("volume", deep, cases=200),
    )
    whole = ChainStudy(cells)
    return whole.part(0.004) if quick else whole


def fluorescent(background: float = 10.0, photons: tuple[float, float] = (1700.0, 5200.0), contrast: float = 0.1) -> Light:
    """A light microscope with a spot of 0.13 µm."""
    return Light(photons, 0.13, background, contrast, 1.5, LIGHT)
