"""Photon noise against the theory sheet and an independent Fisher information; contamination against what it says it does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf
from scipy.stats import kstest

from regerr.errors import InputError
from regerr.noise import Noise
from simulations import (
    Displaced,
    HeavyTailed,
    Mismatched,
    PhotonNoise,
    Photons,
    Several,
    Stray,
    least_squares_variance,
    maximum_likelihood_variance,
    thompson_variance,
)

GAUSSIAN = Noise(source_covariance=4.0, target_covariance=np.array([[9.0, 2.0], [2.0, 1.0]]))
DIM_AND_BRIGHT = Photons(100, 10000, background=5.0)


def agrees(sample: np.ndarray, expected: float) -> bool:
    """Mean within four Monte Carlo standard errors."""
    return bool(abs(sample.mean() - expected) < 4 * sample.std() / math.sqrt(sample.size))


@pytest.mark.parametrize(("background", "golden"), [(0.0, (.0421, .0561, .0421)), (10.0, (.0562, .0628, .0499))])
def test_photon_formulas_give_the_golden_table(background, golden):
    """S.d. in pixels at s = 1.3, a = 1, N = 1000; the table of section 8."""
    formulas = maximum_likelihood_variance, least_squares_variance, thompson_variance
    for formula, sd in zip(formulas, golden, strict=True):
        assert math.sqrt(formula(1000, 1.3, 1.0, background)) == pytest.approx(sd, abs=5e-5)


@pytest.mark.parametrize("background", [0.01, 1.0, 10.0, 300.0])
def test_maximum_likelihood_integral_by_quadrature(background):
    """The dilogarithm against the integral it stands for."""
    photons, s2 = 700.0, 1.3**2 + 1 / 12
    tau = 2 * math.pi * s2 * background / photons
    integral = quad(lambda t: math.log(t) / (1 + t / tau), 0, 1, epsabs=1e-12)[0]
    assert maximum_likelihood_variance(photons, 1.3, 1.0, background) == pytest.approx(s2 / photons / (1 + integral), rel=1e-9)


def test_maximum_likelihood_against_the_pixelated_fisher_information():
    """Poisson pixels that integrate the spot, centre averaged over a pixel, photons and background known: within 1 %."""
    def information(centre: float, background: float) -> float:
        edges = np.arange(-15, 16) - 0.5 - centre
        cdf = 0.5 * (1 + erf(edges / (1.3 * math.sqrt(2))))
        pdf = np.exp(-edges**2 / (2 * 1.3**2)) / (1.3 * math.sqrt(2 * math.pi))
        profile, slope = np.diff(cdf), -np.diff(pdf)
        mean = 1000 * np.outer(profile, profile) + background
        return float(np.sum((1000 * np.outer(slope, profile)) ** 2 / mean))

    for background, off in ((1e-9, 0.01), (10.0, 0.01)):
        bound = 1 / np.mean([information(c, background) for c in np.linspace(-0.5, 0.5, 11)])
        assert maximum_likelihood_variance(1000, 1.3, 1.0, background) == pytest.approx(bound, rel=off)
        assert least_squares_variance(1000, 1.3, 1.0, background) > 1.2 * bound


def test_photon_formulas_scale_with_the_unit():
    """Nanometres instead of pixels: variances times 160 squared."""
    for formula in (maximum_likelihood_variance, least_squares_variance, thompson_variance):
        assert formula(np.array([50.0, 900.0]), 1.3 * 160, 160.0, 4.0) == pytest.approx(
            160**2 * formula(np.array([50.0, 900.0]), 1.3, 1.0, 4.0))


def test_photons_are_log_uniform():
    """Kolmogorov-Smirnov on the logarithm; a plain uniform law fails."""
    n = DIM_AND_BRIGHT.sample(np.random.default_rng(0), (5000,))
    assert kstest(np.log10(n) / 2 - 1, "uniform").pvalue > 0.001
    assert kstest((n - 100) / 9900, "uniform").pvalue < 1e-6
    assert DIM_AND_BRIGHT.variances(np.random.default_rng(0), (2, 3)).shape == (2, 3)


def test_generators_state_their_content_alike_in_every_process():
    """No memory address: a study makes seeds of this text."""
    noise = PhotonNoise(None, Photons(100, 200, formula=thompson_variance))
    assert "0x" not in repr(noise) and eval(repr(noise)) == noise


def test_settled_photon_noise_is_a_noise_that_draws_its_own_covariances():
    """Each bead keeps its variance over replicates, and the noise has it."""
    noise = PhotonNoise(DIM_AND_BRIGHT, Photons(500, 500)).settle(np.random.default_rng(1), (6, 3))
    assert isinstance(noise, Noise) and noise.source_covariance.shape == (6, 3, 3)
    source, target = noise.sample(np.random.default_rng(2), (4000, 6, 3))
    for bead in range(6):
        assert agrees(source[:, bead, 1] ** 2, noise.source_covariance[bead, 1, 1])
    assert not agrees(source[:, 0, 1] ** 2, noise.source_covariance[1, 1, 1])
    assert agrees(target.ravel() ** 2, float(maximum_likelihood_variance(500, 1.3, 1.0, 0.0)))


def test_photon_noise_draws_new_counts_for_every_point():
    """The mean variance is the mean over the log-uniform law, and a space without photons has no noise."""
    noise = PhotonNoise(None, DIM_AND_BRIGHT)
    source, target = noise.sample(np.random.default_rng(3), (20000, 2, 2))
    mean = quad(lambda u: float(maximum_likelihood_variance(10**u, 1.3, 1.0, 5.0)), 2, 4)[0] / 2
    assert not source.any()
    assert agrees(target[:, 0, 0] ** 2, mean)
    assert np.corrcoef(target[:, 0, 0] ** 2, target[:, 0, 1] ** 2)[0, 1] > 0.1
    assert abs(np.corrcoef(target[:, 0, 0] ** 2, target[:, 1, 0] ** 2)[0, 1]) < 0.03
    assert noise.settle(np.random.default_rng(0), (3, 2)).ratio == 0.0


def test_heavy_tails_keep_the_covariance():
    """Same second moments as the Gaussian law, another shape: the squared length over d follows F(d, nu)."""
    nu = 5.0
    source, target = HeavyTailed(GAUSSIAN, nu).sample(np.random.default_rng(4), (40000, 1, 2))
    assert agrees(source[:, 0, 0] ** 2, 4.0) and agrees(target[:, 0, 0] * target[:, 0, 1], 2.0)
    ratio = np.sum(source[:, 0] ** 2, -1) / 2 / (4.0 * (nu - 2) / nu)
    assert kstest(ratio, "f", (2, nu)).pvalue > 0.001
    assert kstest(np.sum(source[:, 0] ** 2, -1) / 4.0, "chi2", (2,)).pvalue < 1e-6


def clean_points(batch: tuple[int, ...] = (300,)) -> np.ndarray:
    """Target points to spoil."""
    return np.random.default_rng(5).normal(0.0, 20.0, (*batch, 6, 3))


@pytest.mark.parametrize("part", [Displaced(10.0), Displaced(3.0, 4), Mismatched(), Mismatched(5), Stray(), Stray(2),
                                  Several((Displaced(5.0), Mismatched(3)))], ids=repr)
def test_contamination_alters_what_it_says(part):
    """Only the rows of the mask change, the same seed changes the same, one dataset works, the batch's shape does not matter."""
    before, after = clean_points(), clean_points()
    mask = part.spoil(np.random.default_rng(6), after)
    assert np.array_equal((before != after).any(-1), mask)
    again = clean_points()
    part.spoil(np.random.default_rng(6), again)
    assert np.array_equal(after, again)
    reshaped = clean_points().reshape(3, 100, 6, 3)
    assert np.array_equal(part.spoil(np.random.default_rng(6), reshaped).reshape(mask.shape), mask)
    single = clean_points(())
    assert part.spoil(np.random.default_rng(7), single).shape == (6,)


def test_displaced_is_off_by_its_length_in_every_direction():
    """Length exact, directions uniform, every fiducial as likely."""
    before, after = clean_points((6000,)), clean_points((6000,))
    mask = Displaced(10.0, 2).spoil(np.random.default_rng(8), after)
    shift = (after - before)[mask]
    assert np.allclose(np.linalg.norm(shift, axis=-1), 10.0)
    assert kstest(shift[:, 2] / 10, "uniform", (-1, 2)).pvalue > 0.001
    assert (mask.sum(-1) == 2).all() and np.abs(mask.mean(0) - 1 / 3).max() < 4 * math.sqrt(2 / 9 / 6000)


def test_mismatched_rows_swap_and_none_keeps_its_partner():
    """Two rows exchange places; a longer cycle leaves no row where it was, and no point is lost."""
    before, after = clean_points(), clean_points()
    mask = Mismatched().spoil(np.random.default_rng(9), after)
    assert np.array_equal(after[mask].reshape(-1, 2, 3), before[mask].reshape(-1, 2, 3)[:, ::-1])
    cycle = clean_points()
    assert (Mismatched(5).spoil(np.random.default_rng(9), cycle).sum(-1) == 5).all()
    assert np.array_equal(np.sort(cycle, axis=-2), np.sort(before, axis=-2))


def test_stray_stays_in_the_box_of_the_points():
    """Uniform between the extremes of each dataset."""
    before, after = clean_points(), clean_points()
    mask = Stray().spoil(np.random.default_rng(10), after)
    low, high = before.min(-2), before.max(-2)
    share = ((after[mask] - low) / (high - low)).ravel()
    assert kstest(share, "uniform").pvalue > 0.001


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Photons(0, 10), "photon counts is (0, 10)"),
    (lambda: Photons(10, 1), "photon counts is (10, 1)"),
    (lambda: Photons(10, 20, background=-1.0), "background is -1"),
    (lambda: PhotonNoise(None, None), "neither space"),
    (lambda: HeavyTailed(GAUSSIAN, 2.0), "2 degrees of freedom"),
    (lambda: Displaced(0.0), "length is 0"),
    (lambda: Mismatched(1), "count is 1"),
    (lambda: Stray(7).spoil(np.random.default_rng(0), clean_points()), "count is 7 and there are 6"),
])
def test_bad_arguments_get_one_sentence_with_the_value(make, words):
    """The message names the argument and holds its value."""
    with pytest.raises(InputError) as fault:
        make()
    assert words in str(fault.value) and "\n" not in str(fault.value)
