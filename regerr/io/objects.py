"""Sheets from the objects that a user holds: what `sheet` turns into pairs and points, the other way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..pairs import FiducialPairs, Unused
from .frame import Frame
from .sheet import Sheet, Side

if TYPE_CHECKING:
    from .reading import Points


def sheet_of_pairs(pairs: FiducialPairs) -> Sheet:
    """Pairs and what is unused as the rows of a sheet; raises InputError for a batch."""
    if pairs.batch_shape:
        raise InputError(f"these pairs are a batch of shape {pairs.batch_shape}: write one dataset, pairs[i]")
    sides = [_side(getattr(pairs, space), [getattr(u, space) for u in pairs.unused], getattr(pairs, f"{space}_unit"),
                   getattr(pairs, f"{space}_covariance"), Frame(origin=getattr(pairs, f"{space}_origin")))
             for space in ("source", "target")]
    names, reasons = _rows(pairs.names, pairs.unused)
    return Sheet("the pairs", "pairs", sides[0], sides[1], tuple(range(1, len(names) + 1)), reasons, names, gate=pairs.gate)


def _side(points: np.ndarray, unused: Sequence[tuple[float, ...] | None], unit: str | None, covariance: np.ndarray | None,
          frame: Frame) -> Side:
    return Side(np.vstack([points, *(_row(point, points) for point in unused)]), unit, _extended(covariance, len(unused)), frame)


def sheet_of_points(points: Points) -> Sheet:
    """Points and what is unused as the rows of a sheet."""
    names, reasons = _rows(points.names, points.unused)
    side = _side(points.points, [u.source for u in points.unused], points.unit, points.covariance,
                 Frame(points.frame, points.origin, points.upward))
    return Sheet("the points", "points", side, None, tuple(range(1, len(names) + 1)), reasons, names)


def _rows(names: tuple[str, ...], unused: tuple[Unused, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return (*names, *(u.name for u in unused)), (*("" for _ in names), *(u.reason or "not used" for u in unused))


def _row(point: tuple[float, ...] | None, own: np.ndarray) -> np.ndarray:
    return np.full((1, own.shape[1]), np.nan) if point is None or len(point) != own.shape[1] else np.array([point])


def _extended(covariance: np.ndarray | None, extra: int) -> np.ndarray | None:
    """Rows of a mean covariance for points that have none, of NaN where all lack one."""
    if covariance is None or not extra:
        return covariance
    mean = covariance.mean(0) if len(covariance) else np.full(covariance.shape[1:], np.nan)
    return np.concatenate([covariance, np.repeat(mean[None], extra, axis=0)])
