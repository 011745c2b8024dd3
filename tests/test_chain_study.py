"""The study of the chain in small: images to regions at held-out beads, wrong pairs, a control that must fail, the command."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import regerr
from regerr import InputError
from regerr.baselines.asking import without_covariances
from regerr.matching import Verdict
from tests.chain_cases import CELL, SMALL
from validation.chain import running, steps
from validation.chain.command import short
from validation.chain.running import COLUMNS, judged, run, summarised
from validation.chain.steps import WAYS, Registered, case_of, registered, ways_of, with_strangers
from validation.chain.study import ChainStudy, study
from validation.cli import app


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> pd.DataFrame:
    return run(SMALL, tmp_path_factory.mktemp("once"), 1)


@pytest.fixture(scope="module")
def case() -> steps.Case:
    return case_of(CELL, CELL.generator(1, 0))


# One case


def test_held_out_beads_are_nowhere_among_the_spots(case):
    places = CELL.law.sample(CELL.generator(1, 0))
    hidden = [name for name, point in zip(places.source.names, places.source.points, strict=True)
              if (np.abs(case.held - point).max(1) < 1e-12).any()]
    assert len(hidden) == 3 and all(len(spots) == 3 for spots in case.seen)
    for side, names, true in zip(case.sides, case.beads, (places.source, places.target), strict=True):
        assert not set(hidden) & set(names) and len(side.points) == len(names) == 11
        for name, point in zip(names, side.points, strict=True):
            assert np.linalg.norm(point - true.points[true.names.index(name)]) < 0.05
    np.testing.assert_allclose(case.seen[1].points, case.truth.apply(case.seen[0].points), atol=0.05)


def test_true_pairs_are_those_that_the_matching_finds(case):
    assert case.found.accepted and case.right.all() and case.true_pairs.n == 10
    source = {tuple(point) for point in case.true_pairs.source}
    assert {tuple(point) for point in case.found.pairs.source} <= source
    direct = regerr.fit(case.found.pairs, "rigid").predict(case.held, "tre")
    (row,) = (row for row in judged(CELL, 1, 0) if row["way"] == "chain")
    images = case.truth.apply(case.held)
    assert row["tre"] == direct.region(0.95).contains(images).mean()
    assert row["square"] == pytest.approx(((direct.mean - images) ** 2).sum(-1).mean())


def test_wrong_pairs_are_seen_and_removed(case):
    pairs = case.found.pairs
    changed = with_strangers(pairs, 2, np.random.default_rng(0))
    assert (changed.target != pairs.target).any(1).sum() == 2 and np.array_equal(changed.source, pairs.source)
    made = ways_of(case, "rigid", (0, 0))
    assert tuple(made) == WAYS
    one, clean = made["1 wrong pair"], made["1 wrong pair, outliers removed"]
    assert one.warned and not registered(pairs, "rigid").warned
    assert one.result.pairs.n == pairs.n and clean.result.pairs.n == pairs.n - 1
    told = [float(r.predict(case.held, "tre").rms.mean()) for r in (registered(pairs, "rigid").result, clean.result, one.result)]
    assert told[0] < 1.5 * told[1] < 0.1 * told[2]


# The table


def test_regions_hold_held_out_beads(table):
    """As far as a dozen images can tell."""
    rows = table[table["title"] == "small"].set_index("way")
    assert list(table.columns) == list(COLUMNS) and table["way"].tolist() == 2 * list(WAYS)
    for way in ("chain", "places alone", "true pairs"):
        for kind in ("tre", "observation"):
            assert rows.loc[way, kind] > 0.95 - 0.02 - 3 * max(rows.loc[way, f"{kind}_se"], 0.02)
    assert (rows["accepted"] == 1.0).all() and (rows["silent"] == 0.0).all() and (rows["precision"] > 0.98).all()
    assert rows.loc["1 wrong pair", "rms"] > 10 * rows.loc["chain", "rms"]
    assert rows.loc["1 wrong pair, outliers removed", "rms"] < 2 * rows.loc["chain", "rms"]
    assert set(table.loc[table["way"] != "chain", "verdict"]) == {""} and "small, 2D" in short(table)


def test_a_chain_that_claims_too_much_fails(monkeypatch):
    """The control: a tenth of the noise is called known. Coverage is lost, answers are wrong, and nothing warns."""
    def sure(case, model, seed):
        bare = without_covariances(case.found.pairs)
        noise = regerr.Noise(scale=0.1 * float(regerr.fit(bare, model).fle_rms))
        return {"chain": Registered(regerr.fit(bare, model, noise), False)}

    monkeypatch.setattr(running, "ways_of", sure)
    monkeypatch.setattr(running, "WAYS", ("chain",))
    rows = pd.DataFrame([row for i in range(6) for row in judged(CELL, SMALL.seed, i)])
    (row,) = summarised({CELL: rows}).to_dict("records")
    assert row["tre"] < 0.5 and row["silent"] == row["wrong"] > 0.1 and row["verdict"] == "fails"


def test_a_refused_matching_is_neither_right_nor_wrong(case, monkeypatch):
    refused = replace(case, found=replace(case.found, verdict=Verdict.CHANCE))
    monkeypatch.setattr(running, "case_of", lambda cell, rng: refused)
    rows = judged(CELL, 1, 0)
    assert len(rows) == len(WAYS) and all(row["accepted"] == row["wrong"] == row["silent"] == 0.0 for row in rows)


def test_verdicts_need_their_intervals():
    row = {"tre": 0.95, "tre_se": 0.001, "observation": 0.945, "observation_se": 0.001, "silent_low": 0.0}
    assert running._verdict(row)[1] == "holds"
    assert running._verdict(row | {"tre": 0.93})[1] == "fails" and running._verdict(row | {"silent_low": 0.006})[1] == "fails"
    assert running._verdict(row | {"tre_se": 0.02})[1] == "undecided"


def test_all_cells_together_tell_how_often_the_chain_is_wrong_and_silent():
    def told(silent, replicates):
        rows = [{"way": "chain", "claims": claims, "replicates": replicates, "silent": value}
                for claims, value in (("some", silent), ("some", 0.0), ("", 1.0))]
        return running.silent(pd.DataFrame(rows))

    assert told(0.0, 1000).startswith("Wrong without a warning: 0 of 2,000 pairs") and told(0.0, 1000).endswith("holds.")
    assert told(0.0, 100).endswith("undecided.") and told(0.05, 1000).endswith("fails.")


def test_other_workers_and_a_second_run_give_the_same_numbers(table, tmp_path, monkeypatch):
    pair = ChainStudy(SMALL.cells[1:])
    again = run(pair, tmp_path, 2)
    pd.testing.assert_frame_equal(table[table["title"] == "two"].reset_index(drop=True), again)
    monkeypatch.setattr(running, "cases", lambda *_: pytest.fail("computed again"))
    pd.testing.assert_frame_equal(run(pair, tmp_path, 1), again)


def test_what_is_declared():
    declared, quick = study(), study(True)
    assert len({cell.identity for cell in declared.cells}) == len(declared.cells) == len(quick.cells)
    assert all(cell.cases < 10 for cell in quick.cells) and {cell.dimension for cell in declared.cells} == {2, 3}
    a, b = (cell for cell in declared.cells if cell.title == "two channels")
    assert a.model != b.model and a.generator(1, 2).integers(10**9) == b.generator(1, 2).integers(10**9)


# The command


def test_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr("validation.chain.study.study", lambda quick: ChainStudy((replace(CELL, cases=2),)))
    outer = typer.Typer()
    outer.add_typer(app, name="study")
    outer.command("other")(lambda: None)
    done = CliRunner().invoke(outer, ["study", "chain", "--quick", "--workers", "1", "--output", str(tmp_path)])
    assert done.exit_code == 0 and "3 wrong pairs, outliers removed" in done.output, done.output
    assert (pd.read_csv(tmp_path / "chain" / "chain.csv")["replicates"] == 2).all()
    for options, words in ((["--share", "0"], "share of images is 0"), (["--workers", "0"], "workers is 0")):
        refused = CliRunner().invoke(outer, ["study", "chain", "--output", str(tmp_path), *options])
        assert isinstance(refused.exception, InputError) and words in str(refused.exception)
