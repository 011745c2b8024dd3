"""The leave-one-out disk, as the ICIP 2021 study draws it.

Each pair is predicted from all others; the disk about a predicted target has the level's percentile of these distances as its
radius. It is the same wherever the target lies, so it covers among the fiducials and fails away from them (theory, section 15).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import InputError
from ..geometry.contours import Mesh
from ..predictions import checked_level, checked_targets
from ..results import RegistrationResult


def leave_one_out(result: RegistrationResult, targets: Any) -> LeaveOneOutPrediction:
    """Predict targets with leave-one-out disks.

    Parameters
    ----------
    result : RegistrationResult
        Batch shape (...).
    targets : (m, d) or (..., m, d)
        Points in the source. The method knows one kind of question and gives its disk for all.

    Raises
    ------
    UndeterminedError
        When the pairs are too few for leaving one out.
    """
    points = checked_targets(targets, result.pairs.batch_shape, result.pairs.dimension)
    return LeaveOneOutPrediction(result.transform.apply(points), _distances(result))


@dataclass(frozen=True, eq=False)
class LeaveOneOutPrediction:
    """Predicted points and the distances that their disks are made of.

    Attributes
    ----------
    mean : (..., m, d)
        Predicted points.
    distances : (..., n)
        Length of each leave-one-out residual, target units; infinite for a pair that the others cannot predict.
    """

    mean: np.ndarray
    distances: np.ndarray

    @property
    def rms(self) -> np.ndarray:
        """Root mean square leave-one-out distance, the same for all targets, (..., m)."""
        rms = np.sqrt(np.mean(self.distances**2, axis=-1))
        return np.broadcast_to(rms[..., None], self.mean.shape[:-1])

    def region(self, level: float = 0.95) -> Disk:
        """Disks whose radius is that percentile of the distances, by linear interpolation."""
        share = checked_level(level)
        with np.errstate(invalid="ignore"):  # between two infinite distances
            radius = np.quantile(self.distances, share, axis=-1)
        radius = np.where(np.isnan(radius) & ~np.isnan(self.distances).any(-1), np.inf, radius)
        return Disk(self.mean, radius[..., None], share)


@dataclass(frozen=True, eq=False)
class Disk:
    """Disks, or balls in 3D, about predicted points.

    Attributes
    ----------
    mean : (..., m, d)
    radius : (..., 1)
        One for all targets of a dataset, target units; infinite where unbounded, NaN for a failed dataset.
    level : float
    """

    mean: np.ndarray
    radius: np.ndarray
    level: float

    def excess(self, points: Any) -> np.ndarray:
        """Distance over radius, (..., m): at most 1 inside, 1 on the boundary; NaN for a failed dataset."""
        e = np.asarray(points, float) - self.mean
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.sqrt(np.einsum("...d,...d->...", e, e)) / self.radius

    def contains(self, points: Any) -> np.ndarray:
        """Whether points lie inside, (..., m) bool; a failed dataset contains nothing."""
        e = np.asarray(points, float) - self.mean
        return np.asarray(np.einsum("...d,...d->...", e, e) <= self.radius**2)

    @property
    def bounded(self) -> np.ndarray:
        """Whether each disk is bounded, (..., m) bool."""
        return np.broadcast_to(~np.isinf(self.radius), self.mean.shape[:-1])

    @cached_property
    def volume(self) -> np.ndarray:
        """Area in 2D, volume in 3D, (..., m), target units to that power."""
        d = self.mean.shape[-1]
        content = math.pi ** (d / 2) / math.gamma(d / 2 + 1) * self.radius**d
        return np.broadcast_to(content, self.mean.shape[:-1])

    def boundary(self, resolution: int = 64) -> list[Any]:
        """For each target of one dataset a list of one closed circle (resolution + 1, 2), or a mesh in 3D; none when unbounded.

        Raises
        ------
        InputError
            For a batch.
        """
        if self.mean.ndim != 2:
            raise InputError(f"a boundary is drawn for one dataset, and these predictions have shape {self.mean.shape}: "
                             "predict from result[i]")
        radius = float(self.radius[0])
        if self.mean.shape[-1] == 2:
            angle = np.linspace(0.0, 2.0 * math.pi, resolution + 1)
            circle = np.stack([np.cos(angle), np.sin(angle)], -1)
            return [[point + radius * circle] if math.isfinite(radius) else [] for point in self.mean]
        vertices, faces = _sphere(resolution)
        kept = faces if math.isfinite(radius) else faces[:0]
        return [Mesh(point + (radius * vertices if len(kept) else vertices[:0]), kept) for point in self.mean]


def _sphere(resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """Evenly spread points on the unit sphere (about resolution^2 / 4) and the outward faces of their hull."""
    from scipy.spatial import ConvexHull

    k = max(resolution**2 // 4, 12)
    height = 1.0 - (2.0 * np.arange(k) + 1.0) / k
    angle = math.pi * (1.0 + math.sqrt(5.0)) * np.arange(k)
    across = np.sqrt(1.0 - height**2)
    points = np.stack([across * np.cos(angle), across * np.sin(angle), height], -1)
    faces = ConvexHull(points).simplices.astype(int)
    a, b, c = np.moveaxis(points[faces], 1, 0)
    inward = np.einsum("fd,fd->f", np.cross(b - a, c - a), a) < 0
    return points, np.where(inward[:, None], faces[:, ::-1], faces)


def _distances(result: RegistrationResult) -> np.ndarray:
    left_out = result.leave_one_out()
    distances = np.sqrt(np.einsum("...d,...d->...", left_out, left_out))
    unpredicted = np.isnan(distances) & (result.failure == 0)[..., None]
    return np.where(unpredicted, np.inf, distances)
