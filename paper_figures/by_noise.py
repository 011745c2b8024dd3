"""The second study, one family at a time: coverage against n, by question, dimension and noise, on layouts good and poor."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from . import against_n, panels, style, words
from .asked import LEVEL, asked, kinds

_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)))


def draw(summary: pd.DataFrame, family: str) -> Figure:
    """A page-wide figure: questions down, dimension and noise across, one line for each method and layout."""
    rows = summary[summary["family"] == family]
    found, layouts, questions = style.looks(rows), list(rows["layout"].unique()), kinds(rows)
    columns = [(d, s) for d in sorted(rows["dimension"].unique()) for s in sorted(rows["noise"].unique())]
    drawn, axes = panels.grid(len(questions), len(columns), style.PAGE, 24.0 + 40.0 * len(questions), sharex="col", sharey=True)
    least = float(rows.loc[rows["level"] == LEVEL, "coverage_mean_low"].min())
    for line, kind in zip(axes, questions, strict=True):
        for ax, (dimension, noise) in zip(line, columns, strict=True):
            cell = asked(rows[(rows["dimension"] == dimension) & (rows["noise"] == noise)], kind)
            places = against_n.count_axis(ax, cell["n"])
            panels.coverage_axis(ax, least)
            panels.nominal(ax, LEVEL, float(cell["replicates"].max()), float(cell["margin"].iloc[0]))
            for i, (layout, dashes) in enumerate(zip(layouts, _DASHES, strict=False)):
                against_n.lines(ax, cell[cell["layout"] == layout], found, places, dashes=dashes, part=(i, len(layouts)),
                                size=2.0, bar=0.4)
        panels.name_row(line[-1], kind)
    for ax, (dimension, noise) in zip(axes[0], columns, strict=True):
        ax.set_title(f"{dimension}D, noise {noise:g}")
    panels.name_outer(axes, "fiducials n", "coverage")
    layout_marks = [style.Look("", f"{layout} layout", style.GREY, "").handle(linestyle=dashes)
                    for layout, dashes in zip(layouts, _DASHES, strict=False)]
    methods = [look.handle() for look in style.legend_order(found)]
    panels.legend(drawn, [*methods, *layout_marks, *panels.nominal_handles(margin=True)], 5)
    return drawn


def caption(summary: pd.DataFrame, family: str) -> str:
    """The band, the margin, and the span of every method over all panels."""
    rows = summary[(summary["family"] == family) & (summary["level"] == LEVEL)]
    noises = words.listed(f"{noise:g}" for noise in sorted(rows["noise"].unique()))
    return " ".join([
        f"Coverage of {words.percent(LEVEL)} regions of {family} models against the number of fiducials, for the three "
        f"questions; noise {noises} of the fiducials' spread, in both spaces; "
        f"{words.count(rows['replicates'].max())} replicates. "
        f"Layouts: {words.listed(rows['layout'].unique())} ones (poorer than that share of random layouts). "
        f"Bars: 99 % intervals. Margin declared beforehand: {rows['margin'].iloc[0]:g}.",
        words.band(LEVEL, float(rows["replicates"].max())), words.WIDEST, words.STRETCHED,
        f"Span over all panels: {words.by_method(rows, style.looks(rows))}.",
    ])
