"""Fitzpatrick's formulas against simulation, a naive form, and the law of a weighted sum of chi-squares by other routes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import motion, moved
from scipy import integrate
from scipy.special import chdtrc, chdtri

import regerr
from regerr import FiducialPairs, Transform
from regerr.baselines.fitzpatrick import BASELINES, FitzpatrickBall, FitzpatrickWest, squared_fle, squared_tre
from regerr.baselines.weighted_chi_square import distribution, quantile, survival
from regerr.errors import InputError, UndeterminedError

BOTH = pytest.mark.parametrize("dimension", [2, 3])
LEVELS = (0.01, 0.5, 0.9, 0.95, 0.99, 0.999)
POOR = ([1.0, 0.0], [1.0, 1e-9], [1.0, 0.03], [0.0, 0.0, 1.0], [1.0, 1e-6, 1e-6], [1.0, 0.9, 1e-4], [0.5, 1.0, 0.7])


# The law of a squared length


@pytest.mark.parametrize("d", [1, 2, 3])
def test_equal_weights_give_chi_square(d):
    q = np.geomspace(1e-6, 60, 40)
    np.testing.assert_allclose(survival(3 * q, np.full(d, 3.0)), chdtrc(d, q), atol=1e-12)
    for level in LEVELS:
        assert quantile(level, np.full(d, 3.0)) == pytest.approx(3 * chdtri(d, 1 - level), rel=1e-10)


@pytest.mark.parametrize("ratio", [1.0, 0.3, 1e-3, 1e-7, 0.0])
@pytest.mark.parametrize("q", [1e-3, 0.5, 4.0, 12.0])
def test_two_weights_by_an_integral_over_the_angle(ratio, q):
    """Given its direction, a Gaussian vector in the plane has an exponential squared length."""
    expected = integrate.quad(lambda t: math.exp(-0.5 * q / (math.cos(t) ** 2 + ratio * math.sin(t) ** 2)), 0, math.pi / 2,
                              epsabs=1e-14, epsrel=1e-12, limit=400)[0] * 2 / math.pi
    assert survival(np.array(q), np.array([1.0, ratio])) == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("weights", [(1.0, 0.5, 0.2), (1.0, 1.0, 0.05), (3.0, 0.4, 0.4)])
@pytest.mark.parametrize("q", [0.3, 2.0, 9.0])
def test_three_weights_by_imhof(weights, q):
    """Imhof (1961): inversion of the characteristic function along the real line, by scipy's quadrature."""
    w = np.array(weights)

    def integrand(u: float) -> float:
        theta = 0.5 * np.arctan(w * u).sum() - 0.5 * q * u
        return math.sin(theta) / (u * np.prod(1 + (w * u) ** 2) ** 0.25)

    expected = 0.5 + integrate.quad(integrand, 0, 4000, limit=20_000)[0] / math.pi
    assert survival(np.array(q), w) == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("weights", POOR)
def test_a_quantile_put_back_has_its_level(weights):
    w = 7.0 * np.array(weights)
    for level in LEVELS:
        q = quantile(level, w)
        if w.any():
            assert survival(q, w) == pytest.approx(1 - level, abs=1e-12)


def test_the_density_is_the_slope_of_the_share():
    w, q, h = np.array([1.0, 0.3, 0.1]), np.geomspace(0.1, 10, 7), 1e-5
    share, density = distribution(q, w)
    slope = (distribution(q * math.exp(h), w)[0] - distribution(q * math.exp(-h), w)[0]) / (2 * h)
    np.testing.assert_allclose(density, slope, atol=1e-8)
    assert (np.diff(share) > 0).all()


def test_lengths_of_nothing_infinity_and_failures():
    w = np.array([[0.0, 0.0], [1.0, 0.5], [np.nan, np.nan], [np.inf, np.inf]])
    np.testing.assert_array_equal(survival(np.zeros(4), w), [1, 1, np.nan, 1])
    np.testing.assert_array_equal(survival(np.full(4, np.inf), w)[[0, 1]], [0, 0])
    np.testing.assert_array_equal(survival(np.ones(4), w)[[0, 2, 3]], [0, np.nan, 1])
    np.testing.assert_array_equal(quantile(0.95, w)[[0, 2, 3]], [0, np.nan, np.inf])


# The formulas


def naive_2d(x: np.ndarray, target: np.ndarray, fle2: float) -> float:
    v, f2 = target - x.mean(0), ((x - x.mean(0)) ** 2).sum(1).mean()
    return fle2 / len(x) * (1 + v @ v / (2 * f2))


def naive_3d(x: np.ndarray, target: np.ndarray, fle2: float) -> float:
    centred, v = x - x.mean(0), target - x.mean(0)
    _, _, axes = np.linalg.svd(centred)
    total = 0.0
    for axis in axes:
        d2 = v @ v - (v @ axis) ** 2
        f2 = ((centred**2).sum(1) - (centred @ axis) ** 2).mean()
        total += d2 / f2
    return fle2 / len(x) * (1 + total / 3)


@BOTH
def test_the_formula_as_it_is_printed(dimension):
    rng = np.random.default_rng(1)
    x, targets = rng.uniform(0, 100, (7, dimension)), rng.uniform(-200, 300, (5, dimension))
    naive = naive_2d if dimension == 2 else naive_3d
    np.testing.assert_allclose(squared_tre(x, targets, np.array(2.0)), [naive(x, t, 2.0) for t in targets], rtol=1e-10)


@pytest.mark.parametrize(("dimension", "n"), [(2, 4), (2, 10), (3, 4), (3, 10)])
def test_fle_and_tre_of_a_simulation(dimension, n):
    """Theory, section 16: a squared FLE of 2 in 2D and 3 in 3D comes back; the factor 1 - 1/(2n) does not give it."""
    rng = np.random.default_rng([2, n, dimension])
    x, half = 25 * rng.standard_normal((n, dimension)), math.sqrt(0.5)
    source, target = (x + half * rng.standard_normal((20_000, n, dimension)) for _ in range(2))
    result = regerr.fit(FiducialPairs(source, target))
    fre2 = result.fre_rms**2
    found = squared_fle(fre2, n, dimension)
    error = found.std() / math.sqrt(len(found))
    assert abs(found.mean() - dimension) < 4 * error
    assert abs((fre2 / (1 - 1 / (2 * n))).mean() - dimension) > 4 * error
    targets = np.array([0.0, 3.0])[:, None] * np.full(dimension, 8.0)
    squares = ((result.transform.apply(targets) - targets) ** 2).sum(-1)
    assert (np.abs(squares.mean(0) / squared_tre(x, targets, np.array(float(dimension))) - 1)
            < 4 * squares.std(0) / math.sqrt(len(squares)) / squares.mean(0) + 0.01).all()  # second order: under 1 %


def coverage(estimator, dimension, n, kind="tre", replicates=10_000):
    rng = np.random.default_rng([3, n, dimension])
    x, half = 25 * rng.standard_normal((n, dimension)), math.sqrt(0.5)
    source, target = (x + half * rng.standard_normal((replicates, n, dimension)) for _ in range(2))
    truth = np.array([[0.0] * dimension, [80.0] + [0.0] * (dimension - 1)])
    noise = half * rng.standard_normal((2, replicates, 2, dimension))
    asked = truth if kind == "tre" else truth + noise[0]
    wanted = truth + (noise[1] if kind == "observation" else 0.0 * noise[1])
    answer = estimator.predict(FiducialPairs(source, target), asked, kind)
    return answer.region(0.95).contains(wanted).mean(0)


@BOTH
@pytest.mark.parametrize("kind", ["tre", "lre", "observation"])
def test_the_law_of_the_length_holds_when_the_fle_is_known(dimension, kind):
    covered = coverage(FitzpatrickWest(math.sqrt(dimension)), dimension, 12, kind)
    assert (np.abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 10_000)).all()


@BOTH
def test_a_round_ball_of_the_same_rms_is_too_small_far_out_and_an_estimated_fle_costs_more(dimension):
    """Theory, section 6: the law of the length is no chi-square. The deviation far out is nearly along one line."""
    error = math.sqrt(0.95 * 0.05 / 10_000)
    ball, west = FitzpatrickBall(math.sqrt(dimension)), FitzpatrickWest(math.sqrt(dimension))
    assert coverage(ball, dimension, 12)[1] < 0.95 - 6 * error
    assert coverage(west, dimension, 12)[1] > 0.95 - 4 * error
    assert (coverage(FitzpatrickWest(), dimension, 4) < 0.95 - 10 * error).all()


# Laws


@BOTH
@pytest.mark.parametrize("estimator", [*BASELINES, FitzpatrickBall(2.0), FitzpatrickWest(2.0)], ids=lambda e: e.name)
def test_laws(estimator, dimension):
    """One dataset is one of a batch; p-values and regions agree; rigid motions and units of both spaces change nothing."""
    rng = np.random.default_rng(4)
    x = 30 * rng.standard_normal((5, 8, dimension))
    pairs = FiducialPairs(x, x + rng.standard_normal(x.shape))
    targets = 60 * rng.standard_normal((4, dimension))
    points = targets + rng.standard_normal((5, 4, dimension))
    whole = estimator.predict(pairs, targets, "observation")
    for i in range(5):
        alone = estimator.predict(pairs[i], targets, "observation")
        np.testing.assert_allclose(alone.p_value(points[i]), whole.p_value(points)[i], rtol=1e-9)
        np.testing.assert_allclose(alone.region(0.9).volume, whole.region(0.9).volume[i], rtol=1e-9)
    for level in (0.5, 0.95):
        assert (whole.region(level).contains(points) == (whole.p_value(points) >= 1 - level)).all()
        assert (np.diff([whole.region(k).volume for k in (0.5, 0.9, 0.99)], axis=0) > 0).all()
    there, back = motion(rng, dimension), motion(rng, dimension)
    same = estimator.predict(moved(pairs, there, back), there.apply(targets), "observation")
    np.testing.assert_allclose(same.p_value(back.apply(points)), whole.p_value(points), rtol=1e-8)
    if estimator.fle is None:
        unit = Transform.from_matrix(1000 * np.eye(dimension))
        large = estimator.predict(moved(pairs, unit, unit), 1000 * targets, "observation")
        np.testing.assert_allclose(large.p_value(1000 * points), whole.p_value(points), rtol=1e-8)
        np.testing.assert_allclose(large.rms, 1000 * whole.rms, rtol=1e-9)


def test_failures_are_marked_and_contain_nothing():
    x = np.random.default_rng(5).standard_normal((2, 6, 3))
    x[1] = x[1, :, :1]  # on a line
    for estimator in BASELINES:
        answer = estimator.predict(FiducialPairs(x, x + 0.1 * np.random.default_rng(6).standard_normal(x.shape)), x[0], "tre")
        assert answer.failure[0] == 0 and answer.failure[1] > 0 and np.isnan(answer.mean[1]).all()
        assert not answer.region(0.95).contains(x[0])[1].any() and np.isnan(answer.region(0.95).volume[1]).all()
        assert np.isnan(answer.rms[1]).all() and np.isfinite(answer.rms[0]).all()


def test_covariances_of_the_pairs_are_not_looked_at():
    x = 20 * np.random.default_rng(7).standard_normal((6, 2))
    y = x + np.random.default_rng(8).standard_normal(x.shape)
    known = FiducialPairs(x, y, target_covariance=np.arange(1, 7)[:, None, None] * np.eye(2))
    for estimator in BASELINES:
        assert np.array_equal(estimator.predict(known, x, "tre").rms, estimator.predict(FiducialPairs(x, y), x, "tre").rms)


def test_what_cannot_be():
    x = np.random.default_rng(9).standard_normal((3, 3))
    pairs = FiducialPairs(x, x + 0.1)
    for wrong in (0.0, -1.0, math.inf):
        with pytest.raises(InputError, match="positive length"):
            FitzpatrickBall(wrong)
    with pytest.raises(InputError, match="kind is 'error'"):
        FitzpatrickWest().predict(pairs, x, "error")
    with pytest.raises(InputError, match="targets have shape"):
        FitzpatrickWest().predict(pairs, x[:, :2], "tre")
    with pytest.raises(UndeterminedError):
        FitzpatrickBall().predict(FiducialPairs(x[:2], x[:2] + 0.1), x, "tre")
