"""The study of tests of deformation as data: which scenes, which null and wider model, which tests.

Each cell is one line of what it shows; its seed comes from its content, so adding a cell changes no other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from regerr.noise import Noise, parse_noise

from ..content import digest
from .noises import Gaussian, Growing, Law, Partners, Student, Unequal
from .scenes import BRAIN, GATHERED, Raters, Scene

TITLE = "Tests of deformation: how often they reject"
MARGIN = 0.01  # declared: a test of nominal 5 % holds if it rejects 4 to 6 % of true nulls
LEVELS = (0.01, 0.05, 0.1)
WILD = {2: 6, 3: 10}  # landmarks from which on the wild tests are tried, in 2D and 3D
FEW = 12  # landmarks of a cell of the quick study, at most
SLOW = 2_000  # datasets of tests that fit thousands of models for each one
FREE = Noise(1.0, "full")  # any covariance, in both spaces


@dataclass(frozen=True)
class Asked:
    """One test as it is asked for.

    Parameters
    ----------
    test : str
    noise : str or Noise
    groups : bool
        Whether it is told the groups of the scene: landmarks 1 and 2, 3 and 4, ...
    averaged : bool
        Whether it sees only the mean placements over raters.
    limit : int, optional
        Datasets at most.
    """

    test: str
    noise: str | Noise = "both"
    groups: bool = False
    averaged: bool = False
    limit: int | None = None

    @property
    def name(self) -> str:
        """Unique within a cell."""
        assumed = "" if self.noise == "both" else f", {self.place}"
        return f"{self.test}{assumed}{', groups' if self.groups else ''}{', mean points' if self.averaged else ''}"

    @property
    def place(self) -> str:
        """The noise that it assumes, in a word or two."""
        noise = parse_noise(self.noise)
        where = {0.0: "target", math.inf: "source"}.get(noise.ratio, "both")
        known = "" if noise.scale is None else ", known scale"
        ratio = f" {noise.ratio:g}" if where == "both" and noise.ratio != 1.0 else ""
        return f"{where}{ratio}, any covariance" if noise.shape == "full" else f"{where}{ratio}{known}"


@dataclass(frozen=True)
class Cell:
    """One scene, two models, and the tests that are tried on them.

    Parameters
    ----------
    block : str
        What it is part of: "few pairs", "noise", "power", ...
    scene : Scene
    tests : tuple of Asked
    simpler, wider : str
    """

    block: str
    scene: Scene
    tests: tuple[Asked, ...]
    simpler: str = "rigid"
    wider: str = "affine"

    @cached_property
    def content(self) -> str:
        """Digest of what is drawn."""
        return digest(self.scene)

    @property
    def identity(self) -> str:
        """A readable unique name."""
        s = self.scene
        words = f"{self.block}-{s.dimension}D-n{s.n}-{s.law.word}-{self.simpler}-{self.wider}-stretch{100 * s.stretch:g}"
        return f"{re.sub('[^A-Za-z0-9.]+', '-', words)}-{digest(self.scene, self.tests)[:8]}"

    def generator(self, seed: int, chunk: int) -> np.random.Generator:
        """The random generator of a chunk of datasets."""
        return np.random.default_rng(np.random.SeedSequence([seed, int(self.content, 16)], spawn_key=(chunk,)))


@dataclass(frozen=True)
class DeformationStudy:
    """Cells and how often each is repeated.

    Parameters
    ----------
    cells : tuple of Cell
    replicates : int
        Datasets per cell.
    chunk : int
        Datasets at a time; part of the numbers, as each chunk has a random generator of its own.
    seed : int
    """

    cells: tuple[Cell, ...]
    replicates: int = 10_000
    chunk: int = 500
    seed: int = 2021
    levels: tuple[float, ...] = field(default=LEVELS)


def study(quick: bool = False) -> DeformationStudy:
    """The whole study, or few datasets of a part of it."""
    whole = DeformationStudy(tuple(cells()))
    return replace(whole, cells=tuple(_fewer(whole.cells)), replicates=200, chunk=100) if quick else whole


def cells() -> Iterator[Cell]:
    """All cells."""
    yield from few_pairs()
    yield from places()
    yield from laws()
    yield from relations()
    yield from power()


def few_pairs() -> Iterator[Cell]:
    """A true rigid motion and few pairs: which tests keep their level at all."""
    for d, counts in ((2, (4, 6, 10, 25)), (3, (5, 6, 10, 25))):
        for n in counts:
            free = n >= 2 * d + 1
            yield Cell("few pairs", Scene(GATHERED[d], n), (*_alike(n >= WILD[d]), *(_free() if free else ())))
    for n in (25, 100):  # attenuation: larger noise, and tests that put all of it into one space
        tests = (Asked("F"), Asked("F", "target"), Asked("bartlett", "full"), Asked("bartlett", FREE))
        yield Cell("attenuation", Scene(GATHERED[2], n, noise=3.0), tests)


def places() -> Iterator[Cell]:
    """The default test wherever the noise is, with every step of the ladder."""
    for simpler, wider in (("rigid", "similarity"), ("similarity", "affine"), ("rigid", "affine")):
        for noise, spaces in ((Noise(1.0), (1.0, 1.0)), (Noise(0.0), (0.0, 2.0)), (Noise(math.inf), (2.0, 0.0)),
                              (Noise(4.0), (2.0, 1.0)), (Noise(1.0, scale=math.sqrt(2.0)), (1.0, 1.0))):
            for d, n in ((2, 8), (3, 10)):
                yield Cell("places", Scene(GATHERED[d], n, spaces=spaces), (Asked("F", noise),), simpler, wider)


def laws() -> Iterator[Cell]:
    """Noise that is not what F takes it to be."""
    tests = (Asked("F"), Asked("wild"), Asked("wild-t"))
    law: Law
    for law in (Gaussian(), Student(), Unequal(), Growing()):
        for n in (6, 10, 25):
            yield Cell("laws", Scene(GATHERED[2], n, law=law), tests)
        for n in (12, 30):
            yield Cell("laws", Scene(BRAIN, n, law=law), tests)
            yield Cell("laws", Scene(BRAIN, n, law=law), tests, "similarity", "affine")


def relations() -> Iterator[Cell]:
    """Landmarks that are placed alike, and people with a bias of their own."""
    tests = (Asked("F"), Asked("wild"), Asked("wild", groups=True), Asked("wild-t", groups=True))
    for n in (14, 32):
        yield Cell("relations", Scene(BRAIN, n, law=Partners(), mirrored=True), tests)
    raters = (Asked("F", averaged=True), Asked("wild", averaged=True), Asked("raters"), Asked("raters-permuted"))
    for wider in ("similarity", "affine"):
        yield Cell("raters", Raters(BRAIN, 30), raters, "rigid", wider)
    for stretch in (0.03, 0.05):
        yield Cell("raters", Raters(BRAIN, 30, stretch), raters)


def power() -> Iterator[Cell]:
    """What the tests find: stretches of one axis."""
    law: Law
    for n in (4, 6, 10, 25):
        yield from _curve(Scene(GATHERED[2], n, side=512.0), (0.0025, 0.005, 0.01, 0.015, 0.02, 0.03), n >= WILD[2])
    for n in (5, 6, 10, 25):
        yield from _curve(Scene(GATHERED[3], n, side=512.0), (0.005, 0.01, 0.02, 0.03), n >= WILD[3])
    for law in (Gaussian(), Student()):
        for n in (12, 30):
            yield from _curve(Scene(BRAIN, n, law=law), (0.02, 0.03, 0.05, 0.08), True)


def _curve(scene: Scene, stretches: tuple[float, ...], wild: bool) -> Iterator[Cell]:
    free = scene.n >= 2 * scene.dimension + 1
    tests = (Asked("F"), *((Asked("wild"), Asked("wild-t")) if wild else ()), Asked("bartlett"),
             *((Asked("bartlett", FREE),) if free else ()))
    for stretch in (0.0, *stretches):
        yield Cell("power", replace(scene, stretch=stretch), tests)


def _alike(wild: bool) -> tuple[Asked, ...]:
    """Tests for noise that is alike in all directions."""
    return (Asked("F"), Asked("bootstrap", limit=SLOW), Asked("bartlett"), Asked("chi2"),
            *((Asked("wild"), Asked("wild-t")) if wild else ()))


def _free() -> tuple[Asked, ...]:
    """Tests that leave its covariance free."""
    return (Asked("F", FREE), Asked("bartlett", FREE), Asked("chi2", FREE), Asked("bartlett", "full"), Asked("chi2", "full"),
            Asked("iso/full", "target"))


def _fewer(whole: tuple[Cell, ...]) -> Iterator[Cell]:
    """The cells of the quick study: every block, few of its cells, and few simulated datasets."""
    for cell in whole:
        if cell.scene.n <= FEW or cell.block in ("relations", "raters"):
            yield replace(cell, tests=tuple(replace(test, limit=40) if test.limit else test for test in cell.tests))
