"""Baselines from refits: what a study asks of them, and each against its formula written naively."""

from __future__ import annotations

import hashlib
import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import f as fisher

import regerr
from regerr import FiducialPairs, Noise
from regerr.baselines import refits
from regerr.baselines.bootstrap import PairsBootstrap, ParametricBootstrap
from regerr.baselines.conformal import JackknifePlus, LeaveOneOutConformal, LeverageConformal, SplitConformal
from regerr.baselines.leave_one_out import LeaveOneOutDisk, LeaveOneOutEllipse
from regerr.baselines.overlap import Overlap
from regerr.baselines.refits import Baseline
from regerr.errors import InputError, UndeterminedError, UnsupportedError
from regerr.order_statistics import at_rank, conformal_p_value, conformal_rank
from validation.protocol import kinds_of

BOOTSTRAPS = (PairsBootstrap, ParametricBootstrap)
RANKED = (SplitConformal, LeaveOneOutConformal, LeverageConformal)
ALL = (LeaveOneOutDisk, LeaveOneOutEllipse, *BOOTSTRAPS, *RANKED, JackknifePlus)
LEVELS = (0.5, 0.8, 0.95)

each = pytest.mark.parametrize("baseline", ALL, ids=lambda b: b.__name__)
both_dimensions = pytest.mark.parametrize("dimension", [2, 3])


def drawn(seed: int, n: int, dimension: int, batch: tuple[int, ...] = (), noise: float = 1.0) -> FiducialPairs:
    rng = np.random.default_rng(seed)
    x = 20.0 * rng.standard_normal((*batch, n, dimension))
    return FiducialPairs(x + noise * rng.standard_normal(x.shape), x + noise * rng.standard_normal(x.shape))


def targets_of(seed: int, dimension: int, m: int = 3) -> np.ndarray:
    return np.random.default_rng([seed, 1]).uniform(-60, 60, (m, dimension))


def points_about(mean: np.ndarray, seed: int, reach: float = 4.0) -> np.ndarray:
    return mean + np.random.default_rng([seed, 2]).uniform(-reach, reach, mean.shape)


def one_of(pairs: FiducialPairs, *index: int) -> FiducialPairs:
    return FiducialPairs(pairs.source[index], pairs.target[index])


def left_out_by_a_loop(pairs: FiducialPairs, model: str, noise: str, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leave-one-out residuals (n, d), and what each fit without a pair predicts for targets (n, m, d)."""
    residuals, predicted = [], []
    for j in range(pairs.n):
        others = np.delete(np.arange(pairs.n), j)
        map_ = regerr.fit(FiducialPairs(pairs.source[others], pairs.target[others]), model, noise).transform
        residuals.append(pairs.target[j] - map_.apply(pairs.source[j][None])[0])
        predicted.append(map_.apply(targets))
    return np.array(residuals), np.array(predicted)


# What all of them promise


@each
@pytest.mark.parametrize("model", ["rigid", "affine"])
@both_dimensions
def test_a_batch_is_a_loop(baseline: type[Baseline], model: str, dimension: int) -> None:
    pairs, targets = drawn(1, 24, dimension, (2, 3)), targets_of(1, dimension)
    estimator = baseline(model)
    answer = estimator.predict(pairs, targets, "observation")
    points = points_about(answer.mean, 1)
    assert answer.mean.shape == (2, 3, 3, dimension) and answer.rms.shape == (2, 3, 3) and answer.failure.shape == (2, 3)
    for index in ((0, 1), (1, 2)):
        alone = estimator.predict(one_of(pairs, *index), targets, "observation")
        np.testing.assert_allclose(alone.rms, answer.rms[index], rtol=1e-9)
        for level in LEVELS:
            one, many = alone.region(level), answer.region(level)
            np.testing.assert_allclose(one.volume, many.volume[index], rtol=1e-8)
            np.testing.assert_array_equal(one.contains(points[index]), many.contains(points)[index])
            np.testing.assert_array_equal(one.bounded, many.bounded[index])


@each
def test_results_do_not_depend_on_the_size_of_a_block(baseline: type[Baseline], monkeypatch: pytest.MonkeyPatch) -> None:
    answers = []
    for numbers in (1 << 20, 500):
        monkeypatch.setattr(refits, "_NUMBERS", numbers)
        answers.append(baseline("rigid").predict(drawn(2, 20, 2, (7,)), targets_of(2, 2), "observation").region(0.9).volume)
    np.testing.assert_array_equal(*answers)


@each
def test_a_failed_dataset_contains_nothing_and_spoils_no_other(baseline: type[Baseline]) -> None:
    pairs, targets = drawn(3, 22, 2, (3,)), targets_of(3, 2)
    flat = pairs.source.copy()
    flat[1, :, 1] = 0.0
    estimator = baseline("affine")
    answer = estimator.predict(FiducialPairs(flat, pairs.target), targets, "observation")
    sound = estimator.predict(one_of(pairs, 2), targets, "observation")
    assert answer.failure[1] > 0 and not answer.failure[[0, 2]].any()
    region = answer.region(0.9)
    assert not region.contains(np.zeros(2))[1].any() and not region.contains(answer.mean)[1].any()
    assert np.isnan(region.volume[1]).all() and np.isnan(answer.rms[1]).all()
    np.testing.assert_allclose(region.volume[2], sound.region(0.9).volume, rtol=1e-9)


@each
def test_regions_are_nested_and_hold_points_at_leading_axes(baseline: type[Baseline]) -> None:
    answer = baseline("rigid").predict(drawn(4, 30, 2, (5,)), targets_of(4, 2), "observation")
    points = np.stack([points_about(answer.mean, seed) for seed in range(6)])
    inside = np.stack([answer.region(level).contains(points) for level in LEVELS])
    assert inside.shape == (3, 6, 5, 3) and inside.any() and not inside.all()
    assert (inside[:-1] <= inside[1:]).all()
    np.testing.assert_array_equal(answer.region(0.8).contains(points[2]), inside[1, 2])


@each
def test_names_are_distinct_and_say_the_noise(baseline: type[Baseline]) -> None:
    names = [baseline(model, noise).name for model, noise in product(("rigid", "affine"), ("both", "target", Noise(2.0)))]
    assert len(set(names)) == 6 and not any(" " in name for name in names)
    assert baseline("rigid").label.startswith("rigid, ") and baseline("rigid", "target").label.endswith("(target)")
    assert set(kinds_of(baseline("rigid"))) >= {"observation"}


def test_baselines_have_names_of_their_own() -> None:
    assert len({baseline("rigid").name for baseline in ALL}) == len(ALL)


@pytest.mark.parametrize("baseline", [b for b in ALL if b not in (*BOOTSTRAPS, SplitConformal)], ids=lambda b: b.__name__)
def test_too_few_pairs_to_leave_one_out(baseline: type[Baseline]) -> None:
    with pytest.raises(UndeterminedError, match="leaving one of 2 pairs out needs at least 3 for the rigid model in 2D"):
        baseline("rigid").predict(drawn(5, 2, 2), targets_of(5, 2), "observation")


@each
def test_pairs_with_covariances_of_their_own(baseline: type[Baseline]) -> None:
    """Refits keep them: one huge covariance makes its pair count for nothing, as if it were not there. Bootstraps refuse."""
    pairs, targets = drawn(19, 30, 2), targets_of(19, 2)
    far = pairs.target.copy()
    far[4] += 30.0
    variance = np.where(np.arange(30) == 4, 1e8, 1.0)[:, None, None] * np.eye(2)
    weighted = FiducialPairs(pairs.source, far, target_covariance=variance)
    if baseline in BOOTSTRAPS:
        with pytest.raises(UnsupportedError, match="each of these has a covariance of its own"):
            baseline("rigid").predict(weighted, targets, "observation")
        return
    answer = baseline("rigid").predict(weighted, targets, "observation")
    others = np.delete(np.arange(30), 4)
    alone = baseline("rigid", "target").predict(FiducialPairs(pairs.source[others], far[others]), targets, "observation")
    if baseline is not SplitConformal:  # it has another half then
        np.testing.assert_allclose(answer.mean, alone.mean, atol=1e-4)
    batch = FiducialPairs(np.stack([pairs.source] * 2), np.stack([far] * 2), target_covariance=variance)
    np.testing.assert_allclose(baseline("rigid").predict(batch, targets, "observation").rms[1], answer.rms, rtol=1e-7)
    if baseline not in (LeaveOneOutEllipse, LeverageConformal):  # moments, and a target as noisy as fiducials on average
        np.testing.assert_allclose(answer.region(0.5).volume, alone.region(0.5).volume, rtol=0.5)


# Leave-one-out ellipse


@both_dimensions
@pytest.mark.parametrize("noise", ["both", "full"])
def test_the_ellipse_has_the_second_moments_of_left_out_residuals(noise: str, dimension: int) -> None:
    pairs, targets = drawn(6, 14, dimension), targets_of(6, dimension)
    residuals, _ = left_out_by_a_loop(pairs, "affine", noise, targets)
    answer = LeaveOneOutEllipse("affine", noise).predict(pairs, targets, "observation")
    points = points_about(answer.mean, 6)
    n, d = residuals.shape
    for level in LEVELS:
        limit = d * n / (n - d + 1) * fisher.ppf(level, d, n - d + 1)
        e = points - answer.mean
        distance = np.einsum("md,de,me->m", e, np.linalg.inv(residuals.T @ residuals / n), e)
        np.testing.assert_allclose(answer.region(level).excess(points), distance / limit, rtol=1e-9)
    np.testing.assert_allclose(answer.rms, np.sqrt((residuals**2).sum(-1).mean()), rtol=1e-9)


def test_the_factor_of_the_ellipse_is_exact_for_normal_draws() -> None:
    """n + 1 independent normal vectors about zero; with the normal factor it would be short."""
    rng = np.random.default_rng(7)
    n, d, count = 8, 2, 20_000
    e = rng.standard_normal((count, n + 1, d)) * [1.0, 3.0]
    moments = np.einsum("cni,cnj->cij", e[:, :n], e[:, :n]) / n
    t2 = np.einsum("ci,cij,cj->c", e[:, n], np.linalg.inv(moments), e[:, n])
    error = math.sqrt(0.95 * 0.05 / count)
    assert abs((t2 <= d * n / (n - d + 1) * fisher.ppf(0.95, d, n - d + 1)).mean() - 0.95) < 4 * error
    assert (t2 <= -2 * math.log(0.05)).mean() < 0.95 - 20 * error


def test_a_pair_that_the_others_cannot_predict_makes_all_of_the_plane() -> None:
    x = np.array([[0.0, 0], [10, 0], [20, 0], [5, 30], [35, 0]])
    pairs = FiducialPairs(x, x + 0.1 * np.random.default_rng(8).standard_normal(x.shape))
    for baseline in (LeaveOneOutEllipse, LeverageConformal, LeaveOneOutConformal, JackknifePlus):
        answer = baseline("affine", "target").predict(pairs, [[1.0, 1.0]], "observation")
        region = answer.region(0.83)
        assert np.isinf(region.volume).all() and not region.bounded.any() and region.contains([[1e9, 1e9]]).all()
    assert np.isfinite(answer.region(0.5).volume).all()


# Ranks


def test_ranks_of_levels() -> None:
    assert [conformal_rank(n, 0.95) for n in (18, 19, 20, 39, 100)] == [19, 19, 20, 38, 96]
    assert conformal_rank(99, 0.07) == 7 and 0.07 * 100 > 7
    scores = np.array([[3.0, 1.0, 2.0], [np.nan, np.nan, np.nan], [1.0, np.inf, 0.0]])
    np.testing.assert_array_equal(at_rank(scores, 2), [2.0, np.nan, 1.0])
    np.testing.assert_array_equal(at_rank(scores, 4), [np.inf, np.nan, np.inf])


@pytest.mark.parametrize("n", [5, 19, 20, 33])
def test_a_region_at_a_rank_holds_what_its_p_value_says(n: int) -> None:
    scores = np.arange(1.0, n + 1)
    for level in (0.05, 0.1, 0.25, 0.5, 0.55, 0.75, 0.8, 0.9, 0.95, 0.99):
        limit = at_rank(scores, conformal_rank(n, level))
        for score in np.arange(0.5, n + 2, 0.5):
            p = conformal_p_value((scores < score).sum(), n)
            assert (score <= limit) == (p >= 1 - level), (level, score)


@pytest.mark.parametrize("baseline", RANKED, ids=lambda b: b.__name__)
def test_conformal_p_values_agree_with_their_regions(baseline: type[Baseline]) -> None:
    answer = baseline("rigid").predict(drawn(9, 39, 2, (6,)), targets_of(9, 2), "observation")
    for seed in range(4):
        points = points_about(answer.mean, seed)
        p = answer.p_value(points)
        assert ((p > 0) & (p <= 1)).all()
        for level in LEVELS:
            np.testing.assert_array_equal(answer.region(level).contains(points), p >= 1 - level)


@both_dimensions
def test_split_conformal_by_hand(dimension: int) -> None:
    pairs, targets = drawn(10, 41, dimension), targets_of(10, dimension)
    half = regerr.fit(FiducialPairs(pairs.source[::2], pairs.target[::2])).transform
    scores = np.sort(np.linalg.norm(pairs.target[1::2] - half.apply(pairs.source[1::2]), axis=-1))
    answer = SplitConformal("rigid").predict(pairs, targets, "observation")
    np.testing.assert_allclose(answer.mean, half.apply(targets))
    np.testing.assert_allclose(answer.region(0.9).radius[0], scores[math.ceil(0.9 * 21) - 1])
    assert np.isfinite(answer.region(0.95).volume).all() and np.isinf(answer.region(0.96).volume).all()


def test_leave_one_out_over_leverage_in_closed_form() -> None:
    """For regression the leave-one-out residual r/(1-h) over sqrt(1 + h/(1-h)) is r/sqrt(1-h)."""
    pairs, targets = drawn(11, 25, 2), targets_of(11, 2)
    z = np.column_stack([np.ones(25), pairs.source])
    inverse = np.linalg.inv(z.T @ z)
    beta = inverse @ z.T @ pairs.target
    h = np.einsum("ni,ij,nj->n", z, inverse, z)
    scores = np.sort(np.linalg.norm(pairs.target - z @ beta, axis=1) / np.sqrt(1 - h))
    new = np.column_stack([np.ones(3), targets])
    size = np.sqrt(1 + np.einsum("mi,ij,mj->m", new, inverse, new))
    answer = LeverageConformal("affine", "target").predict(pairs, targets, "observation")
    np.testing.assert_allclose(answer.region(0.9).radius, scores[math.ceil(0.9 * 26) - 1] * size, rtol=1e-9)
    np.testing.assert_allclose(answer.rms, np.sqrt((scores**2).mean()) * size, rtol=1e-9)


# Jackknife+


@both_dimensions
@pytest.mark.parametrize("model", ["rigid", "affine"])
def test_jackknife_plus_counts_the_fits_that_miss_their_own_pair_by_less(model: str, dimension: int) -> None:
    pairs, targets = drawn(12, 20, dimension), 4.0 * targets_of(12, dimension)
    residuals, predicted = left_out_by_a_loop(pairs, model, "both", targets)
    radii = np.linalg.norm(residuals, axis=-1)
    answer = JackknifePlus(model).predict(pairs, targets, "observation")
    for seed, level in product(range(5), (0.3, 0.8, 0.95)):
        points = points_about(answer.mean, seed, 6.0)
        smaller = (radii[:, None] < np.linalg.norm(points - predicted, axis=-1)).sum(0)
        inside = smaller < math.ceil(level * 21 - 1e-9)
        np.testing.assert_array_equal(answer.region(level).contains(points), inside)


def overlapping(seed: int, dimension: int, least: int, spread: float) -> Overlap:
    rng = np.random.default_rng(seed)
    mean = rng.uniform(-5, 5, (2, dimension))
    centres = mean + spread * rng.standard_normal((7, 2, dimension))
    return Overlap(mean, centres, rng.uniform(0.5, 2.5, 7), least)


@both_dimensions
@pytest.mark.parametrize("least", [1, 3, 6])
@pytest.mark.parametrize("spread", [0.1, 0.7])
def test_the_content_of_an_overlap(dimension: int, least: int, spread: float) -> None:
    """Against points drawn in a box, also where rays leave and enter again."""
    region = overlapping(13, dimension, least, spread)
    rng = np.random.default_rng(14)
    count, half = 60_000, 2.5 + 3.0 * spread
    points = region.mean + rng.uniform(-half, half, (count, 2, dimension))
    share = region.contains(points).mean(0)
    error = np.sqrt(share * (1 - share) / count) * (2 * half) ** dimension
    assert (np.abs(region.volume - share * (2 * half) ** dimension) < 4 * error + 0.004 * region.volume).all()


@both_dimensions
def test_the_boundary_of_an_overlap_has_excess_one(dimension: int) -> None:
    region = overlapping(15, dimension, 3, 0.2)
    for i, drawn_ in enumerate(region.boundary(40)):
        vertices = drawn_[0] if dimension == 2 else drawn_.vertices
        np.testing.assert_allclose(region.excess(vertices[:, None] + np.zeros((2, dimension)))[:, i], 1.0, rtol=1e-9)
    with pytest.raises(InputError, match="drawn for one dataset"):
        Overlap(region.mean[None], region.centres[None], region.radii[None], 3).boundary()


def test_balls_of_no_and_of_infinite_radius() -> None:
    mean, centres = np.zeros((1, 2)), np.zeros((3, 1, 2))
    region = Overlap(mean, centres, np.array([0.0, 1.0, np.inf]), 2)
    assert region.volume[0] == pytest.approx(math.pi, rel=2e-3) and region.bounded.all()
    assert region.contains([[0.0, 0.9]]).all() and not region.contains([[0.0, 1.1]]).any()
    everything = Overlap(mean, centres, np.array([0.0, 1.0, np.inf]), 1)
    assert np.isinf(everything.volume).all() and everything.boundary() == [[]] and everything.contains([[9e9, 0.0]]).all()
    point = Overlap(mean, centres, np.zeros(3), 2)
    assert point.volume[0] == 0 and point.contains(mean).all() and not point.contains([[0.0, 1e-12]]).any()


# Bootstrap


@pytest.mark.parametrize("baseline", BOOTSTRAPS, ids=lambda b: b.__name__)
@pytest.mark.parametrize("noise", ["both", "target", "full"])
def test_bootstrap_deviations_have_the_size_of_the_law(baseline: type[Baseline], noise: str) -> None:
    """Affine, many pairs: mean square deviation of each kind is that of first order; the wrong kind's is found out."""
    pairs, targets = drawn(16, 100, 2, (30,), noise=0.3), targets_of(16, 2)
    estimator = baseline("affine", noise, refits=200)
    expected = regerr.fit(pairs, "affine", noise)
    kinds = [kind for kind in expected.estimator.kinds if kind == "tre" or expected.noise.ratio > 0 or kind == "observation"]
    found = {kind: (estimator.predict(pairs, targets, kind).rms ** 2).mean() for kind in kinds}
    theory = {kind: (expected.predict(targets, kind).rms ** 2).mean() for kind in kinds}
    for kind in kinds:
        assert found[kind] == pytest.approx(theory[kind], rel=0.08)
    assert found["tre"] != pytest.approx(theory["observation"], rel=0.5)


def test_bootstrap_of_pairs_by_a_loop() -> None:
    """Refits one by one from the same draws; those that determine nothing are left out of the percentile."""
    pairs, targets = drawn(17, 5, 2), targets_of(17, 2)
    estimator = PairsBootstrap("affine", "target", refits=60, seed=3)
    answer = estimator.predict(pairs, targets, "tre")
    content = pairs.source.tobytes() + pairs.target.tobytes()
    words = [3, int.from_bytes(hashlib.blake2b(content, digest_size=16).digest(), "little")]
    chosen = np.random.default_rng(np.random.SeedSequence(words)).integers(5, size=(60, 6))[:, :5]
    lengths = []
    for rows in chosen:
        if len(set(rows)) > 2:
            z = np.column_stack([np.ones(5), pairs.source[rows]])
            beta = np.linalg.lstsq(z, pairs.target[rows], rcond=None)[0]
            lengths.append(np.linalg.norm(np.column_stack([np.ones(3), targets]) @ beta - answer.mean, axis=1))
    assert 30 < len(lengths) < 60
    np.testing.assert_allclose(answer.region(0.9).radius, np.percentile(lengths, 90, axis=0), rtol=1e-7)


@pytest.mark.parametrize("baseline", BOOTSTRAPS, ids=lambda b: b.__name__)
def test_draws_follow_the_seed_and_the_dataset(baseline: type[Baseline]) -> None:
    pairs, targets = drawn(18, 9, 2, (2,)), targets_of(18, 2)
    twice = FiducialPairs(pairs.source[[0, 1, 0]], pairs.target[[0, 1, 0]])
    first = baseline("rigid", seed=1).predict(twice, targets, "tre").lengths
    np.testing.assert_array_equal(first[0], first[2])
    assert not np.isclose(first[0] / first[1], (first[0] / first[1]).mean()).all()
    again = baseline("rigid", seed=2).predict(twice, targets, "tre").lengths
    assert (np.abs(again - first) > 0).mean() > 0.9
    fewer = baseline("rigid", seed=1).predict(twice, targets[:1], "tre").lengths
    np.testing.assert_allclose(fewer[..., 0, :], first[..., 0, :], rtol=1e-12, atol=1e-12)  # sums of other shapes


@pytest.mark.parametrize(("wrong", "sentence"), [({"refits": 0}, "refits of the bootstrap is 0: give a whole number"),
                                                 ({"seed": -1}, "seed of the bootstrap is -1")])
def test_wrong_options_are_one_sentence(wrong: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        PairsBootstrap("rigid", **wrong)
