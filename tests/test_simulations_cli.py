"""The command that writes a simulated dataset, run end to end as a person runs it."""

from __future__ import annotations

import csv
import json
import os

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from regerr.errors import InputError
from regerr.io import read_pairs, read_points
from simulations import _files
from simulations.cli import LAYOUTS, MODELS, app

main = typer.Typer()
main.add_typer(app, name="simulate")
main.command("other")(lambda: None)


def run(*arguments: object):
    """Run the command mounted under another, as the main command line mounts it."""
    return CliRunner().invoke(main, ["simulate", *map(str, arguments)])


def read(path) -> tuple[list[str], list[str], np.ndarray]:
    """Header, names and coordinates of a table."""
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return header, [row[0] for row in rows], np.array([row[1:] for row in rows], float)


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_files_hold_the_dataset_and_its_truth(tmp_path, layout, dimension):
    """Tables read back with the right columns; localised points lie within 6 s.d. of the truth, which the matrix maps."""
    out = tmp_path / "new" / "folder"
    n = {2: 9, 3: 8}[dimension]
    done = run("--layout", layout, "--n", n, "--dimension", dimension, "--model", "affine", "--noise-sd", 0.5, "--output", out)
    assert done.exit_code == 0 and f"{n} pairs" in done.output
    assert sorted(p.name for p in out.iterdir()) == ["pairs.csv", "targets.csv", "truth.json"]
    axes = ["x", "y", "z"][:dimension]
    header, names, pairs = read(out / "pairs.csv")
    assert header == ["name", *(f"{a}_source" for a in axes), *(f"{a}_target" for a in axes)]
    truth = json.loads((out / "truth.json").read_text())
    assert names == truth["fiducials"]["names"] and len(names) == n
    source, target = (np.array(truth["fiducials"][k]) for k in ("true_source", "true_target"))
    assert np.allclose(source @ np.array(truth["transform"]["matrix"]).T + truth["transform"]["offset"], target)
    off = pairs - np.hstack([source, target])
    assert 0 < np.abs(off).max() < 6 * 0.5
    header, names, targets = read(out / "targets.csv")
    assert header == ["name", *axes] and len(names) == 100
    assert np.array_equal(targets, truth["targets"]["localised_source"])


def test_the_library_reads_what_the_command_writes(tmp_path):
    """Number for number."""
    assert run("--layout", "nearly-collinear", "--dimension", 3, "--poorest", 90, "--output", tmp_path).exit_code == 0
    pairs, targets = read_pairs(tmp_path / "pairs.csv"), read_points(tmp_path / "targets.csv")
    assert np.array_equal(np.hstack([pairs.source, pairs.target]), read(tmp_path / "pairs.csv")[2])
    assert targets.points.shape == (100, 3) and targets.names[-1] == "target 100"


@pytest.mark.parametrize("model", MODELS)
def test_every_model_runs(tmp_path, model):
    """Also without noise, where observed is true."""
    assert run("--model", model, "--noise-sd", 0, "--output", tmp_path).exit_code == 0
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert np.array_equal(read(tmp_path / "pairs.csv")[2][:, :2], truth["fiducials"]["true_source"])


def test_same_seed_same_files_and_another_seed_others(tmp_path):
    """Byte for byte."""
    for folder, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert run("--seed", seed, "--output", tmp_path / folder).exit_code == 0
    for name in ("pairs.csv", "targets.csv"):
        a, b, c = ((tmp_path / folder / name).read_bytes() for folder in "abc")
        assert a == b != c


def test_nothing_is_overwritten_without_force(tmp_path):
    """Refused by name with the files untouched; overwritten when asked."""
    (tmp_path / "pairs.csv").write_text("mine")
    refused = run("--output", tmp_path)
    assert isinstance(refused.exception, InputError)
    assert "pairs.csv" in str(refused.exception) and "--force" in str(refused.exception)
    assert [p.name for p in tmp_path.iterdir()] == ["pairs.csv"] and (tmp_path / "pairs.csv").read_text() == "mine"
    assert run("--output", tmp_path, "--force").exit_code == 0
    assert (tmp_path / "pairs.csv").read_text().startswith("name,x_source") and len(list(tmp_path.iterdir())) == 3


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    """The second file fails: no file, no temporary folder, no new folder."""
    written = []

    def full(self, text, **options):
        written.append(self.name)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        return len(text)

    monkeypatch.setattr(_files.Path, "write_text", full)
    failed = run("--output", tmp_path / "a" / "b")
    assert isinstance(failed.exception, InputError) and "No space left" in str(failed.exception)
    assert len(written) == 2 and not list(tmp_path.iterdir())


@pytest.mark.parametrize(("arguments", "words"), [
    (["--layout", "spiral"], "--layout is 'spiral': give one of gathered"),
    (["--model", "projective"], "--model is 'projective': give one of identity"),
    (["--n", 0], "--n is 0"),
    (["--n", 10, "--layout", "grid"], "needs a square number: give 9"),
    (["--n", 10, "--layout", "grid", "--dimension", 3], "needs a cube number: give 8"),
    (["--noise-sd", -1], "--noise-sd is -1"),
    (["--noise-sd", "nan"], "--noise-sd holds NaN"),
    (["--dimension", 4], "dimension is 4"),
    (["--targets", 0], "--targets is 0"),
    (["--poorest", 150], "percent is 150"),
    (["--seed", -5], "--seed is -5"),
])
def test_faults_are_one_sentence_and_write_nothing(tmp_path, arguments, words):
    """An error of the library's own, with the option and its value."""
    failed = run(*arguments, "--output", tmp_path / "out")
    assert isinstance(failed.exception, InputError) and words in str(failed.exception)
    assert "\n" not in str(failed.exception) and not list(tmp_path.iterdir())


def test_output_that_cannot_be_a_folder(tmp_path):
    """A file in its place, and a folder in the place of a file."""
    (tmp_path / "file").write_text("")
    failed = run("--output", tmp_path / "file")
    assert isinstance(failed.exception, InputError) and "cannot write into" in str(failed.exception)
    os.mkdir(tmp_path / "targets.csv")
    failed = run("--output", tmp_path, "--force")
    assert isinstance(failed.exception, InputError) and "targets.csv is a folder" in str(failed.exception)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "targets.csv"]


def test_help_shows_an_example():
    """Every command has one."""
    shown = run("--help")
    assert shown.exit_code == 0 and "Example: regerr simulate" in " ".join(shown.output.split())
