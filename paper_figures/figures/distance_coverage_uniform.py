"""Coverage of every target against its distance to the nearest fiducial, fiducials uniform over the image."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from .. import by_distance, style

TITLE = "Coverage against distance to the nearest fiducial, uniform fiducials"
NEEDS = ("icip/coverage", "icip/summary")
LAYOUT = "uniform"


@style.styled
def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """A panel for each n, truth and model, with the nominal level and its Monte Carlo band."""
    return by_distance.draw(tables["icip/coverage"], LAYOUT, by_distance.COVERAGE, "coverage")


def caption(tables: Mapping[str, pd.DataFrame]) -> str:
    """What is shown, the band, and the mean coverage of each method with the right model and without."""
    return by_distance.coverage_caption(tables["icip/coverage"], tables["icip/summary"], LAYOUT)
