"""How large regions are where they were measured, for ``observation``: estimators down, kinds of scenario across."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from .. import style, trust
from ..asked import LEVEL

TITLE = "How large the regions are: observation"
NEEDS = ("grand/summary",)
KIND = "observation"


@style.styled
def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Size over the oracle's, the median scenario of each column."""
    return trust.draw(trust.shown(tables, KIND, LEVEL), "size", trust.SIZES)


def caption(tables: Mapping[str, pd.DataFrame]) -> str:
    """What a size is, the size of the run, and the range of the default."""
    return trust.size_caption(trust.shown(tables, KIND, LEVEL), KIND)
