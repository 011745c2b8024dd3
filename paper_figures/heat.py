"""Heat maps of verdicts: estimators down, scenarios across."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from . import style, words

_NAMES = list(style.VERDICTS)
_NAMED = {"dimension": "{}D", "truth": "{} truth"}
_ROOM = 0.06  # share of the width that "n = 100" takes
_COLOURS = ListedColormap([colour for colour, _ in style.VERDICTS.values()])


def scenarios(rows: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """The scenarios in the order in which they stand across: their labels, by scenario."""
    names = ["scenario", *labels]
    return rows[names].drop_duplicates("scenario").set_index("scenario")


def cells(ax: Axes, rows: pd.DataFrame, columns: pd.DataFrame, *, written: bool) -> None:
    """A coloured cell for every verdict; rows are estimators, and questions where there are several.

    Parameters
    ----------
    ax : Axes
    rows : rows of a summary
    columns : as made by `scenarios`
    written : whether to write the mean coverage into each cell
    """
    keys = list(rows[["estimator", "label", "kind"]].drop_duplicates().itertuples(index=False, name=None))
    table = rows.set_index(["estimator", "kind", "scenario"])
    index = pd.MultiIndex.from_tuples([(estimator, kind, s) for estimator, _, kind in keys for s in columns.index])
    shown = table.reindex(index)
    shape = (len(keys), len(columns))
    codes = shown["verdict"].map({name: i for i, name in enumerate(_NAMES)}).to_numpy(float).reshape(shape)
    ax.pcolormesh(codes, cmap=_COLOURS, vmin=-0.5, vmax=len(_NAMES) - 0.5, edgecolors="white",
                  linewidth=0.6 if written else 0.2, gid="cells")
    ax.set_ylim(len(keys), 0)
    _rules(ax, columns)
    several = rows["kind"].nunique() > 1
    ax.set_yticks([i + 0.5 for i in range(len(keys))],
                  [f"{style.plain(label)}, {kind}" if several else style.plain(label) for _, label, kind in keys])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    if written:
        _write(ax, shown, shape)


def name_columns(ax: Axes, columns: pd.DataFrame, depth: int | None = None) -> None:
    """Names of the scenarios under the cells: the last label nearest.

    Parameters
    ----------
    ax : Axes
    columns : as made by `scenarios`
    depth : how many labels to write; all of them by default
    """
    labels = [str(label) for label in columns][: depth or columns.shape[1]]
    ax.set_xticks([])
    for step, label in enumerate(reversed(labels)):
        for start, stop, value in _runs(columns[labels[: labels.index(label) + 1]]):
            ax.annotate(_name(label, value, (stop - start) / len(columns)), ((start + stop) / 2, 0.0), ha="center", va="top",
                        xycoords=("data", "axes fraction"), xytext=(0, -3.0 - 8.5 * step), textcoords="offset points",
                        fontsize=style.SMALL)


def legend(drawn: Figure) -> None:
    """The four verdicts, under the figure."""
    handles = [Patch(color=colour, label=name) for name, (colour, _) in style.VERDICTS.items()]
    drawn.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def caption(summary: pd.DataFrame, level: float, more: str) -> str:
    """The margin, what the verdicts mean, and how many of each kind each estimator got."""
    rows = summary[summary["level"] == level]
    counts = rows.groupby("label", sort=False)["verdict"].value_counts().unstack(fill_value=0)
    told = [f"{label} {row.get('covers', 0)} of {row.sum()}" for label, row in counts.iterrows()]
    return (f"Verdicts on the mean coverage of {words.percent(level)} regions: covers, when a deviation of the declared margin "
            f"{rows['margin'].iloc[0]:g} or more is rejected on both sides; under- or over-covers, when a deviation "
            f"within it is rejected; undecided, when {words.count(rows['replicates'].max())} replicates do not tell. "
            f"{more} Covers: {'; '.join(told)}.")


def _name(label: str, value: object, room: float) -> str:
    """What a label is called, in the share of the width that it has."""
    if label in _NAMED:
        return _NAMED[label].format(value)
    return f"n = {value}" if label == "n" and room > _ROOM else f"{value}"


def _runs(labels: pd.DataFrame) -> Iterator[tuple[int, int, object]]:
    """Where equal labels stand side by side: first, past the last, and the value of the last label."""
    start = 0
    values = list(labels.itertuples(index=False, name=None))
    for i in range(1, len(values) + 1):
        if i == len(values) or values[i] != values[start]:
            yield start, i, values[start][-1]
            start = i


def _rules(ax: Axes, columns: pd.DataFrame) -> None:
    """White rules between groups of scenarios: the wider, the earlier the label."""
    for depth in range(1, columns.shape[1]):
        for start, _, _ in list(_runs(columns.iloc[:, :depth]))[1:]:
            ax.axvline(start, color="white", lw=1.6 ** (columns.shape[1] - 1 - depth), zorder=3)


def _write(ax: Axes, shown: pd.DataFrame, shape: tuple[int, int]) -> None:
    for place, (verdict, mean) in enumerate(zip(shown["verdict"], shown["coverage_mean"], strict=True)):
        if isinstance(verdict, str):
            ax.text(place % shape[1] + 0.5, place // shape[1] + 0.5, words.share(mean), ha="center", va="center",
                    fontsize=style.SMALL, color=style.VERDICTS[verdict][1])
