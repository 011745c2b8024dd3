"""The verdicts of the ICIP study: estimator by scenario."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .. import heat, style
from ..asked import LEVEL, asked, kinds

TITLE = "Verdicts: the ICIP study"
NEEDS = ("icip/summary",)


@style.styled
def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """One block of cells for each question, with the mean coverage written in every cell."""
    summary = tables["icip/summary"]
    questions, columns = kinds(summary), heat.scenarios(summary, ("truth", "layout", "n"))
    estimators = summary["label"].nunique()
    drawn = style.figure(style.PAGE, 30.0 + len(questions) * (5.0 + 4.2 * estimators))
    axes = np.atleast_1d(drawn.subplots(len(questions), 1, sharex=True))
    for ax, kind in zip(axes, questions, strict=True):
        heat.cells(ax, asked(summary, kind), columns, written=True)
        ax.set_title(kind, loc="left")
    heat.name_columns(axes[-1], columns)
    heat.legend(drawn)
    return drawn


def caption(tables: Mapping[str, pd.DataFrame]) -> str:
    """The margin and how many verdicts of each kind there are, ours and the published with the right model."""
    return heat.caption(tables["icip/summary"], LEVEL, "In each cell: the mean coverage over targets.")
