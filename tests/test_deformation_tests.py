"""Every test of deformation written again, slowly; and the laws that all of them obey."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy import linalg, optimize, stats

from regerr import FiducialPairs, Noise, compare_models
from regerr.hypotheses import FULL, ISOTROPIC, parametric, wild
from regerr.hypotheses.groups import parse_groups
from regerr.hypotheses.raters import dealt
from regerr.hypotheses.seeds import generator_of
from regerr.hypotheses.strain import complement, t_weights
from regerr.linalg import proper_rotation
from regerr.models import parse_model

STEPS = (("rigid", "similarity"), ("similarity", "affine"), ("rigid", "affine"))
RATERS = ("raters", "raters-permuted")
PLAIN = [(name, "both") for name in ISOTROPIC if name not in RATERS] + [(name, Noise(1.0, "full")) for name in FULL]
BOTH = pytest.mark.parametrize("d", [2, 3])
TESTS = pytest.mark.parametrize(("name", "noise"), PLAIN, ids=lambda value: getattr(value, "shape", value))


def simulate(d: int, n: int = 9, size: int | None = None, seed: int = 1, noise: float = 1.0) -> FiducialPairs:
    rng = np.random.default_rng([seed, d, n])
    shape = (n, d) if size is None else (size, n, d)
    x = 20.0 * rng.standard_normal(shape)
    y = x @ (proper_rotation(rng.standard_normal((d, d)))[0] @ np.diag([1.05, *[1.0] * (d - 1)])).T
    return FiducialPairs(x + noise * rng.standard_normal(shape), y + noise * rng.standard_normal(shape))


def p_of(pairs: FiducialPairs, name: str, noise: str | Noise = "both", step: tuple[str, str] = ("rigid", "affine"), **more):
    draws = {"draws": 99} if name == "bootstrap" else {}
    return compare_models(pairs, *step, noise, test=name, **draws | more).p_value


# Witnesses


def procrustes(x: np.ndarray, y: np.ndarray, scaled: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Linear part, centroids, by scipy's singular value decomposition; the symmetric scale."""
    dx, dy = x - x.mean(0), y - y.mean(0)
    u, _, vt = linalg.svd(dx.T @ dy)
    flip = np.diag([*[1.0] * (x.shape[1] - 1), np.sign(linalg.det(u @ vt))])
    scale = math.sqrt((dy**2).sum() / (dx**2).sum()) if scaled else 1.0
    return scale * (u @ flip @ vt).T, x.mean(0), y.mean(0)


def strain_by_hand(pairs: FiducialPairs, scaled: bool, wider: str, weights: np.ndarray | None = None):
    """Projections on G and on D after G, and the residuals, rows of landmarks one after the other."""
    x, y = pairs.source, pairs.target
    n, d = x.shape
    a, mx, my = procrustes(x, y, scaled)
    r = y - (my + (x - mx) @ a.T)
    eta = (x - mx) @ a.T + 0.5 * r
    units = np.eye(d)
    turns = [np.outer(units[i], units[j]) - np.outer(units[j], units[i]) for i, j in itertools.combinations(range(d), 2)]
    bends = [np.outer(units[i], units[j]) + np.outer(units[j], units[i]) for i in range(d) for j in range(i + 1)]
    own = [*turns, np.eye(d)] if scaled else turns
    more = bends if wider == "affine" else [np.eye(d)]
    w = np.ones(n) if weights is None else np.sqrt(weights)

    def rows(moves):
        return np.array([[w[i] * (m @ eta[i])[c] for m in moves] for i in range(n) for c in range(d)])

    shifts = np.array([[w[i] * units[c, e] for e in range(d)] for i in range(n) for c in range(d)])
    g = np.column_stack([shifts, rows(own)])
    onto_g = g @ linalg.pinv(g)
    rest = rows(more) - onto_g @ rows(more)
    # for similarity < affine the trace is among the bends and in G: what is left of it is rounding
    basis = linalg.orth(rest, rcond=1e-8)
    z = (w[:, None] * r).ravel()
    return onto_g, basis, z - onto_g @ z, g.shape[1]


def f_by_hand(onto_g: np.ndarray, basis: np.ndarray, z: np.ndarray, k: int) -> float:
    z = z - onto_g @ z
    q, explained = basis.shape[1], ((basis.T @ z) ** 2).sum()
    return float(explained / q / ((z @ z - explained) / (len(z) - k - q)))


def wild_by_hand(pairs: FiducialPairs, step: tuple[str, str], groups: list, signs: np.ndarray, weights: np.ndarray | None = None):
    """Statistic, and F* of each sign pattern, one group and one pattern at a time."""
    onto_g, basis, z, k = strain_by_hand(pairs, step[0] == "similarity", step[1], weights)
    d, labels = pairs.dimension, list(dict.fromkeys(groups))
    standard = np.zeros_like(z)
    for label in labels:
        rows = [i * d + c for i, own in enumerate(groups) if own == label for c in range(d)]
        block = np.eye(len(rows)) - onto_g[np.ix_(rows, rows)]
        standard[rows] = np.real(linalg.inv(linalg.sqrtm(block))) @ z[rows]
    flips = [np.repeat([pattern[labels.index(own)] for own in groups], d) for pattern in signs]
    return f_by_hand(onto_g, basis, z, k), np.array([f_by_hand(onto_g, basis, flip * standard, k) for flip in flips])


@BOTH
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("groups", [None, [0, 0, 1, 2, 3, 3, 3, 4, 5]])
def test_the_wild_f_is_what_a_loop_finds(d, step, groups):
    """All patterns of 9 landmarks, or of 6 groups."""
    pairs = simulate(d)
    signs = np.array(list(itertools.product([1.0], *[[1.0, -1.0]] * (8 if groups is None else 5))))
    own, drawn = wild_by_hand(pairs, step, groups or list(range(9)), signs)
    test = compare_models(pairs, *step, test="wild", groups=groups)
    assert float(test.statistic) == pytest.approx(own, rel=1e-9)
    assert float(test.p_value) == pytest.approx(max((drawn >= own * (1 - 1e-12)).sum(), 1) / len(signs), abs=1e-12)
    assert "all" in test.law and str(len(signs)) in test.law


@BOTH
def test_random_signs_are_those_of_the_seed(d):
    pairs = simulate(d, 13)
    test = compare_models(pairs, "rigid", "affine", test="wild", draws=200, seed=5)
    signs = 1.0 - 2.0 * np.random.default_rng(5).integers(0, 2, (200, 13), dtype=np.int8)
    own, drawn = wild_by_hand(pairs, STEPS[2], list(range(13)), signs)
    assert float(test.p_value) == pytest.approx((1 + (drawn >= own).sum()) / 201, abs=1e-12)
    assert "200 random signs of 13 landmarks, seed 5" in str(test).replace("\n", " ")


@BOTH
def test_weights_of_students_t(d):
    """The scale is that of greatest likelihood, found by a general search; the rest is the weighted test."""
    pairs = simulate(d, seed=2)
    a, mx, my = procrustes(pairs.source, pairs.target, False)
    r = pairs.target - (my + (pairs.source - mx) @ a.T)
    square = (r**2).sum(1)

    def minus_log(log_s):
        return d * len(r) * log_s + (4.0 + d) / 2 * np.log1p(square / (4.0 * math.exp(2 * log_s))).sum()

    s = math.exp(optimize.minimize_scalar(minus_log, bounds=(-8.0, 8.0), method="bounded", options={"xatol": 1e-12}).x)
    weights = (4.0 + d) / (4.0 + square / s**2)
    assert np.allclose(t_weights(r[None], 4.0)[0], weights, rtol=1e-6)
    signs = np.array(list(itertools.product([1.0], *[[1.0, -1.0]] * 8)))
    own, drawn = wild_by_hand(pairs, STEPS[2], list(range(9)), signs, weights)
    test = compare_models(pairs, "rigid", "affine", test="wild-t")
    assert float(test.statistic) == pytest.approx(own, rel=1e-5)
    assert float(test.p_value) == pytest.approx(max((drawn >= own).sum(), 1) / len(signs), abs=1.5 / len(signs))


def sums_by_hand(pairs: FiducialPairs) -> tuple[float, float]:
    """RSS of rigid and affine, noise in both spaces, from the eigenvalues of the scatter of both (the metric of a rigid null)."""
    a, mx, my = procrustes(pairs.source, pairs.target, False)
    dx, dy = pairs.source - mx, pairs.target - my
    both = np.column_stack([dx, dy])
    # noise of one pair has twice the variance of one point's, seen in the target
    return float(((dy - dx @ a.T) ** 2).sum()), float(2.0 * linalg.eigvalsh(both.T @ both)[:pairs.dimension].sum())


@BOTH
def test_likelihood_ratios_written_out(d):
    pairs, n, q = simulate(d), 9, d * (d + 1) // 2
    rss_0, rss_1 = sums_by_hand(pairs)
    k = d * (d + 1)
    for name, m in (("chi2", n * d), ("bartlett", n * d - k + q / 2 - 1)):
        test = compare_models(pairs, "rigid", "affine", test=name)
        assert float(test.statistic) == pytest.approx(m * math.log(rss_0 / rss_1), rel=1e-9)
        assert float(test.p_value) == pytest.approx(stats.chi2.sf(m * math.log(rss_0 / rss_1), q), rel=1e-9)
        assert test.dof == (q, math.inf)
    known = compare_models(pairs, "rigid", "affine", Noise(1.0, scale=1.4), test="chi2")
    assert float(known.p_value) == pytest.approx(stats.chi2.sf((rss_0 - rss_1) / 1.4**2, q), rel=1e-9)


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_determinants_written_out(ratio):
    """The null by a general search over the angle, the affine map by a general search over its entries."""
    pairs, n, d, q = simulate(2), 9, 2, 3
    dx, dy = (points - points.mean(0) for points in (pairs.source, pairs.target))
    share = ratio / (1 + ratio)

    def log_q(matrix):
        r = dy - dx @ matrix.T
        return np.linalg.slogdet(r.T @ r)[1] - 2 * share * np.linalg.slogdet(matrix)[1]

    start = procrustes(pairs.source, pairs.target, False)[0]
    zero = optimize.minimize_scalar(lambda t: log_q(start @ np.array([[math.cos(t), -math.sin(t)], [math.sin(t), math.cos(t)]])),
                                    bounds=(-0.5, 0.5), method="bounded", options={"xatol": 1e-11}).fun
    one = optimize.minimize(lambda m: log_q(m.reshape(2, 2)), start.ravel(), tol=1e-11, method="BFGS", options={"gtol": 1e-9}).fun
    noise = Noise(ratio, "full")
    for name, m in (("chi2", n), ("bartlett", n - (d + 1) - (d - q / d + 1) / 2)):
        test = compare_models(pairs, "rigid", "affine", noise, test=name)
        assert float(test.statistic) == pytest.approx(m * (zero - one), rel=1e-6)
    rss_0 = ((dy - dx @ start.T) ** 2).sum()
    own = n * (d * math.log(rss_0 / (n * d)) - (one - d * math.log(n)))
    test = compare_models(pairs, "rigid", "affine", Noise(ratio), test="iso/full")
    assert float(test.statistic) == pytest.approx(own, rel=1e-6) and test.dof[0] == 5
    assert float(test.p_value) == pytest.approx(stats.chi2.sf(own, 5), rel=1e-4)
    assert "alike in all directions" in test.null


def test_the_bootstrap_is_what_a_loop_finds():
    pairs, draws = simulate(2, 7), 40
    a, mx, my = procrustes(pairs.source, pairs.target, False)
    r = pairs.target - (my + (pairs.source - mx) @ a.T)
    eta = (pairs.source - mx) @ a.T + 0.5 * r
    sd = math.sqrt((r**2).sum() / (7 * 2 - 3) / 2)
    rng, found = np.random.default_rng(3), []
    for _ in range(draws):
        z = rng.standard_normal((2, 7, 2))
        rss_0, rss_1 = sums_by_hand(FiducialPairs(eta @ a + sd * z[0], eta + sd * z[1]))
        found.append((rss_0 - rss_1) / rss_1)
    rss_0, rss_1 = sums_by_hand(pairs)
    test = compare_models(pairs, "rigid", "affine", test="bootstrap", draws=draws, seed=3)
    assert float(test.p_value) == pytest.approx((1 + (np.array(found) >= (rss_0 - rss_1) / rss_1).sum()) / (draws + 1), abs=1e-12)


@BOTH
@pytest.mark.parametrize("step", STEPS)
def test_raters_are_what_a_loop_finds(d, step):
    k, n = 4, 10
    base, rng = simulate(d, n), np.random.default_rng(4)
    source, target = (points + rng.standard_normal((k, n, d)) for points in (base.source, base.target))
    means = FiducialPairs(source.mean(0), target.mean(0))
    _, basis, _, _ = strain_by_hand(means, step[0] == "similarity", step[1])
    a, mx, my = procrustes(means.source, means.target, step[0] == "similarity")
    u = [basis.T @ (my + (placed - mx) @ a.T).ravel() for placed in source] + [basis.T @ placed.ravel() for placed in target]
    q = basis.shape[1]

    def f(first, second):
        apart = np.mean(first, 0) - np.mean(second, 0)
        within = sum(((v - np.mean(part, 0)) ** 2).sum() for part in (first, second) for v in part)
        return (apart @ apart / q) / (within / (q * (2 * k - 2))) / (2 / k)

    own = f(u[:k], u[k:])
    pairs = FiducialPairs(source, target)
    test = compare_models(pairs, *step, test="raters")
    assert float(test.statistic) == pytest.approx(own, rel=1e-8)
    assert float(test.p_value) == pytest.approx(stats.f.sf(own, q, q * (2 * k - 2)), rel=1e-6)
    others = [set(some) for some in itertools.combinations(range(2 * k), k)]
    every = [f([u[i] for i in some], [u[i] for i in range(2 * k) if i not in some]) for some in others]
    expected = np.mean([value >= own * (1 - 1e-9) for value in every])
    assert float(compare_models(pairs, *step, test="raters-permuted").p_value) == pytest.approx(expected, abs=1e-9)


def test_ways_to_deal_raters_out():
    """Each split into halves once, the identity left out; random ones where there are too many."""
    ways = dealt(3, 999, 1)
    halves = {frozenset((frozenset(way[:3].tolist()), frozenset(way[3:].tolist()))) for way in ways}
    assert len(ways) == len(halves) == math.comb(6, 3) // 2 - 1
    assert all(sorted(way.tolist()) == list(range(6)) for way in ways)
    assert len(dealt(10, 99, 1)) == 99 and sorted(dealt(10, 99, 1)[0].tolist()) == list(range(20))


def test_what_the_wider_model_adds_is_symmetric():
    for d in (2, 3):
        moves = {name: parse_model(name).card.moves(d) for name in ("rigid", "similarity", "affine")}
        bends = complement(moves["rigid"], moves["affine"])
        assert len(bends) == d * (d + 1) // 2 and np.allclose(bends, np.swapaxes(bends, 1, 2), atol=1e-12)
        traceless = complement(moves["similarity"], moves["affine"])
        assert len(traceless) == d * (d + 1) // 2 - 1 and np.allclose(np.trace(traceless, axis1=1, axis2=2), 0, atol=1e-12)
        growth = complement(moves["rigid"], moves["similarity"])
        assert np.allclose(np.abs(growth), np.eye(d) / math.sqrt(d), atol=1e-12)


# Laws


@TESTS
@BOTH
def test_a_batch_is_a_loop(name, noise, d):
    """The bootstrap draws for each dataset from a child of the seed; the signs of the wild tests are common to all."""
    pairs = simulate(d, 12, 5)
    batch = p_of(pairs, name, noise, seed=7) if hasattr(ISOTROPIC[name], "seed") else p_of(pairs, name, noise)
    seeds = np.random.SeedSequence(7).spawn(5) if name == "bootstrap" else [7] * 5
    alone = [p_of(pairs[i], name, noise, **({"seed": seeds[i]} if hasattr(ISOTROPIC[name], "seed") else {})) for i in range(5)]
    assert batch.shape == (5,) and np.allclose(batch, alone, rtol=1e-9)
    assert p_of(pairs[:0], name, noise).shape == (0,)
    assert np.array_equal(p_of(FiducialPairs(pairs.source[None, :4].repeat(2, 0), pairs.target[None, :4].repeat(2, 0)), name,
                               noise).shape, (2, 4))


@TESTS
@BOTH
def test_places_directions_and_units_do_not_matter(name, noise, d):
    pairs, rng = simulate(d, 9, 4), np.random.default_rng(8)
    one, other = (proper_rotation(rng.standard_normal((d, d)))[0] for _ in range(2))
    if name == "bootstrap":  # whose noise is drawn along the axes
        one, other = np.eye(d), np.eye(d)
    moved = FiducialPairs(30.0 * pairs.source @ one.T + 1e4, 30.0 * pairs.target @ other.T - 1e4)
    tolerance = 1e-6 if name in FULL else 1e-7
    assert np.allclose(p_of(pairs, name, noise), p_of(moved, name, noise), rtol=tolerance)


@pytest.mark.parametrize(("name", "noise"), [case for case in PLAIN if case[0] != "bootstrap"])
@BOTH
def test_the_order_of_landmarks_does_not_matter(name, noise, d):
    """Where patterns are drawn, only up to which landmark gets which sign: here all are taken. The bootstrap draws in order."""
    pairs, order = simulate(d, 9, 4), np.random.default_rng(9).permutation(9)
    mixed = FiducialPairs(pairs.source[:, order], pairs.target[:, order])
    assert np.allclose(p_of(pairs, name, noise), p_of(mixed, name, noise), rtol=1e-8)


@pytest.mark.parametrize("name", ["F", "wild", "wild-t", "bartlett", "chi2", "iso/full"])
@pytest.mark.parametrize("step", STEPS[1:])
def test_exchanging_the_images_changes_nothing(name, step):
    pairs = simulate(2, 9, 6)
    assert np.allclose(p_of(pairs, name, step=step), p_of(pairs.swap(), name, step=step), rtol=1e-7)


@pytest.mark.parametrize("name", RATERS)
def test_the_order_of_raters_does_not_matter(name):
    rng = np.random.default_rng(10)
    base = simulate(3, 12, 3)
    pairs = FiducialPairs(*(p[:, None] + rng.standard_normal((3, 4, 12, 3)) for p in (base.source, base.target)))
    mixed = FiducialPairs(pairs.source[:, [2, 0, 3, 1]], pairs.target[:, [1, 3, 2, 0]])
    assert np.allclose(p_of(pairs, name), p_of(mixed, name)) and p_of(pairs, name).shape == (3,)
    assert np.allclose(p_of(pairs, name), p_of(pairs.swap(), name), rtol=1e-7)
    assert np.allclose(p_of(pairs, name), [p_of(pairs[i], name) for i in range(3)])


def test_groups_are_what_they_hold_and_not_what_they_are_called():
    pairs = simulate(2, 9)
    expected = p_of(pairs, "wild", groups=[1, 1, 2, 3, 4, 4, 5, 6, 7])
    for groups in (["b", "b", "a", "x", "q", "q", "c", "d", "e"], np.array([9, 9, 3, 4, 1, 1, 2, 5, 6]),
                   {"1": "L", "2": "L", "5": "M", "6": "M"}, ["b", "b", None, "", "q", "q", None, "", "e"]):
        assert p_of(pairs, "wild", groups=groups) == expected
    assert p_of(pairs, "wild", groups=list(range(9))) == p_of(pairs, "wild")
    assert parse_groups({"c": 1, "b": 1}, ["a", "b", "c"]) == (0, 1, 1)


@pytest.mark.parametrize(("module", "name"), [(wild, "wild"), (wild, "wild-t"), (parametric, "bootstrap")])
def test_numbers_do_not_depend_on_the_room_they_are_held_in(module, name, monkeypatch):
    pairs = simulate(2, 12, 6)
    whole = p_of(pairs, name)
    monkeypatch.setattr(module, "_ROOM", 500)
    assert np.array_equal(p_of(pairs, name), whole)


def test_many_landmarks_take_little_room():
    """Neither landmarks x patterns numbers of eight bytes, nor landmarks x groups steps."""
    pairs = simulate(2, 20_000)
    tracemalloc.start()
    p_of(pairs, "wild", groups=[i // 2 for i in range(20_000)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6 < 999 * 10_000 * 8


@pytest.mark.parametrize("name", ["wild", "bootstrap"])
def test_seeds(name):
    """One seed, one answer; a SeedSequence is left as it was; a Generator goes on."""
    pairs, sequence = simulate(2, 14, 3, noise=2.0), np.random.SeedSequence(5)
    first = p_of(pairs, name, seed=sequence)
    assert np.array_equal(first, p_of(pairs, name, seed=sequence)) and np.array_equal(first, p_of(pairs, name, seed=5))
    assert not np.array_equal(first, p_of(pairs, name, seed=6))
    assert np.array_equal(p_of(pairs, name), p_of(pairs, name, seed=2021))
    rng = np.random.default_rng(5)
    assert np.array_equal(first, p_of(pairs, name, seed=rng)) and not np.array_equal(first, p_of(pairs, name, seed=rng))
    assert generator_of(5).integers(10**9) == np.random.default_rng(5).integers(10**9)


@TESTS
def test_datasets_without_a_fit_or_without_residuals_leave_the_others_alone(name, noise):
    pairs = simulate(2, 9, 4)
    x, y = pairs.source.copy(), pairs.target.copy()
    x[1] = np.arange(9.0)[:, None] * [1.0, 2.0]  # on a line
    y[2] = x[2]  # an exact fit
    test = compare_models(FiducialPairs(x, y), "rigid", "affine", noise, "mark", test=name)
    assert list(np.isnan(test.p_value)) == [False, True, True, False]
    assert list(test.failure > 0) == [False, True, False, False] and list(test.unresolved) == [False, False, True, False]
    if name != "bootstrap":  # whose datasets have streams by their place
        assert np.allclose(test.p_value[[0, 3]], p_of(pairs[[0, 3]], name, noise))


@pytest.mark.parametrize("name", ["F", "wild", "wild-t", "bootstrap", "bartlett", "chi2"])
def test_residuals_that_are_nought(name):
    """No verdict where the scale is estimated; with a known one nothing at all speaks against the null."""
    x = np.array([[0.0, 0], [4, 0], [0, 4], [4, 4], [8, 0], [0, 8], [8, 8], [4, 8]])
    for step in STEPS[1:]:
        assert np.isnan(p_of(FiducialPairs(x, x + 1.0), name, step=step))
        assert p_of(FiducialPairs(x, x + 1.0), name, Noise(1.0, scale=1.0), step) == 1.0


def test_raters_who_all_placed_alike_give_no_verdict():
    pairs = simulate(2, 9)
    same = FiducialPairs(np.stack([pairs.source] * 4), np.stack([pairs.target] * 4))
    for name in RATERS:
        test = compare_models(same, "rigid", "affine", test=name)
        assert test.unresolved and np.isnan(test.p_value)


def test_a_test_is_frozen_and_says_what_it_is():
    for test in [*ISOTROPIC.values(), *FULL.values()]:
        assert test.label and test.symbol in ("F", "chi2")
        with pytest.raises(FrozenInstanceError):
            test.name = "other"  # type: ignore[misc]
    assert ISOTROPIC["chi2"].caution and FULL["chi2"].caution and not ISOTROPIC["F"].caution
    own = compare_models(simulate(2), "rigid", "affine", test=ISOTROPIC["wild"])
    assert own.test.name == "wild"
