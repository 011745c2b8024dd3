"""Matching on measured data, whose pairs are known but not told."""

from __future__ import annotations

import numpy as np
import pytest

import regerr
from regerr import datasets
from regerr.matching import Verdict, match


def pairs_of(shared_data, name: str, key: str | None = None):
    if not (shared_data / name).is_dir():
        pytest.skip(f"{name} is not in {shared_data}")
    found = datasets.load(name, shared_data).pairs
    return found[key or next(iter(found))]


def shuffled(pairs, seed: int = 1, kept: float = 0.85):
    """A part of the source, all of the target in another order, and which belong together."""
    rng = np.random.default_rng(seed)
    order, some = rng.permutation(pairs.n), np.sort(rng.permutation(pairs.n)[: int(kept * pairs.n)])
    return pairs.source[some], pairs.target[order], {int(i): int(np.flatnonzero(order == own)[0]) for i, own in enumerate(some)}


@pytest.mark.parametrize("model", ["rigid", "similarity", "affine"])
def test_beads_in_two_channels(shared_data, model):
    """92 beads; every pair found is right, and 95 % or more are found."""
    source, target, own = shuffled(pairs_of(shared_data, "pyf2f_beads"))
    found = match(source, target, model)
    assert found.accepted and all(own[i] == j for i, j in found.best.links)
    assert found.pairs.n >= 0.95 * len(source)
    assert np.isfinite(regerr.fit(found.pairs, model, "target").fle_rms)


@pytest.mark.parametrize("model", ["similarity", "affine"])
def test_landmarks_of_two_brains(shared_data, model):
    """Nonlinear differences of mm among landmarks: some are left out, and none is wrong."""
    source, target, own = shuffled(pairs_of(shared_data, "afids_templates"))
    found = match(source, target, model)
    assert found.accepted and found.pairs.n >= 0.5 * len(source)
    assert all(own[i] == j for i, j in found.best.links)


@pytest.mark.parametrize("seed", range(3))
def test_a_written_grid_is_refused(shared_data, seed):
    """A square of 100 spots fits itself in eight ways and more, and coordinates alone cannot tell which is right."""
    source, target, _ = shuffled(pairs_of(shared_data, "ebeam_grid_optical", "grid_10x10"), seed)
    found = match(source, target, "affine")
    assert found.verdict is Verdict.AMBIGUOUS and len(found.alternatives) >= 3


def test_landmarks_of_different_brains_in_different_sets_are_refused(shared_data):
    """Beads of one data set against histology of another: nothing in common."""
    beads = pairs_of(shared_data, "pyf2f_beads").source
    tissue = pairs_of(shared_data, "histology_two_annotators").target
    for model in ("similarity", "affine"):
        assert match(beads[:40], tissue[:60], model).verdict is Verdict.CHANCE
