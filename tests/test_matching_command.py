"""The command ``regerr match`` as a person uses it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from matching_cases import beads, grid, on_outline, outline, turned
from typer.testing import CliRunner

import regerr
from regerr import cli


def run(*arguments: object):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


def saved(path, points, unit="px"):
    head = ",".join(f"{axis} [{unit}]" for axis in "xyz"[: points.shape[1]])
    np.savetxt(path, points, delimiter=",", header=head, comments="")
    return path


@pytest.fixture
def files(tmp_path):
    case = beads(2, 20, seed=3)
    return saved(tmp_path / "a.csv", case.source, "um"), saved(tmp_path / "b.csv", case.target, "nm")


def test_pairs_are_found_written_and_fitted(files, tmp_path):
    done = run("match", *files, "--output", tmp_path / "pairs.csv")
    assert done.exit_code == 0, done.output
    assert "pairs found among 20 points of the source and 20 of the target (rigid)" in done.stdout
    for words in ("no accident", "S.d. of a pair", "Rotation by", "probability", "Left out, no partner", "regerr fit"):
        assert words in done.stdout
    assert "Saved as" in done.stderr
    pairs = regerr.read_pairs(tmp_path / "pairs.csv")
    assert pairs.n >= 12 and pairs.unused and pairs.source_unit == "µm"
    assert run("fit", tmp_path / "pairs.csv").exit_code == 0


def test_json_is_what_the_library_says(files):
    done = run("match", *files, "--json")
    data = json.loads(done.stdout)
    found = regerr.match(*(regerr.read_points(f) for f in files))
    assert data == json.loads(json.dumps(found.to_dict()))
    assert data["accepted"] and data["sentence"] == found.sentence


def test_refused_matchings_write_nothing(files, tmp_path):
    other = saved(tmp_path / "c.csv", np.random.default_rng(1).uniform(size=(15, 2)))
    done = run("match", files[0], other, "--output", tmp_path / "pairs.csv")
    assert done.exit_code == 1 and done.stdout.startswith("Refused: no rigid alignment") and "Nothing was written" in done.stdout
    assert not (tmp_path / "pairs.csv").exists()
    square = saved(tmp_path / "g.csv", grid(4, 4))
    tilted = saved(tmp_path / "h.csv", turned(grid(4, 4), 9.0))
    done = run("match", square, tilted)
    assert done.exit_code == 1 and "disagree about the pairs" in done.stdout and "Other alignments" in done.stdout


def test_options(files, tmp_path):
    a = regerr.read_points(files[0]).points
    flipped = saved(tmp_path / "m.csv", a * [-1, 1])
    assert run("match", flipped, files[1]).exit_code == 1
    done = run("match", flipped, files[1], "--mirror")
    assert done.exit_code == 0 and "mirrored" in done.stdout and "x of the source is negated" in done.stdout
    assert run("match", *files, "--model", "similarity", "--scale", "0.9,1.1").exit_code == 0
    assert run("match", *files, "--model", "similarity", "--scale", "2,3").exit_code == 1


def test_points_on_an_outline(tmp_path):
    corners = outline(5)
    a = saved(tmp_path / "points.csv", on_outline(corners, 40, 2.0))
    b = saved(tmp_path / "outline.csv", turned(corners, 33.0) + 50)
    done = run("match", a, b, "--outline", "--output", tmp_path / "registration.tfm")
    assert done.exit_code == 0, done.output
    assert "points lie on the surface" in done.stdout and "S.d. of the distance" in done.stdout
    read = regerr.read_transform(tmp_path / "registration.tfm")
    found = regerr.match_surface(regerr.read_points(a), regerr.read_points(b))
    assert np.allclose(read.matrix, found.transform.matrix)
    assert run("match", a, b, "--outline", "--json").exit_code == 0


@pytest.mark.parametrize(("options", "words"), [
    (("--model", "projective"), "projective"), (("--scale", "1"), "--scale is '1'"), (("--scale", "0.5,2"), "known scale"),
    (("--model", "affine", "--scale", "2,0.5"), "two bounds"),
])
def test_refusals_take_one_line(files, options, words):
    done = run("match", *files, *options)
    assert done.exit_code == 2 and done.stderr.count("\n") == 1 and words in done.stderr, done.output


def test_nothing_is_overwritten_without_force(files, tmp_path):
    (tmp_path / "pairs.csv").write_text("mine")
    done = run("match", *files, "--output", tmp_path / "pairs.csv")
    assert done.exit_code == 2 and (tmp_path / "pairs.csv").read_text() == "mine"
    assert run("match", *files, "--output", tmp_path / "pairs.csv", "--force").exit_code == 0
