"""How far regions reach, and where points lie among fiducials."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .regions import Region

_CURVE_POINTS = 96
_HULL_SLACK = 1e-9  # of the fiducials' size: a target on the hull is inside


def half_axes(region: Region) -> np.ndarray:
    """Half-lengths of the regions of one dataset, (m, d), longest first, target units; infinite where unbounded.

    Those of an ellipsoid, or of the box about the prediction that holds the region, along the principal axes of the first-order
    covariance.
    """
    matrix = getattr(region, "matrix", None)
    if matrix is not None:
        finite = np.isfinite(matrix).all((-2, -1))
        values = np.linalg.eigvalsh(np.where(finite[..., None, None], matrix, 0.0))[..., ::-1]
        return np.where(finite[..., None], np.sqrt(np.maximum(values, 0.0)), np.inf)
    out = np.full(region.prediction.targets.shape, np.inf)
    covariance = region.prediction.covariance
    for i, offsets in _offsets(region):
        out[i] = _half_box(offsets, covariance[i])
    return out


def radius(region: Region) -> np.ndarray:
    """Largest distance of a region from its prediction, (m,), target units; infinite where unbounded."""
    if hasattr(region, "matrix"):
        return half_axes(region)[..., 0]
    out = np.full(len(region.prediction.targets), np.inf)
    for i, offsets in _offsets(region):
        out[i] = np.linalg.norm(offsets, axis=-1).max(initial=0.0)
    return out


def _offsets(region: Region) -> list[tuple[int, np.ndarray]]:
    """For each bounded region its number and its boundary's points, about the prediction: (k, d)."""
    closed = np.flatnonzero(region.bounded)
    if not len(closed):
        return []
    prediction = replace(region.prediction, targets=region.prediction.targets[closed])
    pieces = replace(region, prediction=prediction).boundary(_CURVE_POINTS)
    return [(int(i), _vertices(piece, len(mean)) - mean) for i, piece, mean in zip(closed, pieces, prediction.mean, strict=True)]


def outside(fiducials: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Whether targets (m, d) lie outside the convex hull of the fiducials (n, d), (m,) bool.

    Fiducials on a line, or in a plane of a volume, have no inside.
    """
    from scipy.spatial import ConvexHull, QhullError

    centre = fiducials.mean(0)
    size = np.abs(fiducials - centre).max()
    try:
        hull = ConvexHull((fiducials - centre) / size).equations
    except (QhullError, ValueError):
        return np.ones(len(targets), bool)
    points = (targets - centre) / size
    return np.asarray((points @ hull[:, :-1].T + hull[:, -1] > _HULL_SLACK).any(-1))


def reach(fiducials: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Distance of targets (m, d) from the fiducials' centroid, over that of the outermost fiducial, (m,)."""
    centre = fiducials.mean(0)
    return np.asarray(np.linalg.norm(targets - centre, axis=-1) / np.linalg.norm(fiducials - centre, axis=-1).max())


def _half_box(offsets: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Largest component of offsets (k, d) along each principal axis, longest first."""
    if not np.isfinite(covariance).all():
        covariance = offsets.T @ offsets
    axes = np.linalg.eigh(covariance)[1]
    return np.sort(np.abs(offsets @ axes).max(0, initial=0.0))[::-1]


def _vertices(piece: Any, d: int) -> np.ndarray:
    """All points of the boundary at one target, of its curves or of its mesh."""
    if d == 3:
        return np.asarray(piece.vertices)
    return np.concatenate(piece) if len(piece) else np.empty((0, 2))
