"""Mean coverage of every estimator of the ICIP study against the number of fiducials."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from .. import against_n, panels, style, words
from ..asked import LEVEL, asked, kinds

TITLE = "Coverage against the number of fiducials: the ICIP study"
NEEDS = ("icip/summary",)


@style.styled
def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """A row for each question, a column for each truth and layout."""
    summary = tables["icip/summary"]
    found, questions = style.looks(summary), kinds(summary)
    columns = list(summary[["truth", "layout"]].drop_duplicates().itertuples(index=False, name=None))
    drawn, axes = panels.grid(len(questions), len(columns), style.PAGE, 20.0 + 46.0 * len(questions), sharex=True, sharey=True)
    for row, kind in zip(axes, questions, strict=True):
        rows = asked(summary, kind)
        for ax, (truth, layout) in zip(row, columns, strict=True):
            places = against_n.count_axis(ax, summary["n"])
            panels.coverage_axis(ax, float(summary["coverage_mean_low"].min()))
            panels.nominal(ax, LEVEL, float(rows["replicates"].max()), float(rows["margin"].iloc[0]))
            inside = rows[(rows["truth"] == truth) & (rows["layout"] == layout)]
            against_n.lines(ax, inside, found, places, hollow=("affine",))
        panels.name_row(row[-1], kind)
    for ax, (truth, layout) in zip(axes[0], columns, strict=True):
        ax.set_title(f"{truth} truth, {layout}")
    panels.name_outer(axes, "fiducials n", "mean coverage")
    models = [style.Look("", f"{model} model", style.GREY, "o").handle(linestyle=line, markerfacecolor=face)
              for model, line, face in (("rigid", "-", style.GREY), ("affine", (0, (2, 1.5)), "white"))]
    methods = [look.handle() for look in style.legend_order(found)]
    panels.legend(drawn, [*methods, *models, *panels.nominal_handles(margin=True)], 5)
    return drawn


def caption(tables: Mapping[str, pd.DataFrame]) -> str:
    """The band, the margin, and the spans of coverage with the right model for each question."""
    summary = tables["icip/summary"]
    found, first = style.looks(summary), asked(summary)
    right = summary[summary["model"] == summary["truth"]]
    return " ".join([
        f"Mean coverage over {words.count(summary['targets'].max())} targets of {words.percent(LEVEL)} regions against "
        f"the number of fiducials, with its 99 % interval; "
        f"{words.count(first['replicates'].max())} replicates. Margin declared beforehand: "
        f"{first['margin'].iloc[0]:g}.",
        words.band(LEVEL, float(first["replicates"].max())), words.WIDEST, words.STRETCHED,
        *(f"With the right model, {kind}: {words.by_method(asked(right, kind), found)}." for kind in kinds(summary)),
    ])
