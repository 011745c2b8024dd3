"""Files of figures: whole or not there, and one sentence when tables cannot be read or nothing can be written."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from paper_figures import build, page, style
from paper_figures.__main__ import main


def a_figure(_):
    with style.settings():
        figure = style.figure(style.COLUMN, 40.0)
        figure.subplots().plot([0, 1])
    return figure


def a_module(**extras) -> SimpleNamespace:
    return SimpleNamespace(TITLE="A title", draw=a_figure, caption=lambda tables: "A caption.", EXTRAS=extras)


def one_sentence(results: Path, capsys) -> str:
    assert main([str(results)]) == 2
    out, err = capsys.readouterr()
    assert not out and err.startswith("Error: ") and err.count("\n") == 1
    return err


def test_all_files_of_a_figure_are_written_and_named(tmp_path):
    done = build._write("one", a_module(csv=lambda tables: "a,b\n"), {}, tmp_path)
    assert done.files == ("one.pdf", "one.png", "one.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(done.files)
    assert (tmp_path / "one.csv").read_text() == "a,b\n"


def test_a_figure_that_fails_leaves_the_old_one_and_nothing_half_written(tmp_path):
    build._write("one", a_module(), {}, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ZeroDivisionError):
        build._write("one", a_module(csv=lambda tables: str(1 / 0)), {}, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_table_that_is_no_table_is_named(tmp_path, capsys):
    names = {need for name in build.FIGURES for need in build._module(name).NEEDS}
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.parquet").write_bytes(b"not a table")
    error = one_sentence(tmp_path, capsys)
    first = min(names)
    assert f"{first}.parquet" in error and f"regerr study {first.partition('/')[0]} --output {tmp_path}" in error
    assert not (tmp_path / "figures").exists()


def test_a_place_that_cannot_be_written_to_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(build, "FIGURES", ())
    (tmp_path / "figures").write_text("a file where the folder should be")
    assert str(tmp_path) in one_sentence(tmp_path, capsys)


def test_the_page_links_every_table_once_and_nothing_unfinished(tmp_path):
    for name in ("icip/summary.csv", "icip/summary.parquet", "icip/map.parquet", "regions/verdicts.csv", "other/notes.csv",
                 "figures/coverage_table.csv", "icip/chunks/a.parquet", "grand/summary.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    drawn = ["icip/summary", "regions/summary"]
    assert build._linked(tmp_path, drawn) == ["icip/map.parquet", "icip/summary.csv", "regions/verdicts.csv"]


def test_the_page_says_how_large_a_study_was():
    summary = pd.DataFrame({"scenario": ["a", "a", "b"], "estimator": ["x", "y", "x"], "replicates": 10_000,
                            "failed": [0.0, 0.0123, 0.0]})
    assert "2 scenarios, 10,000 replicates each" in page._size(summary) and "1.23 %" in page._size(summary)
