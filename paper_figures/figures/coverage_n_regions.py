"""Coverage of every method of the second study against the number of fiducials, at its strongest noise."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from .. import against_n, panels, style, words
from ..asked import LEVEL, asked

TITLE = "Coverage against the number of fiducials: random layouts, strong noise"
NEEDS = ("regions/summary",)
LAYOUT = "random"


@style.styled
def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """A row for each dimension, a column for each family."""
    rows, found = _shown(tables["regions/summary"]), style.looks(tables["regions/summary"])
    dimensions, families = sorted(rows["dimension"].unique()), list(rows["family"].unique())
    drawn, axes = panels.grid(len(dimensions), len(families), style.PAGE, 20.0 + 42.0 * len(dimensions), sharey=True)
    for line, dimension in zip(axes, dimensions, strict=True):
        for ax, family in zip(line, families, strict=True):
            cell = rows[(rows["dimension"] == dimension) & (rows["family"] == family)]
            places = against_n.count_axis(ax, cell["n"])
            panels.coverage_axis(ax, float(rows["coverage_mean_low"].min()))
            panels.nominal(ax, LEVEL, float(rows["replicates"].max()), float(rows["margin"].iloc[0]))
            against_n.lines(ax, cell, found, places)
        panels.name_row(line[-1], f"{dimension}D")
    for ax, family in zip(axes[0], families, strict=True):
        ax.set_title(f"{family} model")
    panels.name_outer(axes, "fiducials n", "coverage")
    panels.legend(drawn, [*(look.handle() for look in style.legend_order(found)), *panels.nominal_handles(margin=True)], 4)
    return drawn


def caption(tables: Mapping[str, pd.DataFrame]) -> str:
    """The noise, the band, the margin, and the span of each method."""
    rows = _shown(tables["regions/summary"])
    return " ".join([
        f"Coverage of {words.percent(LEVEL)} regions {words.KINDS[rows['kind'].iloc[0]]} against the number of "
        f"fiducials, with its 99 % interval; noise {rows['noise'].iloc[0]:g} of the fiducials' spread in both spaces, "
        f"a new random layout for each of "
        f"{words.count(rows['replicates'].max())} replicates, {words.count(rows['targets'].max())} targets each. Margin "
        f"declared beforehand: {rows['margin'].iloc[0]:g}.",
        words.band(LEVEL, float(rows["replicates"].max())), words.WIDEST, words.STRETCHED,
        f"Span over all n, families and dimensions: {words.by_method(rows, style.looks(rows))}.",
    ])


def _shown(summary: pd.DataFrame) -> pd.DataFrame:
    rows = asked(summary[summary["layout"] == LAYOUT])
    return rows[rows["noise"] == rows["noise"].max()]
