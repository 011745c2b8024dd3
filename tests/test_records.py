"""Registrations as JSON: complete, strict, refused in one sentence, and the same after the way there and back."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import regerr
from regerr import FiducialPairs, InputError, Noise, RegistrationError, RegistrationWarning, Unused
from regerr.deformation import compare_ladder, compare_models
from regerr.io import Points
from regerr.records import (
    comparison_to_dict,
    dumps,
    forecast_to_dict,
    is_record,
    ladder_to_dict,
    load,
    plain,
    save,
    to_dict,
)
from regerr.reporting.forecasts import forecast

CASES = [("rigid", "both"), ("similarity", "target"), ("affine", "both"), ("affine", "full"), ("affine", "source"),
         ("affine", Noise(0.25)), ("rigid", Noise(1.0, scale=2.0))]


def simulate(n: int = 9, d: int = 2, seed: int = 0, **more) -> FiducialPairs:
    rng = np.random.default_rng([seed, d])
    x = 100.0 * rng.standard_normal((n, d))
    return FiducialPairs(x + rng.standard_normal(x.shape), x + rng.standard_normal(x.shape), **more)


def unbounded() -> regerr.RegistrationResult:
    """Affine, fiducials nearly on a line under much noise."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 2)) * (100.0, 2.0)
    return regerr.fit(FiducialPairs(x + 3.0 * rng.standard_normal(x.shape), x + 3.0 * rng.standard_normal(x.shape)), "affine")


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize(("model", "noise"), CASES)
def test_there_and_back(tmp_path, model, noise, d):
    """The pairs come back to the last bit, and so does the fit."""
    pairs = simulate(d=d, names=[f"bead {i}" for i in range(9)], source_unit="px", target_unit="µm",
                     unused=[Unused("lost", "not placed in the target", (1.0,) * d, None)])
    result = regerr.fit(pairs, model, noise)
    save(result, tmp_path / "a.json")
    again = load(tmp_path / "a.json")
    assert again.pairs.names == pairs.names and again.pairs.unused == pairs.unused and again.pairs.target_unit == "µm"
    assert np.array_equal(again.pairs.source, pairs.source) and np.array_equal(again.transform.matrix, result.transform.matrix)
    assert again.noise == result.noise and again.model == result.model
    assert np.array_equal(again.predict([[3.0] * d], "tre").rms, result.predict([[3.0] * d], "tre").rms)
    assert regerr.load(tmp_path / "a.json").summary() == result.summary()


def test_it_holds_what_the_summary_prints():
    """Every number of the summary, under a name; nothing of it says NaN or Infinity."""
    result = regerr.fit(simulate(source_unit="px", target_unit="nm"), "similarity")
    data = json.loads(dumps(to_dict(result, Points(np.array([[500.0, 0.0]]), ("cell",)), seed=7)), parse_constant=pytest.fail)
    assert data["regerr"] == regerr.__version__ and data["schema"] == 1 and data["seed"] == 7
    assert data["model"] == "similarity" and data["noise"]["ratio"] == 1.0 and "both spaces" in data["noise"]["description"]
    assert [q["name"] for q in data["quantities"]] == ["rotation", "scale", "centroid x", "centroid y"]
    assert all(q["sd"] > 0 and q["bounded"] for q in data["quantities"])
    assert data["fle_rms"] == pytest.approx(float(result.fle_rms)) and data["fre_rms"] == pytest.approx(float(result.fre_rms))
    assert data["degrees_of_freedom"] == 14 and not data["exact_fit"]
    bead = data["fiducials"][0]
    assert bead["residual"] == pytest.approx(result.residuals[0].tolist())
    assert bead["left_out_length"] == pytest.approx(float(np.linalg.norm(result.leave_one_out()[0])))
    assert bead["leverage"] == pytest.approx(float(result.leverages()[0]))
    assert bead["p_value"] == pytest.approx(float(result.pair_p_values()[0])) and bead["p_value_corrected"] >= bead["p_value"]
    roles = [p["role"] for p in data["predictions"]]
    assert roles == ["centre", "edge", "target"]
    cell = data["predictions"][2]
    assert cell["name"] == "cell" and cell["outside"] and cell["bounded"] and cell["kind"] == "tre" and cell["level"] == 0.95
    assert cell["rms"] == pytest.approx(float(result.predict([[500.0, 0.0]], "tre").rms[0]))
    assert isinstance(data["verdict"], list) and "fiducials" in data["verdict"][0]
    assert np.allclose(np.array(data["transform"]["matrix"]) @ [500.0, 0.0] + data["transform"]["offset"], cell["mean"])


def test_what_has_no_end_is_null_beside_bounded_false():
    data = json.loads(dumps(to_dict(unbounded(), [[100.0, 300.0]])), parse_constant=pytest.fail)
    target = data["predictions"][-1]
    assert target["bounded"] is False and target["radius"] is None and target["volume"] is None
    assert all(length is None for length in target["half_lengths"])


def test_an_s_d_without_bound_is_null():
    rng = np.random.default_rng(1)
    for _ in range(50):
        x = rng.standard_normal((4, 2)) * (100.0, 2.0)
        pairs = FiducialPairs(x + 3.0 * rng.standard_normal(x.shape), x + 3.0 * rng.standard_normal(x.shape))
        result = regerr.fit(pairs, "affine")
        if np.isinf(result.predict(x[:1], "tre").rms).any():
            break
    scale = next(q for q in to_dict(result)["quantities"] if q["name"] == "scale")
    assert scale["sd"] is None and scale["bounded"] is False


def test_pairs_that_fit_exactly_have_no_p_value():
    x = simulate().source
    with pytest.warns(RegistrationWarning, match="exactly"):
        result = regerr.fit(FiducialPairs(x, x + 3.0))
    data = to_dict(result)
    assert data["exact_fit"] and all(bead["p_value"] is None for bead in data["fiducials"])


def test_plain_values():
    assert plain({"a": np.float64(np.nan), "b": (np.inf, 1), "c": np.arange(2), "d": np.bool_(True), "e": "nan", "f": None}) == \
        {"a": None, "b": [None, 1], "c": [0, 1], "d": True, "e": "nan", "f": None}


def test_forecasts_and_tests():
    result = regerr.fit(simulate(), "affine", "target")
    data = forecast_to_dict(forecast(result, [[0.0, 0.0], [1.0, 2.0]], "observation", 0.9))
    assert data["kind"] == "observation" and data["level"] == 0.9 and [t["name"] for t in data["targets"]] == ["1", "2"]
    assert data["targets"][1]["volume"] == pytest.approx(math.pi * np.prod(data["targets"][1]["half_lengths"]))
    test = comparison_to_dict(compare_models(simulate(), "rigid", "affine", Noise(1.0, scale=1.4)))
    assert test["degrees_of_freedom"] == [3, None] and 0 < test["p_value"] < 1 and test["models"] == ["rigid", "affine"]
    ladder = ladder_to_dict(compare_ladder(simulate(3)))
    assert len(ladder["comparisons"]) == 1 and len(ladder["skipped"]) == 2 and ladder["simplest"] == "rigid"
    dumps([data, test, ladder])


# Files


def test_nothing_is_overwritten_unasked(tmp_path):
    place = tmp_path / "a.json"
    save(regerr.fit(simulate()), place)
    before = place.read_bytes()
    with pytest.raises(InputError, match="already exists"):
        save(regerr.fit(simulate(seed=1)), place)
    assert place.read_bytes() == before
    save(regerr.fit(simulate(seed=1)), place, force=True)
    assert place.read_bytes() != before
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_the_result_saves_itself(tmp_path):
    result = regerr.fit(simulate())
    result.save(tmp_path / "a.json")
    assert load(tmp_path / "a.json").to_dict() == result.to_dict()


def test_a_batch_is_refused(tmp_path):
    rng = np.random.default_rng(2)
    x = rng.random((3, 6, 2))
    with pytest.raises(InputError, match=r"result\[i\]"):
        save(regerr.fit(FiducialPairs(x, x + 0.01 * rng.random(x.shape))), tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("change", "words"), [
    (lambda d: d.update(schema=2), "schema 2"),
    (lambda d: d.pop("schema"), "schema None"),
    (lambda d: d.pop("regerr"), "not saved by regerr"),
    (lambda d: d.update(model="spline"), "'spline' is unknown"),
    (lambda d: d.pop("model"), "None is unknown"),
    (lambda d: d.pop("pairs"), "lacks 'pairs'"),
    (lambda d: d["pairs"].pop("source"), "pairs"),
    (lambda d: d["pairs"]["source"].pop(), "8 points"),
    (lambda d: d["pairs"]["source"][0].append(1.0), "source"),
    (lambda d: d.update(pairs=[1, 2]), "a.json"),
    (lambda d: d.update(noise=None), "a.json"),
    (lambda d: d["noise"].update(ratio="much"), "a.json"),
    (lambda d: d["noise"].update(ratio=-1), "ratio is -1"),
    (lambda d: d["pairs"].update({k: d["pairs"][k][:1] for k in ("source", "target", "names")}), "too few"),
])
def test_damaged_files(tmp_path, change, words):
    """One sentence that names the file, whatever is wrong with it."""
    data = to_dict(regerr.fit(simulate()))
    change(data)
    place = tmp_path / "a.json"
    place.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(RegistrationError, match=words) as fault:
        load(place)
    assert "a.json" in str(fault.value) and "\n" not in str(fault.value)


@pytest.mark.parametrize(("content", "words"), [
    (b"", "no JSON text"), (b"name,x,y\n", "no JSON text"), (b"[1, 2]", "not saved by regerr"),
    (b'{"a": 1}', "not saved by regerr"),
    (b"\xff\xfe\x00\x01", "no JSON text"), (b'{"regerr": "0.1.0", "schema": 1', "no JSON text"),
])
def test_other_files(tmp_path, content, words):
    place = tmp_path / "a.json"
    place.write_bytes(content)
    with pytest.raises(InputError, match=words):
        load(place)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        load(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot read"):
        load(tmp_path)


def test_what_looks_like_a_record(tmp_path):
    save(regerr.fit(simulate()), tmp_path / "a.json")
    (tmp_path / "b.csv").write_text("x,y\n1,2\n")
    assert is_record(tmp_path / "a.json")
    assert not is_record(tmp_path / "b.csv") and not is_record(tmp_path / "none") and not is_record(Path("/"))
