"""Box plots over targets: rigid beside affine models, n by n, coverage above and area below."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import panels, style, words
from .by_distance import AREA, COVERAGE, MODELS, Quantity, rows_of

_OTHER = "other"


def draw(table: pd.DataFrame, layout: str) -> Figure:
    """A page-wide figure of one layout: a column for each truth."""
    rows, found = _clustered(rows_of(table, layout)), style.looks(table)
    truths = list(rows["truth"].unique())
    drawn, axes = panels.grid(2, len(truths), style.PAGE, 118.0, sharex=True, sharey="row")
    for column, truth in enumerate(truths):
        inside = rows[rows["truth"] == truth]
        for ax, quantity in zip(axes[:, column], (COVERAGE, AREA), strict=True):
            _boxes(ax, inside, rows, quantity, found)
        axes[0, column].set_title(f"{truth} truth")
        _name_counts(axes[1, column], inside)
    for ax, label in zip(axes[:, 0], ("coverage", "mean area (px²)"), strict=True):
        ax.set_ylabel(label)
    marks = [_patch(look) for look in style.legend_order(found)]
    panels.legend(drawn, [*marks, *panels.nominal_handles()], 6)
    return drawn


def caption(coverage: pd.DataFrame, layout: str) -> str:
    """How boxes are made, the band, and the median area of affine regions over that of rigid ones."""
    rows = rows_of(coverage, layout)
    level, replicates = float(rows["level"].iloc[0]), float(rows["replicates"].max())
    return " ".join([
        f"Coverage and mean area of {words.percent(level)} regions {words.KINDS[rows['kind'].iloc[0]]}, over "
        f"{words.count(rows['target'].nunique())} targets, n {layout} fiducials, {words.count(replicates)} replicates. "
        "Boxes: quartiles and median; whiskers: the last target within 1.5 times the height of the box; dots: targets beyond. "
        "Areas are on a logarithmic scale.",
        words.band(level, replicates), words.STRETCHED,
        *(f"Median area of published regions, {truth} truth, n = {n}: "
          f"{words.listed(f'{model} {words.number(area)}' for model, area in areas.items())} px²."
          for (truth, n), areas in _published_areas(rows)),
    ])


def _published_areas(rows: pd.DataFrame) -> list[tuple[tuple[str, int], pd.Series]]:
    published = [name for name, look in style.looks(rows).items() if look.key == "published"]
    few = rows[rows["estimator"].isin(published) & (rows["n"] == rows["n"].min())]
    median = few.groupby(["truth", "n", "model"], sort=False)["volume_mean"].median()
    return [((str(truth), int(n)), areas.droplevel([0, 1])) for (truth, n), areas in median.groupby(level=[0, 1], sort=False)]


def _clustered(rows: pd.DataFrame) -> pd.DataFrame:
    """With the name of the cluster that a row belongs to, in the order in which they stand; what is of no model comes last."""
    found = style.looks(rows)
    model = rows["model"].where(rows["model"].isin(MODELS), _OTHER)
    order = {name: i for i, name in enumerate([*MODELS, _OTHER])}
    out = rows.assign(cluster=model, key=rows["estimator"].map(lambda name: found[name].key))
    return out.assign(place=out["n"].astype(str) + " " + model).sort_values(
        ["n", "cluster"], key=lambda column: column.map(order) if column.name == "cluster" else column, kind="stable")


def _boxes(ax: Axes, inside: pd.DataFrame, rows: pd.DataFrame, quantity: Quantity, found: dict[str, style.Look]) -> None:
    order, places = style.legend_order(found), list(rows["place"].unique())
    quantity.dress(ax, rows)
    seaborn.boxplot(
        inside, x="place", y=quantity.column, order=places, hue="key", hue_order=[look.key for look in order],
        palette={look.key: look.colour for look in order}, ax=ax, legend=False, fill=False, width=0.86, gap=0.2, linewidth=0.8,
        fliersize=1.2, log_scale=(False, quantity is AREA), zorder=3)
    ax.set(xlabel="", ylabel="")
    for i in range(1, len(places)):
        if places[i].split(" ")[0] != places[i - 1].split(" ")[0]:
            ax.axvline(i - 0.5, color=style.LINE, lw=0.4, zorder=0)


def _name_counts(ax: Axes, rows: pd.DataFrame) -> None:
    """Models under the boxes, and n under the models."""
    places = list(rows["place"].unique())
    ax.set_xticks(range(len(places)), [place.split(" ", 1)[1] for place in places])
    for n in rows["n"].unique():
        under = [i for i, place in enumerate(places) if place.startswith(f"{n} ")]
        ax.annotate(f"n = {n}", (float(np.mean(under)), 0.0), xycoords=("data", "axes fraction"), xytext=(0, -13),
                    textcoords="offset points", ha="center", va="top", fontsize=style.TEXT)


def _patch(look: style.Look) -> object:
    return look.handle(marker="s", markersize=4.5, markerfacecolor="none", markeredgewidth=0.9)
