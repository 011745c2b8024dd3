"""What is claimed of the matching, as data: scenes, and bounds declared before the run.

Seeds come from the content of a cell, so adding one changes no other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..content import digest
from .scenes import Related, Unrelated

TITLE = "Matching of unknown pairs"
FALSE = 0.01  # share of unrelated sets that may be accepted, at most
COVERAGE = 0.02  # by which regions from found pairs may differ in coverage from those of the true pairs


@dataclass(frozen=True)
class Cell:
    """One scene under one model.

    Parameters
    ----------
    scene : Related or Unrelated
    model : str
        That is asked for.
    success, precision : float
        Declared lower bounds: share of cases with a true alignment accepted, share of right pairs; 0 claims nothing.
    """

    scene: Related | Unrelated
    model: str
    success: float = 0.0
    precision: float = 0.0

    @property
    def related(self) -> bool:
        """Whether there is something to find."""
        return hasattr(self.scene, "missing")

    @property
    def identity(self) -> str:
        """Unique name."""
        return digest(self)[:16]

    def generator(self, seed: int, replicate: int) -> np.random.Generator:
        """Random numbers of one replicate."""
        return np.random.default_rng(np.random.SeedSequence([seed, int(digest(self.scene)[:15], 16), replicate]))


@dataclass(frozen=True)
class MatchingStudy:
    """Cells and the number of cases of each."""

    cells: tuple[Cell, ...]
    replicates: int = 1000
    seed: int = 20261124


def study(quick: bool = False) -> MatchingStudy:
    """The declared study, or one of a few cases of each cell."""
    models = {"rigid": (12, 20, 40, 60), "similarity": (20, 40, 60), "affine": (40, 60)}
    found = [Cell(Related(d, n, 0.3, model), model, 0.95 if model == "affine" else 0.99, 0.98)
             for model, counts in models.items() for d in (2, 3) for n in counts]
    sparse = [Cell(Related(d, n, 0.6, model), model, 0.97) for model in ("rigid", "similarity") for d in (2, 3) for n in (40, 60)]
    hard = [Cell(Related(2, 8, 0.25, "rigid"), "rigid"), Cell(Related(2, 12, 0.3, "similarity"), "similarity"),
            Cell(Related(2, 40, 0.8, "rigid"), "rigid"), Cell(Related(2, 40, 0.3, "rigid", 6.0), "rigid"),
            Cell(Related(2, 60, 0.3, "rigid", 8.0), "rigid"), Cell(Related(2, 40, 0.6, "affine"), "affine"),
            Cell(Related(2, 24, 0.3, "similarity", 2.0, 0.35, 130), "similarity")]
    unrelated = [Cell(Unrelated(d, n, layout), model) for model in models for d in (2, 3) for n in (12, 30)
                 for layout in ("uniform", "clusters", "same clusters", "curve", "mirrored")]
    return MatchingStudy((*found, *sparse, *hard, *unrelated), 10 if quick else 1000)
