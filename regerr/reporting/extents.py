"""How far regions reach, and where points lie among fiducials."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ..geometry.rays import flat
from ..regions import Ellipsoid, Region
from .boundaries import boundaries

_HULL_SLACK = 1e-9  # of the fiducials' size: a target on the hull is inside


def half_axes(region: Region) -> np.ndarray:
    """Half-lengths of the regions of one dataset, (m, d), longest first, target units; infinite where unbounded.

    Those of an ellipsoid, or of the box about the prediction that holds the region, along the principal axes of the first-order
    covariance; the latter to about 1 %.
    """
    return Extents.of(region, region.bounded).half_axes


def radius(region: Region) -> np.ndarray:
    """Largest distance of a region from its prediction, (m,), target units; infinite where unbounded."""
    return Extents.of(region, region.bounded).radius


@dataclass(frozen=True, eq=False)
class Extents:
    """How far m regions of one dataset reach; infinite where unbounded.

    Attributes
    ----------
    radius : (m,)
        Largest distance from the prediction, target units.
    half_axes : (m, d)
        Half-lengths, longest first.
    volume : (m,)
        Area or volume.
    """

    radius: np.ndarray
    half_axes: np.ndarray
    volume: np.ndarray

    @classmethod
    def of(cls, region: Region, closed: np.ndarray) -> Extents:
        """Those of regions of which it is known whether they are bounded, (m,) bool."""
        if isinstance(region, Ellipsoid):
            finite = np.isfinite(region.matrix).all((-2, -1))
            values = np.linalg.eigvalsh(np.where(finite[..., None, None], region.matrix, 0.0))[..., ::-1]
            lengths = np.where(finite[..., None], np.sqrt(np.maximum(values, 0.0)), np.inf)
            return cls(lengths[..., 0], lengths, region.volume)
        axes = _axes(region)
        far, lengths, content = np.zeros(len(closed)), np.zeros(region.prediction.targets.shape), np.zeros(len(closed))
        for some in boundaries(region, closed):
            at = some.targets[some.row]
            np.maximum.at(far, at, np.linalg.norm(some.offsets, axis=-1))
            np.maximum.at(lengths, at, np.abs(np.einsum("kd,kdi->ki", some.offsets, axes[at])))
            content[some.targets] = some.content
        odd = np.flatnonzero(np.isnan(content) & closed)
        if len(odd):
            content[odd] = flat(region, odd).volume[:, 0]
        return cls(np.where(closed, far, np.inf), np.where(closed[:, None], np.sort(lengths, -1)[:, ::-1], np.inf),
                   np.where(closed, content, np.inf))

    def joined(self, other: Extents) -> Extents:
        """Those of two sets of regions."""
        return Extents(*(np.concatenate([getattr(self, one.name), getattr(other, one.name)]) for one in fields(self)))


def _axes(region: Region) -> np.ndarray:
    """Principal axes (m, d, d), in columns, of the first-order covariances; of the noise where those are not finite."""
    covariance = region.prediction.covariance
    finite = np.isfinite(covariance).all((-2, -1))[:, None, None]
    return np.linalg.eigh(np.where(finite, covariance, region.prediction.fit.noise_covariance))[1]


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
