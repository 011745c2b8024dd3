"""The study of detection: declared as data, the same numbers on any workers, resumed; and other detectors on the same images."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from regerr import InputError, detect
from simulations.images import Beads, Field, Light
from validation.cli import app
from validation.detection import running
from validation.detection.cells import CAMERA, Cell, DetectionStudy, study
from validation.detection.command import short
from validation.detection.looking import paired
from validation.detection.running import COLUMNS, blob_log, measured, ours, ratio, run, verdict

LAW = Beads(12, Light(2000.0, 1.3, 10.0, camera=CAMERA), Field((96, 96)), 12.0)
SMALL = DetectionStudy((Cell("precision", LAW, 3), Cell("recall", LAW, 2, rivals=True)))


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> pd.DataFrame:
    return run(SMALL, tmp_path_factory.mktemp("once"), 1)


def test_the_table_has_its_columns_and_all_beads(table):
    assert list(table.columns) == list(COLUMNS)
    assert table["detector"].tolist() == ["regerr", "regerr", "blob_log"]
    mine = table[table["detector"] == "regerr"]
    assert (mine["recall"] == 1.0).all() and (mine["beads"] == [36, 24]).all()
    assert 0.5 < mine["precision"].iloc[0] < 1.5 and np.isnan(mine["precision"].iloc[1])
    assert "over bound" in short(table)


def test_other_workers_and_a_second_run_give_the_same_numbers(table, tmp_path, monkeypatch):
    again = run(SMALL, tmp_path, 2)
    pd.testing.assert_frame_equal(table, again)
    monkeypatch.setattr(running, "measured", lambda *_: pytest.fail("computed again"))
    pd.testing.assert_frame_equal(table, run(SMALL, tmp_path, 1))


def test_images_come_from_the_content_of_their_cell():
    a, b = SMALL.cells[0].generator(1, 0).random(), SMALL.cells[1].generator(1, 0).random()
    assert a == b != SMALL.cells[0].generator(1, 1).random()
    names = [cell.identity for cell in study().cells]
    assert len(set(names)) == len(names) and all(cell.images == 2 for cell in study(quick=True).cells)


def test_the_first_image_is_what_a_loop_finds(table):
    cell = SMALL.cells[0]
    squares, found = 0.0, 0
    for i in range(cell.images):
        image = LAW.sample(cell.generator(2021, i))
        spots = detect(image.counts, camera=CAMERA)
        for point in image.points:
            nearest = spots.points[np.argmin(np.linalg.norm(spots.points - point, axis=1))]
            squares, found = squares + float(((nearest - point) ** 2).mean()), found + 1
    assert table["rms"].iloc[0] == pytest.approx(np.sqrt(squares / found))


def test_pairs_are_one_to_one_and_near():
    truth, found = np.array([[0.0, 0.0], [10.0, 0.0], [50.0, 0.0]]), np.array([[10.5, 0.0], [0.4, 0.0], [0.2, 0.1], [80.0, 0.0]])
    rows, columns = paired(truth, found, 2.0)
    assert rows.tolist() == [0, 1] and columns.tolist() == [2, 0]
    assert not len(paired(truth, np.empty((0, 2)), 2.0)[0])


def test_verdicts_are_tests_against_the_margin():
    assert verdict(0.02, 0.01, 0.05) == "holds" and verdict(0.05, 0.01, 0.05) == "undecided"
    assert verdict(-0.2, 0.01, 0.1) == "exceeds"
    assert verdict(-0.2, 0.01, 0.05, one_sided=True) == "holds" and verdict(float("nan"), 0.1, 0.1) == ""
    value, error = ratio(np.array([2.0, 4.0]), np.array([2.0, 2.0]))
    assert value == 1.5 and error == pytest.approx(np.sqrt(2 * 2) / 4)


def test_places_are_better_than_those_of_whole_pixels():
    """`blob_log` says where a blob is to the pixel: an r.m.s. of some 1/sqrt(12); ours is ten times less."""
    cell, image = SMALL.cells[1], LAW.sample(np.random.default_rng(3))
    mine, other = ours(cell, image), blob_log(cell, image)
    assert mine.found == other.found == 12
    assert np.sqrt(mine.square / 12) < 0.08 and 0.15 < np.sqrt(other.square / 12) < 0.6


@pytest.mark.filterwarnings("ignore")  # trackpy's own
def test_places_are_better_than_centroids():
    """Trackpy's iterated centroids of the same images, with its recommended odd diameter."""
    trackpy = pytest.importorskip("trackpy")
    trackpy.quiet()
    square = {"mine": [], "other": []}
    for seed in range(4):
        image = LAW.sample(np.random.default_rng([seed, 5]))
        found = trackpy.locate(image.counts, 7, minmass=300, engine="python")
        for name, points in (("mine", detect(image.counts, camera=CAMERA).points), ("other", found[["x", "y"]].to_numpy())):
            rows, columns = paired(image.points, points, 2.6)
            assert len(rows) >= 11
            square[name].append(((points[columns] - image.points[rows]) ** 2).mean())
    assert np.mean(square["mine"]) < np.mean(square["other"])


def test_the_command_refuses_what_makes_no_sense():
    outer = typer.Typer()
    outer.add_typer(app, name="study")
    outer.command("other")(lambda: None)
    for options, words in ((["--share", "0"], "share of images is 0"), (["--workers", "0"], "workers is 0")):
        refused = CliRunner().invoke(outer, ["study", "detection", "--output", "nowhere", *options])
        assert isinstance(refused.exception, InputError) and words in str(refused.exception)


def test_measured_needs_no_bead():
    empty = Cell("recall", Beads(0, Light(1000.0, camera=CAMERA), Field((64, 64))), 2)
    row = measured(SMALL, empty).iloc[0]
    assert row["beads"] == 0 and np.isnan(row["recall"]) and row["false_spots"] <= 0.5
