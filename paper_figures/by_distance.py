"""Panels of one quantity of every target against its distance to the nearest fiducial: n by truth and model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from . import panels, style, words
from .asked import asked

MODELS = ("rigid", "affine")
_SIZES = {"published": 9.0, "likelihood-ratio": 5.5, "score": 1.6}  # nested, so that methods which agree can all be seen
_FILLED = ("score",)
# which multiples of powers of ten are written on an axis of more than so many decades
_BETWEEN = ((3.0, (1.0,)), (1.0, (1.0, 3.0)), (0.5, (1.0, 2.0, 3.0, 5.0)), (0.0, tuple(map(float, range(1, 10)))))


@dataclass(frozen=True)
class Quantity:
    """What stands on the vertical axis.

    Attributes
    ----------
    column : str
        Of the coverage table.
    dress : callable
        Gives axes their scale, from the axes and the rows that share it.
    shared : {"all", "row"}
        Whether all panels or those of a row have one scale.
    """

    column: str
    dress: Callable[[Axes, pd.DataFrame], None]
    shared: Literal["all", "row"]


def coverage(ax: Axes, rows: pd.DataFrame) -> None:
    """Axis of coverage with the nominal level and its band."""
    panels.coverage_axis(ax, float(rows["coverage"].min()))
    panels.nominal(ax, float(rows["level"].iloc[0]), float(rows["replicates"].max()))


def area(ax: Axes, rows: pd.DataFrame) -> None:
    """Logarithmic axis of area, with numbers as close as its length allows."""
    decades = math.log10(rows["volume_mean"].max() / rows["volume_mean"].min())
    between = next(numbers for above, numbers in _BETWEEN if decades > above or above == 0.0)
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=between))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.9g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


COVERAGE, AREA = Quantity("coverage", coverage, "all"), Quantity("volume_mean", area, "row")


def rows_of(table: pd.DataFrame, layout: str) -> pd.DataFrame:
    """The rows that such a figure shows: those of one layout, about what a held-out bead shows."""
    return asked(table[table["layout"] == layout])


def draw(table: pd.DataFrame, layout: str, quantity: Quantity, label: str) -> Figure:
    """A page-wide figure of one layout; estimators that belong to no model are in the rows of both."""
    rows, found = rows_of(table, layout), style.looks(table)
    cells = [(truth, model) for truth in rows["truth"].unique() for model in MODELS]
    counts = sorted(rows["n"].unique())
    drawn, axes = panels.grid(len(cells), len(counts), style.PAGE, 31.0 * len(cells) + 20.0, sharex=True, sharey=quantity.shared)
    for row, (truth, model) in zip(axes, cells, strict=True):
        shown = rows[(rows["truth"] == truth) & _belongs(rows, model)]
        for ax, n in zip(row, counts, strict=True):
            quantity.dress(ax, rows if quantity.shared == "all" else shown)
            _points(ax, shown[shown["n"] == n], quantity.column, found)
        panels.name_row(row[-1], f"{truth} truth\n{model} model")
    for ax, n in zip(axes[0], counts, strict=True):
        ax.set_title(f"n = {n} fiducials")
    axes[0, 0].set_xlim(left=0.0)
    panels.name_outer(axes, "distance to the nearest fiducial (px)", label)
    marks = [_handle(look) for look in style.legend_order(found)]
    extra = panels.nominal_handles() if quantity is COVERAGE else []
    panels.legend(drawn, marks + extra, min(len(marks + extra), 6))
    return drawn


def _belongs(rows: pd.DataFrame, model: str) -> pd.Series:
    return (rows["model"] == model) | ~rows["model"].isin(MODELS)


def _points(ax: Axes, rows: pd.DataFrame, column: str, found: dict[str, style.Look]) -> None:
    for name, look in _back_to_front(found):
        mine = rows[rows["estimator"] == name]
        filled = look.key in _FILLED
        ax.scatter(mine["distance"], mine[column], s=_SIZES.get(look.key, 5.0), marker=look.marker, edgecolors=look.colour,
                   linewidths=0.0 if filled else 0.45, facecolors=look.colour if filled else "none", zorder=3, clip_on=False,
                   gid=f"points {name}")


def _back_to_front(found: dict[str, style.Look]) -> Iterator[tuple[str, style.Look]]:
    """Large markers first."""
    return iter(sorted(found.items(), key=lambda item: -_SIZES.get(item[1].key, 5.0)))


def _handle(look: style.Look) -> object:
    filled = look.key in _FILLED
    return look.handle(markersize=2.2 if filled else 3.2, markerfacecolor=look.colour if filled else "none")


def coverage_caption(coverage: pd.DataFrame, summary: pd.DataFrame, layout: str) -> str:
    """The band, and between which values the mean coverage of each method lies with the right and with the wrong model."""
    rows, means = rows_of(coverage, layout), rows_of(summary, layout)
    found = style.looks(coverage)
    return " ".join([
        f"Coverage of {_of_what(rows, layout)}; {words.count(rows['replicates'].max())} replicates.",
        words.band(float(rows["level"].iloc[0]), float(rows["replicates"].max())), words.STRETCHED,
        f"Mean over targets with the right model: {words.by_method(means[means['model'] == means['truth']], found)}.",
        *(f"Published regions of {model} models on {truth} truth: {words.span(group['coverage_mean'])}."
          for (truth, model), group in _published_elsewhere(means, found)),
    ])


def area_caption(coverage: pd.DataFrame, layout: str) -> str:
    """On how many replicates areas were taken, their largest relative Monte Carlo error, their range, and what is left out."""
    rows = rows_of(coverage, layout)
    taken = rows[rows["volume_replicates"] > 0]
    return " ".join([
        f"Mean area of {_of_what(rows, layout)}; from {words.number(taken['volume_mean'].min())} to "
        f"{words.number(taken['volume_mean'].max())} px²; each row of panels has a scale of its own. "
        "Bounded regions that were measured for each "
        f"mean, at least: {_measured(taken)}.",
        f"Largest relative Monte Carlo standard error, where several were: "
        f"{words.number(100 * (taken['volume_mean_se'] / taken['volume_mean']).max())} %.",
        f"Largest share of unbounded regions: {words.number(100 * rows['unbounded'].max())} %.",
    ])


def _measured(taken: pd.DataFrame) -> str:
    found = style.looks(taken)
    of = taken["estimator"].map(lambda name: found[name].key)
    least = taken.groupby(of)["volume_replicates"].min()
    return "; ".join(f"{look.label} {words.count(least[look.key])}" for look in style.legend_order(found))


def _of_what(rows: pd.DataFrame, layout: str) -> str:
    targets = words.count(rows["target"].nunique())
    return (f"{words.percent(float(rows['level'].iloc[0]))} regions {words.KINDS[rows['kind'].iloc[0]]}, one marker for "
            f"each of {targets} targets, against the distance to the nearest of n {layout} fiducials")


def _published_elsewhere(means: pd.DataFrame, found: dict[str, style.Look]) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """Published regions of one family where the truth is of the other."""
    published = [name for name, look in found.items() if look.key == "published"]
    wrong = means[means["estimator"].isin(published) & means["model"].isin(MODELS) & (means["model"] != means["truth"])]
    return [((str(truth), str(model)), rows) for (truth, model), rows in wrong.groupby(["truth", "model"], sort=True)]
