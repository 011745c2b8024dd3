"""Tests of deformation: their size, their power, and the laws that nested models obey (theory, section 7)."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from regerr import FiducialPairs, InputError, Noise, UndeterminedError, UnsupportedError
from regerr.deformation import compare_models
from regerr.linalg import proper_rotation
from regerr.nested import LADDER
from regerr.scatter import Scatter
from regerr.wilks import least_log_determinant

STEPS = (("rigid", "similarity"), ("similarity", "affine"), ("rigid", "affine"))


def rotation(d: int, rng: np.random.Generator) -> np.ndarray:
    return proper_rotation(rng.standard_normal((d, d)))[0]


def simulate(n: int, d: int, noise: float, size: int, seed: int, *, linear=None, field: float | None = None,
             spaces: tuple[float, float] = (1.0, 1.0)) -> FiducialPairs:
    """A batch of datasets: fiducials Gaussian with s.d. 22, or uniform over a field; noise in both spaces."""
    rng = np.random.default_rng([seed, n, d])
    shape = (size, n, d)
    x = 22.0 * rng.standard_normal(shape) if field is None else field * rng.random(shape)
    y = x @ (rotation(d, rng) if linear is None else linear).T
    return FiducialPairs(x + noise * spaces[0] * rng.standard_normal(shape), y + noise * spaces[1] * rng.standard_normal(shape))


def rejections(pairs: FiducialPairs, null: str, wider: str, noise="both") -> float:
    return float((compare_models(pairs, null, wider, noise).p_value < 0.05).mean())


def monte_carlo(rate: float, size: int) -> float:
    return math.sqrt(rate * (1 - rate) / size)


@pytest.mark.parametrize(("null", "wider"), STEPS)
@pytest.mark.parametrize(("d", "n"), [(2, 4), (2, 6), (2, 10), (2, 25), (3, 5), (3, 6), (3, 10), (3, 25)])
def test_a_true_null_is_rejected_as_often_as_the_level_says(d, n, null, wider):
    """0.045 to 0.055 and 3.5 Monte Carlo errors."""
    size = 8000
    rate = rejections(simulate(n, d, 1.0, size, 1), null, wider)
    assert 0.045 - 3.5 * monte_carlo(0.05, size) < rate < 0.055 + 3.5 * monte_carlo(0.05, size)


@pytest.mark.parametrize("n", [25, 100])
def test_attenuation_is_not_taken_for_deformation(n):
    """Noise 3 in both spaces: the size holds, and ordinary regression for the wider model would reject too often."""
    size = 4000
    pairs = simulate(n, 2, 3.0, size, 2)
    assert abs(rejections(pairs, "rigid", "affine") - 0.05) < 0.005 + 3.5 * monte_carlo(0.05, size)
    regression = rejections(pairs, "rigid", "affine", "target")
    expected = {25: 0.072, 100: 0.160}[n]  # theory sheet, s.e. 0.002 to 0.007
    assert abs(regression - expected) < 0.02 + 3.5 * monte_carlo(expected, size)
    assert regression > 0.05 + 4 * monte_carlo(0.05, size)


@pytest.mark.parametrize(("noise", "spaces"), [
    ("target", (0.0, 2.0)), ("source", (2.0, 0.0)), (Noise(4.0), (2.0, 1.0)), (Noise(0.25), (1.0, 2.0)),
    (Noise(1.0, scale=1.5 * math.sqrt(2.0)), (1.5, 1.5)), (Noise(0.0, scale=2.0), (0.0, 2.0)),
])
@pytest.mark.parametrize(("null", "wider"), STEPS)
def test_the_size_holds_for_every_place_of_the_noise(noise, spaces, null, wider):
    size = 4000
    pairs = simulate(8, 2, 1.0, size, 3, spaces=spaces)
    rate = rejections(pairs, null, wider, noise)
    assert abs(rate - 0.05) < 0.005 + 3.5 * monte_carlo(0.05, size)


@pytest.mark.parametrize(("d", "n", "power"), [(2, 4, 0.098), (2, 6, 0.251), (2, 10, 0.581), (2, 25, 0.980), (3, 5, 0.088),
                                               (3, 6, 0.153), (3, 10, 0.426), (3, 25, 0.949)])
def test_power_against_a_stretch_of_one_percent(d, n, power):
    """Theory's column, with an allowance for its own Monte Carlo error and layouts."""
    size = 2000
    stretch = np.diag([1.01, *[1.0] * (d - 1)])
    found = rejections(simulate(n, d, 1.0, size, 4, linear=stretch, field=512.0), "rigid", "affine")
    assert abs(found - power) < 0.015 + 4 * monte_carlo(power, size)


@pytest.mark.parametrize(("noise", "spaces"), [("full", (0.0, 1.0)), (Noise(1.0, "full"), (1.0, 1.0))])
@pytest.mark.parametrize(("d", "n"), [(2, 5), (2, 10), (2, 25), (3, 7), (3, 10), (3, 25)])
def test_any_covariance_errs_to_the_safe_side(noise, spaces, d, n):
    size = 3000
    pairs = simulate(n, d, 1.0, size, 5, spaces=spaces)
    assert 0.02 < rejections(pairs, "rigid", "affine", noise) < 0.05 + 3.5 * monte_carlo(0.05, size)
    assert rejections(pairs, "similarity", "affine", noise) < 0.05 + 3.5 * monte_carlo(0.05, size)


def test_any_covariance_with_unequal_axes():
    """Where the isotropic test is far off, in either direction of the stretch of the noise."""
    size, rng = 3000, np.random.default_rng(6)
    x = 22.0 * rng.standard_normal((size, 25, 2))
    y = x + rng.standard_normal(x.shape) * (0.3, 3.0)
    pairs = FiducialPairs(x, y)
    assert abs(rejections(pairs, "rigid", "affine", "full") - 0.045) < 0.01 + 3.5 * monte_carlo(0.045, size)
    assert rejections(pairs, "rigid", "affine", "target") > 0.08


def test_any_covariance_sees_a_deformation():
    pairs = simulate(10, 2, 1.0, 1000, 7, linear=np.diag([1.01, 1.0]), field=512.0)
    assert 0.36 < rejections(pairs, "rigid", "affine", Noise(1.0, "full")) < 0.47  # 0.421 in the theory sheet, Bartlett


# Laws


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("d", [2, 3])
def test_nested_models_fit_ever_better_in_one_metric(d, share):
    """And the fitted similarity is the best one in the metric that it sets itself."""
    pairs = simulate(8, d, 4.0, 200, 8)
    scatter = Scatter.of(pairs.source, pairs.target)
    for null in LADDER[:2]:
        scale = null.scale(scatter, share)
        rss = [step.rss(scatter, scale, share) for step in LADDER]
        assert (rss[0] >= rss[1] * (1 - 1e-12)).all() and (rss[1] >= rss[2] * (1 - 1e-12)).all()
    rotations = proper_rotation(scatter.sxy)[0]
    residuals = scatter.dy - scale[:, None, None] * (scatter.dx @ np.swapaxes(rotations, -1, -2))
    assert np.allclose(rss[1], (residuals**2).sum((-2, -1)), rtol=1e-12)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_sums_of_squares_are_what_a_search_finds(share):
    """A second witness: general minimisation of the errors-in-variables criterion, written out."""
    from scipy.optimize import minimize

    pairs = simulate(7, 2, 3.0, 1, 9)[0]
    x, y = (p - p.mean(0) for p in (pairs.source, pairs.target))
    scatter = Scatter.of(pairs.source, pairs.target)

    def criterion(entries, scale):
        matrix = np.reshape(entries, (2, 2))
        covariance = (1 - share) * np.eye(2) + share * matrix @ matrix.T / scale**2
        r = y - x @ matrix.T
        return np.einsum("ni,ij,nj->", r, np.linalg.inv(covariance), r)

    scale = float(LADDER[1].scale(scatter, share))
    affine = minimize(criterion, np.eye(2).ravel(), (scale,), tol=1e-12)
    assert affine.fun == pytest.approx(float(LADDER[2].rss(scatter, np.array(scale), share)), rel=1e-9)

    def constrained(v):
        return criterion([v[0], -v[1], v[1], v[0]], 1.0)

    similar = minimize(constrained, [1.0, 0.0], tol=1e-12)
    assert similar.fun == pytest.approx(float(LADDER[1].rss(scatter, np.array(1.0), share)), rel=1e-9)


@pytest.mark.parametrize(("noise", "back"), [("both", "both"), (Noise(0.3), Noise(1 / 0.3)),
                                             (Noise(1.0, "full"), Noise(1.0, "full"))])
def test_exchanging_the_images_changes_nothing(noise, back):
    pairs = simulate(9, 2, 2.0, 20, 10)
    for step in STEPS[1:]:
        there, again = compare_models(pairs, *step, noise), compare_models(pairs.swap(), *step, back)
        assert np.allclose(there.p_value, again.p_value, rtol=1e-7)


def test_noise_in_the_source_is_noise_in_the_target_of_the_way_back():
    pairs = simulate(9, 3, 2.0, 20, 11)
    for step in STEPS:
        assert np.allclose(compare_models(pairs, *step, "source").p_value, compare_models(pairs.swap(), *step, "target").p_value)


@pytest.mark.parametrize("noise", ["both", "target", "source", "full", Noise(0.4), Noise(1.0, "full")])
def test_a_batch_is_a_loop_and_places_and_units_do_not_matter(noise):
    pairs = simulate(9, 2, 2.0, 6, 12)
    rng = np.random.default_rng(12)
    turned = FiducialPairs(7.0 * pairs.source @ rotation(2, rng).T + 1e4, 7.0 * pairs.target @ rotation(2, rng).T - 1e4)
    for step in STEPS[1:]:
        batch = compare_models(pairs, *step, noise)
        assert np.allclose(batch.p_value, [compare_models(pairs[i], *step, noise).p_value for i in range(6)], rtol=1e-9)
        assert np.allclose(batch.statistic, compare_models(turned, *step, noise).statistic, rtol=1e-6)


def test_a_similarity_null_knows_no_unit():
    pairs = simulate(9, 2, 2.0, 6, 13)
    scaled = FiducialPairs(pairs.source, 415.0 * pairs.target)
    one, other = (compare_models(p, "similarity", "affine").p_value for p in (pairs, scaled))
    assert np.allclose(one, other)


def test_exact_in_the_plane_with_noise_in_the_target():
    """Two linear models: F of the two regressions written out, and the flag says so."""
    pairs = simulate(6, 2, 2.0, 1, 14)[0]
    n, x, y = 6, pairs.source, pairs.target
    one, zero = np.ones(n), np.zeros(n)
    similar = np.vstack([np.stack([x[:, 0], -x[:, 1], one, zero], 1), np.stack([x[:, 1], x[:, 0], zero, one], 1)])
    rss_0 = np.linalg.lstsq(similar, np.concatenate([y[:, 0], y[:, 1]]), rcond=None)[1][0]
    rss_1 = np.linalg.lstsq(np.column_stack([one, x]), y, rcond=None)[1].sum()
    test = compare_models(pairs, "similarity", "affine", "target")
    assert test.exact and test.dof == (2, 6)
    assert float(test.statistic) == pytest.approx((rss_0 - rss_1) / 2 / (rss_1 / 6), rel=1e-10)
    assert compare_models(pairs, "similarity", "affine", "source").exact
    assert not compare_models(pairs, "similarity", "affine", "both").exact
    assert not compare_models(pairs, "rigid", "affine", "target").exact


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_least_determinant_is_what_a_search_finds(scaled, share):
    from scipy.optimize import minimize

    pairs = simulate(8, 2, 3.0, 1, 15)[0]
    scatter = Scatter.of(pairs.source, pairs.target)

    def log_q(v):
        size = v[1] if scaled else 0.0
        matrix = math.exp(size) * np.array([[math.cos(v[0]), -math.sin(v[0])], [math.sin(v[0]), math.cos(v[0])]])
        r = scatter.dy - scatter.dx @ matrix.T
        return np.linalg.slogdet(r.T @ r)[1] - 2 * share * 2 * size

    start = proper_rotation(scatter.sxy)[0]
    found = minimize(log_q, [math.atan2(start[1, 0], start[0, 0]), 0.0], tol=1e-12)
    assert float(least_log_determinant(scatter, share, scaled)) == pytest.approx(found.fun, abs=1e-8)


# What has no verdict, and what is refused


@pytest.mark.parametrize("noise", ["both", "target", "source", "full", Noise(1.0, "full")])
def test_pairs_that_fit_exactly_get_no_p_value(noise):
    """The wider model leaves nothing to judge by: no statistic, no p-value, and the reason."""
    rng = np.random.default_rng(16)
    x = 1e5 + 100.0 * rng.random((8, 2))
    for matrix in (rotation(2, rng), np.array([[1.1, 0.2], [0.0, 0.9]])):
        test = compare_models(FiducialPairs(x, x @ matrix.T), "rigid", "affine", noise)
        assert test.unresolved and np.isnan(test.statistic) and np.isnan(test.p_value)
        assert "exactly" in test.verdict and "p =" not in str(test)


def test_one_exact_dataset_in_a_batch():
    pairs = simulate(8, 2, 1.0, 3, 17)
    target = pairs.target.copy()
    target[1] = pairs.source[1]
    test = compare_models(FiducialPairs(pairs.source, target), "rigid", "affine")
    assert list(test.unresolved) == [False, True, False]
    assert list(np.isnan(test.p_value)) == [False, True, False]


def test_a_layout_without_a_fit_raises_or_is_marked():
    x = np.zeros((2, 6, 2))
    x[..., 0] = np.arange(6.0)
    x[1, :, 1] = np.arange(6.0) ** 2
    y = x + 0.1 * np.random.default_rng(18).standard_normal(x.shape)
    x[0, :, 1] = 0.0
    pairs = FiducialPairs(x, y)
    with pytest.raises(UndeterminedError, match="line"):
        compare_models(pairs, "rigid", "affine")
    for noise in ("both", "full"):
        test = compare_models(pairs, "rigid", "affine", noise, on_failure="mark")
        assert list(test.failure > 0) == [True, False] and list(np.isnan(test.p_value)) == [True, False]


@pytest.mark.parametrize(("arguments", "error", "words"), [
    (("affine", "rigid"), InputError, "rigid < similarity < affine"),
    (("rigid", "rigid"), InputError, "rigid < similarity < affine"),
    (("rigid", "spline"), InputError, "spline"),
    (("rigid", "affine", "everywhere"), InputError, "everywhere"),
    (("rigid", "similarity", "full"), UnsupportedError, "similarity"),
])
def test_refusals(arguments, error, words):
    with pytest.raises(error, match=words):
        compare_models(simulate(8, 2, 1.0, 1, 19)[0], *arguments)


def test_too_few_pairs():
    with pytest.raises(UndeterminedError, match="3 pairs are too few"):
        compare_models(simulate(3, 2, 1.0, 1, 20)[0], "rigid", "affine")


def test_what_a_person_reads():
    """Null hypothesis, statistic with its degrees of freedom, p-value, and how exact it is."""
    test = compare_models(simulate(9, 2, 1.0, 1, 21)[0], "rigid", "affine")
    text = str(test)
    assert "rigid" in test.null and "affine" in test.verdict
    assert "F(3, 12)" in text and f"p = {float(test.p_value):.2g}" in text and "first order" in text
    with pytest.raises(dataclasses.FrozenInstanceError):
        test.statistic = np.zeros(())  # type: ignore[misc]
    batch = compare_models(simulate(9, 2, 1.0, 50, 21), "rigid", "affine")
    assert "50 datasets" in batch.verdict


def test_a_stretch_is_named():
    test = compare_models(simulate(25, 2, 1.0, 1, 22, linear=np.diag([1.05, 1.0]), field=512.0)[0], "rigid", "affine")
    assert test.p_value < 1e-6
    assert "more than noise" in test.verdict
