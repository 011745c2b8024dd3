"""What a person is told of a map that was written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .text import number, paragraph

if TYPE_CHECKING:
    from ..error_map import ErrorMap
    from ..large_maps import Spread


def map_report(made: ErrorMap, spread: Spread, paths: Sequence[Path]) -> str:
    """What was mapped, and where it was written.

    Parameters
    ----------
    made : ErrorMap
        Of which the values are not looked at.
    spread : Spread
        Of its values.
    paths : sequence of Path
    """
    size = " x ".join(map(str, made.values.shape[::-1]))
    step = " x ".join(number(s) for s in made.spacing)
    bounded = np.isfinite(spread.least)
    span = f"from {number(spread.least)} to {number(spread.most)} {made.unit}" if bounded else "unbounded everywhere"
    lines = [f"{made.label}, {span}, over {size} pixels of {step} {made.grid_unit} in the {made.image}; "
             f"{100 * spread.extrapolated:.0f} % of them lie outside the fiducials."]
    lines += [f"Unbounded in {100 * spread.unbounded:.0f} % of the pixels."] if bounded and spread.unbounded > 0 else []
    lines += ["Maps show the quick Wald ellipse; with few fiducials the region of `regerr predict` is larger."] \
        if made.level is not None else []
    return "\n".join([paragraph(" ".join(lines)), *(f"Wrote {path}." for path in paths)])
