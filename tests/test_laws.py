"""Laws that every model, noise, kind and method obeys, each written once and held against the whole table of `cases`."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from cases import CASES, Case, general_map, growth, motion, moved, points_near, reordered, targets_near
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from regerr import FiducialPairs
from regerr.methods import Deletion, LikelihoodRatio
from regerr.models.errors_in_variables import ErrorsInVariables
from regerr.results import RegistrationResult

CLOSE = 1e-8  # p-values of two ways to one question
LEVELS = (0.5, 0.95)

each_case = pytest.mark.parametrize("case", CASES, ids=str)
a_seed = given(seed=st.integers(0, 2**32 - 1))
few = settings(max_examples=2, phases=[Phase.explicit, Phase.generate])  # a smaller seed tells no more


def test_the_table_is_complete():
    """The count is written down, so that a row cannot vanish unnoticed."""
    assert len(CASES) == 68
    assert sum(len(case.questions) for case in CASES) == 606


def answers(case: Case, pairs: FiducialPairs, targets: np.ndarray, points: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """P-values of points for every kind and method of a case."""
    result = case.fit(pairs)
    predictions = {kind: result.predict(targets, kind) for kind in case.estimator.kinds}
    return {(kind, method): predictions[kind].p_value(points, method) for kind, method in case.questions}


def assert_same(case: Case, one: dict, two: dict) -> None:
    """The same p-values by both ways."""
    assert one.keys() == two.keys()
    for asked, p in one.items():
        np.testing.assert_allclose(two[asked], p, atol=CLOSE, rtol=1e-6, err_msg=f"{case} {asked}")


Question = tuple[FiducialPairs, np.ndarray, np.ndarray, RegistrationResult]


def question(case: Case, seed: int, batch: tuple[int, ...] = (4,)) -> Question:
    """Pairs, targets and points, with the fit."""
    pairs, targets = case.pairs(seed, batch), targets_near(seed, case.dimension)
    result = case.fit(pairs)
    return pairs, targets, points_near(result, targets, seed), result


@each_case
@few
@a_seed
def test_rigid_motions_of_either_space_change_nothing(case, seed):
    pairs, targets, points, _ = question(case, seed)
    rng = np.random.default_rng(seed)
    source, target = motion(rng, case.dimension), motion(rng, case.dimension)
    assert_same(case, answers(case, pairs, targets, points),
                answers(case, moved(pairs, source, target), source.apply(targets), target.apply(points)))


@each_case
@few
@a_seed
def test_units_of_either_space_change_nothing(case, seed):
    """A rigid model keeps lengths, so its two spaces share one unit."""
    pairs, targets, points, _ = question(case, seed)
    u, v = np.exp(np.random.default_rng(seed).uniform(-7, 7, 2))
    u = v if case.model == "rigid" else u
    assert_same(case, answers(case, pairs, targets, points),
                answers(case.with_scale(v), moved(pairs, growth(u, case.dimension), growth(v, case.dimension)), u * targets,
                        v * points))


@pytest.mark.parametrize("case", [c for c in CASES if c.model == "affine"], ids=str)
@few
@a_seed
def test_linear_maps_of_a_noiseless_space_or_under_a_free_covariance_change_nothing(case, seed):
    pairs, targets, points, _ = question(case, seed)
    rng = np.random.default_rng(seed)
    free = case.assumed.shape in ("full", "given")
    source = general_map(rng, case.dimension) if free or case.assumed.ratio == 0 else None
    target = general_map(rng, case.dimension) if free or (math.isinf(case.assumed.ratio) and not case.known_scale) else None
    assert_same(case, answers(case, pairs, targets, points),
                answers(case, moved(pairs, source, target), targets if source is None else source.apply(targets),
                        points if target is None else target.apply(points)))


@pytest.mark.parametrize("case", [c for c in CASES if c.model == "affine"], ids=str)
@few
@a_seed
def test_an_affine_model_does_not_mind_a_mirror(case, seed):
    pairs, targets, points, _ = question(case, seed)
    mirror = motion(np.random.default_rng(seed), case.dimension, sign=-1.0)
    assert_same(case, answers(case, pairs, targets, points),
                answers(case, moved(pairs, target=mirror), targets, mirror.apply(points)))


@each_case
@few
@a_seed
def test_the_order_of_the_pairs_does_not_matter(case, seed):
    pairs, targets, points, result = question(case, seed)
    order = np.random.default_rng(seed).permutation(pairs.n)
    shuffled = reordered(pairs, order)
    assert_same(case, answers(case, pairs, targets, points), answers(case, shuffled, targets, points))
    again = case.fit(shuffled)
    np.testing.assert_allclose(again.leave_one_out(), result.leave_one_out()[..., order, :], atol=1e-9)
    np.testing.assert_allclose(again.pair_p_values(), result.pair_p_values()[..., order], atol=CLOSE)


@each_case
@few
@a_seed
def test_swapping_the_images_gives_the_inverse(case, seed):
    """Under the ratio turned over; then `tre` and `observation` ask the same of the pair (x, y) both ways.

    A known scale is in units of one space and changes with the fit; the Bartlett factor of affine `both` looks at the prediction.
    """
    pairs, targets, points, result = question(case, seed)
    back = case.swapped().fit(pairs.swap())
    inverse = back.transform.inverse()
    np.testing.assert_allclose(inverse.matrix, result.transform.matrix, atol=1e-9)
    np.testing.assert_allclose(inverse.offset, result.transform.offset, atol=1e-7)
    if case.known_scale:
        return
    methods = (Deletion(),) if isinstance(case.estimator, ErrorsInVariables) else (Deletion(), LikelihoodRatio())
    for kind in ("tre", "observation"):
        there, here = result.predict(targets, kind), back.predict(points, kind)
        for method in methods:
            np.testing.assert_allclose(here.p_value(targets, method), there.p_value(points, method), atol=CLOSE, rtol=1e-6,
                                       err_msg=f"{case} {kind} {method.name}")


@each_case
@pytest.mark.parametrize(("batch", "own_targets"), [((3,), False), ((2, 2), True)], ids=["shared targets", "own targets"])
def test_a_batch_is_a_loop(case, batch, own_targets):
    pairs = case.pairs(5, batch)
    targets = targets_near(5, case.dimension, batch=batch if own_targets else ())
    result = case.fit(pairs)
    points = points_near(result, targets, 5)
    for index in np.ndindex(batch):
        alone = case.fit(pairs[index])
        own = targets[index] if own_targets else targets
        for name in ("degrees_of_freedom", "noise_covariance", "fle_rms", "fre_rms", "residuals", "failure"):
            whole = getattr(result, name)
            np.testing.assert_allclose(np.asarray(whole)[index] if np.ndim(whole) else whole, getattr(alone, name), rtol=1e-10,
                                       atol=1e-10, err_msg=name)
        for name in ("leave_one_out", "pair_p_values", "leverages"):
            np.testing.assert_allclose(getattr(result, name)()[index], getattr(alone, name)(), rtol=1e-9, atol=1e-9, err_msg=name)
        for kind in case.estimator.kinds:
            there, here = result.predict(targets, kind), alone.predict(own, kind)
            for name in ("mean", "covariance", "rms"):
                np.testing.assert_allclose(getattr(there, name)[index], getattr(here, name), rtol=1e-9, atol=1e-9, err_msg=name)
            for method in ("score", "likelihood-ratio", "wald"):
                np.testing.assert_allclose(there.p_value(points, method)[index], here.p_value(points[index], method), atol=CLOSE)


@each_case
def test_one_of_a_batch_by_its_index(case):
    """``result[i]`` holds the numbers of dataset i, to the last bit."""
    result = case.fit(case.pairs(6, (2, 3)))
    targets = targets_near(6, case.dimension)
    one = result[1, 2]
    assert one.pairs.batch_shape == () and result[1].pairs.batch_shape == (3,)
    for kind in case.estimator.kinds:
        here, there = one.predict(targets, kind), result.predict(targets, kind)
        np.testing.assert_array_equal(here.mean, there.mean[1, 2])
        np.testing.assert_allclose(here.covariance, there.covariance[1, 2], rtol=1e-13)
    np.testing.assert_array_equal(one.residuals, result.residuals[1, 2])
    np.testing.assert_array_equal(result[1].transform.matrix, result.transform.matrix[1])


@each_case
def test_points_may_have_further_leading_axes_or_fewer(case):
    _, targets, points, result = question(case, 8, (2,))
    shifts = np.array([-2.0, 0.0, 1.0])[:, None, None, None]
    for kind, method in case.questions:
        where = result.predict(targets, kind)
        many = where.p_value(points + shifts, method)
        inside = where.region(0.9, method).contains(points + shifts)
        assert many.shape == inside.shape == (3, 2, 3)
        for i in range(3):
            np.testing.assert_allclose(many[i], where.p_value(points + shifts[i], method), atol=CLOSE)
            np.testing.assert_array_equal(inside[i], where.region(0.9, method).contains(points + shifts[i]))
        one = points[0, 0]
        spread = np.broadcast_to(one, points.shape)
        np.testing.assert_allclose(where.p_value(one, method), where.p_value(spread, method), atol=CLOSE)


@each_case
@few
@a_seed
def test_a_region_holds_the_points_whose_p_value_reaches_its_complement(case, seed):
    _, targets, points, result = question(case, seed, (8,))
    for kind, method in case.questions:
        where = result.predict(targets, kind)
        p = where.p_value(points, method)
        assert ((p >= 0) & (p <= 1)).all(), f"{case} {kind} {method}"
        for level in LEVELS:
            clear = np.abs(p - (1 - level)) > 1e-12
            np.testing.assert_array_equal(where.region(level, method).contains(points)[clear], (p >= 1 - level)[clear])


@each_case
@few
@a_seed
def test_regions_are_nested_and_kinds_are_ordered(case, seed):
    """A higher level holds a lower one; more noise in the question never shrinks its first-order region."""
    _, targets, points, result = question(case, seed, (8,))
    for kind, method in case.questions:
        inside = [result.predict(targets, kind).region(level, method).contains(points) for level in (0.3, 0.9, 0.999)]
        assert (inside[0] <= inside[1]).all() and (inside[1] <= inside[2]).all()
    wald = [result.predict(targets, kind).p_value(points, "wald") for kind in case.estimator.kinds]
    assert all((a <= b + 1e-12).all() for a, b in pairwise(wald))


@each_case
@few
@a_seed
def test_the_prediction_itself_has_p_one(case, seed):
    _, targets, _, result = question(case, seed, (8,))
    for kind, method in case.questions:
        where = result.predict(targets, kind)
        np.testing.assert_allclose(where.p_value(where.mean, method), 1.0, atol=1e-9, err_msg=f"{case} {kind} {method}")
        assert where.region(0.01, method).contains(where.mean).all()


@each_case
@few
@a_seed
def test_linear_models_have_one_region_by_all_methods(case, seed):
    _, targets, points, result = question(case, seed, (8,))
    linear = case.assumed.ratio == 0 and (case.model == "affine" or (case.model == "similarity" and case.dimension == 2))
    assert case.estimator.linear(case.dimension) == linear
    for kind in case.estimator.kinds:
        score, ratio, wald = (result.predict(targets, kind).p_value(points, m) for m in ("score", "likelihood-ratio", "wald"))
        same = np.abs(np.stack([score, ratio]) - wald).max() < 1e-10
        assert same == linear, f"{case} {kind}"


@each_case
@few
@a_seed
def test_kinds_differ_by_one_term_of_noise(case, seed):
    """Theory, section 2: nothing, the source's share, all of the effective noise of a pair."""
    _, targets, _, result = question(case, seed, (2,))
    tre = result.predict(targets, "tre").covariance
    noise = result.noise_covariance[..., None, :, :]
    np.testing.assert_allclose(result.predict(targets, "observation").covariance, tre + noise, rtol=1e-10, atol=1e-12)
    if case.given:
        seen = result.transform.matrix @ result.pairs.source_covariance.mean(0) @ np.swapaxes(result.transform.matrix, -1, -2)
        seen = (result.fitted.variance[..., None, None] * seen)[..., None, :, :]
        np.testing.assert_allclose(result.predict(targets, "lre").covariance, tre + seen, rtol=1e-10, atol=1e-12)
    elif "lre" in case.estimator.kinds:
        share = case.assumed.source_share
        np.testing.assert_allclose(result.predict(targets, "lre").covariance, tre + share * noise, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(result.predict(targets, "tre").rms, np.sqrt(np.einsum("...ii->...", tre)), rtol=1e-12)
    if case.known_scale and not case.given:
        np.testing.assert_allclose(np.einsum("...ii->...", noise), case.dimension * case.assumed.scale**2, rtol=1e-12)


@each_case
def test_leave_one_out_is_a_refit_without_the_pair(case):
    result = case.fit(case.pairs(9))
    left_out = result.leave_one_out()
    for i, name in enumerate(result.pairs.names):
        predicted = case.fit(result.pairs.drop(name)).transform.apply(result.pairs.source[i:i + 1])[0]
        np.testing.assert_allclose(left_out[i], result.pairs.target[i] - predicted, atol=1e-9)


@each_case
def test_a_pair_has_the_p_value_of_an_observation_that_the_others_predict(case):
    """By the score statistic alone; the likelihood ratio's cap, which a region adds, can only lower it."""
    result = case.fit(case.pairs(9))
    p = result.pair_p_values()
    assert ((p > 0) & (p < 1)).all()
    for i, name in enumerate(result.pairs.names):
        localised = [c[i] for c in (result.pairs.source_covariance, result.pairs.target_covariance) if c is not None]
        others = case.fit(result.pairs.drop(name)).predict(result.pairs.source[i:i + 1], "observation", *localised)
        score = others.p_value(result.pairs.target[i:i + 1])[0]
        assert score <= p[i] + CLOSE
        if score < 0.9 * 2 * others.p_value(result.pairs.target[i:i + 1], "likelihood-ratio")[0]:
            assert score == pytest.approx(p[i], abs=CLOSE)


@each_case
def test_the_fit_maps_centroid_to_centroid_and_residuals_say_so(case):
    result = case.fit(case.pairs(10, (3,)))
    np.testing.assert_allclose(result.residuals, result.pairs.target - result.transform.apply(result.pairs.source), atol=1e-12)
    pull = result.residuals
    if case.given:
        a = result.transform.matrix[..., None, :, :]
        effective = result.pairs.target_covariance + a @ result.pairs.source_covariance @ np.swapaxes(a, -1, -2)
        pull = np.linalg.solve(effective, pull[..., None])[..., 0]
    np.testing.assert_allclose(pull.mean(-2), 0.0, atol=1e-11)
    np.testing.assert_allclose(result.fre_rms, np.sqrt((result.residuals**2).sum(-1).mean(-1)), rtol=1e-12)
    np.testing.assert_allclose(result.fle_rms**2, np.einsum("...ii->...", result.noise_covariance), rtol=1e-12)


@pytest.mark.parametrize("case", [c for c in CASES if c.model != "affine"], ids=str)
@pytest.mark.parametrize("layout", ["ordinary", "plane", "near plane", "near line", "mirrored", "all noise"])
def test_rotations_are_proper(case, layout):
    """Never a mirror: coplanar or nearly degenerate fiducials, mirrored data, noise as large as the spread."""
    d = case.dimension
    rng = np.random.default_rng(3)
    x = rng.standard_normal((200, 5, d))
    thin = {"plane": (0.0, 1.0), "near plane": (1e-6, 1.0), "near line": (1e-3, 1e-3)}.get(layout, (1.0, 1.0))
    x[..., -1] *= thin[0] if d == 3 else 1.0
    x[..., -2] *= thin[1]
    y = x * np.where(np.arange(d) == 0, -1.0, 1.0) if layout == "mirrored" else x
    y = y + {"ordinary": 0.01, "all noise": 10.0}.get(layout, 0.1) * rng.standard_normal(x.shape)
    result = case.fit(case.of(x, y), "mark" if case.given else "raise")
    sound = result.failure == 0
    assert sound.mean() > 0.95
    result = result[sound]
    drawn = result.sample(2, rng).matrix
    for matrix in (result.transform.matrix, drawn):
        scale = np.linalg.det(matrix) ** (1 / d)
        assert (np.linalg.det(matrix) > 0).all()
        q = matrix / scale[..., None, None]
        np.testing.assert_allclose(q @ np.swapaxes(q, -1, -2), np.broadcast_to(np.eye(d), q.shape), atol=1e-12)
        if case.model == "rigid":
            np.testing.assert_allclose(scale, 1.0, rtol=1e-12)


@each_case
def test_draws_have_the_covariance_of_the_prediction(case):
    """With an estimated scale the law is Student's or its matrix form, wider by v/(v - 2) or v/(v - d - 1)."""
    d, draws = case.dimension, 8000
    result = case.fit(case.pairs(12, n=case.n + 20, noise=0.01 if not case.known_scale else 1.0)) if not case.known_scale else \
        case.fit(case.of(1e3 * case.pairs(12).source, 1e3 * case.pairs(12).target))
    targets = targets_near(12, d) * (1e3 if case.known_scale else 1.0)
    where = result.predict(targets, "tre")
    dof = result.degrees_of_freedom
    wider = 1.0 if case.known_scale else dof / (dof - d - 1) if case.assumed.shape == "full" else dof / (dof - 2)
    landed = result.sample(draws, np.random.default_rng(1)).apply(targets) - where.mean
    for j in range(len(targets)):
        root = np.linalg.inv(np.linalg.cholesky(wider * where.covariance[j]))
        white = landed[:, j] @ root.T
        found = white.T @ white / draws
        assert np.abs(found - np.eye(d)).max() < 6 * math.sqrt(2.5 / draws), f"{case}: {found}"
        assert np.abs(white.mean(0)).max() < 5 / math.sqrt(draws)


@each_case
def test_draws_are_joint_over_targets(case):
    """One draw is one transformation: the same seed gives the same maps whatever the targets, and batches draw apart."""
    result = case.fit(case.pairs(13, (2,)))
    one, two = (result.sample(3, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one.matrix, two.matrix)
    assert one.matrix.shape == (3, 2, case.dimension, case.dimension)
    assert not np.allclose(one.matrix[0] - result.transform.matrix, one.matrix[1] - result.transform.matrix, rtol=0, atol=1e-12)
