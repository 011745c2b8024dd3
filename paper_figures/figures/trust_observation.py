"""Which method covers where, for ``observation``: estimators down, kinds of scenario across."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from .. import style, trust
from ..asked import LEVEL

TITLE = "Which method covers where: observation"
NEEDS = ("grand/summary",)
KIND = "observation"


@style.styled
def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Departures of the coverage from nominal, the worst scenario of each column."""
    rows = trust.shown(tables, KIND, LEVEL)
    return trust.draw(rows, "coverage", trust.coverage_scale(float(rows["margin"].iloc[0])))


def caption(tables: Mapping[str, pd.DataFrame]) -> str:
    """What a colour means, the size of the run, and where the default covers."""
    return trust.coverage_caption(trust.shown(tables, KIND, LEVEL), KIND)
