"""Box plots of coverage and area over targets, rigid beside affine models, gathered fiducials."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from .. import boxes, style

TITLE = "Rigid and affine models: coverage and area, gathered fiducials"
NEEDS = ("icip/coverage",)
LAYOUT = "gathered"


@style.styled
def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Two rows (coverage, area) and a column for each truth."""
    return boxes.draw(tables["icip/coverage"], LAYOUT)


def caption(tables: Mapping[str, pd.DataFrame]) -> str:
    """How the boxes are made, the band, and median areas."""
    return boxes.caption(tables["icip/coverage"], LAYOUT)
