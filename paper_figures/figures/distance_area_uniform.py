"""Mean area of the region of every target against its distance to the nearest fiducial, uniform fiducials."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from .. import by_distance, style

TITLE = "Area of regions against distance to the nearest fiducial, uniform fiducials"
NEEDS = ("icip/coverage",)
LAYOUT = "uniform"


@style.styled
def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """A panel for each n, truth and model."""
    return by_distance.draw(tables["icip/coverage"], LAYOUT, by_distance.AREA, "mean area (px²)")


def caption(tables: Mapping[str, pd.DataFrame]) -> str:
    """What is shown, on how many replicates areas were taken, and their largest relative Monte Carlo error."""
    return by_distance.area_caption(tables["icip/coverage"], LAYOUT)
