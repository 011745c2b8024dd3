"""Numbers of other programs, recomputed: each definition against a naive formula, each mistake that was seen in the wild."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from test_cli import BEADS, assert_refused, run
from test_suspicions import pairs as sound

import regerr
from regerr import FiducialPairs, InputError, Transform, audit


def dataset(dimension: int = 2, n: int = 12) -> FiducialPairs:
    source, target = sound(dimension, n)
    return FiducialPairs(source, 1.3 * target, source_unit="px", target_unit="nm")


def residuals(pairs: FiducialPairs, model: str = "similarity") -> np.ndarray:
    return np.asarray(regerr.fit(pairs, model, "target").residuals)


def first(pairs: FiducialPairs, name: str, value: float, **options):
    """The plainest definition that gives a value to eight digits."""
    (one,) = audit(pairs, {name: f"{value:.7e}"}, **options).reported
    assert one.matches, one.nearest
    return one.matches[0]


NAIVE = {  # what a program might print for residuals (n, d), and what it is called here
    "r.m.s. length": lambda r: math.sqrt(sum(x @ x for x in r) / len(r)),
    "mean length": lambda r: sum(math.sqrt(x @ x) for x in r) / len(r),
    "median length": lambda r: sorted(math.sqrt(x @ x) for x in r)[len(r) // 2] if len(r) % 2 else
    sum(sorted(math.sqrt(x @ x) for x in r)[len(r) // 2 - 1:len(r) // 2 + 1]) / 2,
    "largest length": lambda r: max(math.sqrt(x @ x) for x in r),
    "r.m.s. per coordinate": lambda r: math.sqrt(sum(v * v for x in r for v in x) / r.size),
    "mean absolute coordinate": lambda r: sum(abs(v) for x in r for v in x) / r.size,
    "mean squared length": lambda r: sum(x @ x for x in r) / len(r),
    "sum of squared lengths": lambda r: sum(x @ x for x in r),
    "r.m.s. along x": lambda r: math.sqrt(sum(x[0] ** 2 for x in r) / len(r)),
    "r.m.s. length with n - 1 in place of n": lambda r: math.sqrt(sum(x @ x for x in r) / (len(r) - 1)),
}


@pytest.mark.parametrize("words", NAIVE)
@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("model", ["similarity", "affine"])
def test_a_definition_is_recognised(words, dimension, model):
    pairs = dataset(dimension)
    found = first(pairs, "FRE", NAIVE[words](residuals(pairs, model)))
    assert (found.quantity, found.words, found.model, found.space, found.unit) == ("FRE", words, model, "target", "nm")


def test_divisors_of_degrees_of_freedom():
    pairs = dataset()
    r, n = residuals(pairs), 12
    squares = float((r**2).sum())
    assert "with the degrees of freedom in place of n d" in first(pairs, "s", math.sqrt(squares / (2 * n - 4))).words
    assert "with n - 2, the fewest pairs, in place of n" in first(pairs, "error", math.sqrt(squares / (n - 2))).words


def test_fle_right_and_as_ec_clem_has_it():
    """Theory, section 16."""
    pairs = dataset()
    fre = math.sqrt((residuals(pairs) ** 2).sum() / 12)
    assert first(pairs, "FLE", fre / math.sqrt(1 - 4 / 24)).words == "r.m.s. FLE, FRE over sqrt(1 - k/(n d))"
    assert "ec-CLEM" in first(pairs, "FLE", fre / math.sqrt(1 - 1 / 24)).words


def test_leave_one_out_is_told_from_fitted_residuals():
    pairs = dataset()
    left = []
    for name in pairs.names:
        others = regerr.fit(pairs.drop(name), "similarity", "target").transform
        i = pairs.names.index(name)
        left.append(pairs.target[i] - others.apply(pairs.source[i:i + 1])[0])
    found = first(pairs, "TRE", NAIVE["mean length"](np.array(left)))
    assert (found.quantity, found.words) == ("leave-one-out", "mean length")


def test_the_other_direction():
    """Residuals of the fit from target to source, in pixels."""
    pairs = dataset()
    found = first(pairs, "FRE", NAIVE["r.m.s. length"](residuals(pairs.swap())))
    assert (found.space, found.unit) == ("source", "px")


def test_pixels_and_physical_units():
    pairs = dataset()
    value = NAIVE["r.m.s. length"](residuals(pairs))
    assert first(pairs, "FRE", value * 0.108, pixel_size=0.108).unit == "nm times the pixel size"
    assert first(pairs, "FRE", value / 0.108, pixel_size=0.108).unit == "nm over the pixel size"
    squared = NAIVE["mean squared length"](residuals(pairs))
    assert first(pairs, "FRE", squared * 0.108**2, pixel_size=0.108).words == "mean squared length"


def test_a_given_transformation():
    pairs = dataset()
    given = Transform.from_matrix(1.3 * np.eye(2), [1.0, 2.0])
    value = NAIVE["mean length"](pairs.target - given.apply(pairs.source))
    found = first(pairs, "TRE", value, transform=given)
    assert (found.model, found.words) == ("given", "mean length")


def test_a_predicted_tre_is_no_residual():
    pairs = dataset()
    result = regerr.fit(pairs, "rigid", "target")
    found = first(pairs, "TRE", float(result.predict(result.fitted.x_mean[None], "tre").rms[0]))
    assert found.words == "predicted r.m.s. TRE at the fiducials' centre"


# What was printed decides


def test_a_number_matches_to_its_last_digit():
    pairs = dataset()
    value = NAIVE["r.m.s. length"](residuals(pairs))
    close, off = audit(pairs, {"FRE": f"{value:.3f}", "RMS": f"{value + 0.002:.3f}"}).reported
    assert close.matches[0].words == "r.m.s. length" and close.precision == pytest.approx(0.0005)
    assert all(abs(m.value - off.value) <= 0.0005 for m in off.matches) and "r.m.s. length" not in \
        [m.words for m in off.matches if m.model == "similarity" and m.quantity == "FRE" and m.space == "target"]


def test_zeros_at_the_end_of_a_whole_number_may_be_rounding():
    source, target = sound()
    pairs = FiducialPairs(1e4 * source, 1e4 * target)
    value = NAIVE["r.m.s. length"](residuals(pairs))
    (one,) = audit(pairs, {"FRE": str(round(value, -1)).removesuffix(".0")}).reported
    assert one.precision == 5.0 and one.matches[0].words == "r.m.s. length"


def test_a_tre_that_is_an_fre_is_called_so():
    """VALIS's "TRE" is a residual of fitted features; Odemis's "RMS" a mean absolute coordinate."""
    pairs = dataset()
    r = residuals(pairs)
    text = " ".join(str(audit(pairs, {"TRE": f"{NAIVE['r.m.s. length'](r):.5f}"})).split())
    assert "So it is no TRE, but an FRE." in text and "which flatters and tells nothing of a target" in text
    text = " ".join(str(audit(pairs, {"RMS deviation": f"{NAIVE['mean absolute coordinate'](r):.5f}"})).split())
    assert "RMS deviation" in text and "is the mean absolute coordinate of the residuals of a similarity" in text


def test_few_digits_prove_little():
    pairs = dataset()
    value = NAIVE["r.m.s. length"](residuals(pairs))
    found = audit(pairs, {"FRE": f"{value:.1g}"})
    assert len(found.reported[0].matches) > 3 and "So few digits fit many definitions" in " ".join(str(found).split())


def test_no_definition_gives_the_nearest():
    (one,) = audit(dataset(), {"FRE": "77777.1"}).reported
    assert not one.matches and len(one.nearest) == 3
    text = " ".join(str(audit(dataset(), {"FRE": "77777.1"})).split())
    assert "no definition gives that. The nearest are" in text and "Perhaps other points, weights" in text


def test_the_report_shows_the_plain_numbers():
    text = str(audit(dataset(), {"FRE": "1"}))
    assert "Recomputed from 12 pairs" in text
    assert all(words in text for words in ("FRE, r.m.s. length", "FLE, FRE over", "leave-one-out, mean length"))


def test_models_that_cannot_be_fitted_are_named():
    source, target = sound(n=2)
    found = audit(FiducialPairs(source, target), {"FRE": "0.1"})
    assert any("affine: 2 pairs are too few" in words for words in found.skipped) and "Not tried: affine" in str(found)


# The command, and a peer's own numbers


def test_the_command():
    value = float(regerr.fit(regerr.read_pairs(BEADS), "rigid", "target").fre_rms)
    done = run("audit", BEADS, "--fre", f"{value:.5f}", "--reported", "RMS error=0.5")
    assert done.exit_code == 0 and done.stdout.startswith(f"FRE = {value:.5f} is the r.m.s. length of the residuals of a rigid")
    data = json.loads(run("audit", BEADS, "--tre", f"{value:.5f}", "--json").stdout)
    assert data["reported"][0]["matches"][0]["words"] == "r.m.s. length" and data["reported"][0]["matches"][0]["model"] == "rigid"


@pytest.mark.parametrize(("quantity", "definition"), [("mean_square_FRE", "mean squared length"),
                                                      ("expected_square_FLE", "FLE as in ec-CLEM's source")])
def test_numbers_of_ec_clem(shared_data: Path, quantity, definition):
    """What its core calls mean square FRE and expected square FLE, recomputed from its own points (theory, section 16)."""
    folder = shared_data / "ecclem_reference"
    with (folder / "matrices.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["quantity"] == quantity and row["model"] == "RIGID"
                and not {"mirror", "nearplanar"} & set(row["dataset"].split("_"))]
    assert len(rows) > 3
    for row in rows:
        pairs = regerr.read_pairs(*(folder / "points" / f"{row['dataset']}_{space}.csv" for space in ("source", "target")))
        value = float(row["value"])
        reported = f"{value:.6e}" if quantity.startswith("mean") else f"{math.sqrt(value):.6e}"
        (one,) = audit(pairs, {"FRE" if quantity.endswith("FRE") else "FLE": reported}, models=["rigid"]).reported
        assert one.matches and definition in one.matches[0].words, (row, one.nearest)


def test_the_rms_of_3dct(shared_data: Path):
    """A results file of 3DCT: what it prints as "rms error" is the r.m.s. length of its own residuals, 0.066 to three digits."""
    lines = (shared_data / "formats" / "3dct_correlation_results.txt").read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if "Initial (3D) markers" in line)
    rows = np.array([[float(v) for v in line.split()] for line in lines[start + 1:start + 5]])
    printed = next(line.split("=")[1].strip() for line in lines if "rms error" in line)
    pairs = FiducialPairs(rows[:, 3:5], rows[:, 6:8])
    found = audit(pairs, {"rms error": printed}, transform=Transform.identity(2), columns={"dx": rows[:, 8], "dy": rows[:, 9]})
    first_match = found.reported[0].matches[0]
    assert (first_match.model, first_match.words) == ("given", "r.m.s. length") and round(first_match.value, 3) == 0.066
    signs = [next(m.words for m in column.matches if m.model == "given") for column in found.columns]
    assert signs == ["x, with the other sign, of the residual", "y, with the other sign, of the residual"]


@pytest.mark.parametrize(("reported", "options", "words"), [
    ({}, {}, "no reported number was given"), ({"FRE": "abc"}, {}, "the reported FRE is 'abc': give a number"),
    ({"FRE": -1}, {}, "the reported FRE is -1: give a positive number"), ({"FRE": "inf"}, {}, "give a positive number"),
    ({"FRE": 1}, {"pixel_size": 0}, "the pixel size is 0"), ({"FRE": 1}, {"models": ["spline"]}, "model 'spline' is unknown"),
])
def test_bad_input_is_one_sentence(reported, options, words):
    with pytest.raises(InputError, match=words):
        audit(dataset(), reported, **options)


def test_a_batch_is_refused():
    pairs = dataset()
    with pytest.raises(InputError, match="audit one dataset"):
        audit(FiducialPairs(pairs.source[None], pairs.target[None]), {"FRE": 1})


def test_bad_options_are_one_sentence():
    assert_refused(run("audit", BEADS), "give some, such as --fre 0.07")
    assert_refused(run("audit", BEADS, "--reported", "0.07"), "--reported is '0.07': give a name and a number")
    assert_refused(run("audit", BEADS, "--fre", "x"), "the reported FRE is 'x'")
    assert_refused(run("audit", BEADS, "--fre", "1", "--pixel-size", "-2"), "--pixel-size is '-2': give a positive number")


# A number for each pair

COLUMNS = {
    "length of the residual": lambda r: np.linalg.norm(r, axis=1), "squared length of the residual": lambda r: (r**2).sum(1),
    "x of the residual": lambda r: r[:, 0], "y, with the other sign, of the residual": lambda r: -r[:, 1],
}


@pytest.mark.parametrize("words", COLUMNS)
def test_a_column_is_recognised(words):
    pairs = dataset()
    printed = [f"{v:.5f}" for v in COLUMNS[words](residuals(pairs))]
    (column,) = audit(pairs, {}, columns={"error": printed}).columns
    assert (column.matches[0].words, column.matches[0].model, column.matches[0].unit) == (words, "similarity", "nm")
    assert f"Column 'error' is the {words} of a similarity least-squares fit, in nm." in " ".join(
        str(audit(pairs, {}, columns={"error": printed})).split())


def test_a_column_of_left_out_distances_in_pixels():
    pairs = dataset()
    left = np.linalg.norm(regerr.fit(pairs, "rigid", "target").leave_one_out(), axis=1)
    (column,) = audit(pairs, {}, columns={"tre": [f"{v / 0.108:.4f}" for v in left]}, pixel_size=0.108).columns
    assert column.matches[0].words == "length of the leave-one-out residual"
    assert column.matches[0].unit == "nm over the pixel size"


def test_a_column_with_one_wrong_number_is_none_of_these():
    pairs = dataset()
    printed = [f"{v:.5f}" for v in np.linalg.norm(residuals(pairs), axis=1)]
    printed[3] = "9.99999"
    found = audit(pairs, {}, columns={"error": printed})
    assert not found.columns[0].matches and "no definition gives all its numbers" in " ".join(str(found).split())


def test_a_column_on_the_command_line(tmp_path):
    pairs = dataset()
    lengths = np.linalg.norm(residuals(pairs, "rigid"), axis=1)
    rows = [",".join([*map(repr, (*x, *y)), f"{v:.4f}"]) for x, y, v in
            zip(pairs.source.tolist(), pairs.target.tolist(), lengths.tolist(), strict=True)]
    place = tmp_path / "tool.csv"
    place.write_text("\n".join(["x_source,y_source,x_target,y_target,residual", *rows]) + "\n")
    done = run("audit", place, "--column", "residual")
    assert done.exit_code == 0 and "Column 'residual' is the length of the residual of a rigid" in " ".join(done.stdout.split())
    bad = run("audit", place, "--column", "resid")
    assert bad.exit_code == 2 and "there is no column 'resid': its columns are 'x_source'" in bad.stderr


@pytest.mark.parametrize(("printed", "words"), [(["1"] * 5, "has 5 numbers for 12 pairs"), (["a"] * 12, "holds 'a' for pair 1"),
                                                (["nan"] * 12, "give finite numbers")])
def test_a_column_that_is_none(printed, words):
    with pytest.raises(InputError, match=words):
        audit(dataset(), {}, columns={"error": printed})
