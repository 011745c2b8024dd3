"""Parts of what an experiment delivered: one dataset to look at again, or the first ones for whoever is slow."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from simulations import Observed, Targets


def taken(observed: Observed, index: int | slice) -> Observed:
    """One dataset of a batch, or some; what all datasets share stays."""
    targets = observed.targets
    pick = {f.name: rows(getattr(targets, f.name), index) for f in fields(targets)}
    transform: Any = observed.true_transform
    return replace(observed, pairs=observed.pairs[index], targets=Targets(**pick), spoiled=observed.spoiled[index],
                   true_transform=transform if len(np.shape(transform.matrix)) == 2 else transform[index],
                   true_source=rows(observed.true_source, index), true_target=rows(observed.true_target, index))


def rows(points: np.ndarray, index: int | slice) -> np.ndarray:
    """The points of some datasets, (m, d) or (b, m, d); those that all datasets share stay."""
    return points[index] if points.ndim > 2 else points
