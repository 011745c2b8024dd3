"""Tests of deformation under given covariances, one for each point and space: in their metric F keeps its level."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from regerr import FiducialPairs, Noise, UnsupportedError, compare_models, fit
from regerr.deformation import compare_ladder
from regerr.linalg import proper_rotation

BOTH = pytest.mark.parametrize("d", [2, 3])


def simulate(d: int, n: int, size: int, seed: int = 1) -> FiducialPairs:
    """Points whose noise is the larger and the longer, the farther they lie from the middle; they carry their covariances."""
    rng = np.random.default_rng([seed, d, n])
    x = 20.0 * rng.standard_normal((size, n, d))
    spread = np.linalg.norm(x, axis=-1) / 20.0 + 0.3
    axes = rng.standard_normal((size, n, d, d))
    covariance = spread[..., None, None] ** 2 * (0.5 * np.eye(d) + axes @ np.swapaxes(axes, -1, -2) / d)
    other = 0.5 * np.eye(d) * np.ones((size, n, 1, 1))
    y = x @ proper_rotation(rng.standard_normal((d, d)))[0].T
    noise = [(np.linalg.cholesky(c) @ rng.standard_normal((size, n, d, 1)))[..., 0] for c in (other, covariance)]
    return FiducialPairs(x + noise[0], y + noise[1], source_covariance=other, target_covariance=covariance)


def without(pairs: FiducialPairs) -> FiducialPairs:
    return FiducialPairs(pairs.source, pairs.target)


@BOTH
@pytest.mark.parametrize("test", ["F", "wild", "wild-t", "bartlett", "chi2"])
def test_equal_covariances_are_noise_alike_in_both_spaces(d, test):
    pairs = without(simulate(d, 9, 4))
    eye = np.broadcast_to(0.3 * np.eye(d), (9, d, d))
    carried = FiducialPairs(pairs.source, pairs.target, source_covariance=eye, target_covariance=eye)
    expected = compare_models(pairs, "rigid", "affine", test=test)
    for given, noise in ((carried, "both"), (carried, "given"), (pairs, Noise(source_covariance=2.0, target_covariance=2.0))):
        found = compare_models(given, "rigid", "affine", noise, test=test)
        assert np.allclose(found.statistic, expected.statistic, rtol=1e-5) and found.dof == expected.dof
        assert np.allclose(found.p_value, expected.p_value, rtol=1e-4, atol=1.5 / 256 if test.startswith("wild") else 0.0)


@BOTH
def test_f_from_two_fits(d):
    """RSS of both models in the metric of the covariances, from the library's fits; a known factor makes it a chi-square."""
    pairs = simulate(d, 9, 3)
    rss = []
    for model in ("rigid", "affine"):
        result = fit(pairs, model)
        a = result.transform.matrix[:, None]
        effective = pairs.target_covariance + a @ pairs.source_covariance @ np.swapaxes(a, -1, -2)
        rss.append(np.einsum("bni,bnij,bnj->b", result.residuals, np.linalg.inv(effective), result.residuals))
    q, v = d * (d + 1) // 2, 9 * d - d * (d + 1)
    f = (rss[0] - rss[1]) / q / (rss[1] / v)
    found = compare_models(pairs, "rigid", "affine")
    assert np.allclose(found.statistic, f, rtol=1e-6) and np.allclose(found.p_value, stats.f.sf(f, q, v), rtol=1e-5)
    known = compare_models(pairs, "rigid", "affine", Noise(shape="given", scale=1.0))
    assert np.allclose(known.p_value, stats.chi2.sf(rss[0] - rss[1], q), rtol=1e-5) and known.dof == (q, math.inf)


@pytest.mark.parametrize(("d", "n"), [(2, 8), (3, 14)])
def test_sizes_where_noise_goes_with_position(d, n):
    """The control takes the same points for alike."""
    size = 800
    pairs = simulate(d, n, size)
    error = math.sqrt(0.05 * 0.95 / size)
    for test, noise in (("F", "both"), ("F", Noise(shape="given", scale=1.0)), ("wild", "both"), ("wild-t", "both")):
        rate = (compare_models(pairs, "rigid", "affine", noise, test=test).p_value < 0.05).mean()
        assert (0.025 if test != "F" else 0.04) - 3.5 * error < rate < 0.065 + 3.5 * error
    assert (compare_models(without(pairs), "rigid", "affine").p_value < 0.05).mean() > 0.1


def test_what_is_known_of_the_noise_finds_more():
    """Points of very unequal noise wherever they lie: those that are well localised count for more."""
    rng = np.random.default_rng(2)
    x = 20.0 * rng.standard_normal((300, 12, 2))
    sd = np.exp(rng.standard_normal((300, 12, 1)))
    y = x * [1.06, 1.0] + sd * rng.standard_normal(x.shape)
    pairs = FiducialPairs(x, y, target_covariance=sd[..., None] ** 2 * np.eye(2))
    known, unknown = ((compare_models(p, "rigid", "affine", test="wild").p_value < 0.05).mean() for p in (pairs, without(pairs)))
    assert known > unknown + 0.1


def test_a_batch_is_a_loop_and_failures_leave_others_alone():
    pairs = simulate(2, 9, 4)
    x = pairs.source.copy()
    x[1] = np.arange(9.0)[:, None] * [1.0, 2.0]
    noise = Noise(source_covariance=pairs.source_covariance, target_covariance=pairs.target_covariance)
    for test in ("F", "wild"):
        batch = compare_models(pairs, "rigid", "affine", test=test).p_value
        assert np.allclose(batch, [compare_models(pairs[i], "rigid", "affine", test=test).p_value for i in range(4)], rtol=1e-6)
        broken = compare_models(FiducialPairs(x, pairs.target), "rigid", "affine", noise, "mark", test=test)
        assert list(broken.failure > 0) == [False, True, False, False] and np.isnan(broken.p_value[1])
        assert np.allclose(broken.p_value[[0, 2, 3]], batch[[0, 2, 3]], rtol=1e-6)


def test_what_is_read_and_what_is_refused():
    pairs = simulate(2, 9, 2)[0]
    text = " ".join(str(compare_ladder(pairs)).split())
    assert "noise of given covariances" in text and "p, wild F" in text
    with pytest.raises(UnsupportedError, match=r"given covariances.*use one of F, wild"):
        compare_models(pairs, "rigid", "affine", test="bootstrap")
    with pytest.raises(UnsupportedError, match=r"tails=4.*'wild-t'"):
        compare_models(without(pairs), "rigid", "affine", Noise(tails=4.0))
