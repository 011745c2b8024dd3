"""Regions from the ranks of the pairs: laws that hold for every model, the methods' formulas written again, coverage."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from cases import CASES, Case, motion, moved, points_near, targets_near

import regerr
from regerr import FiducialPairs
from regerr.errors import InputError, UndeterminedError
from regerr.methods import METHODS, InterpolatedRank, Mixture, Rank
from regerr.order_statistics import conformal_rank
from regerr.regions import Ellipsoid

PEOPLE = ("rank", "interpolated-rank", "mixture")
LEVELS = (0.5, 0.8, 0.95)
GIVEN = [case for case in CASES if case.assumed.shape == "given"]
N = 22
each_case = pytest.mark.parametrize("case", CASES, ids=str)


def methods_of(case: Case) -> list[str]:
    return [method for method in PEOPLE if method != "rank" or case.assumed.shape != "given"]


def question(case: Case, seed: int, batch: tuple[int, ...] = (2,)) -> tuple[FiducialPairs, np.ndarray, np.ndarray]:
    pairs, targets = case.pairs(seed, batch, n=N), targets_near(seed, case.dimension)
    return pairs, targets, points_near(case.fit(pairs), targets, seed)


def answers(case: Case, pairs: FiducialPairs, targets: np.ndarray, points: np.ndarray) -> dict[str, np.ndarray]:
    where = case.fit(pairs).predict(targets, "observation")
    return {method: where.p_value(points, method) for method in methods_of(case)}


def assert_same(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> None:
    assert one.keys() == two.keys()
    for method, p in one.items():
        np.testing.assert_allclose(two[method], p, atol=1e-7, err_msg=method)


# Laws that hold for every model and noise


@each_case
def test_a_region_holds_the_points_whose_p_value_reaches_its_complement(case: Case) -> None:
    pairs, targets, points = question(case, 1, (6,))
    where = case.fit(pairs).predict(targets, "observation")
    for method in methods_of(case):
        p = where.p_value(points, method)
        assert ((p > 0) & (p <= 1)).all()
        inside = []
        for level in LEVELS:
            clear = np.abs(p - (1 - level)) > 1e-12
            inside.append(where.region(level, method).contains(points))
            np.testing.assert_array_equal(inside[-1][clear], (p >= 1 - level)[clear], err_msg=f"{method} {level}")
        assert (inside[0] <= inside[1]).all() and (inside[1] <= inside[2]).all()
        assert where.region(0.5, method).contains(where.mean).all()


@each_case
def test_motions_units_and_the_order_of_the_pairs_change_nothing(case: Case) -> None:
    pairs, targets, points = question(case, 2)
    reference = answers(case, pairs, targets, points)
    if not any(c is not None for c in (pairs.source_covariance, pairs.target_covariance)) and case not in GIVEN:
        rng = np.random.default_rng(2)
        source, target = motion(rng, case.dimension), motion(rng, case.dimension)
        assert_same(reference, answers(case, moved(pairs, source, target), source.apply(targets), target.apply(points)))
        v = 37.0
        u = v if case.model == "rigid" else 0.02
        scaled = FiducialPairs(u * pairs.source, v * pairs.target)
        assert_same(reference, answers(case.with_scale(v), scaled, u * targets, v * points))
        order = rng.permutation(N)
        shuffled = FiducialPairs(pairs.source[..., order, :], pairs.target[..., order, :])
        assert_same(reference, answers(case, shuffled, targets, points))


@each_case
def test_a_batch_is_a_loop_and_points_may_have_leading_axes(case: Case) -> None:
    pairs, targets, points = question(case, 3, (3,))
    reference = answers(case, pairs, targets, points)
    result = case.fit(pairs)
    for method, p in reference.items():
        alone = result[1].predict(targets, "observation")
        np.testing.assert_allclose(alone.p_value(points[1], method), p[1], atol=1e-9)
        many = np.stack([points + 1.0, points])
        np.testing.assert_allclose(result.predict(targets, "observation").p_value(many, method)[1], p, atol=1e-9)


@each_case
def test_ellipsoids_hold_their_own_boundary(case: Case) -> None:
    pairs, targets, _ = question(case, 4)
    where = case.fit(pairs)[0].predict(targets, "observation")
    wald = where.region(0.95, "wald")
    for method in ("interpolated-rank", "mixture"):
        region = where.region(0.95, method)
        assert isinstance(region, Ellipsoid) and region.bounded.all()
        values, vectors = np.linalg.eigh(region.matrix)
        edge = where.mean + np.sqrt(values[..., -1:]) * vectors[..., -1]
        np.testing.assert_allclose(region.excess(edge), 1.0, rtol=1e-9)
        np.testing.assert_allclose(where.p_value(edge, method), 0.05, rtol=1e-6)
        ratio = region.matrix[..., 0, 0] / wald.matrix[..., 0, 0]
        np.testing.assert_allclose(region.volume / wald.volume, ratio ** (case.dimension / 2), rtol=1e-9)


# Formulas


def leverages_of_rotation(v: np.ndarray) -> np.ndarray:
    """``1/n I + J(v_i) (sum J'J)^-1 J(v_i)'`` in the plane, points about their mean (n, 2): (n, 2, 2)."""
    across = np.stack([-v[:, 1], v[:, 0]], -1)
    return np.eye(2) / len(v) + across[:, :, None] * across[:, None, :] / (v**2).sum()


def scores_by_hand(pairs: FiducialPairs, model: str, noise: str) -> np.ndarray:
    """Deleted residuals ``r'(I - H)^-1 r`` of a rigid fit (at latent points) or a regression, plainly."""
    x, y, n = pairs.source, pairs.target, pairs.n
    if model == "affine":
        z = np.column_stack([np.ones(n), x])
        inverse = np.linalg.inv(z.T @ z)
        r = y - z @ (inverse @ z.T @ y)
        return (r**2).sum(1) / (1 - np.einsum("ni,ij,nj->n", z, inverse, z))
    result = regerr.fit(pairs, model, noise)
    r = result.residuals
    latent = result.transform.apply(x) + {"both": 0.5, "target": 0.0}[noise] * r
    h = leverages_of_rotation(latent - latent.mean(0))
    return np.array([a @ np.linalg.inv(np.eye(2) - b) @ a for a, b in zip(r, h, strict=True)])


@pytest.mark.parametrize(("model", "noise"), [("rigid", "both"), ("rigid", "target"), ("affine", "target")])
def test_the_rank_region_refits_with_every_point(model: str, noise: str) -> None:
    """One fit of n + 1 pairs after the other, the ranks counted; the margin spares places where two scores meet.

    Far out no point is inside.
    """
    rng = np.random.default_rng(5)
    x = 20.0 * rng.standard_normal((N, 2))
    pairs = FiducialPairs(x + rng.standard_normal(x.shape), x + rng.standard_normal(x.shape))
    targets = np.array([[10.0, 5.0], [-120.0, 60.0]])
    where = regerr.fit(pairs, model, noise).predict(targets, "observation")
    points = where.mean + where.rms[:, None] * rng.uniform(-2, 2, (40, 2, 2)) * np.where(np.arange(40) < 30, 1, 20)[:, None, None]
    e = points - where.mean
    variance = np.trace(regerr.fit(pairs, model, noise).noise_covariance) / 2
    distance = variance * np.einsum("kmi,mij,kmj->km", e, np.linalg.inv(where.covariance), e)
    p, inside = where.p_value(points, "rank"), where.region(0.9, "rank").contains(points)
    for k, i in itertools.product(range(40), range(2)):
        joined = FiducialPairs(np.vstack([pairs.source, targets[i]]), np.vstack([pairs.target, points[k, i]]))
        q = scores_by_hand(joined, model, noise)
        if np.abs(q[:-1] / q[-1] - 1).min() < (1e-9 if model == "affine" else 1e-3):
            continue
        if distance[k, i] > 4 * scores_by_hand(pairs, model, noise).max():
            q[-1] = np.inf
        assert p[k, i] == pytest.approx((q >= q[-1]).sum() / (N + 1), abs=1e-9)
        assert inside[k, i] == (q[-1] <= np.sort(q)[conformal_rank(N, 0.9) - 1])


@pytest.mark.parametrize(("model", "noise"), [("rigid", "both"), ("affine", "target")])
@pytest.mark.parametrize("level", [0.02, 0.5, 0.8, 20 / 23, 0.95])
def test_the_interpolated_rank_by_hand(model: str, noise: str, level: float) -> None:
    rng = np.random.default_rng(6)
    x = 20.0 * rng.standard_normal((N, 2))
    pairs = FiducialPairs(x + rng.standard_normal(x.shape), x + rng.standard_normal(x.shape))
    q = np.sort(scores_by_hand(pairs, model, noise))
    a = level * (N + 1)
    j = math.floor(a + 1e-9)
    k = q[j - 1] ** (1 - a + j) * q[min(j, N - 1)] ** (a - j) if j else q[0] * a
    result = regerr.fit(pairs, model, noise)
    where = result.predict([[10.0, 5.0]], "observation")
    s2 = result.noise_covariance[0, 0]
    found = np.diag(where.region(level, "interpolated-rank").matrix[0]) / np.diag(where.covariance[0] / s2)
    np.testing.assert_allclose(found, k, rtol=2e-3 if model == "rigid" else 1e-9)


def test_p_values_of_the_interpolated_rank_undo_its_quantiles() -> None:
    scores = np.sort(np.random.default_rng(7).chisquare(2, 30))
    scores[10] = scores[11]
    method = InterpolatedRank()
    for level in np.linspace(0.005, 30 / 31, 200):
        k = method.quantile(scores, 2, level)
        p = float(method.survival(scores, 2, np.array([k]))[0])
        if not np.isclose(k, scores[10], rtol=1e-9):  # between two equal scores all levels have one quantile
            assert p == pytest.approx(1 - level, abs=1e-8)
    beyond = method.survival(scores, 2, np.array([0.0, scores[-1] * (1 + 1e-12), np.inf]))
    assert beyond[0] == 1 and (beyond[1:] < 1 / 31).all() and (beyond[1:] > 0.99 / 31).all()


def test_a_pair_that_takes_over_the_fit_has_an_infinite_score() -> None:
    """Nineteen landmarks near a line and one far off it; at the highest level that one's score is asked for."""
    rng = np.random.default_rng(8)
    x = np.column_stack([np.arange(19.0), np.zeros(19)])
    x = np.vstack([x, [5.0, 1e9]])
    pairs = FiducialPairs(x, x + 0.1 * rng.standard_normal(x.shape))
    where = regerr.fit(pairs, "affine", "target").predict([[5.0, 1.0]], "observation")
    finite = where.region(0.9, "interpolated-rank")
    assert finite.bounded.all() and finite.contains(where.mean).all()


@pytest.mark.parametrize("method", PEOPLE)
def test_exact_fits_and_failed_datasets(method: str) -> None:
    rng = np.random.default_rng(9)
    x = 20.0 * rng.standard_normal((3, N, 2))
    y = x + rng.standard_normal(x.shape)
    y[0] = x[0] @ np.array([[0.8, -0.6], [0.6, 0.8]]).T + 5.0
    x[1] = x[1, :1]
    where = regerr.fit(FiducialPairs(x, y), on_failure="mark").predict([[3.0, 4.0]], "observation")
    region = where.region(0.9, method)
    inside = region.contains(where.mean)
    assert inside[:, 0].tolist() == [True, False, True]
    assert not region.contains(where.mean + 0.01)[:2].any()
    p = where.p_value(where.mean + 0.01, method)
    assert p[0, 0] < 0.05 and np.isnan(p[1, 0]) and p[2, 0] > 0.5
    volume = region.volume[:, 0]
    assert volume[0] == 0 and np.isnan(volume[1]) and volume[2] > 0


def test_the_boundary_of_a_rank_region_has_excess_one() -> None:
    rng = np.random.default_rng(10)
    x = 20.0 * rng.standard_normal((N, 2))
    pairs = FiducialPairs(x + rng.standard_normal(x.shape), x + rng.standard_normal(x.shape))
    for model in ("rigid", "affine"):
        where = regerr.fit(pairs, model).predict([[10.0, 5.0], [200.0, 100.0]], "observation")
        region = where.region(0.9, "rank")
        assert region.bounded.all()
        for i, curves in enumerate(region.boundary(48)):
            edge = np.concatenate(curves)
            np.testing.assert_allclose(region.excess(edge[:, None] + np.zeros((2, 2)))[:, i], 1.0, atol=1e-6)
            (x0, y0), (x1, y1) = edge[:-1].T, edge[1:].T
            assert 0.5 * (x0 * y1 - x1 * y0).sum() == pytest.approx(region.volume[i], rel=0.03)


# What they refuse


def predicted(n: int, kind: str = "observation") -> regerr.predictions.Prediction:
    rng = np.random.default_rng(11)
    x = 20.0 * rng.standard_normal((n, 2))
    return regerr.fit(FiducialPairs(x, x + rng.standard_normal(x.shape))).predict([[0.0, 0.0]], kind)


@pytest.mark.parametrize("method", ["rank", "interpolated-rank"])
def test_levels_that_the_pairs_do_not_reach(method: str) -> None:
    assert predicted(19).region(0.95, method).bounded.all()
    sentence = "needs 19 pairs for the level 0.95, and there are 18: add 1 more, take a level of at most 0.947, or use the method"
    with pytest.raises(UndeterminedError, match=f"'{method}' {sentence} 'mixture'"):
        predicted(18).region(0.95, method)
    assert predicted(18).region(0.947, method).bounded.all() and predicted(18).p_value([[0.0, 0.0]], method) > 0.9


@pytest.mark.parametrize("method", PEOPLE)
@pytest.mark.parametrize("kind", ["tre", "lre"])
def test_they_answer_observations_only(method: str, kind: str) -> None:
    where = predicted(25, kind)
    for ask in (lambda: where.region(0.9, method), lambda: where.p_value([[0.0, 0.0]], method)):
        with pytest.raises(InputError, match=f"'{method}' cannot answer '{kind}': predict with kind 'observation'"):
            ask()


def test_pairs_with_covariances_of_their_own_have_no_ranks() -> None:
    rng = np.random.default_rng(12)
    x = 20.0 * rng.standard_normal((25, 2))
    pairs = FiducialPairs(x, x + rng.standard_normal(x.shape), target_covariance=np.eye(2) * rng.uniform(1, 9, 25)[:, None, None])
    where = regerr.fit(pairs).predict([[0.0, 0.0]], "observation")
    with pytest.raises(UndeterminedError, match="takes pairs to be exchangeable"):
        where.region(0.9, "rank")
    assert where.region(0.9, "interpolated-rank").bounded.all()


# Coverage


Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def log_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Normal vectors whose s.d. differs from pair to pair."""
    return np.exp(0.6 * rng.standard_normal((*shape[:-1], 1))) * rng.standard_normal(shape)


def slips(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.where(rng.uniform(size=(*shape[:-1], 1)) < 0.08, 8.0, 1.0) * rng.standard_normal(shape)


NOISES: dict[str, Draw] = {"normal": lambda rng, shape: rng.standard_normal(shape),
                           "t3": lambda rng, shape: rng.standard_t(3, shape), "log-normal": log_normal, "slips": slips}


@cache
def coverage(model: str, dimension: int, n: int, noise: str, method: str, count: int = 3000) -> tuple[float, float]:
    """At 95 %, and its s.e.; every dataset has a layout of its own, and the new pair is one more of the same kind."""
    rng = np.random.default_rng([dimension, n, len(noise)])
    x = 20.0 * rng.standard_normal((count, n + 1, dimension))
    y = x + NOISES[noise](rng, x.shape)
    where = regerr.fit(FiducialPairs(x[:, :n], y[:, :n]), model).predict(x[:, n:], "observation")
    share = float(where.region(0.95, method).contains(y[:, n:]).mean())
    return share, math.sqrt(share * (1 - share) / count)


CELLS = [(model, dimension, n) for model, dimension, n in
         (("rigid", 2, 19), ("rigid", 3, 24), ("affine", 2, 30), ("affine", 3, 25), ("similarity", 2, 40))]


@pytest.mark.parametrize(("model", "dimension", "n"), CELLS)
@pytest.mark.parametrize("noise", NOISES)
def test_ranks_of_exchangeable_pairs_are_exact(model: str, dimension: int, n: int, noise: str) -> None:
    """``ceil(level (n + 1))/(n + 1)``, whatever the noise."""
    share, _ = coverage(model, dimension, n, noise, "rank")
    nominal = conformal_rank(n, 0.95) / (n + 1)
    error = math.sqrt(nominal * (1 - nominal) / 3000)
    assert abs(share - nominal) < 4 * error


@pytest.mark.parametrize(("model", "dimension", "n"), CELLS)
@pytest.mark.parametrize("noise", NOISES)
def test_the_interpolated_rank_holds(model: str, dimension: int, n: int, noise: str) -> None:
    """Theory: .940 to .963 over 64 simulated cells."""
    share, error = coverage(model, dimension, n, noise, "interpolated-rank")
    assert 0.940 - 4 * error < share < 0.963 + 4 * error


@pytest.mark.parametrize("noise", ["t3", "log-normal", "slips"])
def test_laws_of_normal_noise_are_short_there(noise: str) -> None:
    """The same draws: the level itself is out of reach."""
    share, error = coverage("rigid", 3, 24, noise, "score")
    assert share < 0.95 - 4 * error


def test_the_price_with_normal_noise() -> None:
    """Theory: a radius of 1.02 times that of the F region."""
    rng = np.random.default_rng(13)
    x = 20.0 * rng.standard_normal((2000, 30, 3))
    where = regerr.fit(FiducialPairs(x, x + rng.standard_normal(x.shape))).predict(x[:, :1], "observation")
    ratio = np.cbrt(where.region(0.95, "interpolated-rank").volume / where.region(0.95, "wald").volume)
    assert np.median(ratio) == pytest.approx(1.02, abs=4 * 1.25 * ratio.std() / math.sqrt(2000) + 0.005)


def test_the_names_of_the_methods() -> None:
    assert [METHODS[name] for name in PEOPLE] == [Rank(), InterpolatedRank(), Mixture()]
    assert all(METHODS[name].kinds == ("observation",) for name in PEOPLE)
