"""A study is data: scenarios, replicates, a chunk size, one root seed, and the margins of its verdicts.

The chunk size is part of the numbers: each chunk of replicates has a random generator of its own, a child of the scenario's seed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from regerr.errors import InputError
from simulations import Experiment, Observed

from .content import code_digest, digest
from .protocol import KINDS, Estimator

Label = str | int | float


@dataclass(frozen=True)
class Limits:
    """The first replicates that one estimator is run on, and those on which its volumes without a closed form are taken."""

    run: int
    measured: int


@dataclass(frozen=True)
class Scenario:
    """One cell of a study.

    Parameters
    ----------
    labels : mapping of text to text or number
        What tables call it, one column each; they hold the words "truth" and "n", say.
    experiment : Experiment
        What is true and how it is seen. Its content is the scenario's seed.
    estimators : tuple of Estimator
        They all see the same draws.
    kinds : tuple of str
        The questions asked about every target.
    levels : tuple of float
        Nominal levels.
    volume_kinds, volume_levels : tuples
        Those at which volumes are taken.
    measured : int
        Replicates, the first ones, on which volumes without a closed form are taken.
    truth : str
        Family of the true transformation, whose bound estimators without a family of their own are held against.
    limits : mapping of name to Limits
        Estimators that are run, or measured, on fewer replicates.
    """

    labels: Mapping[str, Label]
    experiment: Experiment
    estimators: tuple[Estimator, ...]
    kinds: tuple[str, ...] = ("observation",)
    levels: tuple[float, ...] = (0.95,)
    volume_kinds: tuple[str, ...] = ("observation",)
    volume_levels: tuple[float, ...] = (0.95,)
    measured: int = 100
    truth: str = "affine"
    limits: Mapping[str, Limits] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [e.name for e in self.estimators]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InputError(f"two estimators are named {', '.join(map(repr, repeated))}: give each a name of its own")
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown:
            raise InputError(f"kind {unknown[0]!r} is unknown: use {', '.join(KINDS)}")

    @cached_property
    def content(self) -> str:
        """Digest of what is drawn; estimators, kinds and levels do not enter."""
        return digest(self.experiment)

    @cached_property
    def identity(self) -> str:
        """A readable unique name."""
        words = "-".join(str(v) if isinstance(v, str) else f"{k}{v:g}" for k, v in self.labels.items())
        return f"{re.sub('[^A-Za-z0-9.]+', '-', words)}-{self.content[:8]}"


@dataclass(frozen=True)
class Margins:
    """How far from its nominal level a coverage may be and still count as covering, declared beforehand (Serlin 2000).

    Parameters
    ----------
    mean : mapping of level to margin
        For the mean over a scenario's targets.
    worst : float
        How many times as much for its worst target.
    """

    mean: Mapping[float, float] = field(default_factory=lambda: {0.95: 0.01})
    worst: float = 2.0

    def at(self, level: float) -> float:
        """Margin of the mean at a level; raises InputError when none was declared."""
        if level not in self.mean:
            raise InputError(f"no margin was declared for level {level:g}: add one to the study's margins")
        return self.mean[level]


@dataclass(frozen=True)
class Chunk:
    """Some replicates of one scenario: the unit of work.

    Attributes
    ----------
    scenario : Scenario
    index, count : int
        Which chunk of the scenario, and how many replicates it has.
    measured : int
        On how many of them, the first ones, volumes without a closed form are taken.
    seed : int
        Root seed of the study.
    start : int
        Number of the first one in its scenario.
    """

    scenario: Scenario
    index: int
    count: int
    measured: int
    seed: int
    start: int = 0

    @property
    def name(self) -> str:
        """File name without suffix."""
        return f"{self.scenario.identity}-{self.index:04d}"

    @cached_property
    def fingerprint(self) -> str:
        """Digest of all that its numbers depend on, the code included."""
        s = self.scenario
        asked = (s.estimators, s.kinds, s.levels, s.volume_kinds, s.volume_levels, s.truth, s.limits)
        counts = (self.index, self.count, self.measured, self.seed, self.start)
        return digest(s.content, *asked, *counts, code_digest())

    @property
    def generator(self) -> np.random.Generator:
        """The random generator of this chunk."""
        sequence = np.random.SeedSequence([self.seed, int(self.scenario.content, 16)], spawn_key=(self.index,))
        return np.random.default_rng(sequence)

    def limits(self, estimator: str) -> Limits:
        """On how many of its replicates, the first ones, an estimator is run, and on how many it is measured."""
        own = self.scenario.limits.get(estimator)
        if own is None:
            return Limits(self.count, self.measured)
        return Limits(*(min(max(limit - self.start, 0), self.count) for limit in (own.run, own.measured)))

    def draw(self) -> Observed:
        """All its datasets, batch shape (count,)."""
        return self.scenario.experiment.sample(self.generator, (self.count,))


@dataclass(frozen=True)
class Study:
    """A grid of scenarios and how often each is repeated.

    Parameters
    ----------
    name : str
        Also the name of its folder of results.
    title : str
    scenarios : tuple of Scenario
    replicates : int
        Datasets per scenario.
    chunk : int
        Datasets per chunk.
    seed : int
        Root seed.
    margins : Margins
    rows : tuple of str
        Labels by which the printed table groups scenarios.
    """

    name: str
    title: str
    scenarios: tuple[Scenario, ...]
    replicates: int = 10_000
    chunk: int = 1_000
    seed: int = 2021
    margins: Margins = field(default_factory=Margins)
    rows: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for what in ("replicates", "chunk"):
            if getattr(self, what) < 1:
                raise InputError(f"{what} is {getattr(self, what)}: give at least 1")
        names = [s.identity for s in self.scenarios]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(f"the study {self.name} has the scenario {twice} twice: keep one")

    def chunks(self) -> Iterator[Chunk]:
        """All chunks, scenario by scenario."""
        for scenario in self.scenarios:
            for index, start in enumerate(range(0, self.replicates, self.chunk)):
                count = min(self.chunk, self.replicates - start)
                measured = min(max(scenario.measured - start, 0), count)
                yield Chunk(scenario, index, count, measured, self.seed, start)

    def part(self, share: float) -> Study:
        """The same study with a share of all replicates, those measured and those of slow estimators too; at least one each."""
        if not 0 < share <= 1:
            raise InputError(f"the share of replicates is {share:g}: give a number above 0 and at most 1")

        def reduced(count: int) -> int:
            return max(round(share * count), min(count, 1))

        scenarios = tuple(replace(s, measured=reduced(s.measured), limits={
            name: Limits(reduced(own.run), reduced(own.measured)) for name, own in s.limits.items()}) for s in self.scenarios)
        return replace(self, scenarios=scenarios, replicates=reduced(self.replicates))

    def joined_by(self, *estimators: Estimator) -> Study:
        """The same study with more estimators in every scenario; nobody else's numbers change."""
        scenarios = tuple(replace(s, estimators=(*s.estimators, *estimators)) for s in self.scenarios)
        return replace(self, scenarios=scenarios)
