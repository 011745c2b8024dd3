"""The figure of the tests of deformation, drawn from a quick study."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from paper_figures import rejections, sizes_and_power, style
from validation.deformation.cells import study
from validation.deformation.running import run

REPLICATES = 30


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> pd.DataFrame:
    return run(replace(study(quick=True), replicates=REPLICATES), tmp_path_factory.mktemp("deformation"), 1)


@pytest.fixture(scope="module")
def drawn(table) -> Figure:
    return sizes_and_power.draw(dict.fromkeys(sizes_and_power.NEEDS, table))


def with_gid(ax, gid: str) -> list:
    return [artist for artist in ax.get_children() if (artist.get_gid() or "").startswith(gid)]


def by_gid(ax, gid: str):
    return next(artist for artist in ax.get_children() if artist.get_gid() == gid)


def test_it_fits_a_page_with_letters_that_can_be_read(drawn):
    width, height = 25.4 * drawn.get_size_inches()
    assert math.isclose(width, style.PAGE) and height < 247.0
    assert min(text.get_fontsize() for text in drawn.findobj(mpl.text.Text) if text.get_text()) >= style.SMALL
    with style.settings():
        drawn.draw_without_rendering()
        box = drawn.get_tightbbox()
    assert box.x0 > -0.01 and box.y0 > -0.01 and box.x1 < width / 25.4 + 0.01 and box.y1 < height / 25.4 + 0.01


def test_every_panel_shows_the_level_and_sizes_their_margin(drawn):
    assert len(drawn.axes) == 9
    for i, ax in enumerate(drawn.axes):
        assert list(with_gid(ax, "nominal")[0].get_ydata()) == [0.05, 0.05]
        assert [line.get_ydata()[0] for line in with_gid(ax, "margin")] == pytest.approx([0.04, 0.06] if i < 5 else [])
        assert (len(with_gid(ax, "band")) == 1) == (i < 5)
        assert ax.get_title() and with_gid(ax, "test")


def test_dots_stand_where_the_table_says(drawn, table):
    rows = rejections.shown(table)
    rows = rows[(rows["block"] == "few pairs") & (rows["dimension"] == 2) & (rows["test"] == "chi2")].sort_values("n")
    line = by_gid(drawn.axes[0], "test chi2")
    assert np.allclose(line.get_ydata(), rows["rejected"].clip(0.008)) and len(rows) == len(drawn.axes[0].get_xticks())
    power = rejections.shown(table)
    power = power[(power["block"] == "power") & (power["dimension"] == 2) & (power["n"] == 10) & (power["test"] == "F")]
    curve = by_gid(drawn.axes[5], "test F")
    assert np.allclose(curve.get_xydata(), power.sort_values("stretch")[["stretch", "rejected"]].to_numpy() * [100.0, 1.0])


def test_every_test_shown_is_named_in_the_legend(drawn, table):
    names = [text.get_text() for legend in drawn.legends for text in legend.get_texts()]
    assert names[:len(rejections.present(table))] == [rejections.LOOKS[test].label for test in rejections.present(table)]
    looks = [(look.colour, look.marker, test in rejections.HOLLOW) for test, look in rejections.LOOKS.items()]
    assert len({look for look, test in zip(looks, rejections.LOOKS, strict=True) if ", mean" not in test}) == len(looks) - 2


def test_numbers_of_the_caption_are_those_of_the_table(table):
    caption = sizes_and_power.caption({"deformation/rejections": table})
    assert caption.endswith(".") and "nan" not in caption
    assert int(re.search(r"Share of (\d+) replicates", caption)[1]) == REPLICATES  # type: ignore[index]
    few = rejections.shown(table).query("block == 'few pairs' and test == 'chi2'")["rejected"]
    assert f"chi-square {few.min():.3f} to {few.max():.3f}" in caption
    assert sizes_and_power.caption({"deformation/rejections": table.assign(rejected=0.9 * table["rejected"])}) != caption
