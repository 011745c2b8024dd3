"""How far regions reach, and where points lie among fiducials."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..geometry.charts import charts_of
from ..geometry.rays import Field, Scan, flat
from ..models.base import mapped

if TYPE_CHECKING:
    from ..regions import Region

_ROWS = 256  # regions measured at a time
_DIRECTIONS = {2: 64, 3: 400}
_RADII = np.array([0.5, 1.0, 1.5, 2.0, 3.0, 4.5, 7.0, 12.0, 30.0, 100.0, 1e3, 1e5])  # in half-axes of the chart
_HULL_SLACK = 1e-9  # of the fiducials' size: a target on the hull is inside


def half_axes(region: Region) -> np.ndarray:
    """Half-lengths of the regions of one dataset, (m, d), longest first, target units; infinite where unbounded.

    Those of an ellipsoid, or of the box about the prediction that holds the region, along the principal axes of the first-order
    covariance; the latter to about 1 %, in space to 3 %.
    """
    matrix = getattr(region, "matrix", None)
    if matrix is not None:
        finite = np.isfinite(matrix).all((-2, -1))
        values = np.linalg.eigvalsh(np.where(finite[..., None, None], matrix, 0.0))[..., ::-1]
        return np.where(finite[..., None], np.sqrt(np.maximum(values, 0.0)), np.inf)
    axes = _axes(region)
    out = _start(region, region.prediction.targets.shape)
    for rows, row, offsets in _boundaries(region):
        lengths = np.abs(np.einsum("kd,kdi->ki", offsets, axes[rows[row]]))
        np.maximum.at(out, rows[row], lengths)
    return np.sort(out, -1)[:, ::-1]


def radius(region: Region) -> np.ndarray:
    """Largest distance of a region from its prediction, (m,), target units; infinite where unbounded."""
    if hasattr(region, "matrix"):
        return half_axes(region)[..., 0]
    out = _start(region, region.prediction.targets.shape[:1])
    for rows, row, offsets in _boundaries(region):
        np.maximum.at(out, rows[row], np.linalg.norm(offsets, axis=-1))
    return out


def _start(region: Region, shape: tuple[int, ...]) -> np.ndarray:
    """Zero where a region is bounded, infinite where it is not."""
    return np.where(region.bounded.reshape(-1, *(1,) * (len(shape) - 1)), 0.0, np.inf) + np.zeros(shape)


def _axes(region: Region) -> np.ndarray:
    """Principal axes (m, d, d), in columns, of the first-order covariances; of the noise where those are not finite."""
    covariance = region.prediction.covariance
    finite = np.isfinite(covariance).all((-2, -1))[:, None, None]
    return np.linalg.eigh(np.where(finite, covariance, region.prediction.fit.noise_covariance))[1]


def _boundaries(region: Region) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Points where rays leave bounded regions: numbers of N regions (N,), for each of K points which one (K,), where (K, d).

    Points are given about the predictions.
    """
    prediction = region.prediction
    if not np.trace(prediction.fit.noise_covariance) > 0:
        return
    closed = np.flatnonzero(region.bounded)
    directions = _directions(prediction.dimension)[..., None]
    for first in range(0, len(closed), _ROWS):
        part = flat(region, closed[first:first + _ROWS])
        for group, chart in charts_of(part):
            field = Field(flat(part, group), chart)
            scan = Scan.of(field, directions, _RADII)
            ray, row, s, _ = scan.crossings(field)
            points = mapped(chart, lambda a, row=row: a[..., row]).points(scan.direction[:, ray, row] * s)  # type: ignore[misc]
            yield closed[first:first + _ROWS][group], row, points.T - field.region.prediction.mean[row, 0]


def _directions(d: int) -> np.ndarray:
    """Unit vectors (d, K) all around."""
    k = np.arange(_DIRECTIONS[d]) + 0.5
    if d == 2:
        angle = 2.0 * np.pi * k / len(k)
        return np.stack([np.cos(angle), np.sin(angle)])
    height, angle = 1.0 - 2.0 * k / len(k), np.pi * (1.0 + 5.0**0.5) * k
    ring = np.sqrt(1.0 - height**2)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), height])


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
