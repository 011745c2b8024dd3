"""What a user's files say beside coordinates, on the command line: half pixels, s.d. of targets, gates and reasons."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matching_cases import beads
from typer.testing import CliRunner

import regerr
from regerr import FiducialPairs, cli
from regerr.io import Points, read_pairs, write_pairs, write_points

RNG = np.random.default_rng(20270112)
SOURCE = RNG.uniform(0, 500, (9, 2))
TARGET = 2.0 * SOURCE[:, ::-1] * [1.0, -1.0] + RNG.normal(size=(9, 2))
PLACES = np.array([[250.0, 100.0], [10.0, 400.0]])


def run(*arguments: object):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


def saved(path: Path, **known: object) -> Path:
    write_pairs(FiducialPairs(SOURCE, TARGET, **known), path)
    return path


def targets(path: Path, unit: str = "px", **known: object) -> Path:
    write_points(Points(PLACES, ("a", "b"), unit, **known), path)
    return path


def answer(*arguments: object, kind: str = "tre") -> tuple[list[dict], str]:
    """What is predicted at each target, and the notes."""
    done = run("predict", *arguments, "--kind", kind, "--model", "similarity", "--json", "--method", "wald")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["predictions"][0]["targets"], done.stderr


# Half a pixel


@pytest.mark.parametrize(("pairs", "points", "shift"), [
    ("centre", "corner", -0.5), ("corner", "centre", 0.5), ("corner", "corner", 0.0), ("centre", None, 0.0),
    (None, "centre", 0.0)])
def test_targets_are_counted_as_the_fiducials_are(tmp_path, pairs, points, shift):
    file, where = saved(tmp_path / "p.csv", source_origin=pairs), targets(tmp_path / "t.csv", origin=points)
    found, notes = answer(file, "--targets", where)
    truth = regerr.fit(read_pairs(file), "similarity").transform
    np.testing.assert_allclose([one["mean"] for one in found], truth.apply(PLACES + shift))
    wrong = truth.apply(PLACES) - [one["mean"] for one in found]
    np.testing.assert_allclose(np.linalg.norm(wrong, axis=1), 2.0 * np.hypot(shift, shift), rtol=0.02)  # what it was before
    said = (f"Note: the targets in {where} count from the {points} of the first pixel and the fiducials of the source from its "
            f"{pairs}: the former are shifted by {shift:+g} px along x and y\n")
    assert notes == (said if shift else "")


def test_targets_that_may_be_half_a_pixel_off_are_told(tmp_path):
    silent, corner = saved(tmp_path / "p.csv"), targets(tmp_path / "t.csv", origin="corner")
    found, notes = answer(silent, "--targets", corner)
    assert [one["source"] for one in found] == PLACES.tolist() and notes.count("Note: ") == 1
    assert "nothing says from where the fiducials of the source count: they may be half a pixel apart" in notes
    told = saved(tmp_path / "q.csv", source_origin="corner")
    _, notes = answer(told, "--targets", targets(tmp_path / "s.csv"))
    assert f"nothing says from where the targets in {tmp_path / 's.csv'} count" in notes
    lengths = saved(tmp_path / "n.csv", source_unit="nm", source_origin="centre")
    found, notes = answer(lengths, "--targets", targets(tmp_path / "u.csv", "nm", origin="corner"))
    assert [one["source"] for one in found] == PLACES.tolist() and "nothing says how many nm a pixel has" in notes
    _, notes = answer(lengths, "--targets", corner)  # in another unit half a pixel is the least of it
    assert "the targets are in px and the source of the pairs is in nm" in notes and "half a pixel" not in notes


def test_on_the_way_back_the_other_space_counts(tmp_path):
    file = saved(tmp_path / "p.csv", source_origin="corner", target_origin="centre")
    found, notes = answer(file, "--swap", "--targets", targets(tmp_path / "t.csv", origin="corner"))
    assert [one["source"] for one in found] == (PLACES - 0.5).tolist() and "shifted by -0.5 px" in notes
    assert answer(file, "--targets", tmp_path / "t.csv")[1] == ""


def test_a_fit_alone_says_nothing_and_with_targets_it_counts_them(tmp_path):
    file = saved(tmp_path / "p.csv", source_origin="corner", target_origin="centre")
    assert run("fit", file).stderr == ""
    done = run("fit", file, "--model", "similarity", "--targets", targets(tmp_path / "t.csv", origin="centre"), "--json",
               "--output", tmp_path / "r.json")
    assert "shifted by +0.5 px" in done.stderr
    assert json.loads(done.stdout)["predictions"][2]["source"] == (PLACES[0] + 0.5).tolist()
    assert regerr.load(tmp_path / "r.json").pairs.source_origin == "corner"
    assert answer(tmp_path / "r.json", "--targets", tmp_path / "t.csv")[0][0]["source"] == (PLACES[0] + 0.5).tolist()


# S.d. of targets


COVARIANCE = np.tile(np.diag([0.5, 1.0]), (9, 1, 1))
OWN = np.array([np.diag([4.0, 9.0]), np.diag([100.0, 25.0])])


@pytest.mark.parametrize("kind", ["tre", "lre", "observation"])
def test_targets_keep_their_own_sd(tmp_path, kind):
    file = saved(tmp_path / "p.csv", source_covariance=COVARIANCE, target_covariance=4.0 * COVARIANCE)
    found, notes = answer(file, "--targets", targets(tmp_path / "t.csv", covariance=OWN), kind=kind)
    result = regerr.fit(read_pairs(file), "similarity")
    expected = result.predict(PLACES, kind, source_covariance=OWN)
    told = np.array([one["covariance"] for one in found])
    np.testing.assert_allclose(told, expected.covariance, rtol=1e-9)
    np.testing.assert_allclose([one["volume"] for one in found], expected.region(method="wald").volume, rtol=1e-6)
    of_fiducials = result.predict(PLACES, kind).covariance  # as it was before: too small by far
    assert np.allclose(told, of_fiducials, rtol=1e-9) == (kind == "tre") and notes == ""
    assert kind == "tre" or np.trace(told[1]) > 10 * np.trace(of_fiducials[1])


def test_what_becomes_of_the_sd_is_said_in_one_line(tmp_path):
    carrying = saved(tmp_path / "p.csv", source_covariance=COVARIANCE, target_covariance=COVARIANCE)
    bare, where = saved(tmp_path / "q.csv"), targets(tmp_path / "t.csv", covariance=OWN)

    def said(*arguments: object) -> str:
        return " ".join(run("predict", *arguments, "--method", "wald").stdout.split())

    used = "LRE and observation take the s.d. of each target from its file"
    unused = "The s.d. of the targets in their file are not used, because the fiducials have none"
    assert f"{used}, times the factor that is estimated" in said(carrying, "--targets", where)
    assert said(carrying, "--targets", where, "--stated").endswith(f"{used}.")
    assert used in said(bare, "--targets", where, "--source-sd", "0.7,1")
    assert said(bare, "--targets", where).count(unused) == 1
    assert json.loads(run("predict", bare, "--targets", where, "--json").stdout)["target_sd"].startswith(unused)
    plain = targets(tmp_path / "u.csv")
    for silent in (said(carrying, "--targets", plain), said(bare, "--targets", plain),
                   said(bare, "--targets", where, "--kind", "tre"), said(carrying, "--targets", where, "--kind", "tre")):
        assert "s.d. of" not in silent
    assert "target_sd" not in json.loads(run("predict", bare, "--targets", plain, "--json").stdout)
    assert answer(bare, "--targets", where, kind="lre") == answer(bare, "--targets", plain, kind="lre")


def test_sd_of_targets_of_the_other_dimension_are_refused(tmp_path):
    file = saved(tmp_path / "p.csv", source_covariance=COVARIANCE, target_covariance=COVARIANCE)
    (tmp_path / "t.csv").write_text("x,y,z,sd\n1,2,3,4\n")
    done = run("predict", file, "--targets", tmp_path / "t.csv")
    assert done.exit_code == 2 and done.stderr.count("\n") == 1 and "targets have shape (1, 3)" in done.stderr


# From a matching to a fit


def test_a_matching_that_was_written_needs_no_gate(tmp_path):
    case = beads(2, 25, seed=3)
    a, b = (write_points(Points(points, tuple(f"{s}{i}" for i in range(len(points))), "µm"), tmp_path / f"{s}.csv")
            for s, points in (("a", case.source), ("b", case.target)))
    done = run("match", a, b, "--output", tmp_path / "pairs.csv")
    assert done.exit_code == 0 and "register them with regerr fit." in done.stdout and "--gate" not in done.output
    found, back = regerr.match(regerr.read_points(a), regerr.read_points(b)).pairs, read_pairs(tmp_path / "pairs.csv")
    assert back.gate == 0.997 and back.unused == found.unused and {u.reason for u in back.unused} == {
        "no partner in the source", "no partner in the target"}
    made = json.loads(run("fit", tmp_path / "pairs.csv", "--json").stdout)
    assert made["fle_rms"] == pytest.approx(float(regerr.fit(found).fle_rms), rel=1e-12) and made["noise"]["gate"] == 0.997
    assert made["fle_rms"] > float(regerr.fit(replace(found, gate=None)).fle_rms)  # as it was without --gate
    assert json.loads(run("fit", tmp_path / "pairs.csv", "--gate", "0.9", "--json").stdout)["noise"]["gate"] == 0.9
    assert "(no partner in the source)" in " ".join(run("fit", tmp_path / "pairs.csv").stdout.split())
    done = run("match", a, b, "--output", tmp_path / "pairs.xml")
    assert done.exit_code == 0 and "the gate of the pairs (register them with --gate 0.997)" in done.stderr
