"""Noise that options and files state, on the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import regerr
from regerr import FiducialPairs, Noise
from regerr.cli import app

RUNNER = CliRunner()
ROWS = np.random.default_rng(3).uniform(0, 300, (7, 2)).round(2)
MOVED = (ROWS + np.array([5.0, -3.0]) + np.random.default_rng(4).normal(0, 0.6, ROWS.shape)).round(2)


@pytest.fixture
def table(tmp_path):
    """Seven pairs in 2D."""
    path = tmp_path / "pairs.csv"
    rows = ["name,source_x,source_y,target_x,target_y"]
    rows += [f"b{i},{x[0]},{x[1]},{y[0]},{y[1]}" for i, (x, y) in enumerate(zip(ROWS, MOVED, strict=True))]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def said(*arguments: object) -> dict:
    done = RUNNER.invoke(app, [str(a) for a in arguments])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def fitted(noise: Noise) -> regerr.RegistrationResult:
    return regerr.fit(FiducialPairs(ROWS, MOVED), "rigid", noise)


@pytest.mark.parametrize(("options", "noise"), [
    (["--source-sd", "0.5,2", "--target-sd", "0.3"], Noise(source_covariance=np.diag([0.25, 4.0]), target_covariance=0.09)),
    (["--target-sd", "0.3", "--stated"], Noise(target_covariance=0.09, scale=1.0)),
    (["--source-sd", "1,1"], Noise(source_covariance=np.eye(2))),
])
def test_standard_deviations_along_the_axes(table, options, noise):
    data = said("fit", table, "--json", *options)
    result = fitted(noise)
    np.testing.assert_allclose(data["transform"]["matrix"], result.transform.matrix, rtol=1e-12)
    np.testing.assert_allclose(data["noise_covariance"], result.noise_covariance, rtol=1e-10)
    assert data["noise"]["description"] == noise.describe()


def test_a_saved_registration_keeps_its_stated_noise_and_turns_it_round(table, tmp_path):
    saved = tmp_path / "fit.json"
    done = RUNNER.invoke(app, ["fit", str(table), "--source-sd", "0.5,2", "--target-sd", "0.3", "--output", str(saved)])
    assert done.exit_code == 0, done.output
    there, back = said("fit", saved, "--json"), said("fit", saved, "--swap", "--json")
    np.testing.assert_allclose(np.asarray(there["transform"]["matrix"]) @ back["transform"]["matrix"], np.eye(2), atol=1e-10)
    assert back["noise"]["target_covariance"] == there["noise"]["source_covariance"]


def test_pixel_sizes_scale_each_space(table):
    data = said("fit", table, "--json", "--model", "affine", "--source-pixel", "0.1,0.2", "--source-unit", "um", "--target-pixel",
                "2", "--target-unit", "nm")
    alone = regerr.fit(FiducialPairs(ROWS * [0.1, 0.2], MOVED * 2.0), "affine")
    np.testing.assert_allclose(data["transform"]["matrix"], alone.transform.matrix, rtol=1e-10)
    assert (data["source_unit"], data["target_unit"]) == ("um", "nm")


def test_repeats_of_the_points_say_how_precisely_they_are_localised(table, tmp_path):
    """Three frames of the source: `regerr fle` saves them, ``--source-fle`` uses them, ``--stated`` as they stand."""
    rng = np.random.default_rng(7)
    frames = []
    for k in range(3):
        frame = tmp_path / f"frame{k}.csv"
        points = ROWS + rng.normal(0, np.linspace(0.1, 2.0, 7)[:, None], ROWS.shape)
        frame.write_text("name,x,y\n" + "".join(f"b{i},{p[0]:.4f},{p[1]:.4f}\n" for i, p in enumerate(points)), encoding="utf-8")
        frames.append(frame)
    fle = tmp_path / "fle.json"
    done = RUNNER.invoke(app, ["fle", *map(str, frames), "--output", str(fle)])
    assert done.exit_code == 0, done.output
    pairs = regerr.read_pairs(table)
    told = regerr.Repeats.load(fle).attach(pairs, "source")
    for options, noise in (([], Noise()), (["--stated"], Noise(scale=1.0))):
        data = said("fit", table, "--json", "--source-fle", fle, *options)
        np.testing.assert_allclose(data["transform"]["matrix"], regerr.fit(told, "rigid", noise).transform.matrix, rtol=1e-10)
    sizes = np.trace(np.asarray(told.source_covariance), axis1=1, axis2=2)
    assert sizes[-1] > 2 * sizes[0]


@pytest.mark.parametrize(("options", "words"), [
    (["--stated"], "nobody gives it"), (["--source-sd", "one"], "--source-sd is 'one': give one positive number"),
    (["--source-sd", "1,-1"], "give one positive number"), (["--source-sd", "1", "--noise", "both"], "leave out --noise"),
    (["--source-sd", "1,1,1"], r"points in 2D"), (["--target-pixel", "0"], "--target-pixel is '0'"),
    (["--target-fle", "nowhere.json"], "cannot read nowhere.json"),
])
def test_noise_that_cannot_be_is_refused_in_one_sentence(table, options, words):
    done = RUNNER.invoke(app, ["fit", str(table), *options])
    assert done.exit_code == 2
    assert words in done.output.replace("\n", " ") and "Traceback" not in done.output
