"""The verdicts of the second study: estimator and question by scenario, a block for each family."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .. import heat, style
from ..asked import LEVEL

TITLE = "Verdicts: regions against noise and number of fiducials"
NEEDS = ("regions/summary",)


@style.styled
def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """A block of rows for each family; columns by dimension, n, noise and layout."""
    summary = tables["regions/summary"]
    summary = summary[summary["level"] == LEVEL]
    families = [rows for _, rows in summary.groupby("family", sort=False)]
    heights = [rows[["estimator", "kind"]].drop_duplicates().shape[0] for rows in families]
    drawn = style.figure(style.PAGE, 26.0 + 16.0 * len(families) + 2.9 * sum(heights))
    axes = np.atleast_1d(drawn.subplots(len(families), 1, height_ratios=heights))
    for ax, rows in zip(axes, families, strict=True):
        columns = heat.scenarios(rows, ("dimension", "n", "noise", "layout"))
        heat.cells(ax, rows, columns, written=False)
        heat.name_columns(ax, columns, depth=2)
        ax.set_title(f"{rows['family'].iloc[0]} models", loc="left")
    heat.legend(drawn)
    return drawn


def caption(tables: Mapping[str, pd.DataFrame]) -> str:
    """The margin, what the narrow columns are, and how many verdicts of each kind each method got."""
    summary = tables["regions/summary"]
    layouts, noises = summary["layout"].unique(), sorted(summary["noise"].unique())
    columns = (f"Within each n, from left to right: noise {', '.join(f'{noise:g}' for noise in noises)} of the "
               f"fiducials' spread, each with "
               f"the layouts {', '.join(layouts)}.")
    return heat.caption(summary, LEVEL, columns)
