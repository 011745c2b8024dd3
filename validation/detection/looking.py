"""Spots of simulated images, found with what a user would tell, and the beads that they show."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from regerr.detection import Camera, Spots, detect
from simulations.images import BeadImage, Electron
from simulations.images.scene import Modality


def spots_of(image: BeadImage, modality: Modality, camera: Camera | None) -> Spots:
    """`regerr.detect`, told the size of a pixel, what beads look like, and the camera where there is one."""
    dark = isinstance(modality, Electron)
    return detect(image.counts, tuple(image.field.steps), unit=image.field.unit, bright=not dark, camera=camera,
                  profile="disc" if dark else "gaussian")


def reach(modality: Modality) -> float:
    """How far from a bead its spot may lie: 2 s.d. of a spot, the radius of a disc."""
    return modality.reach / 2.0


def paired(truth: np.ndarray, found: np.ndarray, within: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices of beads and of their spots: one to one, the sum of distances least, none beyond ``within``."""
    if not len(truth) or not len(found):
        return np.zeros(0, int), np.zeros(0, int)
    distance = cdist(truth, found)
    rows, columns = linear_sum_assignment(np.minimum(distance, 2.0 * within))
    near = distance[rows, columns] <= within
    return rows[near], columns[near]
