"""How often the tests of deformation reject: sizes and power against the theory sheet, each with a control that must fail."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from regerr import FiducialPairs, Noise, compare_models
from validation.deformation.noises import Gaussian, Growing, Partners, Student, Unequal
from validation.deformation.scenes import BRAIN, GATHERED, Raters, Scene

FREE = Noise(1.0, "full")
FEW = [(2, 4), (2, 6), (2, 10), (2, 25), (3, 5), (3, 6), (3, 10), (3, 25)]
# rejections of a true rigid motion at 5 %, in the order of FEW; NaN where the model has no residual degrees of freedom
PUBLISHED: dict[tuple[str, str | Noise], list[float]] = {
    ("F", "both"): [0.051, 0.051, 0.052, 0.046, 0.052, 0.049, 0.050, 0.052],
    ("chi2", "both"): [0.509, 0.245, 0.138, 0.073, 0.697, 0.488, 0.220, 0.095],
    ("bartlett", "both"): [0.066, 0.053, 0.055, 0.045, 0.095, 0.062, 0.052, 0.055],
    ("iso/full", "both"): [math.nan, 0.441, 0.198, 0.086, math.nan, math.nan, 0.446, 0.138],
    ("chi2", "full"): [math.nan, 0.374, 0.172, 0.078, math.nan, math.nan, 0.340, 0.117],
    ("bartlett", "full"): [math.nan, 0.042, 0.045, 0.045, math.nan, math.nan, 0.038, 0.051],
}
CELLS = [(test, noise, d, n, size) for (test, noise), sizes in PUBLISHED.items()
         for (d, n), size in zip(FEW, sizes, strict=True) if not math.isnan(size)]
LAWS = (Gaussian(), Student(), Unequal(), Growing())


def rate(pairs: FiducialPairs, test: str, noise: str | Noise = "both", models: tuple[str, str] = ("rigid", "affine"),
         **options) -> float:
    return float((compare_models(pairs, *models, noise, test=test, **options).p_value < 0.05).mean())


def drawn(scene: Scene, size: int, seed: int = 1) -> FiducialPairs:
    return scene.sample(np.random.default_rng([seed, scene.n, scene.dimension]), size)


def allowed(published: float, size: int, replicates: int = 10_000) -> float:
    """Four Monte Carlo errors, ours and that of the published number."""
    return 4.0 * math.sqrt(published * (1.0 - published) * (1.0 / size + 1.0 / replicates))


# Few pairs


@pytest.mark.parametrize(("test", "noise", "d", "n", "published"), CELLS)
def test_sizes_of_every_test_with_few_pairs(test, noise, d, n, published):
    size = 2500
    assert abs(rate(drawn(Scene(GATHERED[d], n), size), test, noise) - published) < allowed(published, size)


@pytest.mark.parametrize(("d", "n"), [(2, 6), (2, 10), (3, 10)])
def test_the_default_keeps_its_level_and_the_plain_chi_squares_do_not(d, n):
    """The control: a harness that cannot see these rejections sees none."""
    size = 8000
    pairs = drawn(Scene(GATHERED[d], n), size, seed=2)
    error = math.sqrt(0.05 * 0.95 / size)
    assert 0.045 - 3.5 * error < rate(pairs, "F") < 0.055 + 3.5 * error
    some = pairs[:2000]
    assert min(rate(some, test, noise) for test, noise in (("chi2", "both"), ("chi2", "full"), ("iso/full", "both"))) > 0.1


@pytest.mark.parametrize(("n", "noise"), [(6, 1.0), (25, 1.0), (25, 3.0), (100, 3.0)])
def test_a_free_covariance_in_both_spaces(n, noise):
    """0.037 to 0.052 by Bartlett's ratio of determinants; the regression form takes attenuation for deformation."""
    size = 2500
    pairs = drawn(Scene(GATHERED[2], n, noise=noise), size, seed=3)
    error = math.sqrt(0.05 * 0.95 / size)
    assert 0.037 - 4 * error < rate(pairs, "bartlett", FREE) < 0.052 + 4 * error
    attenuated = {(25, 3.0): 0.071, (100, 3.0): 0.174}.get((n, noise))
    if attenuated:
        assert abs(rate(pairs, "bartlett", "full") - attenuated) < allowed(attenuated, size)
        assert rate(pairs, "bartlett", "full") > 0.05 + 3 * error


@pytest.mark.parametrize(("d", "n", "power", "free"), [(2, 6, 0.251, 0.123), (2, 10, 0.581, 0.421), (2, 25, 0.980, 0.967),
                                                       (3, 10, 0.426, 0.185), (3, 25, 0.949, 0.898)])
def test_power_against_one_per_cent(d, n, power, free):
    size = 1500
    pairs = drawn(Scene(GATHERED[d], n, 0.01, 512.0), size, seed=4)
    assert abs(rate(pairs, "F") - power) < allowed(power, size)
    assert abs(rate(pairs, "bartlett", "full") - free) < allowed(free, size)


@pytest.mark.parametrize(("d", "n"), [(2, 4), (2, 10), (3, 6)])
def test_the_bootstrap_agrees_with_f(d, n):
    """Dataset by dataset where the noise is small beside any layout, in its size also where it is not."""
    size, draws = 300, 199
    little, much = (drawn(Scene(GATHERED[d], n, noise=noise), size, seed=5) for noise in (0.01, 1.0))
    p, f = (compare_models(little, "rigid", "affine", test=test, **more).p_value for test, more in
            (("bootstrap", {"draws": draws}), ("F", {})))
    assert np.abs(p - f).max() < 5 * 0.5 / math.sqrt(draws)
    assert abs((p - f).mean()) < 4 * 0.5 / math.sqrt(draws * size) + 1 / draws
    found = float((compare_models(much, "rigid", "affine", test="bootstrap", draws=draws).p_value <= 0.05).mean())
    assert abs(found - 0.05) < 4 * math.sqrt(0.05 * 0.95 / size)


@pytest.mark.parametrize("test", ["F", "wild", "bootstrap", "bartlett", "chi2"])
def test_sizes_with_a_known_scale(test):
    size = 600 if test == "bootstrap" else 2500
    pairs, noise = drawn(Scene(GATHERED[2], 9), size, seed=6), Noise(1.0, scale=math.sqrt(2.0))
    found = rate(pairs, test, noise, **({"draws": 199} if test == "bootstrap" else {}))
    assert 0.03 - 3 * math.sqrt(0.05 * 0.95 / size) < found < 0.055 + 4 * math.sqrt(0.05 * 0.95 / size)
    too_small = Noise(1.0, scale=1.0)  # the control: what is believed of the noise decides
    assert (rate(pairs, test, too_small, **({"draws": 199} if test == "bootstrap" else {})) > 0.2) == (test != "wild")


# Unequal noise, and landmarks that belong together


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.word)
@pytest.mark.parametrize(("d", "n"), [(2, 6), (2, 10), (2, 25), (3, 12), (3, 30)])
def test_the_wild_f_keeps_its_level_under_every_noise(law, d, n):
    """0.025 to 0.067 in all published cells, with and without weights."""
    size = 1500
    pairs = drawn(Scene(BRAIN if d == 3 else GATHERED[2], n, law=law), size, seed=7)
    for test in ("wild", "wild-t"):
        found = rate(pairs, test)
        assert 0.025 - 3 * math.sqrt(0.025 * 0.975 / size) < found < 0.067 + 3 * math.sqrt(0.067 * 0.933 / size)
    if law.word == Growing().word:  # the control: noise that goes with position
        assert rate(pairs, "F") > 0.11


@pytest.mark.parametrize("n", [30, 12])
@pytest.mark.parametrize("models", [("rigid", "similarity"), ("similarity", "affine")])
def test_the_wild_f_of_the_other_steps(n, models):
    size = 1500
    for law in (Gaussian(), Growing()):
        found = rate(drawn(Scene(BRAIN, n, law=law), size, seed=8), "wild", models=models)
        assert 0.025 - 3 * math.sqrt(0.025 * 0.975 / size) < found < 0.067 + 3 * math.sqrt(0.067 * 0.933 / size)


@pytest.mark.parametrize(("scene", "law", "published"), [
    (Scene(GATHERED[2], 10, 0.01, 512.0), Gaussian(), (0.55, 0.43, 0.40)),
    (Scene(GATHERED[2], 25, 0.01, 512.0), Gaussian(), (0.98, 0.98, 0.97)),
    (Scene(BRAIN, 30, 0.02), Gaussian(), (0.10, 0.08, 0.08)), (Scene(BRAIN, 30, 0.03), Gaussian(), (0.20, 0.17, 0.15)),
    (Scene(BRAIN, 30, 0.05), Gaussian(), (0.51, 0.47, 0.41)), (Scene(BRAIN, 12, 0.05), Gaussian(), (0.15, 0.11, 0.10)),
    (Scene(GATHERED[2], 10, 0.01, 512.0), Student(), (0.70, 0.56, 0.55)),
    (Scene(GATHERED[2], 25, 0.01, 512.0), Student(), (0.97, 0.96, 0.99)),
    (Scene(BRAIN, 30, 0.05), Student(), (0.60, 0.56, 0.66)), (Scene(BRAIN, 12, 0.05), Student(), (0.23, 0.16, 0.17)),
], ids=lambda value: getattr(value, "word", None))
def test_power_of_the_wild_f(scene, law, published):
    """The published numbers are of a thousand datasets or so on layouts of their own."""
    size = 1000
    pairs = drawn(replace(scene, law=law), size, seed=9)
    for test, power in zip(("F", "wild", "wild-t"), published, strict=True):
        assert abs(rate(pairs, test) - power) < 0.02 + allowed(power, size, 1000)


@pytest.mark.parametrize("n", [14, 32])
def test_partners_placed_alike_need_groups(n):
    size = 1500
    pairs = drawn(Scene(BRAIN, n, law=Partners(), mirrored=True), size, seed=10)
    groups = [i // 2 for i in range(n)]
    error = math.sqrt(0.05 * 0.95 / size)
    assert rate(pairs, "F") > 0.1 and rate(pairs, "wild") > 0.1
    for test in ("wild", "wild-t"):
        assert 0.025 - 3 * error < rate(pairs, test, groups=groups) < 0.067 + 3 * error
    wrong = [(i + 1) // 2 % (n // 2) for i in range(n)]  # as many groups, of the wrong landmarks
    assert rate(pairs, "wild", groups=wrong) > 0.1


def test_the_rater_as_the_unit():
    """Size near .05 (.036 to .069 published on real raters) where tests of the mean points reject what is true; and power."""
    size = 1500
    pairs = drawn(Raters(BRAIN, 30), size, seed=11)
    means = FiducialPairs(pairs.source.mean(1), pairs.target.mean(1))
    for wider in ("similarity", "affine"):
        assert 0.035 < rate(pairs, "raters", models=("rigid", wider)) < 0.075
        assert rate(means, "F", models=("rigid", wider)) > 0.13
    permuted = compare_models(pairs, "rigid", "affine", test="raters-permuted").p_value
    expected = 1 / 35  # one of 35 ways to deal eight raters out in two halves
    assert abs((permuted < 0.05).mean() - expected) < 0.01 + 4 * math.sqrt(expected / size)
    assert rate(drawn(Raters(BRAIN, 30, 0.05), 500, seed=11), "raters") > 0.6


def test_the_same_raters_in_both_images_make_it_conservative():
    """A bias that a person has in both images is no difference between them, and still in the spread between people."""
    size, rng = 1500, np.random.default_rng(12)
    x = np.multiply(BRAIN, rng.standard_normal((size, 1, 30, 3)))
    entries = rng.standard_normal((size, 4, 3, 3))
    placed = x + 0.01 * x @ (entries + np.swapaxes(entries, -1, -2)) / 2
    pairs = FiducialPairs(*(placed + rng.standard_normal(placed.shape) for _ in range(2)))
    assert rate(pairs, "raters") < 0.035 and rate(pairs, "raters-permuted") < 0.035
