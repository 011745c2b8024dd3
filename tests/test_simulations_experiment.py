"""Experiments: what they deliver, reproducibly, with the stated moments, and at the price of their random numbers."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path

import numpy as np
import pytest

import regerr.noise
from regerr.errors import InputError
from regerr.noise import Noise
from regerr.pairs import FiducialPairs
from simulations import (
    Affine,
    Displaced,
    Experiment,
    Fixed,
    Gathered,
    Given,
    HeavyTailed,
    Identity,
    Mismatched,
    PhotonNoise,
    Photons,
    Poorest,
    Rigid,
    SmoothNonrigid,
    Uniform,
)

UNIT = Noise(source_covariance=1.0, target_covariance=1.0)
STUDY = Experiment(Gathered(25), Uniform(100, low=-256.0, high=768.0), Affine(2), UNIT)
SMALL = Gathered(5), Uniform(5), Rigid(2)
EXPERIMENTS = {
    "study": STUDY,
    "redraw": Experiment(Gathered(6, 3), Uniform(4, 3), Rigid(3), UNIT, redraw=True),
    "nonrigid": Experiment(Poorest(Gathered(5), 90, candidates=50), Uniform(4), SmoothNonrigid(Affine(2), 2.0, 50.0), UNIT),
    "nonrigid, redraw": Experiment(Gathered(5), Uniform(4), SmoothNonrigid(Affine(2), 2.0, 50.0), UNIT, redraw=True),
    "contaminated": Experiment(Gathered(6), Uniform(4), Rigid(2), HeavyTailed(UNIT, 3.0), Displaced(10.0)),
    "photons": Experiment(Gathered(6), Uniform(4), Rigid(2), PhotonNoise(None, Photons(100, 1000))),
}


def flat(observed):
    """Every array that was observed, with one batch axis."""
    arrays = observed.pairs.source, observed.pairs.target, observed.targets.source, observed.targets.target
    return [a.reshape(-1, *a.shape[-2:]) for a in arrays]


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_every_experiment_obeys_the_laws(experiment):
    """Shapes, same seed same numbers, the batch's shape does not matter, truth maps to truth, equal content is equal."""
    def draw(batch):
        return experiment.sample(np.random.default_rng(9), batch)

    n, m, d = experiment.layout.n, experiment.targets.n, experiment.layout.dimension
    one, six = draw(()), draw((6,))
    assert isinstance(one.pairs, FiducialPairs) and one.pairs.batch_shape == () and six.pairs.batch_shape == (6,)
    assert six.pairs.source.shape == six.pairs.target.shape == (6, n, d)
    assert six.targets.source.shape == six.targets.target.shape == (6, m, d)
    assert six.spoiled.shape == (6, n) and one.spoiled.shape == (n,)
    scene = (6,) if experiment.redraw else ()
    assert six.true_source.shape == six.true_target.shape == (*scene, n, d)
    assert six.targets.true_source.shape == six.targets.true_target.shape == (*scene, m, d)
    assert np.array_equal(six.true_transform.apply(six.true_source), six.true_target)
    assert np.array_equal(six.true_transform.apply(six.targets.true_source), six.targets.true_target)
    for same in (draw((6,)), draw((2, 3))):
        assert all(np.allclose(a, b, rtol=0, atol=1e-9) for a, b in zip(flat(six), flat(same), strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(flat(six), flat(draw((6,))), strict=True))


def test_the_scene_is_fixed_unless_redrawn():
    """The same scene for any generator and batch, another for another scene seed, all different when redrawn."""
    a, b = STUDY.sample(np.random.default_rng(0), (3,)), STUDY.sample(np.random.default_rng(1))
    assert np.array_equal(a.true_target, b.true_target) and np.array_equal(a.targets.true_source, b.targets.true_source)
    assert not np.array_equal(a.pairs.source[0], b.pairs.source)
    other = Experiment(STUDY.layout, STUDY.targets, STUDY.truth, STUDY.noise, scene_seed=1)
    assert not np.array_equal(other.scene.source, STUDY.scene.source)
    redrawn = EXPERIMENTS["redraw"].sample(np.random.default_rng(0), (3,))
    slopes = redrawn.true_transform.jacobian(np.zeros((1, 3)))
    assert len(np.unique(redrawn.true_source[:, 0, 0])) == len(np.unique(slopes[:, 0, 0, 0])) == 3


def test_noise_has_its_covariance_in_both_spaces_and_is_independent():
    """Second moments of all four deviations; shared noise between the four would be seen."""
    covariance = np.array([[2.0, 0.8], [0.8, 1.0]])
    experiment = Experiment(Fixed(((0.0, 0.0), (9.0, 4.0))), Fixed(((3.0, 3.0),)), Given(((2.0, 1.0), (0.0, 1.0))),
                            Noise(source_covariance=0.25, target_covariance=covariance))
    o = experiment.sample(np.random.default_rng(3), (30000,))
    deviations = np.concatenate([o.pairs.source - o.true_source, o.pairs.target - o.true_target,
                                 o.targets.source - o.targets.true_source, o.targets.target - o.targets.true_target], axis=-2)
    e = deviations.reshape(30000, -1)
    small, large = 0.25 * np.eye(2), covariance
    expected = np.zeros((12, 12))
    for i, block in enumerate((small, small, large, large, small, large)):
        expected[2 * i:2 * i + 2, 2 * i:2 * i + 2] = block
    variance = np.outer(np.diag(expected), np.diag(expected)) + expected**2
    score = (e.T @ e / 30000 - expected) / np.sqrt(variance / 30000)
    assert np.abs(score).max() < 4.5
    assert np.abs((e.T @ e / 30000 - 1.1 * expected) / np.sqrt(variance / 30000)).max() > 4.5
    assert np.abs(e.mean(0) / np.sqrt(np.diag(expected) / 30000)).max() < 4


def test_contamination_spoils_fiducials_only_and_says_which():
    """The squared deviation of spoiled fiducials is far above, of all others at, its expectation; targets are clean."""
    clean = Experiment(Gathered(8), Uniform(50), Identity(2), UNIT)
    spoilt = Experiment(Gathered(8), Uniform(50), Identity(2), UNIT, Displaced(100.0))
    o = spoilt.sample(np.random.default_rng(1), (4000,))
    squared = np.sum((o.pairs.target - o.true_target) ** 2, -1)
    assert (o.spoiled.sum(-1) == 1).all() and squared[o.spoiled].min() > 80**2
    good = squared[~o.spoiled]
    assert abs(good.mean() - 2.0) < 4 * 2 / math.sqrt(good.size)
    assert np.abs(o.targets.target - o.targets.true_target).max() < 7
    assert not clean.sample(np.random.default_rng(1), (5,)).spoiled.any()
    swapped = Experiment(Gathered(8), Uniform(5), Identity(2), Noise(source_covariance=0.0, target_covariance=0.0), Mismatched())
    o = swapped.sample(np.random.default_rng(1))
    assert np.array_equal(o.pairs.target[o.spoiled], o.true_target[o.spoiled][::-1])


def test_pairs_carry_covariances_when_asked():
    """One matrix per fiducial in each space that has noise; nothing by default."""
    rng = np.random.default_rng(2)
    photons = PhotonNoise(None, Photons(100, 1000))
    noise = photons.settle(rng, (6, 2))
    own = Experiment(Gathered(6), Uniform(4), Rigid(2), noise, target_noise=photons, given_covariances=True).sample(rng, (7,))
    assert own.pairs.source_covariance is None
    assert own.pairs.target_covariance is not None
    assert np.array_equal(own.pairs.target_covariance, noise.target_covariance)
    common = Experiment(Gathered(6), Uniform(4), Rigid(2), Noise(source_covariance=4.0, target_covariance=np.diag([1.0, 2.0])),
                        given_covariances=True).sample(rng, (7,))
    assert common.pairs.source_covariance is not None and common.pairs.target_covariance is not None
    assert np.array_equal(common.pairs.source_covariance, np.broadcast_to(4 * np.eye(2), (6, 2, 2)))
    assert np.array_equal(common.pairs.target_covariance[3], np.diag([1.0, 2.0]))
    assert STUDY.sample(rng).pairs.target_covariance is None


def test_units_reach_the_pairs():
    """Units are kept as text."""
    experiment = Experiment(Gathered(6), Uniform(4), Rigid(2), UNIT, source_unit="nm", target_unit="um")
    pairs = experiment.sample(np.random.default_rng(0)).pairs
    assert (pairs.source_unit, pairs.target_unit) == ("nm", "um")


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Experiment(Gathered(5), Uniform(5, 3), Rigid(2), UNIT), "2D, 3D and 2D"),
    (lambda: Experiment(*SMALL, Noise(target_covariance=np.tile(np.eye(2), (5, 1, 1)))), "target_noise"),
    (lambda: Experiment(*SMALL, HeavyTailed(UNIT, 3.0), given_covariances=True), "given_covariances"),
    (lambda: Experiment(*SMALL, UNIT, Displaced(9.0, 6)).sample(np.random.default_rng(0)), "count is 6"),
])
def test_bad_arguments_get_one_sentence(make, words):
    """What does not fit together is refused, most of it before anything is drawn."""
    with pytest.raises(InputError) as fault:
        make()
    assert words in str(fault.value) and "\n" not in str(fault.value)


def test_a_cell_costs_little_more_than_its_random_numbers():
    """n = 25, 100 targets, 1000 replicates: below 1.5 times numpy's own drawing, best of several runs, timed in turn."""
    rng, numbers = np.random.default_rng(0), 1000 * 2 * 125 * 2
    STUDY.sample(rng, (1000,))
    best = {"draw": math.inf, "cell": math.inf}
    for _ in range(40):
        for name, run in (("draw", lambda: rng.standard_normal(numbers)), ("cell", lambda: STUDY.sample(rng, (1000,)))):
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    assert best["cell"] < 1.5 * best["draw"]


def test_the_library_does_not_import_the_generators():
    """Imports go one way."""
    files = [*Path(regerr.noise.__file__).parent.rglob("*.py")]
    assert len(files) > 5
    assert not [f for f in files if re.search(r"^\s*(from|import)\s+simulations\b", f.read_text(encoding="utf-8"), re.MULTILINE)]
