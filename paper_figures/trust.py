"""Heat maps of the grand study: estimators down, kinds of scenario across, one colour for a whole kind of scenario.

A column gathers scenarios that differ in the number of fiducials and in noise. Its colour of coverage is that of the scenario
that lies furthest from nominal, after the 99 % interval has been given its due: what counts is the end of the interval that lies
nearest to nominal, so few replicates make a map pale, never alarming.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from . import style, words

NAMES = 47.0  # mm: room for names of estimators
_ROW, _FEET, _HEAD, _LEGEND, _TITLE, _GAP = 2.75, 34.0, 6.0, 11.0, 4.2, 2.0  # mm
_PAGE = 245.0  # mm: the tallest map
_EDGE = "0.78"
_CANNOT, _OPEN = "cannot be used", "most regions unbounded"
_MOST = 0.5  # share of unbounded regions


@dataclass(frozen=True)
class Scale:
    """Classes of a number and their colours.

    Attributes
    ----------
    edges : tuple of float
        Between classes, ascending; a number on an edge belongs to the class nearer to the first one called good.
    names, colours : tuples, one more than edges
    """

    edges: tuple[float, ...]
    names: tuple[str, ...]
    colours: tuple[str, ...]

    def place(self, values: np.ndarray) -> np.ndarray:
        """Number of the class of each value."""
        return np.searchsorted(self.edges, values, side="left")


def coverage_scale(margin: float) -> Scale:
    """Departures from nominal: orange where regions are too small, violet where too large, pale where they cover."""
    return Scale((-0.10, -0.03, -margin, margin, 0.03),
                 ("too small by more than 0.10", "by 0.03 to 0.10", f"by {margin:g} to 0.03", f"within {margin:g}, or undecided",
                  f"too large by {margin:g} to 0.03", "by more than 0.03"),
                 ("#7F3B08", "#D9730D", "#FDC98A", "#F3F3F0", "#B5AED4", "#542788"))


SIZES = Scale((0.8, 1.25, 2.0, 4.0, 10.0, 1e300),
              ("below 0.8", "0.8 to 1.25", "1.25 to 2", "2 to 4", "4 to 10", "above 10", "unbounded"),
              ("#FDC98A", "#F3F3F0", "#C9DCEA", "#86B4D5", "#3F7FB5", "#1B4B7F", "#111111"))


def departures(rows: pd.DataFrame) -> pd.Series:
    """Coverage minus nominal as far as it is sure: 0 where the 99 % interval holds the nominal level; NaN without a fit."""
    low, high = rows["coverage_mean_low"] - rows["level"], rows["coverage_mean_high"] - rows["level"]
    sure = np.where(low > 0, low, np.where(high < 0, high, 0.0))
    return pd.Series(np.where(rows["failed"] == 1.0, np.nan, sure), rows.index)


def columns(summary: pd.DataFrame) -> pd.DataFrame:
    """The columns of a map in their order: dimension, block, case, layout, and what is written below."""
    keys = ["dimension", "block", "case", "layout"]
    found = summary[keys].drop_duplicates().reset_index(drop=True)
    order = {name: i for i, name in enumerate(dict.fromkeys(summary["block"]))}
    rank = found.assign(block=found["block"].map(order)).groupby(["dimension", "block"], sort=True).ngroup()
    found = found.assign(rank=rank).sort_values("rank", kind="stable", ignore_index=True)
    first = found["block"] == next(iter(order), "")
    where = [f"n: {case}, {layout}" if of_n else f"{block}: {case}"
             for of_n, block, case, layout in zip(first, found["block"], found["case"], found["layout"], strict=True)]
    return found.drop(columns="rank").assign(text=where)


def worst(rows: pd.DataFrame) -> float:
    """The departure furthest from nominal of the scenarios of one column; NaN when none of them has a fit."""
    known = departures(rows).dropna()
    return float("nan") if known.empty else float(known.iloc[int(np.argmax(np.abs(known)))])


def middle(rows: pd.DataFrame) -> float:
    """The median size of a column's scenarios, infinite when most are; NaN without any fit, -inf when none was measured."""
    sizes = rows["size"].dropna().sort_values()
    if sizes.empty:
        return float("nan") if (rows["failed"] == 1.0).all() else -np.inf
    return float(sizes.iloc[(len(sizes) - 1) // 2])


def unbounded(rows: pd.DataFrame) -> float:
    """The largest share of unbounded regions among the scenarios of one column; 0 where none was measured."""
    shares = rows["unbounded"].dropna()
    return 0.0 if shares.empty else float(shares.max())


_FINDERS = {"coverage": worst, "size": middle, "unbounded": unbounded}


def draw(rows: pd.DataFrame, number: str, scale: Scale) -> Figure:
    """A page: a block of rows for each family, dimensions side by side.

    Parameters
    ----------
    rows : rows of the summary of one kind at one level
    number : {"coverage", "size"}
    scale : Scale
    """
    across = columns(rows)
    families = [family for _, family in rows.groupby("family", sort=False)]
    heights = [family["estimator"].nunique() for family in families]
    around = _HEAD + _FEET + _LEGEND + _TITLE * len(families)
    row = min(_ROW, (_PAGE - around) / sum(heights))
    height = around + sum(heights) * row
    drawn = style.figure(style.PAGE, height)
    drawn.set_layout_engine("none")
    dimensions = list(dict.fromkeys(across["dimension"]))
    widths = _widths([int((across["dimension"] == d).sum()) for d in dimensions])
    top = height - _HEAD
    for family, count in zip(families, heights, strict=True):
        top -= _TITLE
        for i, dimension in enumerate(dimensions):
            ax = drawn.add_axes((widths[i][0] / style.PAGE, (top - count * row) / height, widths[i][1] / style.PAGE,
                                 count * row / height))
            part = across[across["dimension"] == dimension]
            _panel(ax, family, part, number, scale)
            if i == 0:
                _name_rows(ax, family)
            if family is families[0]:
                ax.annotate(f"{dimension}D", (0.5, 1.0), xytext=(0, 16), xycoords="axes fraction", textcoords="offset points",
                            ha="center", va="bottom", weight="bold")
            if family is families[-1]:
                _name_columns(ax, part)
        top -= count * row
    _legend(drawn, scale, height, number)
    return drawn


def _widths(counts: Sequence[int]) -> list[tuple[float, float]]:
    """Left edge and width of each panel, mm."""
    each = (style.PAGE - NAMES - 1.0 - _GAP * (len(counts) - 1)) / sum(counts)
    lefts = np.cumsum([NAMES, *(each * count + _GAP for count in counts[:-1])])
    return [(float(left), each * count) for left, count in zip(lefts, counts, strict=True)]


def cells(rows: pd.DataFrame, across: pd.DataFrame, number: str) -> np.ndarray:
    """Values (estimators, columns); NaN where an estimator cannot be used, minus infinity where it was not asked."""
    find = _FINDERS[number]
    keys = ["estimator", *across.columns.drop("text")]
    found = {key: find(group) for key, group in rows.groupby(keys, sort=False)}
    names = rows["estimator"].drop_duplicates()
    places = list(across.drop(columns="text").itertuples(index=False, name=None))
    return np.array([[found.get((name, *place), -np.inf) for place in places] for name in names])


def _panel(ax: Axes, rows: pd.DataFrame, across: pd.DataFrame, number: str, scale: Scale) -> None:
    values = cells(rows, across, number)
    ax.set_xlim(0, values.shape[1])
    ax.set_ylim(values.shape[0], 0)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            ax.add_patch(Rectangle((column, row), 1, 1, fc="0.88", ec=_EDGE, lw=0.3, hatch="//////"))
        elif value > -np.inf:
            colour = scale.colours[int(scale.place(np.array(value)))]
            ax.add_patch(Rectangle((column, row), 1, 1, fc=colour, ec=_EDGE, lw=0.3, gid=f"cell {row} {column}"))
    if number == "coverage":
        open_rows, open_columns = np.nonzero(cells(rows, across, "unbounded") > _MOST)
        ax.plot(open_columns + 0.5, open_rows + 0.5, ls="none", marker="o", ms=1.5, mew=0.3, mfc="white", mec="black", gid="open")
    blocks = across["block"].to_numpy()
    for edge in np.flatnonzero(blocks[1:] != blocks[:-1]) + 1:
        ax.axvline(float(edge), color=style.INK, lw=0.7, clip_on=False)


def _name_rows(ax: Axes, rows: pd.DataFrame) -> None:
    family = str(rows["family"].iloc[0])
    ax.annotate(f"{family} models", (0.0, 1.0), xytext=(-NAMES * 72 / style.INCH + 2, 2.5), xycoords="axes fraction",
                textcoords="offset points", ha="left", va="bottom", weight="bold")
    labels = rows[["estimator", "label"]].drop_duplicates("estimator")["label"]
    for i, label in enumerate(labels):
        text = style.fitted(str(label).removeprefix(f"{family}, "), NAMES - 3.0)
        ax.annotate(text, (0.0, i + 0.5), xytext=(-3, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                    ha="right", va="center", fontsize=style.SMALL)


def _name_columns(ax: Axes, across: pd.DataFrame) -> None:
    for i, text in enumerate(across["text"]):
        ax.annotate(style.fitted(str(text), _FEET - 2.0), (i + 0.5, 0.0), xytext=(0, -2.5), xycoords=("data", "axes fraction"),
                    textcoords="offset points", ha="center", va="top", rotation=90, fontsize=style.SMALL)


def _legend(drawn: Figure, scale: Scale, height: float, number: str) -> None:
    handles: list[Artist] = [Patch(fc=colour, ec=_EDGE, lw=0.4, label=name)
                             for name, colour in zip(scale.names, scale.colours, strict=True)]
    handles.append(Patch(fc="0.88", ec="0.5", lw=0.3, hatch="//////", label=_CANNOT))
    if number == "coverage":
        handles.append(Line2D([], [], ls="none", marker="o", ms=1.5, mew=0.3, mfc="white", mec="black", label=_OPEN))
    drawn.legend(handles=handles, loc="lower center", ncols=4, bbox_to_anchor=(0.5, 1.5 / height))


def coverage_caption(rows: pd.DataFrame, kind: str) -> str:
    """What a colour means, the size of the run, and in how many scenarios the default of each family covers."""
    level, margin = float(rows["level"].iloc[0]), float(rows["margin"].iloc[0])
    default = _default(rows)
    counts = default.groupby("family", sort=False)["verdict"].value_counts().unstack(fill_value=0)
    covers = "; ".join(f"{family} {row.get('covers', 0)} of {row.sum()}" for family, row in counts.iterrows())
    return (f"Mean coverage of {words.percent(level)} regions {words.KINDS[kind]}, minus nominal; {size_of_run(rows)}. A column "
            f"gathers scenarios of several numbers of fiducials and noises, and has the colour of the one furthest from nominal, "
            f"by the end of its 99 % interval nearest to nominal; declared margin {margin:g}. Blank: not asked. Dots: in a "
            f"scenario of the column most regions are unbounded. Scenarios whose verdict is that the default covers: {covers}. "
            f"Mean coverage of the default where its model is right: {_spans(default, 'coverage_mean', words.share)}.")


def size_caption(rows: pd.DataFrame, kind: str) -> str:
    """What a size is, the size of the run, and how the default's compares with the oracle's."""
    level = float(rows["level"].iloc[0])
    return (f"Size of {words.percent(level)} regions {words.KINDS[kind]}: the d-th root of their content over that of an oracle, "
            f"who knows the covariance of the estimate (Cramer-Rao) and of the noise; medians over targets and "
            f"{size_of_run(rows)}, regions without a closed form on the first ones. A column has the colour of its median "
            f"scenario; blank: not asked, or not measured. Small sizes are no merit where regions do not cover. Median size of "
            f"the default where its model is right: {_spans(_default(rows), 'size', _sized)}.")


def _default(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["label"].str.contains("(default)", regex=False)]


def _spans(default: pd.DataFrame, column: str, said: Callable[[float], str]) -> str:
    """The span of a column for each family, in the first block, where everything is as assumed."""
    right = default[default["block"] == default["block"].iloc[0]].dropna(subset=column)
    return "; ".join(f"{family} {said(part[column].min())} to {said(part[column].max())}"
                     for family, part in right.groupby("family", sort=False))


def _sized(size: float) -> str:
    return "unbounded" if np.isinf(size) else words.number(size)


def size_of_run(rows: pd.DataFrame) -> str:
    """``10,000 replicates``, and on how many the slowest estimators were run."""
    most, least = words.count(rows["replicates"].max()), words.count(rows["replicates"].min())
    return f"{most} replicates" + ("" if most == least else f" ({least} of them for estimators that resample)")


def shown(tables: Mapping[str, pd.DataFrame], kind: str, level: float) -> pd.DataFrame:
    """The rows of the grand study of one kind at one level."""
    summary = tables["grand/summary"]
    return summary[(summary["kind"] == kind) & (summary["level"] == level)]
