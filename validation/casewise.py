"""What a table with one row per case says: shares and means, each with its Monte Carlo error over cases."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .measures import bounds_of_share

CONFIDENCE = 0.99  # of intervals


def share(value: float, count: float) -> tuple[float, float, float]:
    """A share of so many cases, and its interval."""
    low, high = bounds_of_share(np.array(value), np.array(float(count)), 0.5 + CONFIDENCE / 2)
    return float(value), float(low), float(high)


def share_columns(table: pd.DataFrame, name: str) -> dict[str, float]:
    """The share of cases in which a column of 0 and 1 is 1, and its interval."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), share(table[name].mean(), len(table)), strict=True))


def mean_columns(values: pd.Series, name: str) -> dict[str, float]:
    """The mean over the cases that have a value, and its standard error."""
    return {name: values.mean(), f"{name}_se": values.std() / np.sqrt(max(values.count(), 1))}
