"""Random numbers of tests: a seed, a SeedSequence or a Generator, and one stream for each dataset of a batch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import InputError

DEFAULT_SEED = 2021
Seed = int | np.random.SeedSequence | np.random.Generator


def generator_of(seed: Seed) -> np.random.Generator:
    """A Generator; one that is given is used as it is, and a SeedSequence is left as it was."""
    if isinstance(seed, np.random.SeedSequence):
        seed = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    return np.random.default_rng(seed)


def streams(seed: Seed, batch: tuple[int, ...]) -> list[np.random.Generator]:
    """One Generator for each dataset: for a single one that of the seed, for a batch the children of the seed in turn."""
    first = generator_of(seed)
    return [first] if not batch else first.spawn(math.prod(batch))


def checked_seed(seed: Any) -> Seed | None:
    """A seed, or None for the test's own; an InputError for anything else."""
    if seed is None:
        return None
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0
    if whole or isinstance(seed, np.random.SeedSequence | np.random.Generator):
        return int(seed) if whole else seed
    raise InputError(f"the seed is {seed!r}: give a whole number from 0, a numpy SeedSequence or a numpy Generator")


def checked_draws(draws: Any) -> int | None:
    """A number of random draws, or None for the test's own; an InputError for anything else."""
    if draws is None:
        return None
    if not (isinstance(draws, int | np.integer) and not isinstance(draws, bool) and draws >= 19):
        raise InputError(f"draws is {draws!r}: give a whole number of at least 19, so that a p-value can reach 5 %")
    return int(draws)


def seed_words(seed: Seed) -> str:
    """How to draw the same numbers again."""
    if isinstance(seed, np.random.Generator):
        return "from the generator given"
    return f"seed {seed.entropy if isinstance(seed, np.random.SeedSequence) else seed}"
