"""Pieces of figures about tests: how often each rejects, as dots with intervals, against categories or along a curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from . import panels, style
from .style import Look

LEVEL = 0.05
_SLOT = 0.66  # share of the room of a category that the dots of one take
_LEAST, _MOST = 0.008, 1.0
_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

# Hollow: tests that leave the covariance of the noise free, or are told groups
LOOKS = {
    "F": Look("F", "F", "#0072B2", "o"),
    "bootstrap": Look("bootstrap", "parametric bootstrap", "#CC79A7", "X"),
    "bartlett": Look("bartlett", "Bartlett", "#E69F00", "v"),
    "chi2": Look("chi2", "chi-square", "#D55E00", "^"),
    "wild": Look("wild", "wild F", "#009E73", "P"),
    "wild-t": Look("wild-t", "wild F, t weights", "#56B4E9", "s"),
    "iso/full, target": Look("iso/full, target", "iso/full of ec-CLEM", "#6E6E6E", "D"),
    "bartlett, both, any covariance": Look("bartlett, both, any covariance", "Bartlett, any covariance", "#E69F00", "v"),
    "chi2, both, any covariance": Look("chi2, both, any covariance", "chi-square, any covariance", "#D55E00", "^"),
    "wild, groups": Look("wild, groups", "wild F, groups told", "#009E73", "P"),
    "wild-t, groups": Look("wild-t, groups", "wild F, t weights, groups told", "#56B4E9", "s"),
    "F, mean points": Look("F, mean points", "F of the mean points", "#0072B2", "o"),
    "wild, mean points": Look("wild, mean points", "wild F of the mean points", "#009E73", "P"),
    "raters": Look("raters", "F, rater as the unit", "#7B3294", "d"),
    "raters-permuted": Look("raters-permuted", "permuted raters", "#000000", "*"),
}
HOLLOW = {"bartlett, both, any covariance", "chi2, both, any covariance", "wild, groups", "wild-t, groups", "F, mean points",
          "wild, mean points"}


def shown(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows at the level of the figures, of tests that have a look."""
    return rows[(rows["level"] == LEVEL) & rows["test"].isin(list(LOOKS))]


def dots(ax: Axes, rows: pd.DataFrame, names: Sequence[object], column: str) -> None:
    """Sizes by category: a column of dots with 99 % intervals for each value of a column, one dot for each test."""
    tests = present(rows)
    for test, aside in zip(tests, panels.steps(len(tests), _SLOT), strict=True):
        mine = rows[rows["test"] == test].set_index(column)
        places = [i for i, name in enumerate(names) if name in mine.index]
        _points(ax, np.array(places) + aside, mine.loc[[names[i] for i in places]], test, line="none")
    ax.set_xticks(range(len(names)), [str(name).replace(" ", "\n", 1) for name in names])
    ax.set_xlim(-0.5, len(names) - 0.5)


def curve(ax: Axes, rows: pd.DataFrame) -> None:
    """Power against the stretch of one axis, per cent; nought is the size."""
    for test in reversed(present(rows)):  # the first of the legend on top
        mine = rows[rows["test"] == test].sort_values("stretch")
        _points(ax, 100.0 * mine["stretch"].to_numpy(), mine, test, line="-")
    ax.axhline(LEVEL, color=style.INK, lw=0.6, zorder=1, gid="nominal")
    ax.set_ylim(-0.02, 1.04)


def present(rows: pd.DataFrame) -> list[str]:
    """The tests of some rows, in the order of the legend."""
    return [test for test in LOOKS if (rows["test"] == test).any()]


def size_axis(ax: Axes, rows: pd.DataFrame) -> None:
    """A logarithmic axis of rejections, with the nominal level, its Monte Carlo band and the declared margin."""
    half = panels.half_band(LEVEL, float(rows["replicates"].max()))
    ax.axhspan(max(LEVEL - half, 0.5 * _LEAST), LEVEL + half, color=style.PALE, lw=0, zorder=0, gid="band")
    ax.axhline(LEVEL, color=style.INK, lw=0.6, zorder=1, gid="nominal")
    margin = float(rows["margin"].iloc[0])
    for edge in (LEVEL - margin, LEVEL + margin):
        ax.axhline(edge, color=style.INK, lw=0.5, ls=(0, (4, 3)), zorder=1, gid="margin")
    ax.set_yscale("log")
    ax.set_ylim(_LEAST, _MOST)
    ax.yaxis.set_major_locator(FixedLocator(_TICKS))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def handles(tests: Sequence[str]) -> list[Line2D | Patch]:
    """What stands in a legend for tests, the level and the margin."""
    marks: list[Line2D | Patch] = [LOOKS[test].handle(mfc=_fill(test), ms=3.0) for test in tests]
    return [*marks, *panels.nominal_handles(margin=True)]


def spans(rows: pd.DataFrame) -> str:
    """The span of rejections of each test: ``F 0.046 to 0.052; ...``."""
    looks: Mapping[str, Look] = LOOKS
    return "; ".join(f"{looks[test].label} {part.min():.3f} to {part.max():.3f}" for test in present(rows)
                     for part in [rows.loc[rows["test"] == test, "rejected"]])


def _points(ax: Axes, x: np.ndarray, rows: pd.DataFrame, test: str, line: str) -> None:
    look, share = LOOKS[test], rows["rejected"].to_numpy()
    low, high = (rows[f"rejected_{end}"].to_numpy() for end in ("low", "high"))
    shown_share = np.clip(share, _LEAST, None) if line == "none" else share
    ax.errorbar(x, shown_share, yerr=[np.clip(shown_share - low, 0.0, None), np.clip(high - shown_share, 0.0, None)],
                color=look.colour, marker=look.marker, ms=3.0, mfc=_fill(test), ls=line, lw=0.7, elinewidth=0.6, zorder=3,
                clip_on=line == "none", gid=f"test {test}")


def _fill(test: str) -> str:
    return "white" if test in HOLLOW else LOOKS[test].colour
