"""The study of the tests of deformation: declared as data, the same numbers on any workers, resumed, and its command."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from regerr import InputError, MissingExtraError, compare_models
from validation.cli import app
from validation.deformation import running
from validation.deformation.cells import BRAIN, GATHERED, Asked, Cell, DeformationStudy, study
from validation.deformation.command import sizes
from validation.deformation.noises import Gaussian, Growing, Partners, Student, Unequal
from validation.deformation.running import COLUMNS, rejections, run
from validation.deformation.scenes import Raters, Scene

SMALL = DeformationStudy((
    Cell("few pairs", Scene(GATHERED[2], 7), (Asked("F"), Asked("chi2"), Asked("wild"), Asked("bootstrap", limit=20))),
    Cell("relations", Scene(BRAIN, 14, law=Partners(), mirrored=True), (Asked("F"), Asked("wild", groups=True))),
    Cell("power", Scene(GATHERED[2], 7, 0.02, 512.0), (Asked("F"),)),
    Cell("raters", Raters(BRAIN, 12), (Asked("raters"), Asked("F", averaged=True))),
), replicates=60, chunk=25)


def outer() -> typer.Typer:
    command = typer.Typer()
    command.add_typer(app, name="study")
    command.command("other")(lambda: None)
    return command


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> pd.DataFrame:
    return run(SMALL, tmp_path_factory.mktemp("once"), 1)


# Scenes


@pytest.mark.parametrize("law", [Gaussian(), Student(), Unequal(), Growing(), Partners()], ids=lambda law: law.word)
def test_noise_has_unit_mean_square(law):
    rng = np.random.default_rng(1)
    square = (law.sample(rng, 20.0 * rng.standard_normal((20_000, 8, 3))) ** 2).mean((1, 2))
    spread = square.std() / np.sqrt(len(square))
    assert abs(square.mean() - 1.0) < (0.1 if law.word == "t3" else 4 * spread)  # t3 has no fourth moment


def test_partners_are_correlated_and_mirrored():
    rng = np.random.default_rng(2)
    noise = Partners(0.7).sample(rng, np.zeros((50_000, 4, 2)))
    products = (noise[:, 0] * noise[:, 1]).mean(0)
    assert np.allclose(products, [-0.7, 0.7], atol=4 * 1.3 / np.sqrt(50_000))
    assert np.abs((noise[:, 1] * noise[:, 2]).mean(0)).max() < 4 / np.sqrt(50_000)
    x, _ = Scene(BRAIN, 5, mirrored=True).true(rng, 3)
    assert np.array_equal(x[:, 1], x[:, 0] * [-1, 1, 1]) and np.array_equal(x[:, 3], x[:, 2] * [-1, 1, 1])


def test_the_true_map_is_a_rotation_after_a_stretch():
    rng = np.random.default_rng(3)
    pairs = Scene(BRAIN, 10, 0.05, noise=0.0).sample(rng, 4)
    dx, dy = (points - points.mean(1, keepdims=True) for points in (pairs.source, pairs.target))
    a = np.swapaxes(np.linalg.pinv(dx) @ dy, -1, -2)
    assert np.allclose(np.linalg.svd(a)[1], [1.05, 1.0, 1.0]) and np.allclose(np.linalg.det(a), 1.05)


# The table


def test_the_table_has_its_columns_and_what_a_loop_counts(table):
    assert list(table.columns) == list(COLUMNS)
    cell, asked = SMALL.cells[0], SMALL.cells[0].tests[0]
    p = np.concatenate([compare_models(cell.scene.sample(cell.generator(2021, i), size), "rigid", "affine").p_value
                        for i, size in enumerate((25, 25, 10))])
    rows = table[(table["cell"] == cell.identity) & (table["test"] == asked.name)].set_index("level")
    for level in SMALL.levels:
        row = rows.loc[level]
        assert row["rejected"] == pytest.approx((p < level).mean()) and row["replicates"] == 60
        assert row["rejected_se"] == pytest.approx(np.sqrt(row["rejected"] * (1 - row["rejected"]) / 60))
        assert row["rejected_low"] <= row["rejected"] <= row["rejected_high"]
    assert (table.loc[table["test"] == "bootstrap", "replicates"] == 20).all()
    judged = table["null"] & (table["level"] == 0.05)
    assert (table.loc[judged, "verdict"] != "").all() and (table.loc[~judged, "verdict"] == "").all()
    assert not table.loc[table["block"] == "power", "null"].any()


def test_all_tests_of_a_cell_see_the_same_datasets():
    cell = replace(SMALL.cells[0], tests=(Asked("chi2"), Asked("F")))
    other = rejections(SMALL, cell).set_index(["test", "level"])["rejected"]
    first = rejections(SMALL, SMALL.cells[0]).set_index(["test", "level"])["rejected"]
    assert all(other[key] == first[key] for key in other.index)


def test_numbers_do_not_depend_on_the_workers(table, tmp_path):
    pd.testing.assert_frame_equal(run(SMALL, tmp_path, 2), table)


def test_an_interrupted_study_goes_on(table, tmp_path, monkeypatch):
    """A cell that is there is not computed again; one made by other code, or of which half is left, is."""
    part = replace(SMALL, cells=SMALL.cells[:2])
    run(part, tmp_path, 1)
    kept = sorted((tmp_path / "cells").iterdir())
    kept[0].write_bytes(kept[0].read_bytes()[:100])
    computed: list[str] = []

    def computing(study: DeformationStudy, cell: Cell) -> pd.DataFrame:
        computed.append(cell.identity)
        return rejections(study, cell)

    monkeypatch.setattr(running, "rejections", computing)
    monkeypatch.setattr("joblib.Parallel", lambda **_: lambda jobs: (job[0](*job[1]) for job in jobs))
    pd.testing.assert_frame_equal(run(SMALL, tmp_path, 1), table)
    assert len(computed) == 3
    monkeypatch.setattr(running, "code_digest", lambda: "other code")
    run(SMALL, tmp_path, 1)
    assert len(computed) == 7


def test_the_verdict_sees_a_test_that_rejects_too_often():
    assert running._judged(0.138, 0.0034, 10_000) == "too often"
    assert running._judged(0.051, 0.0022, 10_000) == "holds"
    assert running._judged(0.029, 0.0017, 10_000) == "too rarely"
    assert running._judged(0.06, 0.0075, 1_000) == "undecided"


# The declaration


@pytest.mark.parametrize("quick", [True, False])
def test_the_declared_study(quick):
    declared = study(quick)
    assert len({cell.identity for cell in declared.cells}) == len(declared.cells)
    assert {cell.block for cell in declared.cells} >= {"few pairs", "places", "laws", "relations", "raters", "power"}
    assert all(len({test.name for test in cell.tests}) == len(cell.tests) for cell in declared.cells)
    asked = {test.test for cell in declared.cells for test in cell.tests}
    assert asked == {"F", "wild", "wild-t", "bootstrap", "bartlett", "chi2", "iso/full", "raters", "raters-permuted"}
    assert declared.replicates == (200 if quick else 10_000)


def test_the_seed_of_a_cell_is_its_content():
    cell = SMALL.cells[0]
    again = replace(cell, block="other", tests=(Asked("F"),))
    assert cell.generator(1, 0).integers(10**9) == again.generator(1, 0).integers(10**9)
    moved = replace(cell, scene=replace(cell.scene, noise=2.0))
    assert cell.generator(1, 0).integers(10**9) != moved.generator(1, 0).integers(10**9)


# The command


def test_the_command(tmp_path):
    done = CliRunner().invoke(outer(), ["study", "deformation", "--quick", "--replicates", "10", "--workers", "1", "--output",
                                        str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "few pairs" in done.output and "wild, groups" in done.output
    place = tmp_path / "deformation"
    csv, whole = pd.read_csv(place / "rejections.csv"), pd.read_parquet(place / "rejections.parquet")
    assert (csv["replicates"] == 10).all() and len(csv) == len(whole)


@pytest.mark.parametrize("option", ["--replicates", "--workers"])
def test_refusals(option, tmp_path):
    done = CliRunner().invoke(outer(), ["study", "deformation", option, "0", "--output", str(tmp_path)])
    assert isinstance(done.exception, InputError) and "give at least 1" in str(done.exception)


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("validation.shell.find_spec", lambda name: None if name == "joblib" else name)
    done = CliRunner().invoke(outer(), ["study", "deformation", "--output", str(tmp_path)])
    assert isinstance(done.exception, MissingExtraError) and "a study needs joblib" in str(done.exception)


def test_what_is_printed(table):
    lines = sizes(table).splitlines()
    assert lines[0].split() == ["block", "test", "rejects,", "at", "5", "%", "s.e.", "verdicts"]
    assert [line.split("  ")[0] for line in lines[1:]] == ["few pairs"] * 4 + ["relations"] * 2 + ["raters"] * 2
