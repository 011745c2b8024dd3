"""Scales that are known or expected, and coordinates that are whole pixels: the laws, the coverage, and the command line."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from cases import rotation
from test_cli import BEADS, assert_refused, run

import regerr
from regerr import FiducialPairs, InputError, Noise, RegistrationWarning, compare_scale
from regerr.models import Rigid

pytestmark = pytest.mark.filterwarnings("ignore:pairs .* lie at one place")


def similar(n: int = 12, scale: float = 0.108, dimension: int = 2, seed: int = 0, batch: tuple[int, ...] = (),
            noise: float = 1.0) -> FiducialPairs:
    """A similarity of that scale; noise per coordinate and space, in units of the source."""
    rng = np.random.default_rng([seed, n, dimension])
    x = 22.0 * rng.standard_normal((*batch, n, dimension))
    y = scale * (x @ rotation(rng, dimension).T + noise * rng.standard_normal(x.shape)) + 3.0
    return FiducialPairs(x + noise * rng.standard_normal(x.shape), y, source_unit="px", target_unit="µm")


# A known scale


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("noise", ["both", "target", "source", Noise(1.0, tails=4.0), Noise(1.0, scale=0.2)])
def test_a_known_scale_is_a_rigid_fit_in_other_units(dimension, noise):
    """The same fit, regions and p-values as after the source was multiplied by the scale."""
    pairs, scale = similar(dimension=dimension), 0.108
    known, plain = regerr.fit(pairs, Rigid(scale), noise), regerr.fit(pairs.scaled(scale), "rigid", noise)
    x = np.array([[50.0] * dimension])
    np.testing.assert_allclose(known.transform.apply(x), plain.transform.apply(scale * x), rtol=1e-9)
    for kind in ("tre", "lre", "observation"):
        one, two = known.predict(x, kind), plain.predict(scale * x, kind)
        np.testing.assert_allclose(one.covariance, two.covariance, rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose(one.p_value(one.mean + 0.1), two.p_value(one.mean + 0.1), rtol=1e-5)
    np.testing.assert_allclose(known.leave_one_out(), plain.leave_one_out(), atol=1e-7)
    assert known.degrees_of_freedom == plain.degrees_of_freedom
    np.testing.assert_allclose(abs(np.linalg.det(known.transform.matrix)), scale**dimension, rtol=1e-10)


def test_given_covariances_keep_the_known_scale():
    pairs = similar()
    shape = np.broadcast_to(np.eye(2), (12, 2, 2))
    carried = FiducialPairs(pairs.source, pairs.target, source_covariance=shape, target_covariance=0.108**2 * shape)
    known, plain = regerr.fit(carried, Rigid(0.108)), regerr.fit(pairs, Rigid(0.108))
    np.testing.assert_allclose(known.transform.matrix, plain.transform.matrix, atol=1e-9)


def test_a_known_scale_narrows_the_prediction():
    pairs = similar(scale=1.0)
    far = [[400.0, 0.0]]
    assert regerr.fit(pairs, "rigid").predict(far, "tre").rms < regerr.fit(pairs, "similarity").predict(far, "tre").rms


def test_the_summary_and_the_file_keep_the_scale(tmp_path):
    result = regerr.fit(similar(), Rigid(0.108))
    assert "Transformation: rigid with its scale fixed at 0.108, source (px) to target (µm)" in result.summary()
    assert "the pairs say that it is not" not in " ".join(result.summary().split())
    result.save(tmp_path / "a.json")
    again = regerr.load(tmp_path / "a.json")
    assert again.model.scale == 0.108
    np.testing.assert_array_equal(again.transform.matrix, result.transform.matrix)


def test_a_check_heeds_the_scale():
    assert regerr.check(similar(), Rigid(0.108)).sound
    assert [f.name for f in regerr.check(similar()).findings] == ["scale"]
    found = regerr.check(similar(scale=0.115), Rigid(0.108))
    assert [f.name for f in found.findings] == ["scale"] and "% larger than this registration allows" in found.reasons[0]


@pytest.mark.parametrize("scale", [0, -1, np.inf, np.nan])
def test_a_scale_that_is_none(scale):
    with pytest.raises(InputError, match="the scale is"):
        Rigid(scale)


# An expected scale


@pytest.mark.parametrize(("dimension", "n", "noise"), [(2, 3, 1.0), (2, 3, 4.0), (2, 10, 3.0), (3, 4, 3.0), (3, 10, 3.0)])
@pytest.mark.parametrize("space", ["both", "target"])
def test_the_right_scale_is_rejected_as_often_as_the_level_says(dimension, n, noise, space):
    """Exact to first order: .048 to .052 found in 20,000 replicates."""
    rng = np.random.default_rng([n, dimension])
    x = 22.0 * rng.standard_normal((4000, n, dimension))
    y = 0.5 * (x @ rotation(rng, dimension).T + noise * rng.standard_normal(x.shape))
    seen = x + noise * rng.standard_normal(x.shape) if space == "both" else x
    test = compare_scale(FiducialPairs(seen, y), 0.5, space)
    rate, error = (test.p_value < 0.05).mean(), np.sqrt(0.05 * 0.95 / 4000)
    assert abs(rate - 0.05) < 4 * error
    low, high = test.interval(0.9)
    assert abs(((low < 0.5) & (high > 0.5)).mean() - 0.9) < 4 * np.sqrt(0.09 / 4000)


def test_a_wrong_scale_is_found_and_said():
    test = compare_scale(similar(n=20), 0.1)
    text = " ".join(str(test).split())
    assert test.p_value < 1e-3 and text.startswith("The scale is not the expected one: 0.10") and "larger" in text
    assert "µm per px" in text and test.null.endswith("of scale 0.1 and noise")
    assert " ".join(str(compare_scale(similar(), 0.108)).split()).startswith("The scale agrees with the expected one")


def test_the_interval_is_put_back():
    """At its ends the p-value is one minus the level."""
    pairs = similar()
    for end in compare_scale(pairs, 0.108).interval(0.95):
        assert compare_scale(pairs, float(end)).p_value == pytest.approx(0.05, rel=1e-6)


def test_no_verdict_on_exact_pairs():
    x = np.random.default_rng(0).integers(-50, 50, (8, 2)).astype(float)
    with pytest.warns(RegistrationWarning, match="fit exactly"):
        test = compare_scale(FiducialPairs(x, 2.0 * x), 2.0)
    assert np.isnan(test.p_value) and "No verdict on the scale" in str(test)


def test_a_known_noise_gives_the_normal_law():
    test = compare_scale(similar(), 0.108, Noise(1.0, scale=0.15))
    assert np.isinf(test.degrees_of_freedom) and "normal = " in str(test)


@pytest.mark.parametrize("expected", [0, -2.0, np.nan])
def test_an_expected_scale_that_is_none(expected):
    with pytest.raises(InputError, match="the expected scale is"):
        compare_scale(similar(), expected)


# Whole pixels


def rounded(sd: float, n: int, replicates: int = 2000) -> tuple[FiducialPairs, *tuple[np.ndarray, ...]]:
    """A shift by whole pixels, where rounding hides the noise; and one target, true and as localised."""
    rng = np.random.default_rng([n, int(1000 * sd)])
    x = 22.0 * rng.standard_normal((replicates, n, 2))
    t = 60.0 * rng.standard_normal((replicates, 1, 2))
    seen = [np.round(p + sd * rng.standard_normal(p.shape)) for p in (x, x + 3.0, t, t + 3.0)]
    return FiducialPairs(seen[0], seen[1], source_step=1.0, target_step=1.0), t, t + 3.0, seen[2], seen[3]


@pytest.mark.parametrize("model", ["rigid", "affine"])
@pytest.mark.parametrize("sd", [0.0, 0.05, 0.5])
def test_regions_of_whole_pixels_hold(model, sd):
    """Unaware of rounding an observation is covered .90 at noise .05; with the floor never less than it says."""
    pairs, t, landed, seen_t, seen = rounded(sd, 10)
    result = regerr.fit(pairs, model, on_failure="mark")
    for kind, where, point in (("tre", t, landed), ("observation", seen_t, seen)):
        hits = (result.predict(where, kind).p_value(point) >= 0.05).mean()
        assert hits > 0.95 - 4 * np.sqrt(0.05 * 0.95 / 2000), (kind, hits)
    if sd == 0.05:
        jitter = 1e-9 * np.random.default_rng(0).standard_normal(pairs.source.shape)
        unaware = regerr.fit(FiducialPairs(pairs.source + jitter, pairs.target), model, on_failure="mark")
        assert (unaware.predict(seen_t, "observation").p_value(seen) >= 0.05).mean() < 0.94


def test_equal_places_are_no_fault_and_exact_pairs_are_not_exact():
    x = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 0.0], [0.0, 12.0], [7.0, 7.0]])
    with pytest.raises(InputError, match="equal in both spaces"):
        FiducialPairs(x, x + 3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = regerr.fit(FiducialPairs(x, x + 3.0, source_step=1.0, target_step=1.0))
    assert result.fre_rms < 1e-12 and float(result.fle_rms) == pytest.approx(np.sqrt(2 * (1 + 1) / 12))
    where = result.predict([[50.0, 50.0]], "tre")
    assert where.rms > 0.3 and where.region().volume > 0 and regerr.check(result.pairs).sound


def test_the_floor_is_in_units_of_the_target():
    """0.1 µm voxels against 65 nm pixels: ``sqrt((65^2 + (1000 * 0.1)^2)/12)`` nm per coordinate."""
    pairs = FiducialPairs(similar(scale=1000.0, noise=0.01).source, similar(scale=1000.0, noise=0.01).target, source_step=0.1,
                          target_step=65.0)
    assert pairs.rounding == pytest.approx(np.sqrt((65**2 + 100**2) / 12), rel=0.01)
    result = regerr.fit(pairs, Rigid(1000.0))
    assert result.noise.floor == pairs.rounding and "at least 34.4 per coordinate, from rounding" in result.noise.describe()
    assert float(result.fle_rms) == pytest.approx(np.sqrt(2) * pairs.rounding)


def test_noise_above_the_floor_is_estimated_as_ever():
    pairs = similar(scale=1.0, noise=4.0)
    plain, aware = regerr.fit(pairs), regerr.fit(pairs.quantised())
    np.testing.assert_allclose(aware.noise_covariance, plain.noise_covariance)
    x = [[90.0, 0.0]]
    np.testing.assert_allclose(aware.predict(x, "tre").p_value([[90.0, 3.0]]), plain.predict(x, "tre").p_value([[90.0, 3.0]]))


@pytest.mark.parametrize("model", ["rigid", "similarity", "affine"])
@pytest.mark.parametrize("noise", ["both", "target", "source"])
def test_the_floor_reaches_every_region(model, noise):
    """Ever less noise ends at the regions of the floor, by every method, and they are those of that noise known from infinity."""
    aware = regerr.fit(similar(scale=1.0, noise=1e-4, n=10).quantised(), model, noise)
    less = regerr.fit(similar(scale=1.0, noise=1e-5, n=10).quantised(), model, noise)
    x = np.array([[60.0, 10.0]])
    for method in ("score", "likelihood-ratio", "wald"):
        one, two = (r.predict(x, "tre").region(0.95, method).excess(r.predict(x, "tre").mean + 0.4) for r in (aware, less))
        np.testing.assert_allclose(one, two, rtol=1e-2)
        assert 0 < one < np.inf
    np.testing.assert_allclose(np.sqrt(aware.noise_covariance[0, 0]), aware.noise.floor, rtol=1e-3)


def test_steps_travel_with_the_pairs(tmp_path):
    pairs = similar().quantised("target", 0.1)
    assert (pairs.source_step, pairs.target_step) == (None, 0.1)
    assert (pairs.swap().source_step, pairs.drop("3").target_step, pairs.scaled(2.0).target_step) == (0.1, 0.1, 0.1)
    assert similar().quantised("source").scaled(2.0).source_step == 2.0
    again = FiducialPairs.from_dict(json.loads(json.dumps(pairs.to_dict())))
    assert (again.source_step, again.target_step) == (None, 0.1)
    regerr.fit(pairs, "similarity").save(tmp_path / "q.json")
    assert regerr.load(tmp_path / "q.json").noise.floor == pytest.approx(0.1 / np.sqrt(12))
    assert similar().rounding is None


@pytest.mark.parametrize(("made", "words"), [
    (lambda: similar().quantised("pixels"), "quantised is 'pixels'"), (lambda: similar().quantised(step=-1), "source_step is -1"),
    (lambda: similar().quantised(step="a"), "target_step is 'a'"), (lambda: Noise(floor=0.0), "the least noise s.d. is 0.0"),
    (lambda: Noise(floor=1.0, scale=1.0), "of unknown size"), (lambda: Noise(0.0, "full", floor=1.0), "alike in all directions"),
])
def test_steps_that_are_none(made, words):
    with pytest.raises(InputError, match=words):
        made()


# The command line


def test_a_known_scale_from_pixel_sizes(tmp_path):
    pairs = similar(scale=0.65 / 0.108)
    place = tmp_path / "pairs.csv"
    np.savetxt(place, np.c_[pairs.source, pairs.target], delimiter=",", header="x_source,y_source,x_target,y_target", comments="")
    done = run("fit", place, "--scale", "0.65/0.108", "--json", "--output", tmp_path / "saved.json")
    data = json.loads(done.stdout)
    assert data["model_scale"] == pytest.approx(0.65 / 0.108)
    assert np.linalg.det(data["transform"]["matrix"]) == pytest.approx((0.65 / 0.108) ** 2)
    back = json.loads(run("fit", tmp_path / "saved.json", "--swap", "--json").stdout)
    assert np.allclose(np.array(back["transform"]["matrix"]) @ data["transform"]["matrix"], np.eye(2), atol=1e-9)
    text = " ".join(run("fit", place, "--model", "similarity", "--expect-scale", "0.65/0.108").stdout.split())
    assert "The scale agrees with the expected one" in text
    data = json.loads(run("fit", place, "--model", "similarity", "--expect-scale", "6.5", "--json").stdout)
    assert data["scale_test"]["expected"] == 6.5 and data["scale_test"]["p_value"] < 0.05


def test_whole_pixels_on_the_command_line(tmp_path):
    text = " ".join(run("fit", BEADS, "--quantised", "both").stdout.split())
    assert "(at least 0.408 per coordinate, from rounding)" in text
    pairs = similar(scale=1.0)
    place = tmp_path / "pixels.csv"
    np.savetxt(place, np.c_[pairs.source, pairs.target], delimiter=",", header="x_source,y_source,x_target,y_target", comments="")
    text = " ".join(run("fit", place, "--quantised", "target", "--target-pixel", "0.5", "--target-unit", "µm", "--model",
                        "similarity").stdout.split())
    assert "(at least 0.144 per coordinate, from rounding)" in text  # 0.5 / sqrt(12)
    text = " ".join(run("fit", BEADS, "--quantised", "source", "--swap").stdout.split())
    assert "(at least 0.289 per coordinate, from rounding)" in text  # the pixels of the source, seen from the other side


def test_outliers_are_removed_on_request_only(tmp_path):
    pairs = similar(scale=1.0)
    target = pairs.target.copy()
    target[4] += [40.0, 20.0]
    place = tmp_path / "pairs.csv"
    np.savetxt(place, np.c_[pairs.source, target], delimiter=",", header="x_source,y_source,x_target,y_target", comments="")
    assert "Not used" not in run("fit", place).stdout
    text = " ".join(run("fit", place, "--remove-outliers").stdout.split())
    assert text.startswith("Without '5' before after fiducials 12 11") and "removed as an outlier, p =" in text
    assert "hold a little less than they say" in text


def test_bad_options_are_one_sentence():
    assert_refused(run("fit", BEADS, "--expect-scale", "1/0"), "--expect-scale is '1/0': give a positive number")
    assert_refused(run("fit", BEADS, "--scale", "-1"), "--scale is '-1'")
    assert_refused(run("fit", BEADS, "--model", "similarity", "--scale", "2"), "the similarity model fits its scale")


# Measured data


def test_lung_landmarks_are_whole_voxels(shared_data: Path):
    """Coordinates of the lung set are rounded to voxels: the floor is that of the voxel, and the fit is no better than it."""
    from regerr import datasets

    pairs = next(iter(datasets.load("lung_4dct", shared_data).pairs.values()))
    aware = regerr.fit(pairs.quantised("both", 1.0), "affine")
    assert aware.noise.floor is not None and float(aware.fle_rms) ** 2 >= 3 * aware.noise.floor**2 * (1 - 1e-9)


def test_datum_shift_scale_is_one(shared_data: Path):
    """Two geodetic datums, coordinates rounded to a millimetre: scale one is what both are meant to have."""
    from regerr import datasets

    pairs = next(iter(datasets.load("sk42_sk95", shared_data).pairs.values()))
    test = compare_scale(pairs, 1.0)
    assert abs(float(test.scale) - 1.0) < 1e-5 and 0 <= float(test.p_value) <= 1
