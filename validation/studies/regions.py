"""Regions against the number of fiducials and the noise: where the published ones fail and ours hold (theory, sections 5 and 10).

Every model in 2D and 3D, from its least number of fiducials up, noise up to a fifth of the fiducials' spread, in BOTH spaces; all
three questions, four levels. Layouts are random (a new one for each replicate, with new targets), or the one that 90 % or 99 % of
random ones are better spread than. The truth is a rigid motion, which every family holds, so each model is judged by itself.
"""

from __future__ import annotations

from itertools import product

from regerr.noise import Noise
from simulations import Experiment, Gathered, Poorest, Rigid, Uniform
from simulations.layouts import FIELD, GATHERED_SD

from ..estimators import Registration
from ..protocol import KINDS, Estimator
from ..study import Label, Margins, Scenario, Study

TITLE = "Regions against the number of fiducials and the noise"
LEVELS = (0.5, 0.9, 0.95, 0.99)
LAYOUTS = {"random": None, "90 % poorest": 90.0, "99 % poorest": 99.0}
NOISES = (0.02, 0.1, 0.2)
TARGETS = 5
# Replicates on which implicit regions are measured: a volume costs some 50 times as much as an area, and that of a bent region of
# three fiducials in 3D another 50 times.
MEASURED = {2: 100, 3: 10}
UNMEASURED = (3, 3)  # dimension, n
REACH = {2: 512.0, 3: 150.0}  # targets lie within so many pixels of the centre along each axis

COUNTS = {
    ("rigid", 2): (2, 3, 4, 6, 10, 25), ("rigid", 3): (3, 4, 6, 10, 25),
    ("similarity", 2): (3, 4, 6, 10, 25), ("similarity", 3): (3, 4, 6, 10, 25),
    ("affine", 2): (4, 5, 8, 25, 100, 400), ("affine", 3): (5, 6, 8, 25, 100),
}

ESTIMATORS: dict[str, tuple[Estimator, ...]] = {
    "rigid": (
        Registration("rigid", "both", "wald", "rigid-wald", "rigid, first order (published)"),
        Registration("rigid", "both", "likelihood-ratio", "rigid-likelihood-ratio", "rigid, likelihood ratio"),
        Registration("rigid", "both", "score", "rigid-score", "rigid, score"),
    ),
    "similarity": (
        Registration("similarity", "target", "wald", "similarity-regression", "similarity, regression (published)"),
        Registration("similarity", "both", "wald", "similarity-wald", "similarity, first order"),
        Registration("similarity", "both", "likelihood-ratio", "similarity-likelihood-ratio", "similarity, likelihood ratio"),
        Registration("similarity", "both", "score", "similarity-score", "similarity, score"),
    ),
    "affine": (
        Registration("affine", "target", "wald", "affine-regression", "affine, regression (published)"),
        Registration("affine", "both", "wald", "affine-wald", "affine, ellipse of the errors in variables"),
        Registration("affine", "both", "likelihood-ratio", "affine-likelihood-ratio", "affine, likelihood ratio"),
        Registration("affine", "both", "score", "affine-score", "affine, score"),
    ),
}


def study(quick: bool = False) -> Study:
    """All scenarios with 10,000 replicates, or a third of them with few."""
    layouts, noises = (("random", "90 % poorest"), (0.1,)) if quick else (tuple(LAYOUTS), NOISES)
    grid = [(model, dimension, n, noise, layout, 0 if (dimension, n) == UNMEASURED else 1 if quick else MEASURED[dimension])
            for (model, dimension), counts in COUNTS.items()
            for n, noise, layout in product(counts[:3] if quick else counts, noises, layouts)]
    size = {"replicates": 100, "chunk": 50} if quick else {"replicates": 10_000, "chunk": 2_500}
    return Study("regions", TITLE, tuple(_scenario(*cell) for cell in grid), **size,
                 margins=Margins({0.5: 0.02, 0.9: 0.01, 0.95: 0.007, 0.99: 0.004}), rows=("dimension", "family"))


def _scenario(model: str, dimension: int, n: int, noise: float, layout: str, measured: int) -> Scenario:
    gathered, percent = Gathered(n, dimension), LAYOUTS[layout]
    reach = REACH[dimension]
    variance = (noise * GATHERED_SD) ** 2
    experiment = Experiment(
        gathered if percent is None else Poorest(gathered, percent),
        Uniform(TARGETS, dimension, low=FIELD / 2 - reach, high=FIELD / 2 + reach),
        Rigid(dimension),
        Noise(source_covariance=variance, target_covariance=variance),
        scene_seed=2021, redraw=percent is None)
    labels: dict[str, Label] = {"dimension": dimension, "family": model, "layout": layout, "n": n, "noise": noise}
    return Scenario(labels, experiment, ESTIMATORS[model], KINDS, LEVELS, truth="rigid", measured=measured)
