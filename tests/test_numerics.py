"""Section 19 of the theory: tiny noise, huge offsets, exact fits, thin layouts, and the secular equation, against 60 digits."""

from __future__ import annotations

import math
import warnings
from decimal import Decimal
from typing import Any

import exact
import numpy as np
import pytest
from cases import CASES, rotation
from exact import exactly, to_float
from scipy import stats

import regerr
from regerr import FiducialPairs, Noise
from regerr.methods import Deletion
from regerr.scatter import Scatter
from regerr.secular import small_roots

KINDS = ("tre", "observation")


def layout(seed: int, d: int, n: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Pairs on a layout of 22 px with a noise of 1e-8 px."""
    rng = np.random.default_rng(seed)
    x = 22.0 * rng.standard_normal((n, d))
    return x, x @ rotation(rng, d).T + 1e-8 * rng.standard_normal((n, d))


def new_pair(x: np.ndarray, y: np.ndarray, seed: int, noise: float = 2e-8) -> tuple[np.ndarray, np.ndarray]:
    """A target among the fiducials, and a point some noise off its prediction."""
    rng = np.random.default_rng([seed, 1])
    d = x.shape[1]
    h = (x - x.mean(0)).T @ (y - y.mean(0))
    u, _, vt = np.linalg.svd(h)
    turn = vt.T @ np.diag([*np.ones(d - 1), np.linalg.det(vt.T @ u.T)]) @ u.T
    target = x.mean(0) + 20 * rng.standard_normal(d)
    return target, turn @ (target - x.mean(0)) + y.mean(0) + noise * rng.standard_normal(d)


def relative(found: Any, expected: Decimal) -> float:
    return abs(float(found) / float(expected) - 1)


# --- sums of squares ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("d", [2, 3])
def test_rss_of_tiny_noise_is_right(d, seed):
    """Naively ``sum|x|^2 + sum|y|^2 - 2 nu`` is 1.8e-12 where 7.9e-16 is right; residuals are right to 1e-6."""
    x, y = layout(seed, d)
    xe, ye = exact.centred(exactly(x)), exact.centred(exactly(y))
    rss = exact.rigid_rss(xe, ye)
    assert relative(regerr.fit(FiducialPairs(x, y)).fitted.rss, rss) < 1e-6
    assert 1e-17 < float(rss) < 1e-14
    a, b = (x - x.mean(0)), (y - y.mean(0))
    naive = (a**2).sum() + (b**2).sum() - 2 * np.linalg.svd(a.T @ b, compute_uv=False).sum()
    assert relative(naive, rss) > 0.5  # the reference sees what is lost
    matrix, _ = exact.regression(xe, ye)
    r = ye - xe @ matrix.T
    assert relative(regerr.fit(FiducialPairs(x, y), "affine", "target").fitted.rss, (r * r).sum()) < 1e-6
    stretch = ((ye * ye).sum() / (xe * xe).sum()).sqrt()
    rss_both = exact.small_sum(np.hstack([stretch * xe, ye]), d)
    assert relative(regerr.fit(FiducialPairs(x, y), "affine", "both").fitted.rss, rss_both) < 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_rss_of_a_similarity_of_tiny_noise_is_right(seed):
    x, y = layout(seed, 2)
    rss, s = exact.similarity_rss(exact.centred(exactly(x)), exact.centred(exactly(3 * y)))
    result = regerr.fit(FiducialPairs(x, 3 * y), "similarity")
    assert relative(result.fitted.rss, rss) < 1e-6
    assert math.sqrt(np.linalg.det(result.transform.matrix)) == pytest.approx(float(s), rel=1e-14)


# --- statistics --------------------------------------------------------------------------------------------------------------

def assert_statistics(result: regerr.RegistrationResult, new: tuple[np.ndarray, np.ndarray], kind: str,
                      expected: tuple[Decimal, Decimal, Decimal], rtol: float) -> None:
    """Score alone and likelihood ratio from ``num, RSS_0, RSS_n``, through their F statistics."""
    d, dof = result.pairs.dimension, result.degrees_of_freedom
    num, total, before = expected
    where = result.predict(new[0][None], kind)
    for method, f in ((Deletion(), num / (total - num)), ("likelihood-ratio", (total - before) / before)):
        p = where.p_value(new[1][None], method)[0]
        assert 1e-12 < p < 1 - 1e-6
        assert stats.f.isf(p, d, dof) == pytest.approx(float(f) * dof / d, rel=rtol), f"{kind} {method}"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rho", [0, 1, 3])
def test_rigid_statistics_of_tiny_noise(kind, seed, rho):
    x, y = layout(seed, 2)
    new = new_pair(x, y, seed)
    kappa = Decimal(rho) / (1 + rho)
    xe, ye, pair = exactly(x), exactly(y), (exactly(new[0]), exactly(new[1]))
    num, total = exact.rigid_score_2d(xe, ye, pair, kind, kappa)
    before = exact.rigid_rss(exact.centred(xe), exact.centred(ye))
    assert_statistics(regerr.fit(FiducialPairs(x, y), "rigid", Noise(float(rho))), new, kind, (num, total, before), 1e-5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_rigid_likelihood_ratio_of_tiny_noise_in_3d(kind, seed):
    x, y = layout(seed, 3)
    new = new_pair(x, y, seed)
    before, total = (exact.rigid_rss(*points) for points in (
        (exact.centred(exactly(x)), exact.centred(exactly(y))),
        (exact.joined(exactly(x), exactly(new[0]), kind), exact.joined(exactly(y), exactly(new[1]), kind))))
    p = regerr.fit(FiducialPairs(x, y)).predict(new[0][None], kind).p_value(new[1][None], "likelihood-ratio")[0]
    assert stats.f.isf(p, 3, 21) == pytest.approx(float((total - before) / before) * 7, rel=1e-5)


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_affine_statistics_of_tiny_noise(kind, seed, d):
    """The Bartlett factor differs from one by less than 1e-15 here."""
    x, y = layout(seed, d)
    new = new_pair(x, y, seed)
    xe, ye = exactly(x), exactly(y)
    n = Decimal(len(x))
    dx, dy = exactly(new[0]) - xe.sum(0) / n, exactly(new[1]) - ye.sum(0) / n
    xe, ye = exact.centred(xe), exact.centred(ye)
    a = ((ye * ye).sum() / (xe * xe).sum()).sqrt()
    z = np.hstack([a * xe, ye])
    num, total = exact.affine_score(z, np.r_[a * dx, dy], n if kind == "tre" else n / (n + 1), d)
    result = regerr.fit(FiducialPairs(x, y), "affine", "both")
    assert_statistics(result, new, kind, (num, total, exact.small_sum(z, d)), 1e-5)


@pytest.mark.parametrize("case", [c for c in CASES if not c.known_scale], ids=str)
def test_p_values_do_not_depend_on_the_size_of_tiny_noise(case):
    """Linear in the noise: 1e-8 and 1e-5 px on the same layout give the same p-values, by every model, kind and method."""
    rng = np.random.default_rng(8)
    d = case.dimension
    a, x = case.truth(rng), 22 * rng.standard_normal((case.n, d))
    targets = 22 * rng.standard_normal((3, d))
    noise, off = rng.standard_normal(x.shape), 2 * rng.standard_normal((3, d))
    small, large = (case.fit(case.of(x, x @ a.T + size * noise)) for size in (1e-8, 1e-5))
    for kind, method in case.questions:
        one, two = (result.predict(targets, kind).p_value(targets @ a.T + size * off, method)
                    for result, size in ((small, 1e-8), (large, 1e-5)))
        np.testing.assert_allclose(one, two, atol=2e-5, err_msg=f"{kind} {method}")


# --- offsets -----------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("case", CASES, ids=str)
def test_offsets_of_1e8_cost_no_more_than_the_input_has_lost(case):
    """Coordinates of 1e8 are rounded to 1.5e-8; what is computed from them is right to that."""
    rng = np.random.default_rng(2)
    pairs, d = case.pairs(2), case.dimension
    shift_x, shift_y = 1e8 * rng.uniform(-1, 1, d), 1e8 * rng.uniform(-1, 1, d)
    far = case.of(pairs.source + shift_x, pairs.target + shift_y)
    near = case.of(far.source - shift_x, far.target - shift_y)  # exact differences: the rounding is in both
    one, two = case.fit(far), case.fit(near)
    np.testing.assert_allclose(one.transform.matrix, two.transform.matrix, atol=1e-9)
    np.testing.assert_allclose(one.noise_covariance, two.noise_covariance, rtol=1e-6)
    targets = 50 + 40 * rng.standard_normal((4, d))
    for kind, method in case.questions:
        there, here = one.predict(targets + shift_x, kind), two.predict(targets, kind)
        np.testing.assert_allclose(there.mean - shift_y, here.mean, atol=3e-7)
        np.testing.assert_allclose(there.rms, here.rms, rtol=1e-6)
        points = here.mean + 0.7 * here.rms[:, None]
        np.testing.assert_allclose(there.p_value(points + shift_y, method), here.p_value(points, method), atol=1e-5)


@pytest.mark.parametrize("space", ["source", "target"])
@pytest.mark.parametrize("case", [c for c in CASES if not c.known_scale], ids=str)
def test_an_exact_fit_far_from_the_origin_counts_as_exact(case, space):
    """``RSS < n d (8 eps max|coordinate before centring|)^2``, whichever space holds the large coordinates."""
    rng = np.random.default_rng(3)
    x = np.round(20 * rng.standard_normal((case.n, case.dimension)), 2)
    y = x @ case.truth(rng).T
    pairs = case.of(x + 1e8, y) if space == "source" else case.of(x, y + 1e8)
    with pytest.warns(regerr.RegistrationWarning, match="fit exactly"):
        result = case.fit(pairs)
    assert result.fitted.rss == 0


@pytest.mark.parametrize("case", [c for c in CASES if not c.known_scale], ids=str)
def test_small_but_real_noise_is_not_taken_for_an_exact_fit(case):
    rng = np.random.default_rng(3)
    x = 20 * rng.standard_normal((case.n, case.dimension))
    y = x @ case.truth(rng).T + 1e-11 * rng.standard_normal(x.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert case.fit(case.of(x, y)).fitted.rss > 0


# --- thin layouts ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("ratio", [1e-3, 1e-5, 1e-7, 1e-9])
@pytest.mark.parametrize("noise", ["target", "full"])
def test_regression_on_a_thin_layout_is_least_squares(d, ratio, noise):
    """Singular ratio down to 1e-9: predictions, residuals and leverages agree with lstsq and QR."""
    rng = np.random.default_rng(6)
    turn = rotation(rng, d)
    x = (np.linalg.qr(rng.standard_normal((12, d)))[0] * np.r_[np.ones(d - 1), ratio]) @ turn * 50
    x = x - x.mean(0)
    y = x @ rng.standard_normal((d, d)) + rng.standard_normal(x.shape)
    result = regerr.fit(FiducialPairs(x, y), "affine", noise)
    expected = np.linalg.lstsq(x, y - y.mean(0), rcond=1e-14)[0].T
    np.testing.assert_allclose(result.transform.matrix, expected, rtol=1e-13 / ratio, atol=1e-12 / ratio)
    q = np.linalg.qr(np.column_stack([np.ones(12), x]))[0]
    np.testing.assert_allclose(result.leverages(), (q**2).sum(1), rtol=1e-5)
    residuals = (y - y.mean(0)) - q[:, 1:] @ (q[:, 1:].T @ (y - y.mean(0)))
    np.testing.assert_allclose(result.residuals, residuals, atol=1e-13 / ratio)


@pytest.mark.parametrize("case", [c for c in CASES if c.model == "affine" and not c.known_scale and not c.given], ids=str)
@pytest.mark.parametrize("ratio", [1e-5, 1e-7, 1e-8])
def test_affine_fits_of_thin_layouts_keep_their_predictions(case, ratio):
    """Thin in source and target alike, noise thinner still: at the fiducials p of the prediction is 1, as on a round layout."""
    rng = np.random.default_rng(6)
    d = case.dimension
    x = np.linalg.qr(rng.standard_normal((12, d)))[0] * np.r_[np.ones(d - 1), ratio] * 50
    a = case.truth(rng)
    pairs = case.of(x, x @ a.T + 1e-4 * ratio * 50 * rng.standard_normal(x.shape))
    result = case.fit(pairs)
    assert result.failure == 0
    for kind, method in case.questions:
        where = result.predict(pairs.source, kind)
        np.testing.assert_allclose(where.p_value(where.mean, method), 1.0, atol=1e-4, err_msg=f"{kind} {method}")
    assert (result.pair_p_values() > 1e-6).all()
    np.testing.assert_allclose(result.residuals.mean(0), 0, atol=1e-12)


# --- the secular equation ----------------------------------------------------------------------------------------------------

def secular_case(seed: int, d: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Poles and squared components over many orders of magnitude."""
    rng = np.random.default_rng(seed)
    poles = np.sort(10.0 ** np.r_[rng.uniform(-16, 0, d), rng.uniform(1, 5, d)])
    return poles, 10.0 ** rng.uniform(-20, 4, 2 * d), float(10.0 ** rng.uniform(-1, 2))


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("seed", range(12))
def test_secular_roots_are_the_small_eigenvalues_of_the_updated_matrix(d, seed):
    poles, z2, c = secular_case(seed, d)
    change, component2 = small_roots(poles[:, None], z2[:, None], c, d)
    z = np.array([v.sqrt() for v in exactly(z2)], object)
    values, vectors = exact.eigenvalues(np.diag(exactly(poles)) + Decimal(c) * np.outer(z, z))
    for k in range(d):
        assert change[k, 0] == pytest.approx(float(values[k] - Decimal(float(poles[k]))), rel=1e-12)
        # a root that presses against the next pole loses digits of its own component, never of the whole
        assert component2[k, 0] == pytest.approx(float((vectors[:, k] @ z) ** 2), rel=1e-9, abs=1e-10 * z2.sum())


def test_secular_roots_interlace_whatever_the_update():
    """Vanishing components, coinciding poles, zeros: the roots stay between their poles and are finite."""
    rng = np.random.default_rng(0)
    for poles in ([0, 0, 1, 2], [1, 1, 1, 1], [0, 1e-300, 5, 5], [1e-12, 1e-12, 1e8, 1e9]):
        p = np.asarray(poles, float)[:, None]
        z2 = rng.exponential(size=(4, 50)) * rng.integers(0, 2, (4, 50))
        change, component2 = small_roots(p, z2, 0.9, 2)
        assert np.isfinite(change).all() and np.isfinite(component2).all()
        assert (change >= 0).all() and (change <= (p[1:3] - p[:2]) + 1e-12 * p[-1] + 1e-250).all()


def test_secular_roots_match_numpy_on_ordinary_matrices():
    rng = np.random.default_rng(1)
    for d in (2, 3):
        z = rng.standard_normal((20, 2 * d))
        poles, vectors = np.linalg.eigh(z.T @ z)
        new = 5 * rng.standard_normal((2 * d, 7))
        change, _ = small_roots(poles[:, None], (vectors.T @ new) ** 2, 0.8, d)
        for j in range(7):
            expected = np.linalg.eigvalsh(z.T @ z + 0.8 * np.outer(new[:, j], new[:, j]))[:d]
            np.testing.assert_allclose(poles[:d] + change[:, j], expected, rtol=1e-12)


# --- far points and blocks ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("far", [1e4, 1e8, 1e12])
def test_points_far_away_have_a_number_and_lie_outside_or_in_an_unbounded_region(case, far):
    """No NaN and no warning however far the point; the ellipsoid and linear models exclude it."""
    result = case.fit(case.pairs(4))
    targets = np.full((2, case.dimension), 50.0)
    targets[1] += 1e4
    for kind, method in case.questions:
        where = result.predict(targets, kind)
        p = where.p_value(where.mean + far * (1 + np.abs(where.rms))[:, None], method)
        assert np.isfinite(p).all() and ((p >= 0) & (p <= 1)).all(), f"{kind} {method}"
        if method == "wald":
            assert (p < 1e-3).all()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_numbers_do_not_depend_on_the_size_of_the_blocks(case, monkeypatch):
    """A performance-free check: blocks of 5 elements give what one block gives."""
    rng = np.random.default_rng(9)
    pairs, d = case.pairs(9, (3,)), case.dimension
    shared, own = 50 + 40 * rng.standard_normal((4, d)), 50 + 40 * rng.standard_normal((3, 4, d))

    def numbers() -> list[np.ndarray]:
        result = case.fit(pairs)
        out = [result.transform.matrix, result.fitted.rss, result.pair_p_values(), result.leave_one_out()]
        for targets in (shared, own):
            for kind, method in case.questions:
                where = result.predict(targets, kind)
                points = where.mean + np.array([0.5, 2.0])[:, None, None, None] * result.fle_rms[..., None, None]
                out += [where.rms, where.p_value(points, method)]
        return out

    whole = numbers()
    monkeypatch.setattr("regerr.blocks.BLOCK", 5)
    monkeypatch.setattr("regerr.results.BLOCK", 1, raising=False)
    for one, two in zip(whole, numbers(), strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-9, atol=1e-11)


def test_scatter_subtracts_means_first():
    x = 1e8 + np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(Scatter.of(x, x).sxx, [[2 / 3, -1 / 3], [-1 / 3, 2 / 3]], rtol=1e-7)
    np.testing.assert_array_equal(to_float(exact.inverse(exactly([[2.0, 0.0], [0.0, 4.0]]))), [[0.5, 0.0], [0.0, 0.25]])
