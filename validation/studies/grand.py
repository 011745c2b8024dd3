"""Which method may be trusted where: every estimator against every way in which reality differs from what it assumes.

Scenarios stand in blocks, each a grid of its own: the right model from the fewest fiducials up, on layouts from typical to poor
and noise from 1 % to 30 % of the fiducials' spread; noise in one space; a wrong ratio of the two noises; noise that differs
between directions, or from bead to bead; heavy tails; a mismatch; a wrong model. In the first two our default assumes what is
true.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from regerr.noise import Noise
from simulations import (
    Affine,
    Displaced,
    Experiment,
    Gathered,
    HeavyTailed,
    Mismatched,
    PhotonNoise,
    Photons,
    Poorest,
    Rigid,
    Similarity,
    Uniform,
)
from simulations.layouts import FIELD, GATHERED_SD
from simulations.protocols import Contamination, NoiseLaw, Truth

from ..catalogue import Catalogue
from ..protocol import KINDS
from ..study import Label, Limits, Margins, Scenario, Study

NAME = "grand"
TITLE = "Which method may be trusted where: every estimator, every scenario"
BLOCKS = ("right model", "one space", "wrong ratio", "anisotropic", "photons", "heavy tails", "mismatch", "wrong model")
RIGHT = BLOCKS[:2]  # where our default assumes what is true
FAMILIES = ("rigid", "similarity", "affine")
DEFAULTS = tuple(Catalogue(family).default for family in FAMILIES)
REPLICATES, QUICK = 10_000, 0.006  # and the share of them in the quick study
LEVELS = (0.5, 0.9, 0.95, 0.99)
MARGINS = Margins({0.5: 0.02, 0.9: 0.01, 0.95: 0.007, 0.99: 0.004}, worst=10 / 7)
LAYOUTS = {"typical": 50.0, "90 % poorest": 90.0, "99 % poorest": 99.0}
NOISES = (0.01, 0.1, 0.3)  # s.d. per coordinate in each space, of the fiducials' spread
TARGETS = 8
REACH = {2: 512.0, 3: 150.0}  # targets lie within so many pixels of the centre along each axis
# Replicates on which implicit regions are measured; none of the bent ones of few fiducials in 3D, whose volumes cost seconds.
MEASURED = {2: 100, 3: 10}  # those of score and likelihood ratio
ROUGHLY = {2: 10, 3: 1}  # those of all others
SLOW = 500  # replicates on which slow estimators are run
GAUGED = {2: 4, 3: 0}  # those on which they are measured: one region takes up to a second

COUNTS = {
    ("rigid", 2): {"fewest": (2,), "few": (3, 4, 6), "10": (10,), "25 and more": (25,)},
    ("rigid", 3): {"fewest": (3,), "few": (4, 6), "10": (10,), "25 and more": (25,)},
    ("similarity", 2): {"fewest": (3,), "few": (4, 6), "10": (10,), "25 and more": (25,)},
    ("similarity", 3): {"fewest": (3,), "few": (4, 6), "10": (10,), "25 and more": (25,)},
    ("affine", 2): {"fewest": (4,), "few": (5, 6), "10": (10,), "25 and more": (25, 100)},
    ("affine", 3): {"fewest": (5,), "few": (6, 8), "10": (10,), "25 and more": (25, 100)},
}
FEW_MANY = {"rigid": (4, 25), "similarity": (4, 25), "affine": (8, 25)}
_ALIKE = ("source alone", "assumed / 4", "off by 10 s.d.", "two swapped")  # what the quick study leaves out
SOME_MANY = dict.fromkeys(FAMILIES, (10, 25))


@dataclass(frozen=True)
class Cell:
    """One scenario in few words; what is not said is typical and right.

    Parameters
    ----------
    block, case, family : str
    dimension, n : int
    noise : float
        S.d. per coordinate of the two spaces' mean noise, over the spread of the fiducials.
    layout : str
    law : NoiseLaw, optional
        Instead of that noise, both spaces alike.
    target_noise : NoiseLaw, optional
    truth : Truth, optional
        A rigid motion otherwise, which every family holds.
    truth_family : str
    assumed : str
        What ours assume of the noise.
    contamination : Contamination, optional
    told : Noise, optional
        Covariances that some estimators are told.
    given : bool
        Whether pairs and targets carry their covariances.
    """

    block: str
    case: str
    family: str
    dimension: int
    n: int
    noise: float
    layout: str = "typical"
    law: NoiseLaw | None = None
    target_noise: NoiseLaw | None = None
    truth: Truth | None = None
    truth_family: str = "rigid"
    assumed: str = "both"
    contamination: Contamination | None = None
    told: Noise | None = None
    given: bool = False

    def scenario(self, quick: bool) -> Scenario:
        """The scenario, with all estimators of the family."""
        d, reach = self.dimension, REACH[self.dimension]
        experiment = Experiment(
            Poorest(Gathered(self.n, d), LAYOUTS[self.layout]),
            Uniform(TARGETS, d, low=FIELD / 2 - reach, high=FIELD / 2 + reach), self.truth or Rigid(d),
            self.law or noise_of(self.noise), self.contamination, target_noise=self.target_noise, scene_seed=2026,
            given_covariances=self.given)
        labels: dict[str, Label] = {"block": self.block, "case": self.case, "family": self.family, "dimension": d,
                                    "layout": self.layout, "n": self.n, "noise": self.noise}
        catalogue = Catalogue(self.family, self.assumed, self.told)
        quickly, slowly = catalogue.quick(), catalogue.slow()
        ours = {e.name for e in catalogue.ours()}
        bent = d == 3 and (self.n == 3 or (self.n < 10 and self.noise > 0.2))
        measured, roughly, gauged = (0, 0, 0) if bent else (MEASURED[d], ROUGHLY[d], GAUGED[d])
        limits = {e.name: Limits(SLOW, 0 if quick else gauged) for e in slowly}
        limits |= {e.name: Limits(REPLICATES, roughly) for e in quickly if e.name not in ours}
        return Scenario(labels, experiment, (*quickly, *slowly), KINDS, LEVELS, ("tre", "observation"),
                        measured=measured, truth=self.truth_family, limits=limits)


def study(quick: bool = False) -> Study:
    """All blocks with 10,000 replicates, or one small scenario of each family and block with few."""
    cells = [cell for block in (right_model, one_space, wrong_ratio, anisotropic, photons, heavy_tails, mismatch, wrong_model)
             for cell in block()]
    cells = _few(cells) if quick else cells
    scenarios = tuple(cell.scenario(quick) for cell in cells)
    whole = Study(NAME, TITLE, scenarios, REPLICATES, chunk=2_500, seed=2026, margins=MARGINS, rows=("family",))
    return whole.part(QUICK) if quick else whole


def _few(cells: Iterable[Cell]) -> list[Cell]:
    """One small scenario in the plane for each family and case, and those that make the difference in the right model."""
    first: dict[tuple[object, ...], Cell] = {}
    for c in (c for c in cells if c.dimension == 2 and c.case not in _ALIKE):
        telling = c.family == "affine" and (c.layout, c.noise, c.n) in (("99 % poorest", 0.1, 5), ("typical", 0.3, 100))
        if telling or (c.layout == "typical" and (c.block != BLOCKS[0] or c.noise == 0.1)):
            first.setdefault((c.block, c.case, c.family, telling), c)
    return list(first.values())


def right_model() -> Iterator[Cell]:
    """From the fewest fiducials up, on layouts from typical to poor, noise from slight to extreme."""
    for (family, d), sizes in COUNTS.items():
        for (case, counts), layout, noise in product(sizes.items(), LAYOUTS, NOISES):
            yield from (Cell("right model", case, family, d, n, noise, layout) for n in counts)


def one_space() -> Iterator[Cell]:
    """Noise in one space, and ours told so."""
    for family, d, n in _grid(FEW_MANY):
        for space in ("target", "source"):
            variance = 2.0 * variance_of(0.1)
            law = Noise(target_covariance=variance) if space == "target" else Noise(source_covariance=variance)
            yield Cell("one space", f"{space} alone", family, d, n, 0.1, law=law, assumed=space)


def wrong_ratio() -> Iterator[Cell]:
    """The ratio of the noises is a quarter or four times of what ours assume."""
    for family, d, n in _grid(FEW_MANY):
        for case, ratio in (("assumed x 4", 0.25), ("assumed / 4", 4.0)):
            source, target = (2.0 * variance_of(0.1) * share for share in (ratio / (1.0 + ratio), 1.0 / (1.0 + ratio)))
            yield Cell("wrong ratio", case, family, d, n, 0.1, law=Noise(source_covariance=source, target_covariance=target))


def anisotropic() -> Iterator[Cell]:
    """S.d. three times as large along the last axis of either image; and axes of the transformation in a ratio of four."""
    for family, d, n in _grid(FEW_MANY):
        covariance = variance_of(0.05) * np.diag([1.0] * (d - 1) + [9.0])
        law = Noise(source_covariance=covariance, target_covariance=covariance)
        yield Cell("anisotropic", "s.d. 3 : 1", family, d, n, 0.05, law=law, told=law)
    for d, n in product((2, 3), FEW_MANY["affine"]):
        yield Cell("anisotropic", "axes 4 : 1", "affine", d, n, 0.05, truth=Affine(d, stretch=4.0), truth_family="affine")


def photons() -> Iterator[Cell]:
    """Photons log-uniform from 100 to 10,000 per bead and channel: s.d. from 0.6 to 6 px (theory, section 12)."""
    channel = Photons(100, 10_000, spot_sd=60.0)
    beads = PhotonNoise(channel, channel)
    for family, d, n in _grid(FEW_MANY):
        rng = np.random.default_rng(2026)
        law, located = beads.settle(rng, (n, d)), beads.settle(rng, (TARGETS, d))
        yield Cell("photons", "100 to 10,000", family, d, n, 0.12, law=law, target_noise=located, given=True,
                   told=Noise(shape="given"))


def heavy_tails() -> Iterator[Cell]:
    """Student's t with 3 degrees of freedom, for fiducials and targets."""
    for family, d, n in _grid(SOME_MANY):
        yield Cell("heavy tails", "t3", family, d, n, 0.05, law=HeavyTailed(noise_of(0.05), 3.0))


def mismatch() -> Iterator[Cell]:
    """One fiducial is off by 10 or 50 s.d., or two have their partners swapped."""
    sd = float(np.sqrt(variance_of(0.05)))
    wrongs: dict[str, Contamination] = {"off by 10 s.d.": Displaced(10 * sd), "off by 50 s.d.": Displaced(50 * sd),
                                        "two swapped": Mismatched(2)}
    for (family, d, n), (case, wrong) in product(list(_grid(SOME_MANY)), wrongs.items()):
        yield Cell("mismatch", case, family, d, n, 0.05, contamination=wrong)


def wrong_model() -> Iterator[Cell]:
    """The truth has a scale of 1.02, or a stretch of 1.02, that the model lacks."""
    for d, n in product((2, 3), SOME_MANY["rigid"]):
        scaled, stretched = Similarity(d, scale=(1.02, 1.02)), Affine(d, stretch=1.02)
        yield Cell("wrong model", "scale 1.02", "rigid", d, n, 0.05, truth=scaled, truth_family="similarity")
        for family in ("rigid", "similarity"):
            yield Cell("wrong model", "stretch 1.02", family, d, n, 0.05, truth=stretched, truth_family="affine")


def variance_of(noise: float) -> float:
    """Variance per coordinate of noise that is told as a share of the fiducials' spread, px^2."""
    return (noise * GATHERED_SD) ** 2


def noise_of(noise: float) -> Noise:
    """That noise in both spaces."""
    return Noise(source_covariance=variance_of(noise), target_covariance=variance_of(noise))


def _grid(counts: Mapping[str, tuple[int, ...]]) -> Iterator[tuple[str, int, int]]:
    """Family, dimension and number of fiducials."""
    for family, d in product(FAMILIES, (2, 3)):
        yield from ((family, d, n) for n in counts[family])
