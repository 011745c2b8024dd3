"""The acceptance of the matching, in small: rates with their Monte Carlo error, a control that must fail, the command."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from regerr import InputError, MissingExtraError
from regerr.matching import match, search
from regerr.results import fit
from validation.cli import app
from validation.matching.command import short
from validation.matching.running import COLUMNS, replicates, run, summarised
from validation.matching.scenes import FIELD, Related, Unrelated
from validation.matching.study import Cell, MatchingStudy, study

SMALL = MatchingStudy((
    Cell(Related(2, 12, 0.3, "rigid"), "rigid", 0.99, 0.98), Cell(Related(3, 12, 0.3, "rigid"), "rigid", 0.99, 0.98),
    Cell(Related(2, 20, 0.3, "similarity"), "similarity", 0.99, 0.98), Cell(Related(2, 40, 0.3, "affine"), "affine", 0.95, 0.98),
    Cell(Related(2, 40, 0.6, "rigid"), "rigid", 0.97), Cell(Unrelated(2, 12, "uniform"), "rigid"),
    Cell(Unrelated(2, 12, "same clusters"), "affine"), Cell(Unrelated(3, 12, "mirrored"), "affine"),
), replicates=12)


def outer() -> typer.Typer:
    command = typer.Typer()
    command.add_typer(app, name="study")
    command.command("other")(lambda: None)
    return command


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> pd.DataFrame:
    return run(SMALL, tmp_path_factory.mktemp("once"), 1)


# The acceptance list, as far as a dozen cases of each cell can tell


def test_no_claim_is_contradicted(table):
    assert not (table["verdict"] == "fails").any(), short(table)
    assert list(table.columns) == list(COLUMNS)


def test_alignments_are_found_and_their_pairs_are_right(table):
    """A share s of n cases is at least the claimed one within 3 standard errors of the claim."""
    related = table[table["success"].notna()]
    for row in related.to_dict("records"):
        claimed = 0.95
        assert row["success"] >= claimed - 3 * np.sqrt(claimed * (1 - claimed) / row["replicates"])
        assert row["precision"] >= 0.98 - 3 * max(row["precision_se"], 0.005)
        assert row["wrong"] == 0.0 and row["seconds"] < 1.0


def test_regions_from_found_pairs_cover_as_those_from_true_pairs(table):
    related = table[table["success"].notna()]
    assert (related["coverage_difference"].abs() <= 0.02 + 3 * related["coverage_difference_se"]).all()


def test_unrelated_sets_are_refused(table):
    assert (table[table["success"].isna()]["accepted"] == 0.0).all()


def test_a_matching_that_believes_everything_fails(monkeypatch):
    """The same cells with the significance switched off: the study sees it."""
    monkeypatch.setattr(search, "log_false_alarms", lambda *given: -10.0)
    cells = tuple(cell for cell in SMALL.cells if not cell.related)
    credulous = replace(SMALL, cells=cells, replicates=6)
    rows = summarised(credulous, {cell: replicates(credulous, cell) for cell in cells})
    assert (rows["verdict"] == "fails").any()


def test_a_narrow_gate_makes_the_noise_too_small_and_the_factor_mends_it():
    """At a gate of 0.8 pairs keep about 0.6 of the variance; what is told is corrected, but for pairs lost at the border."""
    scene = Related(2, 40, 0.3, "rigid")
    told, plain = [], []
    for i in range(25):
        case = scene.sample(np.random.default_rng([1, i]))
        found = match(case.source, case.target, gate=0.8)
        told.append(found.best.noise_sd**2)
        plain.append(found.best.noise_sd**2 * fit(found.pairs).estimator.kept(found.pairs.n, 2))
    true = 2 * scene.noise**2
    error = np.std(told) / np.sqrt(len(told))
    assert abs(np.mean(told) - true) < 0.1 * true + 3 * error
    assert np.mean(plain) < 0.75 * true


# The declared study


def test_what_is_declared():
    declared, quick = study(), study(True)
    assert declared.replicates == 1000 and quick.replicates < 20 and declared.cells == quick.cells
    assert len({cell.identity for cell in declared.cells}) == len(declared.cells)
    claims = {(c.model, c.scene.dimension, c.scene.n, c.scene.missing): (c.success, c.precision) for c in declared.cells
              if c.related and c.success}
    assert all(claims["rigid", d, n, 0.3] == (0.99, 0.98) for d in (2, 3) for n in (12, 20, 40))
    assert all(claims["similarity", d, 20, 0.3] == (0.99, 0.98) and claims["affine", d, 40, 0.3][0] == 0.95 for d in (2, 3))
    assert all(claims[m, d, 40, 0.6][0] == 0.97 for d in (2, 3) for m in ("rigid", "similarity"))
    unrelated = {(c.model, c.scene.layout) for c in declared.cells if not c.related}
    assert len(unrelated) == 15


@pytest.mark.parametrize("model", ["rigid", "similarity", "affine"])
@pytest.mark.parametrize("dimension", [2, 3])
def test_scenes_hold_what_they_say(model, dimension):
    case = Related(dimension, 50, 0.4, model, 1.0, extra=7).sample(np.random.default_rng(1))
    own = np.flatnonzero(case.partner >= 0)
    gap = case.target[case.partner[own]] - case.truth.apply(case.source[own])
    size = np.linalg.det(case.truth.matrix) ** (1 / dimension)
    assert len(own) == 30 and len(case.target) == 57 and len(set(case.partner[own])) == 30
    assert size > 0 and 0.7 < gap.std() / (np.sqrt(2) * size) < 1.3
    assert (case.source.max(0) < FIELD[dimension] + 10).all()


def test_the_seed_of_a_cell_is_its_scene():
    cell = SMALL.cells[0]
    assert cell.generator(1, 2).integers(10**9) == replace(cell, success=0.5).generator(1, 2).integers(10**9)
    assert cell.generator(1, 2).integers(10**9) != cell.generator(1, 3).integers(10**9)


def test_a_finished_study_is_read_and_not_computed(tmp_path, monkeypatch):
    few = replace(SMALL, cells=SMALL.cells[:1], replicates=2)
    first = run(few, tmp_path, 1)
    monkeypatch.setattr("validation.matching.running.match", None)
    pd.testing.assert_frame_equal(run(few, tmp_path, 1), first)


# The command


def test_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr("validation.matching.study.study", lambda quick: replace(SMALL, cells=SMALL.cells[:1] + SMALL.cells[-1:]))
    done = CliRunner().invoke(outer(), ["study", "matching", "--quick", "--replicates", "2", "--workers", "1", "--output",
                                        str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "2D, n = 12, 30% missing" in done.output and "accepted <= 0.01" in done.output
    assert (pd.read_csv(tmp_path / "matching" / "matching.csv")["replicates"] == 2).all()


@pytest.mark.parametrize("option", ["--replicates", "--workers"])
def test_refusals(option, tmp_path):
    done = CliRunner().invoke(outer(), ["study", "matching", option, "0", "--output", str(tmp_path)])
    assert isinstance(done.exception, InputError) and "give at least 1" in str(done.exception)


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("validation.shell.find_spec", lambda name: None if name == "joblib" else name)
    done = CliRunner().invoke(outer(), ["study", "matching", "--output", str(tmp_path)])
    assert isinstance(done.exception, MissingExtraError) and "a study needs joblib" in str(done.exception)
