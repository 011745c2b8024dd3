"""The second study, affine models: coverage against n and noise, for each question and dimension."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from .. import by_noise, style

TITLE = "Coverage against noise and number of fiducials: affine models"
NEEDS = ("regions/summary",)
FAMILY = "affine"


@style.styled
def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Questions down, dimension and noise across."""
    return by_noise.draw(tables["regions/summary"], FAMILY)


def caption(tables: Mapping[str, pd.DataFrame]) -> str:
    """The band, the margin, and the span of every method."""
    return by_noise.caption(tables["regions/summary"], FAMILY)
