"""What speaks against a registration: each fault is found and named, sound pairs are left in peace, refusals are one sentence."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from cases import rotation
from test_cli import BEADS, assert_refused, run
from test_suspicions import pairs as sound

import regerr
from regerr import FiducialPairs, InputError, Noise, Transform, check, check_transform
from regerr.tails import kurtosis, tails_p_value
from regerr.transform_files import read_given

pytestmark = pytest.mark.filterwarnings("ignore:pairs .* lie at one place")
NAMES = [f"bead {i}" for i in range(1, 13)]


def changed(what, n: int = 12, dimension: int = 2, **options) -> FiducialPairs:
    """Sound pairs after something went wrong with them."""
    source, target = sound(dimension, n, **options)
    source, target = what(source, target)
    return FiducialPairs(source, target, NAMES[:len(source)])


def exchanged(x, y):
    y[[2, 7]] = y[[7, 2]]
    return x, y


def displaced(x, y):
    y[4] += [6.0, 3.0]
    return x, y


def rows_twice(x, y):
    return np.r_[x[:11], x[:1] + 1e-3], np.r_[y[:11], y[:1] + 1e-3]


def one_place(x, y):
    x[3] = x[4]
    return x, y


# Each fault is found, and nothing that it explains

FAULTS = {
    "mirrored": (lambda x, y: (x, y * [1, -1]), "A mirrored fit", "flip it back"),
    "exchanged": (exchanged, "'bead 3' and 'bead 8' look exchanged", "check the matching"),
    "shifted": (lambda x, y: (x[1:], y[:-1]), "fits the target 1 row below its own", "a missing row at the start of the source"),
    "shifted by two": (lambda x, y: (x[:-2], y[2:]), "2 rows above its own", "missing rows at the start of the target"),
    "backwards": (lambda x, y: (x, y[::-1].copy()), "in the opposite order", "turn one of the two lists round"),
    "bead": (displaced, r"'bead 5' does not agree with the other fiducials \(7.0 px off\)", "have a look at 'bead 5'"),
    "scale": (lambda x, y: (x, 1.07 * y), "The target is 7.. % larger than this registration allows", "check the pixel sizes"),
    "unit": (lambda x, y: (x, 108.0 * y), "The target is 108.. times as large", "both images are in one unit"),
    "deformation": (lambda x, y: (x, y * [1.1, 0.9]), "differ by more than a rigid transformation", "--model affine"),
    "exact": (lambda x, y: (x, x + 3.0), "fit exactly", "localised independently"),
    "twice": (rows_twice, "'bead 1' and 'bead 12' are nearly one point", "keep one of"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_named_alone(fault):
    what, reason, action = FAULTS[fault]
    found = check(changed(what))
    assert not found.sound and len(found.reasons) == 1, found.reasons
    text = " ".join(str(found).split())
    assert re.search(reason, text) and action in found.action, text
    assert text.count("What to do:") == 1 and text.startswith("There is reason to doubt")


@pytest.mark.parametrize("model", ["rigid", "similarity", "affine"])
@pytest.mark.parametrize("dimension", [2, 3])
def test_exchanged_rows_are_found_under_each_model(model, dimension):
    found = check(changed(exchanged, dimension=dimension), model)
    assert found.findings[0].name == "exchanged" and found.findings[0].pairs == ("bead 3", "bead 8")


def test_one_wrong_bead_is_no_exchange():
    """A pair so far off that exchanging it for another helps the fit: nobody's rows were swapped."""
    rng = np.random.default_rng([0, 12, 2])
    x = 20.0 * rng.standard_normal((12, 2)) + 40.0
    y = x @ rotation(rng, 2).T
    y[0, 0] += 300.0
    pairs = FiducialPairs(x + rng.standard_normal(x.shape), y + rng.standard_normal(x.shape), NAMES)
    assert [f.name for f in check(pairs, "affine").findings][:1] == ["bead"]


def test_one_bead_does_not_pass_for_deformation():
    """Without the bead nothing is left to explain; the deformation test alone would have rejected."""
    pairs = changed(displaced)
    ladder = regerr.compare_models(pairs, "rigid", "affine")
    assert [f.name for f in check(pairs).findings] == ["bead"] or ladder.p_value > 0.01


def test_deformation_does_not_pass_for_a_bead():
    found = check(changed(lambda x, y: (x, y * [1.25, 0.8])))
    assert [f.name for f in found.findings] == ["deformation"]


def test_residuals_too_small_to_be_true():
    found = check(changed(lambda x, y: (x, y)), noise=Noise(scale=30.0))
    assert found.findings[0].name == "too small" and found.findings[0].p_value < 1e-6


def test_at_most_two_reasons_and_one_action():
    found = check(changed(lambda x, y: displaced(*one_place(x, y))))
    assert len(found.reasons) == 2 and len(found.findings) >= 2
    assert found.action == found.findings[0].action


def test_two_fiducials_are_too_few_to_check():
    found = check(changed(lambda x, y: (x[:2], y[:2])))
    assert found.reasons == ("2 fiducials are too few to check any of them against the others",)


@pytest.mark.parametrize(("what", "model", "words"), [
    (lambda x, y: (x[:2], y[:2]), "affine", "2 pairs are too few for the affine model"),
    (lambda x, y: (np.c_[np.arange(12.0), 2 * np.arange(12.0)], y), "affine", "The fiducials lie on one line"),
])
def test_what_cannot_be_registered_is_a_finding(what, model, words):
    found = check(changed(what), model)
    text = " ".join(str(found).split())
    assert text.startswith("These pairs cannot be registered.") and words in text and "What to do: add" in text
    assert found.result is None


@pytest.mark.parametrize("model", ["rigid", "similarity", "affine"])
def test_sound_pairs_are_left_in_peace(model):
    """One in twenty sound datasets has a fiducial that looks wrong, one in a hundred a deformation or heavy tails."""
    blamed = [not check(changed(lambda x, y: (x, y), seed=seed), model).sound for seed in range(60)]
    assert np.mean(blamed) < 0.07 + 4 * np.sqrt(0.07 * 0.93 / 60)


def test_the_verdict_says_what_it_cannot_see():
    text = " ".join(str(check(changed(lambda x, y: (x, y), seed=1))).split())
    assert text.startswith("Nothing speaks against this registration.") and "What all fiducials share" in text


def test_warnings_and_checks_are_one_list():
    pairs = changed(exchanged)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        regerr.fit(pairs)
    assert [str(w.message) for w in caught] == [f.sentence for f in check(pairs).findings]


def test_a_batch_is_refused():
    source, target = sound()
    with pytest.raises(InputError, match=r"check one dataset, pairs\[i\]"):
        check(FiducialPairs(source[None], target[None]))


# Heavy tails


def test_the_test_of_tails_has_its_size_and_some_power():
    """Uniform p-values for Gaussian noise, small ones for Student's t with 3 degrees of freedom."""
    p = {}
    for kind in ("gauss", "t3"):
        rng = np.random.default_rng(3)
        ps = []
        for _ in range(60):
            x = 20.0 * rng.standard_normal((30, 2))
            noise = rng.standard_normal((2, 30, 2))
            if kind == "t3":
                noise /= np.sqrt(rng.chisquare(3, (2, 30, 1)))
            ps.append(tails_p_value(regerr.fit(FiducialPairs(x + noise[0], x + noise[1]))))
        p[kind] = np.array(ps)
    assert abs(p["gauss"].mean() - 0.5) < 4 * np.sqrt(1 / 12 / 60)
    assert (p["gauss"] < 0.1).mean() < 0.1 + 4 * np.sqrt(0.09 / 60) and (p["t3"] < 0.05).mean() > 0.6


def test_the_kurtosis_does_not_depend_on_units():
    r = np.random.default_rng(0).standard_normal((4, 9, 3))
    np.testing.assert_allclose(kurtosis(r), kurtosis(1e6 * r))


def test_heavy_tails_are_a_finding_with_two_ways_out():
    rng = np.random.default_rng(0)
    x = 20.0 * rng.standard_normal((60, 2))
    y = x + 5 + np.clip(0.2 * rng.standard_cauchy((60, 2)), -3, 3)
    found = check(FiducialPairs(x, y))
    assert any(f.name == "tails" for f in found.findings) or found.findings[0].name == "bead"
    assert "tails" in [f.name for f in check(FiducialPairs(x, y), noise=Noise(1.0)).findings]
    assert "tails" not in [f.name for f in check(FiducialPairs(x, y), noise=Noise(1.0, tails=3.0)).findings]


# A given transformation


def drawn(rng, n: int, matrix: np.ndarray, sd: float = 2.0) -> FiducialPairs:
    """Landmarks under a known map, both noises alike as seen in the target."""
    d = len(matrix)
    x = 22.0 * rng.standard_normal((n, d))
    size = np.sqrt(np.trace(matrix @ matrix.T) / d)
    return FiducialPairs(x + sd / size * rng.standard_normal(x.shape), x @ matrix.T + 3.0 + sd * rng.standard_normal(x.shape))


@pytest.mark.parametrize(("matrix", "model", "n"), [
    (np.eye(2), "rigid", 6), (np.eye(2), "similarity", 4), (np.array([[1.2, 0.4], [0.0, 0.8]]), "affine", 8),
    (np.eye(3), "rigid", 5)])
def test_the_right_transformation_is_rejected_as_often_as_the_level_says(matrix, model, n):
    """All four tests of a given map are exact, whatever the map, at 5 %."""
    rng, d = np.random.default_rng(7), len(matrix)
    truth = Transform.from_matrix(matrix, np.full(d, 3.0))
    found = [check_transform(drawn(rng, n, matrix), truth, model, fle=np.sqrt(8 * d)) for _ in range(600)]
    for p in ([f.shift.p_value for f in found], [f.correction.p_value for f in found], [f.too_large for f in found],
              [f.too_small for f in found]):
        assert abs(np.mean(np.array(p) < 0.05) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 600)


@pytest.mark.parametrize(("wrong", "words"), [
    (Transform.from_matrix(np.eye(2), [9.0, 3.0]), "on average they lie"),
    (Transform.from_matrix(1.15 * np.eye(2), [3.0, 3.0]), "a similarity correction of it fits better"),
])
def test_a_wrong_transformation_is_contradicted(wrong, words):
    found = check_transform(drawn(np.random.default_rng(1), 15, np.eye(2)), wrong)
    assert found.doubtful and words in " ".join(str(found).split())


def test_the_correction_mends_the_transformation():
    rng = np.random.default_rng(2)
    pairs = drawn(rng, 40, np.eye(2), sd=0.1)
    mended = check_transform(pairs, Transform.from_matrix(1.02 * np.eye(2), [2.0, 4.0])).mended
    np.testing.assert_allclose(mended.matrix, regerr.fit(pairs, "similarity").transform.matrix, atol=2e-3)


def test_landmarks_that_were_fitted_look_too_good():
    """With few landmarks and a flexible model the residuals are smaller than the noise allows."""
    rng = np.random.default_rng(3)
    pairs = drawn(rng, 5, np.eye(2))
    own = regerr.fit(pairs, "affine", "target").transform
    found = check_transform(pairs, own, fle=4.0)
    assert found.too_small < 0.05 and "probably computed from these landmarks" in " ".join(str(found).split())
    assert "cannot be told without knowing their FLE" in " ".join(str(check_transform(pairs, own)).split())


def test_one_landmark_can_be_held_against_a_known_noise():
    found = check_transform(FiducialPairs([[0.0, 0.0]], [[50.0, 0.0]]), Transform.identity(2), fle=1.0)
    assert np.isnan(found.p_value) and found.too_large < 1e-10 and found.doubtful and "too few" in str(found)


@pytest.mark.parametrize(("asked", "words"), [
    (lambda p: check_transform(p, Transform.identity(3)), "the landmarks are 2D"),
    (lambda p: check_transform(p, Transform.identity(2), fle=-1), "the FLE is -1"),
    (lambda p: check_transform(p, Transform.from_matrix(np.zeros((2, 2)))), "takes all points to one"),
    (lambda p: check_transform(p, Transform.from_matrix(np.diag([1.0, 0.0])), noise="source"), "has no inverse"),
    (lambda p: check_transform(p, Transform.from_matrix(np.full((2, 2), np.nan))), "NaN or infinity"),
    (lambda p: check_transform(FiducialPairs(p.source[None], p.target[None]), Transform.identity(2)), "check one dataset"),
])
def test_bad_input_is_one_sentence(asked, words):
    with pytest.raises(InputError, match=words):
        asked(drawn(np.random.default_rng(0), 6, np.eye(2)))


# The command


def test_check_prints_the_verdict_and_returns_a_code(tmp_path):
    done = run("check", BEADS)
    assert done.exit_code == 0 and done.stdout.startswith("Nothing speaks against this registration.")
    source, target = sound()
    rows = np.c_[source, target * [1, -1]]
    place = tmp_path / "flipped.csv"
    np.savetxt(place, rows, delimiter=",", header="x_source,y_source,x_target,y_target", comments="")
    done = run("check", place, "--json")
    data = json.loads(done.stdout)
    assert done.exit_code == 1 and data["findings"][0]["name"] == "mirrored" and not data["sound"]


MATRICES = {"three.txt": "1 0 2\n0 1 3\n0 0 1\n", "two.csv": "1,0,2\n0,1,3\n", "comment.txt": "# A b\n1;0;2\n0;1;3\n0;0;1\n"}


@pytest.mark.parametrize("name", MATRICES)
def test_a_matrix_as_text(tmp_path, name):
    (tmp_path / name).write_text(MATRICES[name])
    np.testing.assert_allclose(read_given(tmp_path / name).apply([[10.0, 20.0]]), [[12.0, 23.0]])
    np.testing.assert_allclose(read_given(tmp_path / name, swap=True).apply([[12.0, 23.0]]), [[10.0, 20.0]])


def test_a_saved_registration_is_right_for_its_own_pairs(tmp_path):
    run("fit", BEADS, "--output", tmp_path / "saved.json")
    done = run("check", BEADS, "--transform", tmp_path / "saved.json")
    assert done.exit_code == 0 and "Nothing in these landmarks contradicts the transformation" in done.stdout
    data = json.loads(run("check", BEADS, "--transform", tmp_path / "saved.json", "--json").stdout)
    assert data["fre_rms"] == pytest.approx(float(regerr.fit(regerr.read_pairs(BEADS)).fre_rms))


BAD = {
    "wide.txt": ("1 0 0 0 0\n0 1 0 0 0\n0 0 1 0 0\n", "holds 3 x 5 numbers: give a matrix of 3 x 3"),
    "rows.txt": ("1 0 0\n0 1 0\n5 6 1\n", "the last row of the matrix is [5.0, 6.0, 1.0] and not [0, 0, 1]"),
    "nan.txt": ("1 0 nan\n0 1 0\n0 0 1\n", "NaN or infinity"),
    "words.txt": ("this is no transformation\n", "no transformation"),
    "space.txt": ("1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "the landmarks are 2D"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_transformation_is_one_sentence(tmp_path, name):
    text, words = BAD[name]
    (tmp_path / name).write_text(text)
    assert_refused(run("check", BEADS, "--transform", tmp_path / name), words)


def test_bad_options_are_one_sentence(tmp_path):
    assert_refused(run("check", BEADS, "--noise", "full"), "the rigid model cannot use noise of any covariance")
    assert_refused(run("check", BEADS, "--fle", "1"), "--fle is for a given transformation")
    assert_refused(run("check", BEADS, "--transform", tmp_path / "none.txt"), "there is no such file")
    assert_refused(run("check", BEADS, "--scale", "x"), "--scale is 'x': give a positive number")
    assert_refused(run("check", BEADS, "--scale", "2", "--model", "affine"), "the affine model fits its scale")
    assert_refused(run("check", BEADS, "--tails", "1"), "give more than 2")
    assert_refused(run("check", BEADS, "--quantised", "pixels"), "quantised is 'pixels'")


# Measured data


def test_ecclem_matrices_against_its_own_points(shared_data: Path):
    folder = shared_data / "ecclem_reference"
    pairs = regerr.read_pairs(folder / "written_by_ecclem_source.csv", folder / "written_by_ecclem_target.csv")
    found = check_transform(pairs, read_given(folder / "written_by_ecclem.transformation.csv"), "rigid", fle=1e3)
    # it was fitted to these points: nothing is left to shift, and the residuals are those of the fit
    assert np.linalg.norm(found.mean_shift) < 1e-6 and found.shift.p_value == pytest.approx(1.0)
    assert found.fre_rms == pytest.approx(float(regerr.fit(pairs, "rigid").fre_rms), rel=1e-6)
    assert found.too_small < 0.05


def test_beads_of_one_field_against_the_fit_of_another(shared_data: Path):
    """Two fields of one camera: the map of the first holds in the second up to the noise."""
    from regerr import datasets

    beads = datasets.load("pyf2f_beads", shared_data).pairs
    first, second = beads["Pos000_000"], beads["Pos001_000"]
    found = check_transform(second, regerr.fit(first, "affine").transform, "affine")
    assert found.fre_rms < 0.2
    wrong = check_transform(second, Transform.identity(2), "affine")
    assert wrong.doubtful and wrong.p_value < 1e-6 and wrong.fre_rms > found.fre_rms


def test_fly_brain_landmarks_are_no_rigid_motion(shared_data: Path):
    from regerr import datasets

    found = check(datasets.load("fafb_lm_em", shared_data).pairs["v14"], "rigid")
    assert not found.sound and found.findings[0].name in ("scale", "deformation", "bead")
