"""Coverage against n: one line for each estimator, with the 99 % interval of every mean. The values of n stand evenly spaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from . import panels, style

_SLOT = 0.62  # share of the room between two values of n that the markers of one of them take


def lines(ax: Axes, rows: pd.DataFrame, found: Mapping[str, style.Look], places: Mapping[int, int], *,
          hollow: Sequence[str] = (), dashes: Any = "-", part: tuple[int, int] = (0, 1), size: float = 3.0,
          bar: float = 0.7) -> None:
    """The lines of one panel: mean coverage against n, moved aside a little so that equal ones can be told apart.

    Parameters
    ----------
    ax : Axes
    rows : DataFrame
        Of a summary, one row for each estimator and n.
    found : mapping
        Looks of the estimators.
    places : mapping
        Where each n stands, from `count_axis`.
    hollow : sequence of str
        Models whose markers are hollow and whose lines are dashed.
    dashes : line style
        Of all others.
    part : tuple of int
        Which of how many groups of lines these are; each group stands aside a little more.
    size, bar : float
        Of markers and of the bars of intervals, points.
    """
    present = [name for name in found if (rows["estimator"] == name).any()]
    for name, aside in zip(present, panels.steps(len(present) * part[1], _SLOT)[part[0]::part[1]], strict=True):
        mine, look = rows[rows["estimator"] == name].sort_values("n"), found[name]
        open_marker = mine["model"].iloc[0] in hollow
        x = np.array([places[n] for n in mine["n"]]) + aside
        mean, low, high = (mine[f"coverage_mean{end}"].clip(0.0, 1.0) for end in ("", "_low", "_high"))
        ax.errorbar(x, mean, yerr=np.maximum([mean - low, high - mean], 0.0), color=look.colour, marker=look.marker, ms=size,
                    clip_on=False, mfc="white" if open_marker else look.colour, ls=(0, (2, 1.5)) if open_marker else dashes,
                    lw=0.7, elinewidth=bar, zorder=3, gid=f"line {name}")


def count_axis(ax: Axes, counts: pd.Series) -> dict[int, int]:
    """An axis with an evenly spaced tick for every n; returns where each stands."""
    values = sorted(counts.unique())
    ax.set_xticks(range(len(values)), [f"{n}" for n in values])
    ax.set_xlim(-0.5, len(values) - 0.5)
    return {n: i for i, n in enumerate(values)}
