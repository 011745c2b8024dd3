"""What a user hands over, checked once: point sets, a scale, levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError

LEAST = 5  # points on each side, and pairs


@dataclass(frozen=True, eq=False)
class Given:
    """Points (n, d) of one space with what is known of them."""

    points: np.ndarray
    names: tuple[str, ...]
    unit: str
    covariance: np.ndarray | None
    origin: str | None = None


def given(points: Any, space: str, least: int = LEAST) -> Given:
    """An array (n, d), or Points that were read from a file; raises InputError."""
    values = getattr(points, "points", points)
    try:
        x = np.array(values, float)
    except (TypeError, ValueError):
        raise InputError(f"the {space} is no array of numbers: give points (n, 2) or (n, 3)") from None
    if x.ndim != 2 or x.shape[1] not in (2, 3):
        raise InputError(f"the {space} has shape {x.shape}: give points (n, 2) or (n, 3) of one dataset")
    names = tuple(map(str, getattr(points, "names", None) or range(1, len(x) + 1)))
    bad = np.flatnonzero(~np.isfinite(x).all(1))
    if len(bad):
        raise InputError(f"the {space} holds NaN or infinity in point {names[bad[0]]!r}: leave out such points")
    if len(x) < least:
        raise InputError(f"the {space} holds {len(x)} points: matching needs at least {least} on each side")
    centred = x - x.mean(0)
    spread = np.linalg.svd(centred, compute_uv=False)
    if not spread[1] > 1e-10 * max(spread[0], np.abs(x).max() * 1e-3):
        raise InputError(f"the points of the {space} lie on one line or at one place: matching needs points off it")
    return Given(x, names, getattr(points, "unit", None) or "px", getattr(points, "covariance", None),
                 getattr(points, "origin", None))


def same_dimension(source: Given, target: Given) -> int:
    """2 or 3; raises InputError for mixed dimensions."""
    d, e = source.points.shape[1], target.points.shape[1]
    if d != e:
        raise InputError(f"the source is {d}D and the target is {e}D: give both in one dimension")
    return d


def checked_scale(scale: Any, keeps_size: bool) -> tuple[float, float] | None:
    """Bounds on the scale, or None; raises InputError."""
    if scale is None:
        return None
    if keeps_size:
        raise InputError("scale bounds are for similarity and affine: a known scale of a rigid map is "
                         "model=regerr.models.Rigid(scale)")
    try:
        low, high = (float(value) for value in scale)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0
    if not 0 < low < high < np.inf:
        raise InputError(f"scale is {scale!r}: give two bounds, target units per source unit, such as (0.5, 2)")
    return low, high


def checked_share(name: str, value: Any, high: float = 1.0) -> float:
    """A number between 0 and a bound; raises InputError."""
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = -1.0
    if not 0 < share < high:
        raise InputError(f"{name} is {value!r}: give a number between 0 and {high:g}")
    return share
