"""The figures and their page, drawn from small studies that a person could have run, with an estimator of their own."""

from __future__ import annotations

import io
import math
import pkgutil
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib import import_module
from itertools import product
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import typer
from matplotlib.figure import Figure
from typer.testing import CliRunner

from paper_figures import build, figures, panels, style, tabular, trust, words
from paper_figures.__main__ import main
from paper_figures.build import FIGURES, LONG
from tests.chain_cases import SMALL
from validation.chain.running import run
from validation.cli import app

REPLICATES = 10
NAME, LABEL = "mine", "mine <b> & 50 %, $x_1$"
SHOWN = LABEL.replace("$", r"\$")  # a dollar that Matplotlib prints
USER_FILE = f"""
from validation.examples.fre_disk import FreDisk

class Mine(FreDisk):
    name, label, model = {NAME!r}, {LABEL!r}, ""

estimator = Mine()
"""
COVERAGE = ("distance_coverage_gathered", "distance_coverage_uniform", "coverage_n_icip", "coverage_n_regions", "noise_rigid",
            "noise_similarity", "noise_affine")
AREA = ("distance_area_gathered", "distance_area_uniform")
BOXES = ("boxes_gathered", "boxes_uniform")
VERDICTS = ("verdicts_icip", "verdicts_regions")
TRUST = ("trust_observation", "trust_tre", "size_observation", "size_tre")
DISTANCE, COUNT = "distance to the nearest fiducial (px)", "fiducials n"

command = typer.Typer()
command.add_typer(app, name="study")
command.command("other")(lambda: None)


def module(name: str):
    return import_module(f"paper_figures.figures.{name}")


@pytest.fixture(scope="module", autouse=True)
def coarse():
    """Pictures of fewer pixels than a paper needs: nothing here looks at them, and they take time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "_RESOLUTION", 100)
        yield


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """All studies in a small size, with a user's estimator in them, and what the program draws from them."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "mine.py").write_text(USER_FILE, encoding="utf-8")
    for study in ("icip", "regions", "grand"):
        done = CliRunner().invoke(command, ["study", study, "--quick", "--replicates", str(REPLICATES), "--workers", "1",
                                            "--output", str(folder), "--estimator", str(folder / "mine.py")])
        assert done.exit_code == 0, done.output
    done = CliRunner().invoke(command, ["study", "deformation", "--quick", "--replicates", str(REPLICATES), "--workers", "1",
                                        "--output", str(folder)])
    assert done.exit_code == 0, done.output
    run(replace(SMALL, cells=tuple(replace(cell, cases=2) for cell in SMALL.cells)), folder / "chain", 1)
    assert main([str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def tables(results) -> dict[str, pd.DataFrame]:
    return build.read(results, sorted({need for name in FIGURES for need in module(name).NEEDS}))


@pytest.fixture(scope="module")
def drawn(tables) -> dict[str, Figure]:
    """Every figure, from the tables that it says it needs and no other."""
    return {name: module(name).draw({need: tables[need] for need in module(name).NEEDS}) for name in FIGURES}


@pytest.fixture(scope="module")
def captions(tables) -> dict[str, str]:
    return {name: module(name).caption({need: tables[need] for need in module(name).NEEDS}) for name in FIGURES}


def gids(ax) -> list[str]:
    return [artist.get_gid() for artist in ax.get_children() if artist.get_gid()]


def by_gid(ax, gid: str):
    return next(artist for artist in ax.get_children() if artist.get_gid() == gid)


# What every figure is


def test_every_module_of_the_folder_is_drawn():
    assert sorted(FIGURES) == sorted(found.name for found in pkgutil.iter_modules(figures.__path__))


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_title_caption_and_two_files(name, results, captions):
    assert module(name).NEEDS and module(name).TITLE
    assert captions[name].endswith(".") and "nan" not in captions[name]
    assert (results / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert (results / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_fits_a_column_or_a_page_with_letters_that_can_be_read(name, drawn):
    width, height = 25.4 * drawn[name].get_size_inches()
    assert any(math.isclose(width, allowed, rel_tol=1e-6) for allowed in (style.COLUMN, style.PAGE))
    assert height < 247.0  # an A4 page with margins of 25 mm
    assert all(ax.has_data() or ax.texts for ax in drawn[name].axes)
    assert min(text.get_fontsize() for text in drawn[name].findobj(mpl.text.Text) if text.get_text()) >= style.SMALL


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_cut_off_at_the_edges(name, drawn):
    figure = drawn[name]
    with style.settings():
        figure.draw_without_rendering()
        box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert box.x0 > -0.01 and box.y0 > -0.01 and box.x1 < width + 0.01 and box.y1 < height + 0.01


@pytest.mark.parametrize("name", [*COVERAGE, *BOXES])
def test_panels_of_coverage_show_the_nominal_level_and_the_band_of_so_many_replicates(name, drawn):
    shown = [ax for ax in drawn[name].axes if "nominal" in gids(ax)]
    assert len(shown) == (2 if name in BOXES else len(drawn[name].axes))
    half = 2.5758293 * math.sqrt(0.95 * 0.05 / REPLICATES)  # 0.995 quantile of the normal law, binomial s.d.
    for ax in shown:
        band = by_gid(ax, "band")
        assert list(by_gid(ax, "nominal").get_ydata()) == [0.95, 0.95]
        assert band.get_y() == pytest.approx(0.95 - half) and band.get_y() + band.get_height() == pytest.approx(1.0)


@pytest.mark.parametrize(("name", "x", "y"), [
    *((name, DISTANCE, "coverage") for name in COVERAGE[:2]), *((name, DISTANCE, "mean area (px²)") for name in AREA),
    ("coverage_n_icip", COUNT, "mean coverage"), *((name, COUNT, "coverage") for name in COVERAGE[3:]),
    ("beads", "x in the target (px)", "y in the target (px)"), ("map", "x in the source (px)", "y in the source (px)"),
    ("map", "x in the source (px)", "expected r.m.s. TRE (px)"),
])
def test_axes_are_named_with_their_units(name, x, y, drawn):
    assert {ax.get_xlabel() for ax in drawn[name].axes} - {""} == {x}
    assert y in {ax.get_ylabel() for ax in drawn[name].axes}


def test_points_are_those_of_the_table(drawn, tables):
    table = tables["icip/coverage"]
    mine = table[(table["layout"] == "gathered") & (table["kind"] == "observation") & (table["estimator"] == "rigid-wald")]
    shown = np.concatenate([np.asarray(by_gid(ax, "points rigid-wald").get_offsets())
                            for ax in drawn["distance_coverage_gathered"].axes])
    expected = mine[["distance", "coverage"]].to_numpy()
    assert np.array_equal(shown[np.lexsort(shown.T)], expected[np.lexsort(expected.T)])


def test_the_map_is_that_of_the_table(drawn, tables):
    table = tables["icip/map"]
    for ax, estimator in zip(drawn["map"].axes, ("rigid-wald", "affine-wald"), strict=False):
        rows = table[table["estimator"] == estimator].sort_values(["y", "x"])
        assert len(rows) and np.array_equal(np.ravel(by_gid(ax, "map").get_array()), rows["expected_rms_tre"])


def test_beads_outside_are_crosses_and_the_others_dots(drawn, tables):
    beads = tables["icip/beads"]
    inside = beads.loc[(beads["role"] == "prediction") & (beads["estimator"] == "rigid-score"), "inside"].astype(bool)
    shown = {line.get_gid(): len(line.get_xdata()) for line in drawn["beads"].axes[0].lines}
    assert shown["bead, landed inside"] == inside.sum() and shown["bead, landed outside"] == (~inside).sum()


@pytest.mark.parametrize("name", TRUST)
def test_cells_of_the_heat_maps_have_the_class_of_the_table(name, drawn, tables):
    """Each cell by a loop over the rows of the summary, its colour looked up by hand."""
    number, question = name.split("_")
    rows = tables["grand/summary"]
    rows = rows[(rows["kind"] == question) & (rows["level"] == 0.95)]
    scale = trust.SIZES if number == "size" else trust.coverage_scale(0.007)
    across = trust.columns(rows)
    groups = dict(list(rows.groupby(["family", "estimator", *list(across)[:-1]])))
    checked = 0
    for ax, (family, own) in zip(drawn[name].axes, rows.groupby("family", sort=False), strict=True):
        shown = {patch.get_gid(): patch for patch in ax.patches}
        estimators, places = own["estimator"].drop_duplicates(), across.drop(columns="text").itertuples(index=False, name=None)
        for (row, estimator), (column, where) in product(enumerate(estimators), enumerate(places)):
            cell, patch = groups.get((family, estimator, *where)), shown.get(f"cell {row} {column}")
            if cell is None or (cell["failed"] == 1).all() or (number == "size" and cell["size"].isna().all()):
                assert patch is None
                continue
            if number == "size":
                value = sorted(cell["size"].dropna())[(cell["size"].count() - 1) // 2]
            else:
                ends = [low - 0.95 if low > 0.95 else min(high - 0.95, 0.0) for low, high in
                        zip(cell["coverage_mean_low"], cell["coverage_mean_high"], strict=True)]
                value = max(ends, key=abs)
            assert mpl.colors.to_hex(patch.get_facecolor()).upper() == scale.colours[sum(value > edge for edge in scale.edges)]
            checked += 1
    assert checked > 100


# Numbers in captions


def spans(text: str) -> dict[str, tuple[str, str]]:
    """``published 0.944 to 0.951; ...`` read back."""
    found = re.findall(r"[;:,] ([a-z][a-z -]*?) (\d\.\d{3}) to (\d\.\d{3})", text)
    return {name: (low, high) for name, low, high in found}


def told(means: pd.Series) -> tuple[str, str]:
    return f"{means.min():.3f}", f"{means.max():.3f}"


@pytest.mark.parametrize("family", ["rigid", "similarity", "affine"])
def test_spans_of_coverage_are_those_of_the_table(family, captions, tables):
    rows = tables["regions/summary"].query("family == @family and level == 0.95")
    found = spans(captions[f"noise_{family}"].rpartition("Span over all panels")[2])
    for method in ("score", "likelihood-ratio"):
        mean = rows.loc[rows["estimator"] == f"{family}-{method}", "coverage_mean"]
        assert len(mean) and found[method.replace("-", " ")] == told(mean)
    assert found["published"] == told(rows.loc[rows["label"].str.endswith("(published)"), "coverage_mean"])


@pytest.mark.parametrize("name", ["coverage_table", "distance_coverage_gathered", "distance_coverage_uniform"])
def test_spans_of_coverage_with_the_right_model_are_those_of_the_table(name, captions, tables):
    rows = tables["icip/summary"].query("kind == 'observation' and model == truth")
    layout = name.rpartition("_")[2]
    rows = rows[rows["layout"] == layout] if layout in set(rows["layout"]) else rows
    mean = rows.loc[rows["estimator"].isin(["rigid-score", "affine-score"]), "coverage_mean"]
    assert spans(captions[name])["score"] == told(mean)


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in ("beads", "map", "chain", *AREA)])
def test_the_number_of_replicates_is_that_of_the_table(name, captions, tables):
    found = [int(number.replace(",", "")) for number in re.findall(r"(\d[\d,]*) replicates", captions[name])]
    assert found == [tables[module(name).NEEDS[0]]["replicates"].max()] == [REPLICATES]


def test_the_counts_of_beads_are_those_of_the_table(captions, tables):
    beads, caption = tables["icip/beads"], captions["beads"]
    predicted = beads[beads["role"] == "prediction"]
    assert int(re.search(r"(\d+) fiducials", caption)[1]) == (beads["role"] == "fiducial").sum()
    assert int(re.search(r"(\d+) further beads", caption)[1]) == (beads["role"] == "landing").sum()
    for method, estimator in (("score", "rigid-score"), ("published", "rigid-wald")):
        inside = predicted.loc[predicted["estimator"] == estimator, "inside"]
        assert int(re.search(rf"(\d+) in the {method} regions", caption)[1]) == inside.astype(bool).sum()


@pytest.mark.parametrize("layout", ["gathered", "uniform"])
def test_the_range_of_areas_is_that_of_the_table(layout, captions, tables):
    area = tables["icip/coverage"].query("kind == 'observation' and layout == @layout")["volume_mean"]
    low, high = re.search(r"from ([\d.,]+) to ([\d.,]+) px²", captions[f"distance_area_{layout}"]).groups()
    shown = [float(text.replace(",", "")) for text in (low, high)]
    assert shown == pytest.approx([area.min(), area.max()], rel=5.1e-3)


@pytest.mark.parametrize("name", VERDICTS)
def test_verdicts_are_counted_as_in_the_table(name, captions, tables):
    summary = tables[module(name).NEEDS[0]]
    for label, rows in summary[summary["level"] == 0.95].groupby("label"):
        assert f"{label} {(rows['verdict'] == 'covers').sum()} of {len(rows)}" in captions[name]


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "beads"])
def test_a_caption_follows_its_table(name, tables, captions):
    (need, *_) = module(name).NEEDS
    other = {table: tables[table].copy() for table in module(name).NEEDS}
    for table in other.values():
        for column in ("coverage_mean", "volume_mean", "expected_rms_tre", "size", "rejected", "tre"):
            if column in table:
                table[column] *= 0.9
        if "verdict" in table:
            table["verdict"] = "covers"
    assert module(name).caption(other) != captions[name], need


def test_the_table_as_csv_says_what_the_summary_says(results, tables):
    summary = tables["icip/summary"]
    read = pd.read_csv(results / "figures" / "coverage_table.csv")
    for column, source in {"min": "coverage_min", "mean": "coverage_mean", "s.d.": "coverage_sd", "max": "coverage_max"}.items():
        assert np.allclose(read[column], summary[source], rtol=0, atol=5.001e-4)
    assert list(read["estimator"]) == list(summary["label"])


# The same each time


@pytest.mark.parametrize("name", ["beads", "boxes_gathered", "coverage_n_regions", "map", "verdicts_icip"])
def test_the_same_tables_give_the_same_bytes_whatever_a_users_settings_are(name, results, tables, tmp_path):
    with mpl.rc_context({"font.size": 19, "axes.facecolor": "yellow", "savefig.dpi": 50, "figure.constrained_layout.use": False}):
        written = style.save(module(name).draw(tables), tmp_path, name)
    assert all(path.read_bytes() == (results / "figures" / path.name).read_bytes() for path in written)


def test_another_table_gives_other_bytes(results, tables, tmp_path):
    beads = tables["icip/beads"]
    written = style.save(module("beads").draw({"icip/beads": beads.assign(x=beads["x"] + 0.5)}), tmp_path, "beads")
    assert all(path.read_bytes() != (results / "figures" / path.name).read_bytes() for path in written)


# What a user does wrong, or adds


def test_missing_tables_are_named_all_in_one_sentence(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    sentence = capsys.readouterr().err
    assert sentence.count("\n") == 1
    needs = {need for name in FIGURES for need in module(name).NEEDS}
    assert all((need in sentence) == (need.partition("/")[0] not in LONG) for need in needs)
    assert "regerr study icip" in sentence and "regerr study regions" in sentence
    assert not list(tmp_path.iterdir())


def test_only_missing_tables_are_named(results, tmp_path, capsys):
    (tmp_path / "icip").symlink_to(results / "icip")
    assert main([str(tmp_path)]) == 2
    sentence = capsys.readouterr().err
    assert "regions/summary" in sentence and "icip/" not in sentence and "study icip" not in sentence


@pytest.mark.parametrize("arguments", [[], ["a", "b"]])
def test_the_folder_must_be_given(arguments, capsys):
    assert main(arguments) == 2
    assert "python -m paper_figures" in capsys.readouterr().err


@pytest.mark.parametrize("name", [*COVERAGE, *AREA, *BOXES])
def test_a_users_estimator_stands_in_the_legend(name, drawn):
    assert SHOWN in [text.get_text() for legend in drawn[name].legends for text in legend.get_texts()]


@pytest.mark.parametrize("name", TRUST)
def test_a_users_estimator_has_its_row_of_the_heat_maps(name, drawn):
    assert all(any(text.get_text().startswith("mine") for text in ax.texts) for ax in drawn[name].axes)


def test_long_studies_are_left_out_until_they_have_run(results, tmp_path, monkeypatch):
    drawn: list[str] = []

    def write(name, module, tables, folder):
        drawn.append(name)
        return build.Drawn(name, module.TITLE, "", (f"{name}.pdf", f"{name}.png"))

    monkeypatch.setattr(build, "_write", write)
    for study in ("icip", "regions"):
        (tmp_path / study).symlink_to(results / study)
    assert main([str(tmp_path)]) == 0
    assert drawn == [name for name in FIGURES if module(name).NEEDS[0].partition("/")[0] not in LONG]
    assert "grand" not in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", VERDICTS)
def test_a_users_estimator_has_its_row_of_verdicts(name, drawn):
    assert any(text.get_text().startswith(SHOWN) for ax in drawn[name].axes for text in ax.get_yticklabels())


def test_a_users_estimator_of_no_model_stands_in_every_row_of_panels(drawn):
    assert all(len(by_gid(ax, f"points {NAME}").get_offsets()) for ax in drawn["distance_coverage_uniform"].axes)


def test_looks_are_the_same_in_every_table_and_differ_between_methods(tables):
    lined = (table for name, table in tables.items() if name.endswith(("coverage", "summary")) and name.split("/")[0] not in LONG)
    found = {style.looks(table)[NAME] for table in lined}
    everyone = style.legend_order(style.looks(tables["icip/summary"]))
    assert len(found) == 1
    assert len({look.colour for look in everyone}) == len({look.marker for look in everyone}) == len(everyone) > 4


@pytest.mark.parametrize("label", ["$x^2", r"\frac{", "_hidden", "w" * 200, "two\nlines", "日本"])
@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")  # letters that the font lacks are boxes
def test_any_label_can_be_drawn(label, tables):
    summary = tables["icip/summary"]
    renamed = summary.assign(label=summary["label"].where(summary["estimator"] != NAME, label))
    figure = module("coverage_n_icip").draw({"icip/summary": renamed})
    figure.savefig(io.BytesIO(), format="png", dpi=40)
    texts = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert max(map(len, texts)) <= 50 and sum(text.startswith(style.plain(label)[:5]) for text in texts) == 1


def test_an_estimator_whose_areas_were_not_measured_is_left_out_of_areas_alone(tables):
    table = tables["icip/coverage"].copy()
    table.loc[table["estimator"] == NAME, ["volume_mean", "volume_mean_se", "unbounded"]] = np.nan
    table.loc[table["estimator"] == NAME, "volume_replicates"] = 0
    for name in ("distance_area_uniform", "boxes_uniform"):
        module(name).draw({"icip/coverage": table}).savefig(io.BytesIO(), format="png", dpi=40)
    caption = module("distance_area_uniform").caption({"icip/coverage": table})
    assert "nan" not in caption and LABEL not in caption


# The page, and tables as text


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.links += [given[name] for name in ("href", "src") if name in given]
        self.ids |= {given["id"]} if "id" in given else set()


@pytest.fixture(scope="module")
def page(results) -> Page:
    return Page((results / "index.html").read_text(encoding="utf-8"))


def test_every_link_of_the_page_leads_somewhere_and_nothing_leaves_it(page, results):
    assert len(page.links) > 3 * len(FIGURES)
    for link in page.links:
        assert link[1:] in page.ids if link.startswith("#") else (results / link).is_file(), link
    assert page.ids == set(FIGURES)
    assert "script" not in page.tags and "link" not in page.tags and "url(" not in page.text


def test_every_table_is_linked(page, results):
    written = {path.relative_to(results).as_posix() for path in results.glob("*/*.csv")} - {"figures/coverage_table.csv"}
    assert len(written) >= 8 and written <= set(page.links)


def test_a_users_label_is_text_on_the_page(page):
    assert "mine &lt;b&gt; &amp; 50 %, $x_1$" in page.text and LABEL not in page.text
    assert page.tags.count("b") == len(FIGURES)  # those that begin the captions


def test_the_page_is_readable_in_light_and_dark(page):
    assert "color-scheme: light dark" in page.text


def test_a_users_label_is_text_in_latex_and_csv(results):
    latex = (results / "figures" / "coverage_table.tex").read_text(encoding="utf-8")
    assert r"mine <b> \& 50 \%, \$x\_1\$" in latex and LABEL not in latex
    assert LABEL in set(pd.read_csv(results / "figures" / "coverage_table.csv")["estimator"])
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 1


@pytest.mark.parametrize(("text", "escaped"), [
    ("a_b", r"a\_b"), ("50 %", r"50 \%"), ("$x$", r"\$x\$"), ("{#&}", r"\{\#\&\}"),
    ("~^", r"\textasciitilde{}\textasciicircum{}"), ("\\", r"\textbackslash{}"), ("0.1\N{EN DASH}0.2", "0.1--0.2"),
])
def test_latex_prints_every_character_as_it_is(text, escaped):
    assert tabular.escape_latex(text) == escaped


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (1.2345, "1.23"), (45.64, "45.6"), (123.4, "123"), (12345.0, "12,300"),
                                             (99.96, "100"), (0.01234, "0.0123")])
def test_numbers_have_three_digits_and_no_exponent(value, text):
    assert words.number(value) == text


# The axis of coverage


@pytest.mark.parametrize("least", [0.0, 0.005, 0.15, 0.36, 0.66, 0.844, 0.899, 0.93])
def test_the_axis_holds_all_coverages_and_gives_most_of_its_height_to_the_upper_ones(least):
    ax = Figure().add_subplot()
    panels.coverage_axis(ax, least)
    to_height = ax.get_yaxis_transform() - ax.transAxes
    height = {c: float(to_height.transform((0.0, c))[1]) for c in (least, 0.9, 1.0)}
    rising = [to_height.transform((0.0, c))[1] for c in np.linspace(least, 1.0, 50)]
    assert 0.0 < height[least] < height[1.0] < 1.0 and np.all(np.diff(rising) > 0)
    assert height[1.0] - height[0.9] > 0.6
    assert ax.get_yticks()[0] >= ax.get_ylim()[0] and 0.95 in ax.get_yticks()
    # what lies below 0.9 is not squeezed into a line either: 0.05 below it can be seen, whatever the bottom is
    if least < 0.9:
        assert height[0.9] - float(to_height.transform((0.0, 0.85))[1]) > 0.017
