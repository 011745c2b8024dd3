"""The mixture of unequal noises: its constant against numbers of two other codes and a direct sum, and what it promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import betaln, fdtr

import regerr
from regerr import FiducialPairs
from regerr.errors import InputError, UndeterminedError
from regerr.methods import Mixture
from regerr.mixture import predictive

GENTLE = (0.2, 0.5, 0.9, 1.3, 1.8, 2.4, 3.1, 4.0, 5.5, 9.0)
SLIP = (*GENTLE[:-1], 40.0)
PLANE = (0.1, 0.3, 0.6, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 12.0)


class Direct:
    """The predictive law as a sum over one grid, written again: density of F, prior, posterior, root by bisection."""

    def __init__(self, scores: tuple[float, ...], d: int, tails: float = 1.0, nodes: int = 20, step: float = 1 / 16,
                 half: float = 3.5) -> None:
        z, w = np.polynomial.legendre.leggauss(nodes)
        self.d, self.nu = d, 2.0 / (tails * (z + 1.0))[:, None]
        middle = np.median(np.log(np.array(scores) / d))
        self.s = np.exp(middle + np.arange(-half, half + step / 2, step))
        x = np.array(scores)[:, None, None] / (d * self.s)
        log = (0.5 * d - 1) * np.log(x) - 0.5 * (d + self.nu) * np.log1p(d * x / self.nu) - np.log(self.s)
        log = (log + 0.5 * d * np.log(d / self.nu) - betaln(0.5 * d, 0.5 * self.nu)).sum(0) + np.log(w)[:, None]
        self.weights = np.exp(log - log.max())
        self.weights /= self.weights.sum()

    def survival(self, score: float) -> float:
        return float(1.0 - (self.weights * fdtr(self.d, self.nu, score / (self.d * self.s))).sum())

    def quantile(self, level: float) -> float:
        return math.exp(brentq(lambda k: self.survival(math.exp(k)) - (1 - level), -20, 40))


def constant(scores: tuple[float, ...], d: int, level: float = 0.95, tails: float = 1.0) -> float:
    return float(predictive(np.array(scores), d, tails).quantile(1 - level))


@pytest.mark.parametrize(("scores", "d", "printed"), [(GENTLE, 3, "19.40"), (SLIP, 3, "44.2"), (PLANE, 2, "24.6")])
def test_the_constant_of_the_theory(scores: tuple[float, ...], d: int, printed: str) -> None:
    digits = len(printed.partition(".")[2])
    assert f"{constant(scores, d):.{digits}f}" == printed
    assert f"{constant(scores, d, tails=0.9):.{digits}f}" != printed
    assert f"{constant(scores[:-1], d):.{digits}f}" != printed


@pytest.mark.parametrize("scores", [GENTLE, SLIP, PLANE, GENTLE[:6]], ids=len)
@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("tails", [0.3, 1.0])
def test_the_law_is_a_direct_sum(scores: tuple[float, ...], d: int, tails: float) -> None:
    """Between nodes an eighth apart a cubic is off by at most (1/8)^4/384 of a fourth derivative, which is below 1."""
    direct, law = Direct(scores, d, tails), predictive(np.array(scores), d, tails)
    for level in (0.05, 0.5, 0.9, 0.95, 0.99, 0.9999):
        k = float(law.quantile(1 - level))
        assert k == pytest.approx(direct.quantile(level), rel=1e-4 if level > 0.99 else 1e-5)
        assert law.survival(np.array([k]))[0] == pytest.approx(1 - level, rel=1e-9)
    points = np.exp(np.linspace(-9, 9, 31))
    np.testing.assert_allclose(law.survival(points), [direct.survival(x) for x in points], atol=7e-7)


@pytest.mark.parametrize("scores", [GENTLE, SLIP], ids=["gentle", "slip"])
def test_a_finer_and_wider_grid_changes_nothing_that_counts(scores: tuple[float, ...]) -> None:
    fine = Direct(scores, 3, nodes=60, step=1 / 64, half=8.0)
    assert constant(scores, 3) == pytest.approx(fine.quantile(0.95), rel=1e-5)


def test_far_beyond_all_scores_the_law_goes_on() -> None:
    law = predictive(np.array(GENTLE), 3, 1.0)
    far = law.survival(np.exp(np.array([-40.0, -20.0, 30.0, 40.0, 60.0, 200.0])))
    assert (np.diff(far) <= 0).all() and far[0] == 1 and 0 < far[-2] < far[-3] < 1e-6
    k = float(law.quantile(1e-12))
    assert law.survival(np.array([k]))[0] == pytest.approx(1e-12, rel=1e-6)
    np.testing.assert_array_equal(law.survival(np.array([0.0, np.inf])), [1.0, 0.0])


def test_unit_order_batch_and_scores_that_tell_nothing() -> None:
    base = constant(GENTLE, 3)
    assert constant(tuple(7.0 * q for q in GENTLE), 3) == pytest.approx(7 * base, rel=1e-12)
    assert constant(GENTLE[::-1], 3) == pytest.approx(base, rel=1e-12)
    assert constant((*GENTLE, np.inf, np.inf), 3) == pytest.approx(base, rel=1e-12)
    both = predictive(np.array([[GENTLE, SLIP], [(np.nan,) * 10, PLANE]]), 3, 1.0).quantile(0.05)
    np.testing.assert_allclose(both, [[base, constant(SLIP, 3)], [np.nan, constant(PLANE, 3)]], rtol=1e-12)


def covered(d: int, n: int, nu: np.ndarray, seed: int, tails: float = 1.0) -> tuple[float, float]:
    """Share of further scores within K, and its s.e., when scores are drawn with degrees of freedom nu (count,)."""
    rng = np.random.default_rng(seed)
    shape = (len(nu), n + 1)
    scores = rng.chisquare(d, shape) * nu[:, None] / rng.chisquare(np.broadcast_to(nu[:, None], shape))
    hits = scores[:, n] <= predictive(scores[:, :n], d, tails).quantile(0.05)
    return float(hits.mean()), math.sqrt(0.95 * 0.05 / len(nu))


@pytest.mark.parametrize(("d", "n"), [(2, 6), (3, 12)])
def test_it_covers_exactly_when_truths_are_drawn_from_the_prior(d: int, n: int) -> None:
    """A flat prior of the scale costs nothing: over 1/nu uniform on (0, 1) the coverage is the level, and over others not."""
    nu = 1.0 / np.random.default_rng([d, n]).uniform(0, 1, 6000)
    share, error = covered(d, n, nu, 1)
    assert abs(share - 0.95) < 4 * error
    short, error = covered(d, n, nu[:2000], 1, tails=0.2)
    assert short < 0.95 - 5 * error
    assert covered(d, n, np.full(2000, 1e6), 2)[0] > 0.95 + 5 * error


@pytest.mark.parametrize(("n", "expected", "wider"), [(10, 0.995, 1.34), (14, 0.988, 1.23), (30, 0.974, 1.10)])
def test_normal_noise_is_covered_too_often(n: int, expected: float, wider: float) -> None:
    """Theory: the mixture is for people, not for beads; coverage, and radius over that of the F law."""
    rng = np.random.default_rng(n)
    count = 3000
    x = 20.0 * rng.standard_normal((count, n + 1, 3))
    y = x + rng.standard_normal(x.shape)
    where = regerr.fit(FiducialPairs(x[:, :n], y[:, :n])).predict(x[:, n:], "observation")
    region = where.region(0.95, "mixture")
    share = region.contains(y[:, n:]).mean()
    assert abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / count) + 0.002
    assert np.median(np.cbrt(region.volume / where.region(0.95, "wald").volume)) == pytest.approx(wider, abs=0.03)


def test_it_needs_six_pairs_and_a_positive_limit() -> None:
    rng = np.random.default_rng(3)
    x = 20.0 * rng.standard_normal((5, 2))
    where = regerr.fit(FiducialPairs(x, x + rng.standard_normal(x.shape))).predict([[0.0, 0.0]], "observation")
    for ask in (lambda: where.region(0.5, "mixture"), lambda: where.p_value([[0.0, 0.0]], "mixture")):
        with pytest.raises(UndeterminedError, match="needs 6 pairs to see how unequal they are, and there are 5: add 1 more"):
            ask()
    for wrong in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(InputError, match="tails of the mixture is"):
            Mixture(tails=wrong)
